"""A company's own fields on pages and in the API: made in settings, filled in, shown, filtered, sorted, and changed by two at once."""

from __future__ import annotations

import re

import pytest

from saas.kit import work
from saas.tenancy import api_keys, made_roles
from tests.companies import add_member
from tests.doors.shop_data import HOSTILE, send

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def make(company, label: str, type: str = "text", kind: str = "customer", **more) -> dict:
    answer = company.api("POST", f"/fields/{kind}", json={"label": label, "type": type, **more})
    assert answer.status_code == 201, answer.json
    return answer.json


def names(answer) -> list[str]:
    return re.findall(r'class="r-row-link" href="[^"]*">([^<]*)<', answer.text)


@pytest.fixture
def level(company) -> dict:
    return make(company, "Level", "choice", choices=["Gold", "Silver"])


@pytest.fixture
def people(company, level, drain) -> list[str]:
    make(company, "Shoe size", "number")
    make(company, "Nick")
    ids = send(
        company, "customers", {"email": "ada@shop.example", "last_name": "Ada", "custom": {"level": "Gold", "shoe_size": 38.5, "nick": "Addy"}},
        {"email": "bob@shop.example", "last_name": "Bob", "custom": {"level": "silver", "shoe_size": 44}}, {"email": "cyd@shop.example", "last_name": "Cyd"},
    )  # fmt: skip
    drain(company)
    return ids


class TestApi:
    def test_values_come_and_go_under_their_keys_and_an_unknown_key_is_refused_with_its_place(self, company, people):
        shown = company.api("GET", f"/customers/{people[0]}").json
        assert shown["custom"] == {"level": "gold", "shoe_size": 38.5, "nick": "Addy"}
        changed = company.api("PATCH", f"/customers/{people[0]}", json={"custom": {"nick": None, "shoe_size": "39,5"}})
        assert changed.json["custom"] == {"level": "gold", "shoe_size": 39.5}
        refused = company.api("PATCH", f"/customers/{people[0]}", json={"custom": {"shoe": 3, "level": "Bronze"}})
        assert refused.status_code == 422
        assert set(refused.json["error"]["fields"]) == {"custom.shoe", "custom.level"}

    def test_a_bulk_item_with_an_unknown_key_fails_alone(self, company, level):
        items = [
            {"email": "a@shop.example", "custom": {"level": "Gold"}},
            {"email": "b@shop.example", "custom": {"size": 1}},
        ]
        answer = company.api("POST", "/customers/bulk", json={"items": items}).json["items"]
        assert [item["status"] for item in answer] == ["created", "failed"] and "custom.size" in answer[1]["error"]

    def test_the_catalogue_tells_of_every_field(self, company, level):
        found = {field["name"]: field for field in company.api("GET", "/fields/customer").json["items"]}
        assert found["email"]["type"] == "email" and found["email"]["personal"] and not found["email"]["custom"]
        assert [choice["label"] for choice in found["custom.level"]["choices"]] == ["Gold", "Silver"]
        assert company.api("GET", "/fields/shop").status_code == 404
        assert company.api("POST", "/fields/customer", json={"label": "Level", "type": "text"}).status_code == 409
        wrong = company.api("POST", "/fields/customer", json={"label": "Sum", "type": "formula", "formula": "1 +"})
        assert wrong.status_code == 422 and "At character 4" in wrong.json["error"]["fields"]["formula"][0]

    def test_a_field_is_changed_and_archived(self, company, level):
        path = f"/fields/customer/{level['id']}"
        assert company.api("PATCH", path, json={"label": "Grade"}).json["label"] == "Grade"
        company.api("PATCH", path, json={"archived": True})
        assert "custom.level" not in {field["name"] for field in company.api("GET", "/fields/customer").json["items"]}
        assert company.api("PATCH", f"/fields/product/{level['id']}", json={"label": "X"}).status_code == 404

    def test_one_field_is_read_by_its_id_unless_it_is_hidden(self, app, company, other_company, level):
        path = f"/fields/customer/{level['id']}"
        found = company.api("GET", path).json
        assert (found["name"], [one["label"] for one in found["choices"]]) == ("custom.level", ["Gold", "Silver"])
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            seen = ["customers.read", "fields.read"]
            role = made_roles.create(
                name="Blind", permissions=seen, rows={}, hidden=["customer.custom.level"], locked=[]
            )
            _key, blind = api_keys.make(name="Blind", role=str(role.id))
        asked = [
            company.api("GET", path, headers={"Authorization": f"Bearer {blind}"}),
            other_company.api("GET", path), company.api("GET", f"/fields/product/{level['id']}"),
            company.api("GET", "/fields/customer/None"), company.api("GET", f"/fields/nothing/{level['id']}"),
        ]  # fmt: skip
        assert [one.status_code for one in asked] == [404] * 5
        company.api("PATCH", path, json={"archived": True})
        assert company.api("GET", path).status_code == 200

    def test_filters_and_sorts_by_own_fields(self, company, people):
        ask = lambda query: [item["name"] for item in company.api("GET", f"/customers?{query}").json["items"]]  # noqa: E731
        assert ask("where=custom.level.is.gold") == ["Ada"] and ask("where=custom.level.is.Silver") == ["Bob"]
        assert ask("where=custom.shoe_size.at_least.40") == ["Bob"] and ask("where=custom.nick.contains.DDY") == ["Ada"]
        assert ask("where=custom.level.is_empty") == ["Cyd"] and set(ask("where=custom.level.is_not.gold")) == {
            "Bob",
            "Cyd",
        }
        assert ask("sort=custom.shoe_size") == ["Ada", "Bob", "Cyd"] and ask("sort=-custom.shoe_size") == [
            "Bob",
            "Ada",
            "Cyd",
        ]
        first = company.api("GET", "/customers?sort=-custom.shoe_size&limit=2").json
        assert [item["name"] for item in first["items"]] == ["Bob", "Ada"]
        rest = company.api("GET", f"/customers?sort=-custom.shoe_size&limit=2&cursor={first['next']}").json
        assert [item["name"] for item in rest["items"]] == ["Cyd"] and rest["next"] is None
        assert company.api("GET", "/customers?sort=custom.level").status_code == 422
        assert company.api("GET", "/customers?where=custom.size.is.1").status_code == 422

    def test_a_formula_is_shown_and_asked(self, company, people):
        make(company, "Area", "formula", formula="shoe_size * 2")
        make(company, "Known", "formula", formula="if(orders_count > 0, 'buyer', 'new')")
        shown = company.api("GET", f"/customers/{people[0]}").json["custom"]
        assert shown["area"] == 77 and shown["known"] == "new"
        found = company.api("GET", "/customers?where=custom.area.at_least.80&where=custom.known.is.new").json["items"]
        assert [item["name"] for item in found] == ["Bob"]
        refused = company.api("PATCH", f"/customers/{people[0]}", json={"custom": {"area": 3}})
        assert refused.status_code == 422

    def test_a_segment_holds_who_fits_and_follows_changes(self, company, people):
        rule = {"match": "all", "conditions": [{"field": "custom.level", "operator": "is", "value": "gold"}]}
        made = company.api("POST", "/segments", json={"name": "Golden", "definition": rule}).json
        assert made["size"] == 1
        company.api("PATCH", f"/customers/{people[2]}", json={"custom": {"level": "Gold"}})
        assert company.api("GET", f"/segments/{made['id']}").json["size"] == 2
        assert "Level is Gold" in company.page.get(f"/segments/{made['id']}").text


