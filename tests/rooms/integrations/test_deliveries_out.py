"""Messages to webhooks: signed so that the library verifies them, retried on schedule, never lost and never unbounded."""

from __future__ import annotations

import http.server
import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, update
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from saas.customers import profiles
from saas.integrations import deliveries_out, hooks, messages
from saas.integrations.models import Attempt, DeliveryOut, Hook
from saas.kit import errors, http_out, work
from saas.kit.db import db
from tests.letters import mailbox  # noqa: F401


class Receiver:
    """A company's own program: it keeps what it got and answers as it is told."""

    def __init__(self):
        self.got, self.status, self.headers = [], 204, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hear"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(autouse=True)
def alone(context):
    """Bringing messages is the platform's work over all companies: what earlier tests left must not be brought here."""
    with work.platform_unit(reason="test"):
        db.session.execute(delete(Hook))


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def hook(company, context, receiver):
    with work.unit(tenant_id=company.tenant_id):
        made, secret = hooks.make(url=receiver.url, topics=["customer.changed", "customer.deleted"], name="Till")
        db.session.flush()
        return made.id, secret


def deliver(company):
    """Bring what is due, as a worker would."""
    while deliveries_out.run(seconds=0):
        pass


def say(company, topic="customer.deleted", ids=("11111111-1111-4111-8111-111111111111",)):
    with work.unit(tenant_id=company.tenant_id):
        return messages.tell_ids(topic, list(ids))


def make_due(company):
    with work.unit(tenant_id=company.tenant_id):
        db.session.execute(update(DeliveryOut).values(due_at=func.now()))
        db.session.execute(update(Hook).values(not_before=None))


def held(company, hook_id):
    with work.unit(tenant_id=company.tenant_id):
        one = hooks.one(hook_id)
        rows = db.session.scalars(deliveries_out.of_hook(hook_id)).all()
        tries = db.session.scalars(select(Attempt).order_by(Attempt.id)).all()
        db.session.expunge_all()
        return one, rows, tries


class TestMessage:
    def test_the_library_verifies_what_arrives(self, company, hook, receiver, drain):
        hook_id, secret = hook
        with work.unit(tenant_id=company.tenant_id):
            customer = profiles.create(email="ada@example.com", first_name="Ada").id
        drain(company)
        deliver(company)
        headers, body = receiver.got[0]
        told = Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
        assert told["type"] == "customer.changed" and told["data"]["ids"] == [str(customer)]
        assert told["data"]["items"][0]["email"] == "ada@example.com"
        assert datetime.fromisoformat(told["timestamp"]) <= datetime.now(UTC)
        assert held(company, hook_id)[1][0].state == "done"

    def test_another_secret_does_not_verify_it(self, company, hook, receiver):
        say(company)
        deliver(company)
        headers, body = receiver.got[0]
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_" + "QUJD" * 10 + "QQ==").verify(
                body, {name.lower(): value for name, value in headers.items()}
            )

    def test_for_a_day_after_renewal_both_secrets_verify(self, company, hook, receiver):
        hook_id, old = hook
        with work.unit(tenant_id=company.tenant_id):
            new = hooks.renew_secret(hook_id)
        say(company)
        deliver(company)
        headers, body = receiver.got[0]
        plain = {name.lower(): value for name, value in headers.items()}
        assert Webhook(old).verify(body, plain) == Webhook(new).verify(body, plain)
        with work.unit(tenant_id=company.tenant_id):
            hooks.one(hook_id).previous_until = datetime.now(UTC) - timedelta(seconds=1)
            assert hooks.secrets_of(hooks.one(hook_id)) == [new]

    def test_a_mass_change_tells_ids_and_stays_small(self, company, hook, receiver):
        many = [f"11111111-1111-4111-8111-{number:012d}" for number in range(500)]
        say(company, "customer.changed", many)
        deliver(company)
        body = receiver.got[0][1]
        assert len(body) < 20_000 and json.loads(body)["data"] == {"ids": many}

    def test_only_who_wants_a_topic_hears_it(self, company, other_company, hook, receiver):
        assert say(company, "order.changed") == 0
        assert say(other_company) == 0


