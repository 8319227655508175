"""The live session in Valkey: merged by time, bounded, bound to a person, and no error when Valkey is away."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import orjson
import pytest

from saas.commerce import digests, live
from saas.customers import identity, profiles
from saas.kit import clock, valkey, work
from tests.rooms.commerce.browsers import VISITOR, tell


@pytest.fixture
def browser(context, company):
    """A browser of this company: note and read speak of it."""
    return company.tenant_id, f"live-{uuid4().hex}"


def ago(**time):
    return clock.now() - timedelta(**time)


class TestNote:
    def test_nothing_is_known_of_a_browser_that_is_not_there(self, browser):
        assert live.read(*browser) == live.empty()

    def test_items_are_kept_by_time_once_and_the_newest_fifty(self, browser):
        moments = {f"p{number}": ago(seconds=600 - number) for number in range(60)}
        later = [(key, moments[key]) for key in list(moments)[30:]]
        live.note(*browser, items=later)
        live.note(*browser, items=[(key, moments[key]) for key in list(moments)[:45]])
        live.note(*browser, items=later)
        held = live.read(*browser)["items"]
        assert [key for key, _at in held] == [f"p{number}" for number in range(10, 60)]
        assert held[-1] == ["p59", int(moments["p59"].timestamp() * 1000)]

    def test_a_product_seen_twice_is_there_twice(self, browser):
        live.note(*browser, items=[("a", ago(seconds=9)), ("b", ago(seconds=8)), ("a", ago(seconds=7))])
        assert [key for key, _at in live.read(*browser)["items"]] == ["a", "b", "a"]

    def test_the_newest_cart_wins_and_an_empty_one_is_a_list(self, browser):
        live.note(*browser, cart=(ago(seconds=5), "c2", ["b", "c"]))
        live.note(*browser, cart=(ago(seconds=50), "c1", ["a"]))
        assert (live.read(*browser)["cart"], live.read(*browser)["cart_id"]) == (["b", "c"], "c2")
        live.note(*browser, cart=(ago(seconds=1), "c2", []))
        assert live.read(*browser)["cart"] == [] and live.read(*browser)["items"] == []

    def test_what_is_older_than_a_session_lasts_is_left_out(self, browser):
        live.note(*browser, items=[("old", ago(minutes=31)), ("new", ago(minutes=29))])
        assert [key for key, _at in live.read(*browser)["items"]] == ["new"]

    def test_it_lasts_half_an_hour_after_the_last_event(self, browser):
        live.note(*browser, items=[("a", ago(seconds=1))])
        key = f"live:{browser[0]}:{browser[1]}"
        valkey.client().expire(key, 60)
        live.note(*browser)
        assert 1790 <= valkey.client().ttl(key) <= 1800

    def test_odd_product_ids_come_back_as_they_are(self, browser):
        odd = ['a"b', "茶", "\\u0000", '","customer":"x', "\x1f", "a/b"]
        live.note(*browser, items=[(key, ago(seconds=9 - place)) for place, key in enumerate(odd)])
        live.bind(*browser, uuid4(), proven=True)
        assert [key for key, _at in live.read(*browser)["items"]] == odd
        assert live.read(*browser)["proven"] is True

    def test_two_companies_do_not_share_a_session(self, browser, other_company):
        live.note(*browser, items=[("a", ago(seconds=1))])
        assert live.read(other_company.tenant_id, browser[1]) == live.empty()


class TestBind:
    def test_the_customer_is_kept_by_later_notes(self, browser):
        customer = uuid4()
        live.note(*browser, items=[("a", ago(seconds=2))], cart=(ago(seconds=2), "c", ["a"]))
        live.bind(*browser, customer, proven=True)
        live.note(*browser, items=[("b", ago(seconds=1))])
        held = live.read(*browser)
        assert (held["customer"], held["proven"], held["cart"], len(held["items"])) == (str(customer), True, ["a"], 2)
        live.bind(*browser, None, proven=True)
        assert (live.read(*browser)["customer"], live.read(*browser)["proven"]) == (None, False)

    def test_a_browser_that_is_not_there_stays_away(self, browser):
        live.bind(*browser, uuid4(), proven=True)
        assert live.read(*browser) == live.empty()

    def test_a_digest_and_a_recognition_tell_the_session(self, context, company, drain):
        now = clock.now().isoformat()
        tell(company, {"id": "a", "type": "product_viewed", "at": now, "product": "p1"})
        tell(company, {"id": "b", "type": "identified", "at": now, "identity": {"email": "ann@shop.example"}})
        drain(company)
        held = live.read(company.tenant_id, VISITOR)
        with work.unit(tenant_id=company.tenant_id):
            ann, bob = identity.find("email", "ann@shop.example"), profiles.find_or_create(email="bob@shop.example")
            assert (held["customer"], held["proven"], held["items"][0][0]) == (str(ann), False, "p1")
            identity.bind_visitor(VISITOR, bob, proven=True)
            digests.recognised([VISITOR])
        held = live.read(company.tenant_id, VISITOR)
        assert (held["customer"], held["proven"]) == (str(bob), True)


class TestWithoutValkey:
    @pytest.fixture
    def away(self, monkeypatch):
        """Nobody answers at the address; what opens a client anew finds that out by itself."""
        gone = valkey.redis.Redis(host="127.0.0.1", port=1, retry=valkey.once_more(), **valkey.HURRY)
        monkeypatch.setattr(valkey, "quick", lambda: gone)
        yield
        gone.close()

    def test_nothing_is_raised(self, browser, away):
        live.note(*browser, items=[("a", ago(seconds=1))], ring=True)
        live.bind(*browser, uuid4(), proven=True)
        assert live.read(*browser) == live.empty()

    def test_events_are_taken_all_the_same(self, app, company, away):
        event = {"id": "a", "type": "page_viewed", "at": clock.now().isoformat()}
        sent = {"site_key": company.site_key, "visitor": VISITOR, "consent": {"analytics": True}, "events": [event]}
        assert app.test_client().post("/collect", data=orjson.dumps(sent)).json == {"accepted": 1, "refused": []}