class TestSettings:
    def test_a_field_is_made_renamed_and_archived_in_settings(self, company):
        made = company.post(
            "/settings/fields",
            {
                "kind": "customer",
                "label": "Level",
                "type": "choice",
                "choices": "Gold\nSilver",
                "help": "As on the card",
            },
        )
        assert made.status_code == 303
        page = company.page.get("/settings/fields").text
        assert "Level" in page and "One of several" in page
        field_id = re.search(r"/settings/fields/([0-9a-f-]{36})\"", page).group(1)
        assert company.post(f"/settings/fields/{field_id}", {"label": "Grade"}).status_code == 303
        assert "Grade" in company.page.get("/settings/fields").text
        company.post(f"/settings/fields/{field_id}/choices", {"key": "gold", "label": "Golden", "do": "rename"})
        company.post(f"/settings/fields/{field_id}/choices", {"key": "silver", "into": "gold", "do": "merge"})
        assert "Silver → Golden" in company.page.get(f"/settings/fields/{field_id}").text
        company.post(f"/settings/fields/{field_id}/archive")
        assert "Archived" in company.page.get("/settings/fields").text
        assert company.post(f"/settings/fields/{field_id}/delete").status_code == 303

    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, company):
        answer = company.post(
            "/settings/fields", {"kind": "customer", "label": "Sum", "type": "formula", "formula": "spent + 1"}
        )
        assert answer.status_code == 422
        assert "There is no field called" in answer.text and "spent + 1" in answer.text

    def test_a_field_that_a_segment_asks_is_not_deleted(self, company, level):
        rule = {
            "match": "any",
            "conditions": [
                {"match": "all", "conditions": [{"field": "custom.level", "operator": "is", "value": "gold"}]}
            ],
        }
        company.api("POST", "/segments", json={"name": "Golden", "definition": rule})
        answer = company.post(f"/settings/fields/{level['id']}/delete", {"confirmation": "Level"})
        assert answer.status_code == 409 and "These segments ask this field: Golden" in answer.text

    def test_only_who_may_makes_fields(self, app, company):
        browser = add_member(app, company, role="sales")
        assert browser.get("/settings/fields").status_code == 403


