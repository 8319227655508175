"""What operators look at: who is told, what readiness means, one id from the door to SQL, and nobody's data in the logs."""

from __future__ import annotations

import io
import json
import logging
import re

import psycopg
import pytest
from sqlalchemy import select, text

from saas import config
from saas.kit import errand, figures, logs, outbox, pool, queues, roles, valkey, watch, work
from saas.kit.db import db
from workers import handing_out

TOKEN = "figures-for-the-operator"
MARKERS = {
    "email": "marker.person@shop.example", "name": "Markerina Markersdóttir", "phone": "+31 20 555 0188",
    "query": "zqmarkerquery", "token": "rg_Mark3r12_9f8E7d6C5b4A3z2Y1x0W9v8U7t6S5r4Q3p2O1n0M9", "body": "zqmarkerbody likes tea",
}  # fmt: skip


@pytest.fixture
def with_token(monkeypatch):
    settings = config.get()
    changed = type(settings)(**{**vars(settings), "metrics_token": TOKEN})
    monkeypatch.setattr(config, "get", lambda: changed)


@pytest.fixture
def logged():
    """What all loggers write, as production would."""
    written, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Lines())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


class TestMetrics:
    def test_are_told_on_the_machine_itself(self, app):
        answer = app.test_client().get("/metrics")
        assert answer.status_code == 200
        for name in ("regulars_request_seconds", "regulars_request_statements", "regulars_outbox_oldest_seconds",
                     "regulars_queue_oldest_seconds", "regulars_programs", "regulars_search_waiting", "regulars_database_sessions",
                     "regulars_jobs_total", "regulars_mails_total", "regulars_webhooks_in_total",
                     "regulars_tick_lateness_seconds", "regulars_database_pool"):  # fmt: skip
            assert f"# TYPE {name.removesuffix('_total')}" in answer.text, name

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"])
    def test_are_not_handed_through_a_proxy(self, app, header):
        assert app.test_client().get("/metrics", headers={header: "203.0.113.7"}).status_code == 404

    def test_are_not_told_elsewhere_without_the_token(self, app, with_token):
        away = {"REMOTE_ADDR": "203.0.113.7"}
        ask = app.test_client().get
        assert ask("/metrics", environ_base=away).status_code == 404
        assert ask("/metrics", environ_base=away, headers={"Authorization": "Bearer wrong"}).status_code == 404
        assert ask("/metrics", environ_base=away, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200

    def test_labels_are_words_of_ours(self, app, company):
        for path in (
            "/api/v1/customers/" + "a" * 36,
            "/nowhere/" + MARKERS["query"],
            "/customers?search=" + MARKERS["query"],
        ):
            company.page.get(path)
            app.test_client().open(path, method="ZQMARKER")
        told = app.test_client().get("/metrics").text
        assert MARKERS["query"] not in told and "ZQMARKER" not in told and 'method="other"' in told
        routes = {rule.rule for rule in app.url_map.iter_rules()} | {"none"}
        assert set(re.findall(r'route="([^"]*)"', told)) <= routes
        assert not re.search(r'tenant(_id)?="', told)

    def test_statements_of_a_request_are_counted(self, app, company):
        before = _sum(figures.STATEMENTS, door="customers")
        answer = company.page.get("/customers")
        counted = int(re.search(r'desc="(\d+)"', answer.headers["Server-Timing"])[1])
        assert 0 < counted <= _sum(figures.STATEMENTS, door="customers") - before


def _sum(histogram, **labels) -> float:
    return sum(sample.value for metric in histogram.collect() for sample in metric.samples
               if sample.name.endswith("_sum") and sample.labels == labels)  # fmt: skip


class TestReadiness:
    def test_all_is_there(self, app):
        answer = app.test_client().get("/readyz")
        assert answer.status_code == 200
        assert answer.json == {"status": "ready", "database": "ok", "migrations": "ok", "valkey": "ok"}

    def test_without_valkey_it_works_on(self, app, monkeypatch):
        def away():
            raise valkey.redis.ConnectionError

        monkeypatch.setattr(valkey, "quick", away)
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json["status"], answer.json["valkey"]) == (200, "degraded", "away")

    def test_without_its_newest_migration_it_does_not(self, app, monkeypatch):
        monkeypatch.setattr(watch, "_newest", lambda: frozenset(["9999"]))
        monkeypatch.setattr(watch, "_known", lambda: roles.revisions(watch.VERSIONS) | {"9999"})
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json["migrations"]) == (503, "behind")

    def test_while_a_newer_version_is_put_in_place_it_goes_on(self, app, monkeypatch):
        monkeypatch.setattr(watch, "_known", lambda: frozenset(["0000"]))
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json["migrations"]) == (200, "ahead")

    def test_without_the_database_it_does_not(self, app, monkeypatch):
        def away():
            raise psycopg.OperationalError

        monkeypatch.setattr(pool, "global_connection", away)
        answer = app.test_client().get("/readyz")
        assert (answer.status_code, answer.json["database"]) == (503, "away")
        assert app.test_client().get("/healthz").status_code == 200


