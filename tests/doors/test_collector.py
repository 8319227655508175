"""POST /collect: the contract, bad input, doubles, and that nobody's events reach another company."""

from __future__ import annotations

import json
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, literal_column, select

from saas.commerce import digests, hearing, live, shops
from saas.commerce.models import ShopEvent, Visit, Visitor
from saas.kit import clock, identifiers, partitions, pool, rates, work
from saas.kit.db import db
from tests.companies import drain_outbox

YES = {"analytics": True, "marketing": True}
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def event(kind="page_viewed", *, key=None, at=None, **more):
    moment = at if isinstance(at, str) else (at or datetime.now(UTC)).isoformat()
    return {"id": key or secrets.token_hex(8), "type": kind, "at": moment, "url": "https://shop.example/", **more}


def body(company, *events, visitor="visitor-0123456789", consent=YES, **more):
    return {"site_key": company.site_key, "visitor": visitor, "consent": consent, "events": list(events), **more}


@pytest.fixture
def send(app):
    client = app.test_client()
    return lambda sent, **kwargs: client.post(
        "/collect", data=sent if isinstance(sent, (bytes, str)) else json.dumps(sent), **kwargs
    )


def stored(app, company) -> list[ShopEvent]:
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        return list(db.session.scalars(select(ShopEvent).order_by(ShopEvent.id)))


class TestContract:
    def test_a_batch_is_stored_and_answered(self, app, company, send):
        answer = send(body(company, event(), event("product_viewed", product="tea-12", title="Green tea")))
        assert (answer.status_code, answer.json) == (202, {"accepted": 2, "refused": []})
        assert {(row.type, row.product) for row in stored(app, company)} == {
            ("page_viewed", None),
            ("product_viewed", "tea-12"),
        }

    def test_it_needs_no_login_and_any_origin_may_read_the_answer(self, app, company, send):
        answer = send(
            body(company, event()),
            headers={"Origin": "https://shop.example", "Content-Type": "text/plain;charset=UTF-8"},
        )
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (202, "*")
        assert "Set-Cookie" not in answer.headers
        preflight = app.test_client().options(
            "/collect", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        )
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
        assert preflight.headers["Access-Control-Allow-Headers"] == "content-type"
        assert send(b"{").headers["Access-Control-Allow-Origin"] == "*"

    def test_every_type_is_taken_with_what_it_carries(self, app, company, send):
        cart = {
            "id": "c-1",
            "url": "https://s.example/cart",
            "currency": "eur",
            "items": [{"product": "p", "quantity": 2, "price": "12.50"}],
        }
        sent = [
            event("page_viewed", referrer="https://r.example/", title="T"), event("product_viewed", product="p", properties={"colour": "red"}),
            event("search_submitted", query="tea"), event("cart_updated", cart=cart), event("checkout_started", cart=cart),
            event("identified", identity={"email": "ann@shop.example"}), event("offer_seen", offer="o1"), event("offer_clicked", offer="o1"),
        ]  # fmt: skip
        assert send(body(company, *sent)).json == {"accepted": 8, "refused": []}
        details = {row.type: row.details for row in stored(app, company)}
        assert details["page_viewed"] == {"referrer": "https://r.example/", "title": "T"}
        assert details["product_viewed"] == {"properties": {"colour": "red"}}
        assert details["cart_updated"]["cart"] == cart | {"currency": "EUR"}
        assert (details["search_submitted"], details["offer_clicked"]) == ({"query": "tea"}, {"offer": "o1"})

    def test_what_the_shop_names_itself_is_an_event_like_any_other(self, app, company, send):
        own = event("gift_wrapped", properties={"paper": "red"}, product=12)
        assert send(body(company, own, event("category_viewed", category=7))).json["accepted"] == 2
        kept = {row.type: row for row in stored(app, company)}
        assert (kept["gift_wrapped"].product, kept["gift_wrapped"].details) == ("12", {"properties": {"paper": "red"}})
        assert kept["category_viewed"].details == {"category": "7"}

    def test_what_is_not_known_here_is_kept_beside(self, app, company, send):
        assert send(body(company, event(utm={"source": "x"}, query="not of a page"))).json["accepted"] == 1
        [row] = stored(app, company)
        assert row.details == {"extra": {"utm": {"source": "x"}, "query": "not of a page"}}

    def test_a_shops_own_key_says_which_shop_it_was(self, app, company, send):
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            shop = shops.connect(kind="generic", name="Shop")[0]
            shop_id, site_key = shop.id, shop.site_key
        assert send({**body(company, event()), "site_key": site_key}).status_code == 202
        assert [row.source_id for row in stored(app, company)] == [shop_id]

    def test_a_removed_shops_key_is_refused(self, app, company, send):
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            shop = shops.connect(kind="generic", name="Shop")[0]
            shops.remove(shop.id)
        assert send({**body(company, event()), "site_key": shop.site_key}).status_code == 401

    def test_the_event_has_its_effect_through_the_outbox(self, app, company, send, drain):
        send(
            body(
                company,
                event("product_viewed", product="p"),
                event("identified", identity={"email": "ann@shop.example"}),
            )
        )
        drain(company)
        listed = company.api("GET", "/customers?email=ann@shop.example").json["items"]
        assert [item["facts"]["visits_count"] for item in listed] == [1]
        assert listed[0]["consent"]["email"] == "unknown"