class TestForms:
    def test_a_form_has_the_fields_and_keeps_what_is_entered(self, company, level):
        assert "Our own fields" in company.page.get("/customers/new").text
        made = company.post("/customers/new", {"last_name": "Ada", "has.custom.level": "1", "custom.level": "gold"})
        assert made.status_code == 303
        page = company.page.get(made.location)
        assert re.search(r'<option value="gold" selected>Gold</option>', page.text)
        wrong = company.post("/customers/new", {"last_name": "Bob", "has.custom.level": "1", "custom.level": "bronze"})
        assert wrong.status_code == 422 and "is not one of: Gold, Silver" in wrong.text

    def test_hostile_text_is_only_text(self, company):
        make(company, "Nick")
        made = company.post("/customers/new", {"last_name": "Ada", "has.custom.nick": "1", "custom.nick": HOSTILE})
        for page in (made.location, "/customers?columns=custom.nick", f"{made.location}/edit"):
            assert HOSTILE not in company.page.get(page).text

    def test_columns_show_own_fields_with_a_way_to_change_them(self, company, people):
        page = company.page.get("/customers?columns=custom.level custom.shoe_size&sort=-custom.shoe_size").text
        assert names(company.page.get("/customers?sort=-custom.shoe_size")) == ["Bob", "Ada", "Cyd"]
        assert "38.5" in page and "Silver" in page and "Change “Level” of Ada" in page


class TestTwoAtOnce:
    def path(self, people, name: str) -> str:
        return f"/records/customer/{people[0]}/fields/{name}"

    def test_a_cell_is_changed_where_it_stands(self, company, people):
        edit = company.page.get(self.path(people, "custom.nick") + "?edit=1")
        assert 'name="was" value="Addy"' in edit.text
        saved = company.post(self.path(people, "custom.nick"), {"was": "Addy", "value": "Countess"}, headers=HTMX)
        assert saved.status_code == 200 and "Countess" in saved.text
        wrong = company.post(self.path(people, "custom.shoe_size"), {"was": "38.5", "value": "large"}, headers=HTMX)
        assert wrong.status_code == 422 and "Give a number" in wrong.text and "large" in wrong.text

    def test_what_a_colleague_changed_meanwhile_stands_beside_mine_and_before(self, app, company, people):
        colleague = add_member(app, company, role="sales")
        company.api("PATCH", f"/customers/{people[0]}", json={"custom": {"nick": "Theirs"}})
        clash = company.post(self.path(people, "custom.nick"), {"was": "Addy", "value": "Mine"}, headers=HTMX)
        assert clash.status_code == 409
        for word in ("Theirs", "Mine", "Addy", "changed “Nick” meanwhile"):
            assert word in clash.text
        assert company.api("GET", f"/customers/{people[0]}").json["custom"]["nick"] == "Theirs"
        taken = company.post(self.path(people, "custom.nick"), {"was": "Theirs", "value": "Mine"}, headers=HTMX)
        assert taken.status_code == 200
        assert company.api("GET", f"/customers/{people[0]}").json["custom"]["nick"] == "Mine"
        assert colleague.get(self.path(people, "custom.nick")).status_code == 200

    def test_the_whole_form_shows_only_what_both_changed(self, company, people):
        page = company.page.get(f"/customers/{people[0]}/edit").text
        form = dict(re.findall(r'name="(version|was\.[^"]+)" value="([^"]*)"', page))
        company.api("PATCH", f"/customers/{people[0]}", json={"city": "Ulm", "custom": {"nick": "Theirs"}})
        values = {name.removeprefix("was."): text for name, text in form.items() if name.startswith("was.")}
        own = {f"has.{name}": "1" for name in values if name.startswith("custom.")}
        clash = company.post(
            f"/customers/{people[0]}/edit", form | values | own | {"custom.nick": "Mine", "company": "Acme"}
        )
        assert clash.status_code == 409
        assert all(word in clash.text for word in ("Theirs", "Mine", "Addy")) and 'type="radio"' in clash.text
        again = dict(re.findall(r'name="(version|was\.[^"]+)" value="([^"]*)"', clash.text))
        done = company.post(
            f"/customers/{people[0]}/edit",
            again | values | own | {"city": "Ulm", "custom.nick": "Mine", "company": "Acme"},
        )
        assert done.status_code == 303
        shown = company.api("GET", f"/customers/{people[0]}").json
        assert (shown["city"], shown["company"], shown["custom"]["nick"]) == ("Ulm", "Acme", "Mine")

    def test_who_may_not_edit_may_not_here(self, app, company, people):
        reader = add_member(app, company, role="read_only")
        assert reader.get(self.path(people, "custom.nick")).status_code == 403
        assert company.page.get(self.path(people, "spent_amount")).status_code == 403
        assert company.page.get(self.path(people, "nothing")).status_code == 422


