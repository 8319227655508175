"""Recommendations and their rules through the API."""

from __future__ import annotations

import uuid

import pytest

from saas.kit import valkey
from saas.recommend import shelf, shown, stock
from tests.companies import add_member
from tests.rooms.recommend import little_shop


@pytest.fixture
def shop(company, drain):
    """A company with a little shop, its models fitted."""
    from saas.recommend import fitting

    shelf.forget()
    stock.forget()
    shown.flush()
    valkey.client().delete(shown.STREAM)
    with company.app.app_context():
        little_shop.fill(company)
        drain(company)
        fitting.fit(company.tenant_id)
    return company


def ask(company, **query):
    return company.api("GET", "/recommendations", query_string={"slot": "product", "product": "tea-2", **query})


class TestRecommendations:
    def test_for_a_product_a_visitor_and_a_customer(self, shop):
        answer = ask(shop, limit=2)
        assert answer.status_code == 200
        assert answer.json["items"][0]["reason"]["code"] == "bought_together"
        product = shop.api("GET", f"/products/{answer.json['items'][0]['product_id']}")
        assert product.json["external_id"] == answer.json["items"][0]["product"]
        customer = shop.api("GET", "/customers", query_string={"external_id": "c1"}).json["items"][0]
        assert len(ask(shop, slot="mail", product="", customer_id=customer["id"], language="zh").json["items"]) == 4
        assert len(ask(shop, slot="home", visitor="shopper-0000000000000004").json["items"]) == 4

    def test_several_products_in_the_cart(self, shop):
        answer = ask(shop, slot="cart", product="", cart=["tea-1", "tea-3"], limit=1)
        assert [item["product"] for item in answer.json["items"]] == ["tea-2"]

    def test_a_wrong_question_is_refused_with_its_field(self, shop):
        for query, field in (
            ({"slot": "attic"}, "slot"),
            ({"limit": 0}, "limit"),
            ({"customer_id": "x"}, "customer_id"),
        ):
            answer = ask(shop, **query)
            assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [field])
        assert ask(shop, customer_id=str(uuid.uuid4())).status_code == 404

    def test_what_was_shown_with_what_became_of_it(self, shop, other_company):
        made = [ask(shop, limit=3, visitor="shopper-0000000000000005").json for _question in range(3)]
        ask(shop, record="false")
        with shop.app.app_context():
            shown.write_pending()
        seen, cursor = [], None
        while True:
            query = {"limit": 4} | ({"cursor": cursor} if cursor else {})
            page = shop.api("GET", "/recommendations/shown", query_string=query).json
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(item["offer"] for answer in made for item in answer["items"])
        one = shop.api("GET", f"/recommendations/{seen[0]}").json
        assert (one["slot"], one["seen_at"], one["bought_after"]) == ("product", None, "")
        assert other_company.api("GET", f"/recommendations/{seen[0]}").status_code == 404
        nobody = shop.api("GET", "/recommendations/shown", query_string={"visitor": "nobody"}).json
        assert nobody == {"items": [], "next": None}


class TestRules:
    def test_create_list_show_change_delete(self, shop):
        product = ask(shop, slot="home", product="").json["items"][-1]
        made = shop.api(
            "POST", "/recommendations/rules", json={"kind": "pin", "product_id": product["product_id"], "slot": "home"}
        )
        assert made.status_code == 201
        shelf.forget()
        assert ask(shop, slot="home", product="").json["items"][0]["product"] == product["product"]
        address = f"/recommendations/rules/{made.json['id']}"
        shown_rule = shop.api("GET", address)
        assert (shown_rule.json["position"], shown_rule.json["active"]) == (1, True)
        changed = shop.api("PATCH", address, json={"active": False}, headers={"If-Match": shown_rule.headers["ETag"]})
        assert (changed.status_code, changed.json["active"], changed.json["slot"]) == (200, False, "home")
        stale = shop.api("PATCH", address, json={"active": True}, headers={"If-Match": shown_rule.headers["ETag"]})
        assert stale.status_code == 412
        assert [rule["id"] for rule in shop.api("GET", "/recommendations/rules").json["items"]] == [made.json["id"]]
        assert shop.api("DELETE", address).status_code == 204
        assert shop.api("GET", address).status_code == 404

    def test_wrong_fields_are_named(self, shop):
        for body, field in (
            ({"kind": "adore"}, "kind"), ({"kind": "hide"}, "product_id"), ({"kind": "boost"}, "category"),
            ({"kind": "boost", "category": "Tea", "percent": 5000}, "percent"), ({"kind": "boost", "category": "Tea", "wings": 2}, "wings"),
        ):  # fmt: skip
            answer = shop.api("POST", "/recommendations/rules", json=body)
            assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [field])

    def test_another_companys_rule_does_not_exist(self, shop, other_company):
        rule = shop.api("POST", "/recommendations/rules", json={"kind": "boost", "category": "Tea"}).json
        for method in ("GET", "PATCH", "DELETE"):
            answer = other_company.api(
                method, f"/recommendations/rules/{rule['id']}", json={} if method == "PATCH" else None
            )
            assert answer.status_code == 404

    def test_the_trace_tells_of_it(self, shop):
        from saas.kit import pages, work
        from saas.tenancy import audit

        rule = shop.api("POST", "/recommendations/rules", json={"kind": "boost", "category": "Tea"}).json
        with shop.app.app_context(), work.unit(tenant_id=shop.tenant_id):
            [(entry, values, _undo)] = pages.page(audit.listed(record_id=rule["id"]), order=audit.NEWEST).items
            assert (entry.action, entry.actor_kind, values.after["category"]) == ("offer_rules.created", "key", "Tea")