class TestConsent:
    def test_without_it_nothing_is_kept(self, app, company, send):
        answer = send(body(company, event(key="a"), event(key="b"), consent={"analytics": False, "marketing": True}))
        assert (answer.status_code, answer.json["accepted"]) == (202, 0)
        assert [(one["index"], one["id"]) for one in answer.json["refused"]] == [(0, "a"), (1, "b")]
        assert stored(app, company) == []
        assert live.read(company.tenant_id, "visitor-0123456789") == live.empty()

    def test_a_server_that_says_nothing_vouches_for_it(self, app, company, send):
        said = body(company, event())
        del said["consent"]
        answer = send(said)
        assert (answer.status_code, answer.json["accepted"]) == (202, 1)
        assert len(stored(app, company)) == 1

    @pytest.mark.parametrize("consent", [None, {}, {"analytics": "yes"}, {"analytics": 1}, "granted"])
    def test_it_must_be_said(self, company, send, consent):
        answer = send(body(company, event(), consent=consent))
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["consent.analytics"])

    def test_what_holds_for_mails_is_remembered(self, app, company, send):
        for marketing in (True, False):
            send(body(company, event(), consent={"analytics": True, "marketing": marketing}))
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert db.session.scalars(select(Visitor.consent)).one() == {"analytics": True, "marketing": False}