class TestProductsAndOrders:
    @pytest.fixture
    def goods(self, company, drain) -> dict[str, str]:
        make(company, "Material", "choice", kind="product", choices=["Oak", "Ash"])
        make(company, "Gift", "yes_no", kind="order")
        make(company, "Weight", "number", kind="order")
        (pot,) = send(
            company,
            "products",
            {"external_id": "p1", "name": "Pot", "price": "12.50", "currency": "EUR", "custom": {"material": "Oak"}},
        )
        send(company, "products", {"external_id": "p2", "name": "Pan"})
        first, _second = send(
            company, "orders", {"external_id": "o1", "number": "A1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR", "custom": {"gift": True, "weight": 2}},
            {"external_id": "o2", "number": "A2", "placed_at": "2026-05-02T10:00:00Z", "currency": "EUR", "custom": {"weight": 1}},
        )  # fmt: skip
        drain(company)
        return {"product": pot, "order": first}

    def test_lists_show_filter_and_sort_by_them(self, company, goods):
        page = company.page.get("/products?show=all&columns=custom.material&where=custom.material.is.oak")
        assert names(page) == ["Pot"] and "Material is Oak" in page.text and "Change “Material” of Pot" in page.text
        assert names(company.page.get("/orders?where=custom.gift.is.yes")) == ["A1"]
        assert names(company.page.get("/orders?sort=custom.weight&columns=custom.weight")) == ["A2", "A1"]
        assert "cannot be understood" in company.page.get("/orders?where=custom.colour.is.red").text

    def test_programs_ask_the_same(self, company, goods):
        found = company.api("GET", "/products?where=custom.material.is.Oak").json["items"]
        assert [item["custom"] for item in found] == [{"material": "oak"}]
        assert [item["number"] for item in company.api("GET", "/orders?sort=-custom.weight").json["items"]] == [
            "A1",
            "A2",
        ]
        assert company.api("GET", "/orders?where=custom.gift.is.perhaps").status_code == 422

    def test_an_order_takes_own_fields_and_nothing_else(self, company, goods):
        path = f"/orders/{goods['order']}"
        held = company.api("GET", path)
        changed = company.api(
            "PATCH", path, json={"custom": {"gift": False}}, headers={"If-Match": held.headers["ETag"]}
        )
        assert changed.json["custom"] == {"gift": False, "weight": 2}
        late = company.api("PATCH", path, json={"custom": {"gift": True}}, headers={"If-Match": held.headers["ETag"]})
        assert late.status_code == 412
        assert company.api("PATCH", path, json={"status": "paid"}).status_code == 422

    def test_forms_and_pages_have_them(self, company, goods):
        product = f"/products/{goods['product']}"
        saved = company.post(
            f"{product}/edit",
            {
                "name": "Pot",
                "active": "1",
                "price": "12.50",
                "currency": "EUR",
                "has.custom.material": "1",
                "custom.material": "ash",
            },
        )
        assert saved.status_code == 303
        assert '<option value="ash" selected>' in company.page.get(product).text
        changed = company.post(
            f"/records/order/{goods['order']}/fields/custom.gift",
            {"was": "yes", "value": "no", "place": "record"},
            headers=HTMX,
        )
        assert changed.status_code == 200
        assert "Our own fields" in company.page.get(f"/orders/{goods['order']}").text

    def test_views_keep_what_these_lists_show(self, company, goods):
        kept = company.post(
            "/views/product",
            {"name": "Oak", "s.where": "custom.material.is.oak", "s.show": "all", "s.columns": "custom.material"},
        )
        page = company.page.get(company.page.get(kept.location).location)
        assert names(page) == ["Pot"] and ">Oak</a>" in page.text
        assert company.page.get(kept.location.replace("/products", "/orders")).status_code == 404


class TestElsewhere:
    def test_the_search_box_finds_own_texts(self, company, people):
        from tests.doors.shop_data import indexed

        indexed(company)
        assert names(company.page.get("/customers?q=addy")) == ["Ada"]

    def test_a_mail_may_say_them(self, company, people, context):
        from uuid import UUID

        from saas.kit import work
        from saas.marketing import people as readers

        with work.unit(tenant_id=company.tenant_id):
            found = readers.load([UUID(people[0])])
        assert found[UUID(people[0])]["customer"]["custom"] == {"level": "Gold", "shoe_size": "38.5", "nick": "Addy"}