class TestSchedule:
    def test_what_is_not_taken_is_tried_again_with_the_same_id(self, company, hook, receiver):
        hook_id, _secret = hook
        receiver.status = 500
        say(company)
        deliver(company)
        assert held(company, hook_id)[1][0].state == "waiting"
        receiver.status = 200
        make_due(company)
        deliver(company)
        ids = {headers["webhook-id"] for headers, _body in receiver.got}
        assert len(receiver.got) == 2 and len(ids) == 1
        assert [attempt.status for attempt in held(company, hook_id)[2]] == [500, 200]

    def test_the_pauses_are_those_of_the_standard(self, company, hook, receiver):
        hook_id, _secret = hook
        receiver.status = 500
        say(company)
        pauses = []
        for _attempt in range(len(deliveries_out.PAUSES) + 1):
            make_due(company)
            deliver(company)
            with work.unit(tenant_id=company.tenant_id):
                pauses.append(db.session.scalar(select(func.extract("epoch", DeliveryOut.due_at - func.now()))))
        for pause, wanted in zip(pauses, deliveries_out.PAUSES, strict=False):
            assert 0.85 * wanted - 2 <= pause <= 1.15 * wanted
        one, rows, tries = held(company, hook_id)
        assert (rows[0].state, one.state, len(tries)) == ("given_up", "disabled", 10)

    @pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 500])
    def test_only_a_2xx_is_success(self, company, hook, receiver, status):
        hook_id, _secret = hook
        receiver.status, receiver.headers = status, {"Location": "http://169.254.169.254/"}
        say(company)
        deliver(company)
        assert held(company, hook_id)[1][0].state == "waiting" and len(receiver.got) == 1

    def test_gone_switches_it_off_at_once(self, company, hook, receiver, drain, context):
        hook_id, _secret = hook
        receiver.status = 410
        say(company)
        deliver(company)
        one, rows, _tries = held(company, hook_id)
        assert one.state == "disabled" and rows[0].state == "waiting"
        assert say(company) == 0

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_a_receiver_that_is_busy_is_left_in_peace(self, company, hook, receiver, status):
        hook_id, _secret = hook
        receiver.status, receiver.headers = status, {"Retry-After": "1800"}
        say(company)
        deliver(company)
        say(company)
        deliver(company)
        assert len(receiver.got) == 1
        with work.unit(tenant_id=company.tenant_id):
            left = db.session.scalar(select(func.extract("epoch", Hook.not_before - func.now())))
            due = db.session.scalar(select(func.extract("epoch", func.max(DeliveryOut.due_at) - func.now())))
        assert 1700 < left <= 1800 and due > 1700

    def test_a_wish_to_wait_is_bounded(self):
        answer = http_out.Answer(429, {"Retry-After": str(10**9)}, b"")
        assert deliveries_out._asked_to_wait(answer) == timedelta(days=1)
        assert deliveries_out._asked_to_wait(http_out.Answer(429, {"retry-after": "nonsense"}, b"")) is None

    def test_a_private_address_is_never_called_though_the_name_was_public_once(
        self, company, hook, receiver, monkeypatch
    ):
        hook_id, _secret = hook
        monkeypatch.setattr(http_out, "_may_be_called", lambda *_args, **_kwargs: False)
        say(company)
        deliver(company)
        assert receiver.got == [] and "private" in held(company, hook_id)[2][0].reason


class TestClaim:
    def test_two_workers_never_take_the_same(self, company, hook, receiver):
        for _message in range(12):
            say(company)
        first, second = deliveries_out.claim(), deliveries_out.claim()
        assert len(first) == deliveries_out.EACH and not {p.delivery_id for p in first} & {
            p.delivery_id for p in second
        }

    def test_what_a_dead_worker_held_comes_back(self, company, hook, receiver):
        say(company)
        assert deliveries_out.claim() and deliveries_out.claim() == []
        make_due(company)
        deliver(company)
        assert len(receiver.got) == 1

    def test_a_company_with_much_does_not_keep_another_waiting(
        self, app, company, other_company, hook, receiver, context
    ):
        for _message in range(40):
            say(company)
        with work.unit(tenant_id=other_company.tenant_id):
            hooks.make(url=receiver.url, topics=["customer.deleted"])
        say(other_company)
        taken = Counter(parcel.tenant_id for parcel in deliveries_out.claim(most=10))
        assert taken[other_company.tenant_id] == 1

    def test_many_senders_bring_each_once(self, app, company, hook, receiver):
        for _message in range(30):
            say(company)
        workers = [threading.Thread(target=self._bring, args=(app,)) for _worker in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        ids = Counter(headers["webhook-id"] for headers, _body in receiver.got)
        assert len(ids) == 30 and set(ids.values()) == {1}

    def _bring(self, app):
        with app.app_context():
            while deliveries_out.run(seconds=0):
                pass


class TestHook:
    def test_a_private_address_is_refused_when_it_is_entered(self, company, context, monkeypatch):
        with pytest.raises(hooks.BadHook) as refused, work.unit(tenant_id=company.tenant_id):
            hooks.make(url="http://169.254.169.254/latest", topics=["order.changed"])
        assert "url" in refused.value.fields

    def test_the_secret_is_sealed_where_it_is_kept(self, company, hook, context):
        hook_id, secret = hook
        with work.unit(tenant_id=company.tenant_id):
            assert secret.encode() not in bytes(hooks.one(hook_id).secret_sealed)
            assert hooks.secret_of(hooks.one(hook_id)) == secret

    def test_pausing_keeps_messages_and_going_on_brings_them(self, company, hook, receiver):
        hook_id, _secret = hook
        with work.unit(tenant_id=company.tenant_id):
            hooks.change(hook_id, state="paused")
        say(company)
        deliver(company)
        assert receiver.got == []
        with work.unit(tenant_id=company.tenant_id):
            hooks.change(hook_id, state="active")
        deliver(company)
        assert len(receiver.got) == 1

    def test_replaying_sends_it_once_more(self, company, hook, receiver):
        hook_id, _secret = hook
        say(company)
        deliver(company)
        with work.unit(tenant_id=company.tenant_id):
            deliveries_out.replay(held(company, hook_id)[1][0].id, hook_id=hook_id)
        deliver(company)
        assert len(receiver.got) == 2 and receiver.got[0][1] == receiver.got[1][1]

    def test_their_number_is_bounded(self, company, context, receiver):
        with pytest.raises(errors.Conflict), work.unit(tenant_id=company.tenant_id):
            for _hook in range(hooks.MOST + 1):
                hooks.make(url=receiver.url, topics=["order.changed"])

    def test_the_owner_is_told_when_it_is_switched_off(self, company, hook, receiver, drain, mailbox):
        receiver.status = 410
        say(company)
        deliver(company)
        drain(company)
        assert any("switched off" in letter["Subject"] for letter in mailbox.to(company.email))