class TestBadInput:
    def test_no_json_is_answered_with_the_place(self, send):
        answer = send(b'{"site_key": "x",\n "events": [1,, 2]}')
        assert answer.status_code == 400
        assert answer.json["error"]["code"] == "unreadable" and "line 2" in answer.json["error"]["message"]

    @pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"[" * 5000, b'"\\ud800"'])
    def test_what_is_no_text_or_too_deep_is_no_json(self, send, raw):
        assert send(raw).status_code == 400

    @pytest.mark.parametrize("raw", [b"[]", b"3", b"null", b'"x"'])
    def test_json_that_is_no_object_is_refused(self, send, raw):
        assert send(raw).status_code == 422

    def test_an_unknown_site_key_is_401(self, company, send):
        for key in ("pk_" + "x" * 24, "nonsense", "", company.api_key):
            answer = send({**body(company, event()), "site_key": key})
            assert (answer.status_code, answer.json["error"]["code"]) == (401, "unknown_site_key")

    def test_a_body_over_the_limit_is_413(self, company, send):
        filled = [event(title="x" * 6000) for _ in range(99)]
        assert send(body(company, *filled)).status_code == 413
        assert send(body(company, *filled[:80])).status_code == 202

    def test_over_a_hundred_events_or_none_are_422(self, company, send):
        for count in (0, 101):
            answer = send(body(company, *[event() for _ in range(count)]))
            assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["events"])
        assert send(body(company, *[event() for _ in range(100)])).json["accepted"] == 100

    @pytest.mark.parametrize("visitor", [None, 5, "", "x" * 65, "visitor 0123456789", "visitor-012345678é"])
    def test_the_visitor_must_have_its_shape(self, company, send, visitor):
        answer = send(body(company, event(), visitor=visitor))
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["visitor"])

    @pytest.mark.parametrize("wrong", [
        None, 7, "text", [], event(key=5), {**event(), "id": ""}, event(key="x" * 65), event("Bought it!"), event("x" * 51), event("_x"), event(None), event(["page_viewed"]),
        event(at="yesterday"), event(at="2026-03-04T11:30:00"), {**event(), "at": None}, {**event(), "at": 1772623800}, {**event(), "at": {}},
        event(at="0001-01-01T00:00:00+23:59"), event(at="9999-12-31T23:59:59-23:59"), event("product_viewed"),
        event("product_viewed", product=""), event("product_viewed", product="x" * 201), event("product_viewed", product=True),
        event("product_viewed", product={}), event("search_submitted"), event("search_submitted", query=3), event("cart_updated"),
        event("cart_updated", cart=[]), event("cart_updated", cart={"items": {}}), event("cart_updated", cart={"items": [None]}),
        event("cart_updated", cart={"items": [{"product": "p", "quantity": -1}]}),
        event("cart_updated", cart={"items": [{"product": "p", "quantity": 1.5}]}),
        event("cart_updated", cart={"items": [{"product": "p", "price": "cheap"}]}),
        event("cart_updated", cart={"items": [{"product": "p", "price": "-1"}]}),
        event("cart_updated", cart={"items": [{"product": "p", "price": "1e999"}]}),
        event("cart_updated", cart={"items": [{"product": "p", "price": []}]}), event("cart_updated", cart={"items": [{}] * 201}),
        event("cart_updated", cart={"items": [], "id": {}}), event("identified"), event("identified", identity={}),
        event("identified", identity={"signature": "x"}), event("identified", identity={"email": {}}), event("offer_seen"),
        event("category_viewed"), event("category_viewed", category={}), event(properties=[]), event(properties={"x": "y" * 4096}), event(more="y" * 4096), event(url=5), event(title=[]), event(product=1.5),
    ])  # fmt: skip
    def test_one_wrong_event_keeps_no_other_out(self, app, company, send, wrong):
        answer = send(body(company, event(key="before"), wrong, event(key="after")))
        assert (answer.status_code, answer.json["accepted"]) == (202, 2)
        [refused] = answer.json["refused"]
        assert refused["index"] == 1 and len(refused["reason"]) > 10
        assert len(stored(app, company)) == 2

    def test_what_is_long_is_cut_and_what_a_database_cannot_hold_is_left_out(self, app, company, send):
        sent = event(
            title="t" * 600,
            url="https://s.example/" + "u" * 3000,
            product="p\x00q",
            properties={"a\x00": ["\\u0000", "\x00"]},
        )
        assert send(body(company, sent)).json["accepted"] == 1
        [row] = stored(app, company)
        assert (len(row.details["title"]), len(row.url), row.product) == (500, 2000, "pq")
        assert row.details["properties"] == {"a": ["\\u0000", ""]}

    def test_prices_and_ids_may_be_numbers(self, app, company, send):
        cart = {"id": 7, "items": [{"product": 12, "quantity": 1, "price": 12.5}]}
        assert send(body(company, event("cart_updated", cart=cart))).json["accepted"] == 1
        [row] = stored(app, company)
        assert row.details["cart"] == {"id": "7", "items": [{"product": "12", "quantity": 1, "price": "12.5"}]}

    def test_other_verbs_are_not_there(self, app):
        assert app.test_client().get("/collect").status_code == 405

    def test_beyond_a_minutes_measure_it_is_429_with_when_to_come_again(self, company, send, monkeypatch):
        told = body(company, event(), event())
        pages, browser = f"collect:{company.site_key}", f"collect:{company.site_key}:{told['visitor']}"
        noted = []
        monkeypatch.setattr(hearing, "note_refused", lambda tenant, shop, refused: noted.append(dict(refused)))
        for full, most in ((browser, 1200), (pages, 60_000)):
            asked = []
            monkeypatch.setattr(
                rates,
                "allow",
                lambda key, rate, cost, full=full, asked=asked: asked.append((key, rate, cost)) or key != full,
            )
            answer = send(told)
            assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 60
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert asked[-1] == (full, f"{most}/minute", 2)
        assert noted == [
            {"One browser sent too many events in a minute.": 2},
            {"The site key sent too many events in a minute.": 2},
        ]

    def test_a_browser_that_is_mad_leaves_the_shops_measure_to_the_others(self, company, send, monkeypatch):
        asked = []
        monkeypatch.setattr(rates, "allow", lambda key, rate, cost: asked.append(key) or False)
        assert send(body(company, event())).status_code == 429
        assert len(asked) == 1


ROBOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.2; +https://openai.com/gptbot",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider)",
)
PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; CUBOT X70) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
    "python-requests/2.32", "shop-backend/1.0", "",
)  # fmt: skip


class TestRobots:
    @pytest.mark.parametrize("browser", ROBOTS)
    def test_one_that_says_so_is_no_visitor(self, app, company, send, browser):
        answer = send(body(company, event()), headers={"User-Agent": browser})
        assert (answer.status_code, answer.json["accepted"]) == (202, 0)
        assert "robot" in answer.json["refused"][0]["reason"]
        assert stored(app, company) == []

    @pytest.mark.parametrize("browser", PEOPLE)
    def test_everybody_else_is(self, app, company, send, browser):
        assert send(body(company, event()), headers={"User-Agent": browser}).json["accepted"] == 1


class TestTimes:
    def test_the_future_is_now(self, app, company, send):
        before = datetime.now(UTC)
        send(body(company, event(at=before + timedelta(hours=1)), event(at=before + timedelta(days=4000))))
        assert all(before <= row.at <= datetime.now(UTC) for row in stored(app, company))

    def test_a_clock_that_is_ahead_does_not_make_two_of_one(self, app, company, send):
        for ahead in (timedelta(seconds=90), timedelta(days=400)):
            again = event(key=f"ahead-{ahead.days}", at=datetime.now(UTC) + ahead)
            send(body(company, again)), send(body(company, again))
        assert len(stored(app, company)) == 2

    WRONG = (
        timedelta(minutes=-3),
        timedelta(hours=-3),
        timedelta(hours=11),
        timedelta(days=-3, hours=-5),
        timedelta(days=-20_000),
        timedelta(days=900),
    )

    @pytest.mark.parametrize("wrong_by", WRONG, ids=str)
    def test_a_clock_that_is_wrong_is_put_right_and_sending_again_makes_no_second(
        self, app, company, send, drain, wrong_by
    ):
        true = datetime.now(UTC) - timedelta(minutes=40)
        events = [event(key=f"k{n}", at=true + wrong_by + timedelta(minutes=n)) for n in range(3)]
        for late in (timedelta(0), timedelta(seconds=4)):  # the second way takes longer
            sent = body(company, *events, sent_at=(datetime.now(UTC) - late + wrong_by).isoformat())
            assert send(sent).json == {"accepted": 3, "refused": []}
        rows = sorted(stored(app, company), key=lambda row: row.at)
        assert [abs((row.at - true - timedelta(minutes=n)).total_seconds()) < 5 for n, row in enumerate(rows)] == [
            True
        ] * 3
        drain(company)
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert list(db.session.scalars(select(Visit.events_count))) == [3]

    def test_a_clock_that_is_about_right_is_believed(self, app, company, send):
        at = datetime.now(UTC) - timedelta(minutes=5)
        send(body(company, event(at=at), sent_at=(datetime.now(UTC) - timedelta(seconds=60)).isoformat()))
        assert [row.at for row in stored(app, company)] == [at]

    @pytest.mark.parametrize("sent_at", ["now", 5, "9999-12-31T23:59:59-23:59", {}])
    def test_when_it_was_sent_must_be_a_time(self, company, send, sent_at):
        answer = send(body(company, event(), sent_at=sent_at))
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["sent_at"])

    def test_no_times_however_far_apart_break_it(self, app, company, send):
        ends = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
        for at in ends:
            for sent_at in ends:
                assert send(body(company, event(at=at), sent_at=sent_at)).status_code == 202

    def test_older_than_thirty_days_is_refused(self, app, company, send):
        now = datetime.now(UTC)
        answer = send(
            body(company, event(at=now - timedelta(days=30, minutes=1)), event(at=now - timedelta(days=29, hours=23)))
        )
        assert answer.json["accepted"] == 1 and "30 days" in answer.json["refused"][0]["reason"]

    def test_any_zone_is_the_same_moment(self, app, company, send):
        moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
        told = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
        send(body(company, event(key="a", at=told), event(key="a", at=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))))
        assert [row.at for row in stored(app, company)] == [moment]

    def test_every_event_lies_in_its_month(self, app, company, send):
        now = datetime.now(UTC)
        send(body(company, *[event(at=now - timedelta(days=days)) for days in range(0, 30, 3)]))
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            where = db.session.execute(select(ShopEvent.at, literal_column("tableoid::regclass::text"))).all()
        assert {(name, f"shop_events_p{at:%Y%m}") for at, name in where} == {(name, name) for _at, name in where}


