"""The pages of forms and of those who wait for products, as a member uses them."""

from __future__ import annotations

import pytest

from saas.kit import work
from saas.marketing import form_intake, forms, watching
from tests.companies import add_member
from tests.queries import counted

EDIT = {
    "name": "Welcome", "kind": "flyout", "ask.email": "1", "ask.first_name": "1", "required.first_name": "1", "ask.choice": "1",
    "question.en": "What do you like?", "options": "Tea\nLamps\n", "purposes": "marketing", "must.marketing": "1",
    "wording.marketing.en": "Yes, write to me.", "text.en.title": "Hello there", "look.accent": "#aa3300", "rules.seconds": "5",
    "rules.page": "/sale", "limits.times": "days", "limits.days": "9", "limits.session_most": "2", "limits.apart_seconds": "30", "after.coupon": "TEN",
}  # fmt: skip


@pytest.fixture
def form(company):
    assert company.post("/marketing/forms/new", {"name": "Begin", "kind": "popup"}).status_code in (302, 303)
    return company.api("GET", "/forms").json["items"][0]["id"]


def test_a_form_is_made_written_shown_hidden_copied_and_thrown_away(company, form):
    path = f"/marketing/forms/{form}"
    assert company.page.get(f"{path}/edit").status_code == 200
    assert company.post(f"{path}/edit", EDIT).status_code in (302, 303)
    held = company.api("GET", f"/forms/{form}").json
    content = held["content"]
    assert (held["name"], held["kind"]) == ("Welcome", "flyout")
    assert [one["name"] for one in content["fields"]] == ["email", "first_name", "choice"]
    assert content["fields"][2]["options"] == ["Tea", "Lamps"] and content["fields"][2]["question"] == {
        "en": "What do you like?"
    }
    assert content["purposes"] == [{"key": "marketing", "required": True, "wording": {"en": "Yes, write to me."}}]
    assert content["rules"]["pages"] == [{"is": "contains", "value": "/sale"}] and content["rules"]["exit"] is False
    assert (content["limits"]["days"], content["look"]["accent"], content["after"]["coupon"]) == (9, "#aa3300", "TEN")
    company.post(f"{path}/show")
    assert company.api("GET", f"/forms/{form}").json["state"] == "live"
    company.post(f"{path}/hide")
    assert company.api("GET", f"/forms/{form}").json["state"] == "paused"
    company.post(f"{path}/copy")
    assert len(company.api("GET", "/forms").json["items"]) == 2
    company.post(f"{path}/delete")
    assert company.page.get(path).status_code == 404


def test_what_is_wrong_stays_in_the_editor_and_is_named(company, form):
    answer = company.post(f"/marketing/forms/{form}/edit", EDIT | {"look.accent": "blue", "rules.scroll": "400"})
    assert answer.status_code == 422
    assert "A colour such as" in answer.text and "Hello there" in answer.text


def test_the_preview_draws_what_is_typed_and_keeps_nothing(company, form):
    answer = company.post("/marketing/forms/preview", EDIT)
    assert (
        answer.status_code == 200
        and answer.json["kind"] == "flyout"
        and answer.json["words"]["en"]["title"] == "Hello there"
    )
    assert company.post("/marketing/forms/preview", EDIT | {"look.accent": "blue"}).status_code == 422
    assert company.api("GET", f"/forms/{form}").json["name"] == "Begin"


def test_without_words_of_consent_it_says_what_is_missing(company, form):
    assert "needs the words people agree to" in company.page.get(f"/marketing/forms/{form}").text
    assert company.api("POST", f"/forms/{form}/show").status_code == 422


def furnish(company, form, app, number=30):
    sender = form_intake.Sender("192.0.2.7", "a browser", None)
    company.api(
        "POST", "/products", json={"external_id": "lamp", "name": "Lamp", "stock": 0, "price": "5", "currency": "EUR"}
    )
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        forms.change(form, content={"purposes": []})
        forms.show(form)
        for one in range(number):
            email = f"s{one}@shop.example"
            form_intake.receive(
                form, {"took": 5000, "language": "en", "values": {"email": email, "first_name": "Sue"}}, sender
            )
            watching.ask(
                {"kind": "stock", "product": "lamp", "email": email, "took": 5000}, sender, tenant_id=company.tenant_id
            )


@pytest.mark.parametrize(
    "path",
    [
        "/marketing/forms",
        "/marketing/forms/{form}",
        "/marketing/forms/{form}/edit",
        "/marketing/watches",
        "/marketing/watches/settings",
    ],
)
def test_pages_take_at_most_twelve_queries(app, company, form, path):
    furnish(company, form, app)
    with counted() as seen:
        assert company.page.get(path.format(form=form)).status_code == 200
    assert len(seen) <= 12, seen


def test_the_page_of_wishes_shows_the_demand_and_who_waits(app, company, form):
    furnish(company, form, app, number=2)
    page = company.page.get("/marketing/watches").text
    assert "Wanted most" in page and "s1@shop.example" in page
    watch = company.api("GET", "/watches").json["items"][0]["id"]
    assert company.post(f"/marketing/watches/{watch}/end").status_code in (302, 303)
    assert "Stopped" in company.page.get("/marketing/watches").text


def test_how_people_are_told_is_changed_on_a_page(company):
    given = {
        "stock": "1",
        "per_item": "2",
        "again_hours": "8",
        "expires_days": "30",
        "price_percent": "15",
        "price_amount": "",
        "stock.en.subject": "Back: {product}",
    }
    assert company.post("/marketing/watches/settings", given).status_code in (302, 303)
    held = company.api("GET", "/watches/settings").json
    assert (held["per_item"], held["price"], held["letters"]["en"]["stock"]["subject"]) == (2, False, "Back: {product}")
    wrong = company.post("/marketing/watches/settings", given | {"per_item": "0"})
    assert wrong.status_code == 422 and "from 1 to 100" in wrong.text


def test_who_may_only_read_sees_no_buttons(app, company, form):
    reader = add_member(app, company, role="read_only")
    page = reader.get("/marketing/forms")
    assert page.status_code == 200 and "New form" not in page.text
    assert reader.get(f"/marketing/forms/{form}/edit").status_code == 403
