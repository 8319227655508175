"""Fields of orders and products that a role hides or locks: on no page, in no answer, no file, and nothing can be learnt by asking."""

from __future__ import annotations

import csv
import html
import io
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from saas.kit import access, scope, search, work
from saas.tenancy import roles
from tests.companies import Company
from tests.doors.shop_data import indexed, order, product, send
from tests.rooms.tenancy import crew

SECRET = "xqsecret"
HIDDEN = ("customer.spent_amount", "customer.refunded_amount", "order.number", "order.total", "order.refunded", "order.status", "order.placed_at", "product.sku", "product.stock", "product.tags",
          "order.custom.gift", "product.custom.cost")  # fmt: skip
MARKS = (SECRET, "71,533", "71533", "4,242", "4242", "66.66")


@dataclass
class Stage:
    """Somebody who sees no figures, with the ids of an order, a product and a customer."""

    company: Company
    ann: Company
    order: str
    product: str
    customer: str


@pytest.fixture
def stage(app, company, drain) -> Stage:
    assert company.api("POST", "/fields/order", json={"label": "Gift", "type": "text"}).status_code == 201
    assert company.api("POST", "/fields/product", json={"label": "Cost", "type": "text"}).status_code == 201
    [good] = send(
        company,
        "products",
        product(1, sku=f"{SECRET}-sku", stock=4242, tags=[f"{SECRET}tag"], custom={"cost": f"{SECRET}cost"}),
    )
    line = {"product": "p1", "quantity": 1, "unit_price": "71533.00"}
    refund = {"external_id": "r1", "amount": "66.66", "reason": f"{SECRET}reason"}
    [sold] = send(
        company,
        "orders",
        order(
            1,
            "ada@shop.example",
            number=f"{SECRET}-1",
            lines=[line],
            refunds=[refund],
            custom={"gift": f"{SECRET}gift"},
        ),
    )
    drain(company)
    indexed(company)
    with app.app_context():
        role = crew.role(
            company.tenant_id,
            "Packs",
            permissions=sorted(roles.every() - roles.OWNERS),
            hidden=list(HIDDEN),
            locked=["product.name"],
        )
        ann = crew.person(company.tenant_id, role=role, name="Ann")
    customer = company.api("GET", "/customers?email=ada@shop.example").json["items"][0]["id"]
    return Stage(company, crew.browser(app, company, ann), sold, good, customer)


def said(stage, path, **query):
    path = f"{path}?{urlencode(query)}" if query else path
    answer = stage.ann.page.get(path, follow_redirects=True)
    return answer, html.unescape(answer.get_data(as_text=True))


class TestPages:
    def test_no_page_shows_them(self, stage):
        places = [
            "/orders", f"/orders/{stage.order}", "/products", "/products?show=all", f"/products/{stage.product}", f"/products/{stage.product}/edit",
            f"/customers/{stage.customer}", "/", "/insights", "/exports/new?what=orders", "/exports/new?what=products", "/bin",
            f"/search?q={SECRET}-1", f"/search?q={SECRET}-sku", "/orders?columns=custom.gift&sort=custom.gift", "/products?columns=custom.cost",
        ]  # fmt: skip
        for place in places:
            answer, text = said(stage, place)
            assert answer.status_code in (200, 403), (place, answer.status_code, answer.request.path)
            asked = place.partition("?q=")[2]
            text = text.replace(asked, "") if asked else text
            told = [mark for mark in MARKS if mark in text]
            assert not told, (place, told)

    def test_a_question_about_them_finds_what_no_question_finds(self, stage):
        everything = said(stage, "/orders")[1].count("data-row")
        for asked in (
            {"q": "nothing"},
            {"q": f"{SECRET}-1"},
            {"status": "paid"},
            {"status": "cancelled"},
            {"since": "2030-01-01"},
            {"until": "2000-01-01"},
        ):
            answer, text = said(stage, "/orders", **asked)
            assert answer.status_code == 200 and text.count("data-row") == everything, asked
        gone = said(stage, "/orders", where=f"custom.gift.is.{SECRET}gift")[1]
        assert "cannot be understood" in gone
        assert said(stage, "/products", show="sold_out")[1].count("data-row") == said(stage, "/products", show="all")[
            1
        ].count("data-row")

    def test_what_is_read_only_is_not_in_the_form_and_not_taken_from_it(self, stage):
        path = f"/products/{stage.product}/edit"
        assert 'name="name"' not in said(stage, path)[1]
        assert stage.ann.post(path, {"name": "Stolen", "categories": "New", "active": "1"}).status_code == 303
        after = stage.company.api("GET", f"/products/{stage.product}").json
        assert (after["name"], after["categories"], after["tags"]) == ("Pot 1", ["New"], [f"{SECRET}tag"])

    def test_bulk_actions_and_files_know_nothing_of_them(self, stage):
        for asked in ({"do": "set", "field": "stock", "value": "1"}, {"do": "set", "field": "custom.cost", "value": "1"}, {"do": "tag", "value": "x"},
                      {"do": "set", "field": "name", "value": "x"}):  # fmt: skip
            assert stage.ann.post("/products/bulk", {"ids": [stage.product], **asked}).status_code in (403, 422), asked
        for what, column in (
            ("orders", "total"),
            ("orders", "number"),
            ("lines", "unit_price"),
            ("products", "sku"),
            ("products", "custom.cost"),
        ):
            assert (
                stage.ann.post("/exports", {"what": what, "format": "csv", "columns": [column]}).status_code == 422
            ), column
        for what in ("orders", "lines", "products"):
            answer = stage.ann.post("/exports", {"what": what, "format": "csv"})
            rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
            assert len(rows) == 2 and not [mark for mark in MARKS if mark in answer.data.decode()], what

    def test_the_form_of_a_role_offers_them(self, stage):
        page = html.unescape(stage.company.page.get("/settings/roles/new").text)
        assert 'name="field.order.total"' in page and 'name="field.product.stock"' in page and "Orders: Amounts" in page
        assert 'name="field.order.currency"' not in page and 'name="field.product.price"' not in page
        answer = stage.company.post(
            "/settings/roles/new",
            {"name": "Shelf", "may": ["orders.read"], "level": "all", "field.order.total": "hidden"},
        )
        assert answer.status_code == 303
        assert [
            one["hidden"] for one in stage.company.api("GET", "/roles").json["items"] if one["name"] == "Shelf"
        ] == [["order.total"]]


