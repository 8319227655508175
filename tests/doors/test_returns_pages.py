"""Returns and the page for shoppers as the company's people and programs work with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saas.commerce import orders, return_requests
from saas.customers import portal_settings, preferences, profiles, purposes
from saas.kit import clock, work
from saas.tenancy import roles
from tests.companies import add_member


@pytest.fixture
def asked(company, app):
    """A return that somebody asked for; its id, its order's and the customer's."""
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        item = {
            "external_id": "o1", "number": "N-1", "placed_at": clock.now(), "status": "paid", "currency": "EUR", "customer": {"email": "ada@shop.example"},
            "lines": [{"product": "p", "name": "Teapot", "quantity": 2, "unit_price": "10"}],
        }  # fmt: skip
        order = orders.one(orders.record(item).id)
        made = return_requests.ask(
            customer_id=order.customer_id, order_id=order.id, quantities={0: 1}, reason="damaged", note="<b>cracked</b>"
        )
        return {"id": str(made.id), "order": str(order.id), "customer": str(order.customer_id)}


class TestPages:
    def test_the_list_the_order_and_the_return_itself(self, company, asked):
        page = company.page.get("/returns").get_data(as_text=True)
        assert "1 × Teapot" in page and "To be answered" in page and "Damaged" in page
        assert "1 × Teapot" in company.page.get(f"/orders/{asked['order']}").get_data(as_text=True)
        one = company.page.get(f"/returns/{asked['id']}").get_data(as_text=True)
        assert "&lt;b&gt;cracked&lt;/b&gt;" in one and "Accept" in one and "Decline" in one

    def test_a_tab_shows_only_its_state(self, company, asked):
        assert "No return stands there" in company.page.get("/returns?state=refunded").get_data(as_text=True)
        assert "Teapot" in company.page.get("/returns?state=asked").get_data(as_text=True)

    def test_nothing_asked_for(self, company):
        assert "Nobody wants to send anything back" in company.page.get("/returns").get_data(as_text=True)

    def test_accepting_takes_the_next_step(self, company, asked):
        assert (
            company.post(f"/returns/{asked['id']}", {"state": "accepted", "words": "Use the box."}).status_code == 303
        )
        page = company.page.get(f"/returns/{asked['id']}").get_data(as_text=True)
        assert "Accepted, on its way" in page and "Use the box." in page and "It has arrived" in page

    def test_declining_without_words_is_refused_at_the_field(self, company, asked):
        answer = company.post(f"/returns/{asked['id']}", {"state": "declined", "words": ""})
        assert answer.status_code == 422 and "Tell them why" in answer.get_data(as_text=True)

    def test_a_step_that_does_not_follow_says_so(self, company, asked):
        answer = company.post(f"/returns/{asked['id']}", {"state": "refunded"})
        assert answer.status_code == 409 and "stands elsewhere" in answer.get_data(as_text=True)

    def test_who_may_only_read_sees_it_and_answers_nothing(self, company, app, asked):
        client = add_member(app, company, role="read_only")
        page = client.get(f"/returns/{asked['id']}")
        assert page.status_code == 200 and "Words to the shopper" not in page.get_data(as_text=True)

    def test_who_serves_customers_answers_it_and_changes_no_order(self, company, app, asked):
        service = replace(company, page=add_member(app, company, role="service"))
        assert "Accept" in service.page.get(f"/returns/{asked['id']}").get_data(as_text=True)
        assert service.post(f"/returns/{asked['id']}", {"state": "accepted", "words": ""}).status_code == 303
        assert roles.may("service", "orders.answer") and not roles.may("service", "orders.edit")

    def test_it_is_told_in_the_history(self, company, asked):
        company.post(f"/returns/{asked['id']}", {"state": "accepted"})
        assert "answered" in company.page.get("/history").get_data(as_text=True)


class TestSettings:
    def test_the_look_is_kept(self, company, app):
        form = {
            "enabled": "1",
            "color": "#AA0000",
            "logo_url": "https://shop.example/l.png",
            "editable": ["phone", "city"],
            "return_days": "14",
            "welcome.en": "Hi there",
        }
        assert company.post("/settings/portal", form).status_code == 303
        page = company.page.get("/settings/portal").get_data(as_text=True)
        assert "#aa0000" in page and "Hi there" in page and f"/my/{company.site_key}" in page
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            held = portal_settings.current()
            assert (held.editable, held.return_days, held.enabled) == (("phone", "city"), 14, True)

    def test_what_is_wrong_is_told_at_its_field_and_kept(self, company):
        answer = company.post("/settings/portal", {"color": "red", "return_days": "x", "welcome.en": "Hi there"})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422 and "A colour is written like" in page and "Hi there" in page

    def test_topics_get_an_order_and_words(self, company, app):
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            key = purposes.create(name="Tastings", channels=["email"]).key
        form = {"place.marketing": "2", f"place.{key}": "1", "shown.marketing": "1", f"title.{key}.en": "Tea evenings"}
        assert company.post("/settings/portal/topics", form).status_code == 303
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            first, second = portal_settings.current().topics
            assert (first["key"], first["shown"], first["titles"]) == (key, False, {"en": "Tea evenings"})
            assert (second["key"], second["shown"]) == ("marketing", True)

    def test_it_is_told_in_the_history(self, company):
        company.post("/settings/portal", {"enabled": "1", "color": "#aa0000", "return_days": "14"})
        assert "Page for shoppers" in company.page.get("/history").get_data(as_text=True)


class TestPrograms:
    def test_returns_are_listed_shown_and_answered(self, company, asked):
        listed = company.api("GET", f"/returns?state=asked&order_id={asked['order']}").json
        assert [one["id"] for one in listed["items"]] == [asked["id"]] and listed["items"][0]["customer_id"] == asked[
            "customer"
        ]
        answer = company.api(
            "POST", f"/returns/{asked['id']}/answer", json={"state": "accepted", "words": "Use the box."}
        )
        assert (answer.status_code, answer.json["state"], answer.json["answer"]) == (200, "accepted", "Use the box.")
        assert company.api("POST", f"/returns/{asked['id']}/answer", json={"state": "accepted"}).status_code == 409
        assert company.api("GET", f"/returns/{asked['id']}").json["lines"] == [
            {"position": 0, "name": "Teapot", "quantity": 1}
        ]

    def test_the_page_is_set(self, company):
        answer = company.api(
            "PATCH", "/portal", json={"color": "#112233", "topics": [{"key": "marketing", "titles": {"en": "News"}}]}
        )
        assert answer.status_code == 200 and answer.json["url"].endswith(f"/my/{company.site_key}")
        assert company.api("GET", "/portal").json["topics"] == [
            {"key": "marketing", "shown": True, "titles": {"en": "News"}, "texts": {}}
        ]
        assert company.api("PATCH", "/portal", json={"color": "red"}).status_code == 422

    def test_how_often_is_noted_with_who_told(self, company, app, asked):
        path = f"/customers/{asked['customer']}/preferences"
        answer = company.api(
            "POST", path, json={"rhythms": {"marketing": "weekly"}, "pause_days": 30, "place": "on the phone"}
        )
        assert (
            answer.status_code == 200
            and answer.json["rhythms"] == {"marketing": "weekly"}
            and answer.json["paused_until"]
        )
        assert company.api("POST", path, json={"pause_days": None}).json["paused_until"] is None
        assert company.api("POST", path, json={"rhythms": {"nothing": "weekly"}}).status_code == 422
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert preferences.history(profiles.one(asked["customer"]).id)[-1].proof["place"] == "on the phone"
        page = company.page.get(f"/customers/{asked['customer']}/consents").get_data(as_text=True)
        assert "At most one mail a week" in page
