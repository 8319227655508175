"""On the site now: who is there, what they look at, their cart; behind the same walls as everything else."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from saas.commerce import presence
from saas.customers import identity, profiles
from saas.kit import access, work


def event(key: str, kind: str, **more) -> dict:
    return {"id": key, "type": kind, "at": datetime.now(UTC).isoformat(), "url": "https://shop.example/p", **more}


@pytest.fixture
def collect(app, company):
    def send(visitor: str, *events: dict, agreed: bool = True):
        body = {
            "site_key": company.site_key,
            "visitor": visitor,
            "consent": {"analytics": agreed},
            "events": list(events),
        }
        return app.test_client().post("/collect", json=body)

    return send


@pytest.fixture
def ann(context, company, drain, collect):
    """Ann, who looks at a pot right now and has one in her cart."""
    made = company.api(
        "POST",
        "/products",
        json={
            "external_id": "p1",
            "name": "Green pot",
            "price": "5",
            "currency": "EUR",
            "url": "https://shop.example/p1",
        },
    )
    assert made.status_code == 201
    with work.unit(tenant_id=company.tenant_id):
        customer = profiles.create(email="ann@shop.example", first_name="Ann").id
        identity.bind_visitor("browser-of-ann-00001", customer, proven=True)
    cart = {"id": "c", "currency": "EUR", "items": [{"product": "p1", "quantity": 2, "price": "12.50"}]}
    collect(
        "browser-of-ann-00001",
        event("1", "cart_updated", cart=cart, referrer="https://www.letters.example/x"),
        event("2", "product_viewed", product="p1"),
    )
    drain(company)
    return customer


class TestPage:
    def test_known_customers_come_first_with_what_they_look_at_and_their_cart(self, company, ann, collect):
        collect("a-stranger-000000001", event("3", "search_submitted", query="teapots"))
        text = company.page.get("/live").get_data(as_text=True)
        assert text.index("Ann") < text.index("teapots")
        assert "Green pot" in text and "25.00" in text and "letters.example" in text

    def test_the_customers_panel_says_the_same_and_is_empty_for_whoever_is_away(self, company, ann, context):
        assert "Green pot" in company.page.get(f"/customers/{ann}/live").get_data(as_text=True)
        with work.unit(tenant_id=company.tenant_id):
            away = profiles.create(email="away@shop.example").id
        assert "r-card" not in company.page.get(f"/customers/{away}/live").get_data(as_text=True)
        assert company.page.get(f"/customers/{uuid4()}/live").status_code == 404

    def test_nobody_is_seen_without_consent_and_an_empty_page_says_so(self, company, collect):
        collect("a-stranger-000000001", event("3", "search_submitted", query="teapots"), agreed=False)
        text = company.page.get("/live").get_data(as_text=True)
        assert "teapots" not in text and "Nobody is on the site right now" in text

    def test_another_companys_visitors_are_not_there(self, company, other_company, ann):
        assert "Green pot" not in other_company.page.get("/live").get_data(as_text=True)


class TestWalls:
    def test_a_member_with_own_customers_sees_no_session_of_a_colleagues(self, company, ann, collect, context):
        collect("a-stranger-000000001", event("3", "search_submitted", query="teapots"))
        limited = access.Access(
            permissions=access.FULL.permissions, rows={"customer": "own"}, member=uuid4(), owners=(uuid4(),)
        )
        with work.unit(tenant_id=company.tenant_id), access.bound(limited):
            found, count = presence.now()
            assert [one.what for one in found] == ["teapots"] and count == 1

    def test_a_hidden_cart_stays_hidden(self, company, ann, context):
        blind = access.Access(permissions=access.FULL.permissions, rows={}, hidden=frozenset({"customer.cart_amount"}))
        with work.unit(tenant_id=company.tenant_id), access.bound(blind):
            (one,) = presence.now()[0]
            assert (one.cart, one.amount) == ([], None)