class TestPages:
    def test_while_the_first_things_are_learnt_nobody_is_told_that_there_is_too_little(self, company, drain):
        before = company.page.get("/recommendations").text
        assert "Not enough data yet" in before and "Is being learnt" not in before
        with company.app.app_context():
            little_shop.fill(company)
            drain(company)
        page = company.page.get("/recommendations").text
        assert "Is being learnt" in page and "Not enough data yet" not in page and "No orders yet" not in page

    def test_results_models_try_out_and_rules(self, shop):
        page = shop.page.get("/recommendations").get_data(as_text=True)
        assert "No offers were shown yet" in page
        assert "30 orders with two products or more" in page
        assert "Not enough data yet" in page
        ask(shop)
        with shop.app.app_context():
            shown.write_pending()
        assert "Beside a product" in shop.page.get("/recommendations").get_data(as_text=True)
        tried = shop.page.get("/recommendations/try", query_string={"slot": "product", "product": "Tea 2"}).get_data(
            as_text=True
        )
        assert "Often bought with Tea 2" in tried
        assert "No product is called" in shop.page.get(
            "/recommendations/try", query_string={"product": "unicorn"}
        ).get_data(as_text=True)

    def test_a_rule_is_made_changed_deleted_and_brought_back(self, shop):
        assert shop.page.get("/recommendations/rules/new").status_code == 200
        made = shop.post(
            "/recommendations/rules/new", {"kind": "pin", "product": "Cup 6 (cup-6)", "slot": "home", "active": "1"}
        )
        assert made.status_code == 303
        [rule] = shop.api("GET", "/recommendations/rules").json["items"]
        assert "Cup 6" in shop.page.get("/recommendations/rules").get_data(as_text=True)
        address = f"/recommendations/rules/{rule['id']}"
        assert "Cup 6 (cup-6)" in shop.page.get(address).get_data(as_text=True)
        wrong = shop.post(address, {"kind": "pin", "product": "unicorn", "position": "99"})
        assert (wrong.status_code, "Choose a product." in wrong.get_data(as_text=True)) == (422, True)
        days = {
            "kind": "hide",
            "product": "cup-6",
            "starts_on": "2026-01-01",
            "ends_on": "2026-01-02",
            "position": "1",
            "percent": "200",
        }
        assert shop.post(address, days).status_code == 303
        changed = shop.api("GET", address.replace("/recommendations/rules", "/recommendations/rules")).json
        assert (changed["kind"], changed["active"], changed["ends_at"][:10]) == ("hide", False, "2026-01-03")
        assert shop.post(f"{address}/delete").status_code == 303
        undo = _undo_of(shop)
        assert shop.post(undo).status_code in (204, 303)
        assert shop.api("GET", "/recommendations/rules").json["items"][0]["kind"] == "hide"

    def test_who_may_only_read_is_not_asked_to_edit(self, shop):
        browser = add_member(shop.app, shop, role="read_only")
        page = browser.get("/recommendations/rules").get_data(as_text=True)
        assert "New rule" not in page
        assert browser.get("/recommendations/rules/new").status_code == 403


def _undo_of(company) -> str:
    import html
    import re

    page = html.unescape(company.page.get("/recommendations/rules").get_data(as_text=True))
    return re.search(r"/undo/[0-9a-f-]{36}", page).group()