class TestOneIdForAll:
    def test_from_the_door_into_the_outbox_and_the_reaction(self, app, company, monkeypatch):
        seen = []
        monkeypatch.setattr(handing_out, "resolve", lambda _name: lambda **_: seen.append(errand.current()))
        answer = company.api("POST", "/customers", json={"email": "one.id@shop.example"})
        assert answer.status_code == 201, answer.text
        named = answer.headers["X-Request-Id"]
        with app.app_context():
            with work.unit(tenant_id=company.tenant_id):
                events = db.session.scalars(
                    select(outbox.OutboxEvent).where(outbox.OutboxEvent.request_id == named)
                ).all()
                items = [[company.tenant_id, str(event.id), "workers.jobs.search.write"] for event in events]
            handing_out.react(items=items)
        assert items and {one.id for one in seen} == {named}

    def test_a_job_that_is_rung_for_carries_it(self, app):
        function = "workers.jobs.tenancy.take_wish"
        queues.allow([function])
        with errand.about("POST /reset", given="0192abcd-ring"):
            queues.enqueue("mail", function, email=MARKERS["email"], wish="reset")
        job = queues.queue("mail").jobs[-1]
        assert job.meta == {"request_id": "0192abcd-ring"}
        assert MARKERS["email"] not in job.description
        job.delete()

    def test_postgres_shows_it_with_what_is_running(self, app, company):
        shown = "SELECT current_setting('application_name')"
        with app.app_context(), errand.about("GET /x", given="0192abcd-shown"):
            with work.unit(tenant_id=company.tenant_id):
                assert db.session.scalar(text(shown)) == "regulars 0192abcd-shown"
            with work.unit(tenant_id=None):
                assert db.session.scalar(text(shown)) == "regulars 0192abcd-shown"
            with pool.connection(tenant_id=company.tenant_id) as opened:
                assert opened.execute(shown).fetchone() == ("regulars 0192abcd-shown",)
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(text(shown)) != "regulars 0192abcd-shown"

    def test_a_number_of_the_proxy_is_taken_only_where_there_is_one(self, app, monkeypatch):
        given = {"X-Request-Id": "from-the-proxy-1"}
        assert app.test_client().get("/healthz", headers=given).headers["X-Request-Id"] != "from-the-proxy-1"
        changed = type(config.get())(**{**vars(config.get()), "proxy_hops": 1})
        monkeypatch.setattr(config, "get", lambda: changed)
        assert app.test_client().get("/healthz", headers=given).headers["X-Request-Id"] == "from-the-proxy-1"


class TestNobodysDataInTheLogs:
    def test_every_door_with_marked_values(self, app, company, logged):
        """Every route, each method, with marks in the address, the query, the body and the headers."""
        headers = {"Authorization": f"Bearer {MARKERS['token']}", "User-Agent": MARKERS["name"].encode().decode("latin-1"),
                   "Stripe-Signature": MARKERS["token"], "X-WC-Webhook-Topic": MARKERS["query"],
                   "webhook-id": MARKERS["token"]}  # fmt: skip
        values = {**MARKERS, "password": MARKERS["token"], "q": MARKERS["query"], "first_name": MARKERS["name"]}
        for rule in app.url_map.iter_rules():
            if rule.endpoint.endswith("static"):
                continue
            path = re.sub(r"<[^>]+>", MARKERS["token"], rule.rule)
            for method in sorted(rule.methods & {"GET", "POST", "PATCH", "DELETE"}):
                stranger = app.test_client()
                stranger.open(
                    path, method=method, query_string=values, data=values if method != "GET" else None, headers=headers
                )
                company.page.open(path, method=method, query_string=values, data=values if method == "POST" else None)
                company.api(
                    method, path.removeprefix("/api/v1"), json={"items": [values]} if method == "POST" else None
                )
        written = logged.getvalue()
        assert written.count("\n") > 10
        for kind, mark in MARKERS.items():
            assert mark not in written and json.dumps(mark)[1:-1] not in written, kind
        for line in written.splitlines():
            json.loads(line)

    def test_a_view_that_fails_with_somebodys_row_in_its_words(self, app, company, logged, monkeypatch):
        def fail(*_, **__):
            raise ValueError(f"DETAIL: Failing row contains ({MARKERS['email']}, {MARKERS['name']})")

        monkeypatch.setitem(app.view_functions, "home.index", _like(app.view_functions["home.index"], fail))
        answer = company.page.get("/?search=" + MARKERS["query"])
        assert answer.status_code == 500
        lines = [json.loads(line) for line in logged.getvalue().splitlines()]
        told = next(line for line in lines if line["message"] == "unexpected failure")
        assert told["request_id"] == answer.headers["X-Request-Id"] and told["errand"] == "GET /"
        assert told["error"] == "ValueError" and "test_watch.py" in told["trace"][-2]
        assert MARKERS["email"] not in logged.getvalue() and MARKERS["query"] not in logged.getvalue()

    def test_a_reaction_that_fails_with_somebodys_name(self, app, company, logged, monkeypatch):
        def fail(**_):
            raise RuntimeError(f"no letter to {MARKERS['email']}")

        monkeypatch.setattr(handing_out, "resolve", lambda _name: fail)
        company.api("POST", "/customers", json={"email": MARKERS["email"]})
        with app.app_context():
            with work.unit(tenant_id=company.tenant_id):
                event = db.session.scalars(select(outbox.OutboxEvent).order_by(outbox.OutboxEvent.id.desc())).first()
            handing_out.react(items=[[company.tenant_id, str(event.id), "workers.jobs.search.write"]])
        assert "workers.jobs.search.write failed for event" in logged.getvalue()
        assert MARKERS["email"] not in logged.getvalue()


def _like(view, other):
    other.entrance = view.entrance
    return other
