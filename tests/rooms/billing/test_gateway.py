"""The one file that speaks to Stripe: what it makes it makes once, what goes wrong becomes a sentence, what is told is checked."""

from __future__ import annotations

import json
import socket
import threading
from datetime import timedelta

import pytest
import stripe

from saas import config
from saas.billing import gateway
from saas.billing.plans import PLANS
from saas.kit import clock, errors

EVENT = {
    "id": "evt_1", "object": "event", "type": "customer.subscription.updated", "created": 1_769_817_600, "livemode": False,
    "api_version": gateway.API_VERSION, "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1"}},
}  # fmt: skip


def signed(body: str, *, at: int | None = None, secret: str = "whsec_only_for_these_tests") -> str:
    return stripe.WebhookSignature.generate_signature_header(body, secret, at)


class TestPrices:
    def test_products_and_prices_are_made_once_and_found_by_their_key(self, payments):
        first = [gateway.price(PLANS[key]) for key in ("growth", "scale")]
        assert [gateway.price(PLANS[key]) for key in ("growth", "scale")] == first
        assert {price.lookup_key for price in payments.api.prices.list().data} == {
            "regulars_growth_monthly",
            "regulars_scale_monthly",
        }
        assert len(payments.api.products.list().data) == 2

    def test_another_amount_becomes_a_new_price_of_the_same_product(self, payments):
        from dataclasses import replace

        old = gateway.price(PLANS["growth"])
        new = gateway.price(replace(PLANS["growth"], amount=5_900))
        assert new != old
        found = payments.api.prices.retrieve(new)
        assert (found.unit_amount, found.lookup_key, found.product) == (
            5_900,
            "regulars_growth_monthly",
            "regulars_growth",
        )
        assert gateway.plan_of(found.product) is PLANS["growth"]

    def test_a_product_of_something_else_is_no_plan(self):
        assert gateway.plan_of("prod_other") is None and gateway.plan_of("regulars_gold") is None

    def test_the_portal_is_set_up_once(self, payments):
        customer = gateway.make_customer(account="1:a", name="A", email="a@example.com", asked_at=clock.now())
        for _ in range(2):
            gateway.portal_url(customer=customer, return_url="http://example.test/plan", locale="en")
        assert len(payments.api.billing_portal.configurations.list().data) == 1


class TestCustomers:
    def test_the_same_account_is_one_customer_though_its_name_changed_meanwhile(self, payments):
        first = gateway.make_customer(account="1:a", name="Old", email="a@example.com", asked_at=clock.now())
        assert gateway.make_customer(account="1:a", name="New", email="b@example.com", asked_at=clock.now()) == first
        assert payments.api.customers.retrieve(first).name == "New"

    def test_after_a_day_when_keys_are_forgotten_it_is_looked_up(self, payments):
        first = gateway.make_customer(account="1:a", name="A", email="a@example.com", asked_at=clock.now())
        with payments.box.world.turn():
            for kept in list(payments.box.world.store.find("_idempotency")):
                payments.box.world.store.drop(kept)
        long_ago = clock.now() - timedelta(days=2)
        assert gateway.make_customer(account="1:a", name="A", email="a@example.com", asked_at=long_ago) == first
        assert len(payments.api.customers.list().data) == 1

    def test_another_account_is_another_customer(self, payments):
        made = {
            gateway.make_customer(account=key, name="A", email="a@example.com", asked_at=clock.now())
            for key in ("1:a", "2:a")
        }
        assert len(made) == 2