@pytest.fixture
def packer(app, company, stage):
    """The rooms as a key of that role reaches them."""
    role = access.Access(
        permissions=roles.every() - roles.OWNERS, hidden=frozenset(HIDDEN), locked=frozenset({"product.name"})
    )
    with app.app_context(), access.bound(role), work.unit(tenant_id=company.tenant_id):
        yield


class TestRooms:
    def test_shown_values_leave_them_out(self, stage, packer):
        from saas.catalog import products, schemas
        from saas.commerce import orders
        from saas.commerce import schemas as selling

        one = orders.one(stage.order)
        whole = selling.shown(one, orders.lines_of([one.id]), orders.refunds_of(one.id))
        assert (
            not {"number", "total", "refunded", "status", "placed_at"} & set(whole)
            and whole["refunds"] == []
            and whole["custom"] == {}
        )
        assert set(whole["lines"][0]) == {
            "position", "external_id", "product", "product_id", "variant", "variant_id", "variant_name", "options", "sku", "name", "quantity", "flags",
        }  # fmt: skip
        good = schemas.shown(products.one(stage.product))
        assert not {"sku", "stock", "tags"} & set(good) and good["custom"] == {} and good["price"] == "12.50"

    @pytest.mark.parametrize("kind, asked", [
        ("order", {"status": "paid"}), ("order", {"number": "1"}), ("order", {"since": "2026-01-01T00:00:00+00:00"}), ("order", {"where": ["custom.gift.is.x"]}),
        ("product", {"sold_out": True}), ("product", {"where": ["custom.cost.is.x"]}),
    ])  # fmt: skip
    def test_a_filter_on_a_hidden_field_is_refused_like_one_on_none(self, stage, packer, kind, asked):
        from sqlalchemy import select

        from saas.audiences import selecting
        from saas.kit import errors, records

        def refused(wanted):
            with pytest.raises(errors.Invalid) as caught:
                selecting.narrowed(kind, select(records.kind(kind).model.id), wanted)
            [sentences] = caught.value.fields.values()
            return sentences[0]

        sentence = refused(asked)
        assert sentence.startswith("Nothing is known about “")
        if "where" in asked:
            assert sentence.replace("gift", "none").replace("cost", "none") == refused({"where": ["custom.none.is.x"]})

    def test_search_finds_nothing_by_them(self, stage, packer):
        tenant = scope.tenant_id()
        assert (
            search.find(tenant, f"{SECRET}-1", kinds=["order"])
            == []
            == search.find(tenant, f"{SECRET}-sku", kinds=["product"])
        )
        assert [hit.subtitle for hit in search.find(tenant, "Pot 1", kinds=["product"])] == [""]

    def test_programs_cannot_write_them(self, stage, packer):
        from saas.catalog import products

        for given in ({"stock": 1}, {"tags": ["x"]}, {"custom": {"cost": "x"}}):
            failed = products.upsert_many([{"external_id": "p1"} | given])[0]
            assert failed.status == "failed" and "Nothing is known about" in failed.error, given
        assert (
            products.upsert_many([{"external_id": "p1", "name": "x"}])[0].error
            == "You can see “name” and not change it."
        )
        with pytest.raises(access.Locked):
            products.change(stage.product, name="x")
        with pytest.raises(access.UnknownField):
            products.change(stage.product, stock=3)

    def test_reports_that_sum_them_are_refused(self, stage, packer):
        from saas.insights import reports

        for report in (reports.sales, reports.sales_by_month, reports.best_products, reports.bought_together):
            with pytest.raises(access.MayNot):
                report()