class TestDoubles:
    def test_a_batch_sent_again_is_stored_once(self, app, company, send):
        again = body(company, *[event(key=f"e{number}") for number in range(20)])
        assert [send(again).json["accepted"] for _ in range(3)] == [20, 20, 20]
        assert len(stored(app, company)) == 20

    def test_the_same_id_twice_in_one_batch_is_one(self, app, company, send):
        twice = event(key="same")
        assert send(body(company, twice, twice)).json == {"accepted": 2, "refused": []}
        assert len(stored(app, company)) == 1

    def test_batches_that_come_at_the_same_moment(self, app, company, drain):
        batches = [
            json.dumps(body(company, *[event(key=f"e{number % 40}", at=NOON) for number in range(start, start + 20)]))
            for start in range(0, 160, 20)
        ]
        with ThreadPoolExecutor(8) as several:
            answers = list(several.map(lambda sent: app.test_client().post("/collect", data=sent).status_code, batches))
        assert answers == [202] * 8
        assert len(stored(app, company)) == 40
        drain(company)
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert db.session.scalars(select(Visit.events_count)).all() == [40]


class TestApart:
    def test_a_site_key_writes_into_its_own_company_only(self, app, company, other_company, send):
        send(body(company, event(key="same", at=NOON))), send(body(other_company, event(key="same", at=NOON)))
        for each in (company, other_company):
            assert len(stored(app, each)) == 1
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(Visitor)) == 1


class TestNothingIsLost:
    def test_a_digest_that_runs_while_events_come_in_misses_none(self, app, company):
        """Threads send while others digest; in the end every event is in a visit."""
        going = threading.Event()
        going.set()

        def keep_digesting():
            with app.app_context():
                while going.is_set():
                    with work.unit(tenant_id=company.tenant_id):
                        digests.digest("visitor-0123456789")

        digesting = threading.Thread(target=keep_digesting)
        digesting.start()
        sent = [json.dumps(body(company, *[event(at=NOON) for _ in range(5)])) for _ in range(40)]
        with ThreadPoolExecutor(4) as several:
            answers = list(several.map(lambda one: app.test_client().post("/collect", data=one).status_code, sent))
        going.clear()
        digesting.join()
        drain_outbox(app, company)
        assert answers == [202] * 40
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert db.session.scalars(select(Visit.events_count)).all() == [200]
            assert db.session.scalars(select(Visitor.announcement)).all() == [None]

    def test_a_connection_that_died_is_replaced(self, app, company, send, test_servers):
        assert send(body(company, event())).status_code == 202
        with app.app_context(), pool.connection(tenant_id=company.tenant_id) as opened:
            mine = opened.info.backend_pid
        with psycopg.connect(test_servers["postgres"]) as superuser:
            superuser.execute("SELECT pg_terminate_backend(%s)", [mine])
        assert send(body(company, event())).status_code == 202
        assert len(stored(app, company)) == 2

    def test_a_database_that_is_away_is_said_so_that_the_tracker_tries_again(self, company, send, monkeypatch):
        assert send(body(company, event())).status_code == 202

        def away(*_args, **_kwargs):
            raise psycopg.OperationalError("no")

        monkeypatch.setattr(pool, "_pool", away)
        assert send(body(company, event())).status_code == 503


class TestMonths:
    def test_rows_that_came_before_their_month_move_into_it(self, app, company, context):
        far = clock.now() + timedelta(days=150)
        with pool.connection(tenant_id=company.tenant_id) as opened:
            opened.execute(
                "INSERT INTO shop_events (tenant_id, id, visitor, source_id, type, at) VALUES (%s, %s, 'v', %s, 'page_viewed', %s)",
                [company.tenant_id, identifiers.at(far, "early"), UUID(int=0), far],
            )
        with clock.travel(to=far - timedelta(days=40)):
            assert f"shop_events_p{far:%Y%m}" in partitions.ensure("shop_events")
            assert partitions.ensure("shop_events") == []
        with work.unit(tenant_id=company.tenant_id):
            query = select(ShopEvent.at, literal_column("tableoid::regclass::text"))
            assert db.session.execute(query).all() == [(far, f"shop_events_p{far:%Y%m}")]