class TestWhatGoesWrong:
    def test_what_is_not_there_is_not_found(self, payments):
        with pytest.raises(gateway.NotAtStripe):
            gateway.subscription("sub_nothing")

    def test_a_request_stripe_refuses_is_a_conflict(self, payments):
        customer = gateway.make_customer(account="1:a", name="A", email="a@example.com", asked_at=clock.now())
        with pytest.raises(gateway.StripeRefused):
            gateway.open_checkout(
                key="k",
                customer=customer,
                plan=PLANS["growth"],
                success_url="nowhere",
                cancel_url="nowhere",
                locale="en",
            )

    def test_nobody_at_the_address_is_unavailable(self, payments, monkeypatch):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            monkeypatch.setenv("STRIPE_API_BASE", f"http://127.0.0.1:{free.getsockname()[1]}")
        config.get.cache_clear()
        with pytest.raises(errors.Unavailable, match="nothing is charged twice"):
            gateway.subscription("sub_1")

    def test_somebody_who_never_answers_is_given_up_on(self, payments, monkeypatch):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            monkeypatch.setenv("STRIPE_API_BASE", f"http://127.0.0.1:{silent.getsockname()[1]}")
            monkeypatch.setattr(gateway, "TIMEOUT", (0.2, 0.2))
            config.get.cache_clear()
            gateway._client.cache_clear()
            with pytest.raises(gateway.StripeAway):
                gateway.subscription("sub_1")
        gateway._client.cache_clear()

    def test_a_key_that_stripe_refuses_is_our_fault_and_says_so_in_the_log_only(self, payments, monkeypatch, caplog):
        monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_wrong")
        config.get.cache_clear()
        with pytest.raises(gateway.StripeAway) as refused:
            gateway.subscription("sub_1")
        assert "sk_live" not in refused.value.message
        assert "our key is refused" in caplog.text

    def test_the_version_is_pinned(self, payments):
        seen = []
        real = stripe.RequestsClient.request

        def request(self, method, url, headers, post_data=None):
            seen.append(headers["Stripe-Version"])
            return real(self, method, url, headers, post_data)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stripe.RequestsClient, "request", request)
            with pytest.raises(gateway.NotAtStripe):
                gateway.subscription("sub_1")
        assert seen == ["2026-10-28.endive"]

    def test_threads_do_not_share_an_answer(self, payments):
        plans = [PLANS["growth"], PLANS["scale"]]
        wanted = [gateway.price(plan) for plan in plans]
        found: dict[int, str] = {}
        threads = [
            threading.Thread(target=lambda i=i: found.__setitem__(i, gateway.price(plans[i % 2]))) for i in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [found[i] for i in range(6)] == wanted * 3


class TestWhatIsTold:
    def test_a_signed_event_is_read(self, payments):
        body = json.dumps(EVENT)
        told = gateway.read_event(body.encode(), signed(body))
        assert (told.event, told.object_id, told.customer, told.subscription) == ("evt_1", "sub_1", "cus_1", "sub_1")

    @pytest.mark.parametrize("away", [-301, 301, -86_400, 86_400])
    def test_too_old_and_from_the_future_are_refused(self, payments, away):
        body = json.dumps(EVENT)
        with pytest.raises(gateway.BadSignature):
            gateway.read_event(body.encode(), signed(body, at=int(clock.now().timestamp()) + away))

    @pytest.mark.parametrize("away", [-290, 290])
    def test_clocks_may_differ_a_little(self, payments, away):
        body = json.dumps(EVENT)
        assert gateway.read_event(body.encode(), signed(body, at=int(clock.now().timestamp()) + away))

    @pytest.mark.parametrize("header", ["", "t=1", "v1=abc", "t=x,v1=abc", "nonsense", "t=1,v0=abc"])
    def test_no_or_a_strange_signature_is_refused(self, payments, header):
        with pytest.raises(gateway.BadSignature):
            gateway.read_event(json.dumps(EVENT).encode(), header)

    def test_another_body_and_another_secret_are_refused(self, payments):
        body = json.dumps(EVENT)
        with pytest.raises(gateway.BadSignature):
            gateway.read_event(json.dumps(EVENT, indent=1).encode(), signed(body))
        with pytest.raises(gateway.BadSignature):
            gateway.read_event(body.encode(), signed(body, secret="whsec_other"))

    def test_one_of_several_signatures_is_enough(self, payments):
        body = json.dumps(EVENT)
        header = signed(body)
        at = int(header.split(",")[0][2:])
        both = f"{signed(body, at=at, secret='whsec_other')},v1={header.split('v1=')[1]}"
        assert gateway.read_event(body.encode(), both).event == "evt_1"

    @pytest.mark.parametrize("body", ["", "[]", "{}", "null", "{", '{"id": "evt_1", "livemode": false}', '"text"'])
    def test_signed_and_no_event_is_unreadable(self, payments, body):
        with pytest.raises(errors.Unreadable):
            gateway.read_event(body.encode(), signed(body))

    def test_bytes_that_are_no_text_are_unreadable(self, payments):
        with pytest.raises(errors.Unreadable):
            gateway.read_event(b"\xff\xfe", "t=1,v1=a")

    def test_a_live_event_does_not_reach_a_test_service_nor_the_other_way_round(self, payments, monkeypatch):
        body = json.dumps({**EVENT, "livemode": True})
        with pytest.raises(gateway.WrongMode):
            gateway.read_event(body.encode(), signed(body))
        monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_x")
        config.get.cache_clear()
        assert gateway.read_event(body.encode(), signed(body)).event == "evt_1"
        body = json.dumps(EVENT)
        with pytest.raises(gateway.WrongMode):
            gateway.read_event(body.encode(), signed(body))
