"""The segments' pages: the editor by plain form posts, who belongs, and what may not be asked."""

from __future__ import annotations

import re

import pytest

from tests.companies import add_member
from tests.doors.shop_data import HOSTILE, crowd, order, product, send
from tests.queries import counted

TREE = {
    "node.match": "all", "node.0.field": "orders_count", "node.0.operator": "at_least", "node.0.value": "1", "node.1.match": "any",
    "node.1.0.field": "country", "node.1.0.operator": "is", "node.1.0.value": "DE", "node.1.1.field": "bought", "node.1.1.operator": "ever",
    "node.1.1.matter": "product", "node.1.1.key": "p1",
}  # fmt: skip
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def filled(company, drain):
    send(company, "products", product(1))
    send(company, "customers", *crowd(30))
    send(company, "orders", order(1, "c1@shop.example"), order(2, "c2@shop.example"))
    drain(company)


@pytest.fixture
def segment(company, filled) -> str:
    answer = company.post("/segments/new", TREE | {"name": "Buyers", "do": "save"})
    assert answer.status_code == 303, answer.text
    return answer.location


class TestEditor:
    def test_it_makes_the_segment_that_was_put_together(self, company, segment):
        made = company.api("GET", "/segments").json["items"][0]
        assert made["definition"] == {"match": "all", "conditions": [
            {"field": "orders_count", "operator": "at_least", "value": 1},
            {"match": "any", "conditions": [
                {"field": "country", "operator": "is", "value": "DE"}, {"field": "bought", "operator": "ever", "product": "p1"},
            ]},
        ]}  # fmt: skip
        assert made["size"] == 2
        page = company.page.get(segment).text
        assert "2 customers" in page and "c1@shop.example" in page
        assert "ordered at least once and (Country is DE or bought “Pot 1”)" in page

    def test_rows_and_groups_come_and_go_without_any_script(self, company, filled):
        more = company.post("/segments/new", TREE | {"name": "Kept", "do": "add:1"}).text
        assert 'name="node.1.2.field"' in more and 'value="Kept"' in more
        assert 'name="node.2.match"' in company.post("/segments/new", TREE | {"do": "group:"}).text
        fewer = company.post("/segments/new", TREE | {"do": "remove:1.0"}).text
        assert 'name="node.1.0.key"' in fewer and 'name="node.1.1.field"' not in fewer
        assert 'name="node.1.match"' not in company.post("/segments/new", TREE | {"do": "remove:1"}).text
        for nonsense in ("remove:", "remove:9.9", "add:0", "add:7", "", "drop:0", "remove:1.0.0"):
            assert company.post("/segments/new", TREE | {"do": nonsense}).status_code == 200

    def test_another_field_brings_its_own_ways_to_ask(self, company, filled):
        page = company.post(
            "/segments/new",
            {"node.match": "all", "node.0.field": "email_consent", "node.0.operator": "at_least", "node.0.value": "1"},
        ).text
        assert re.search(r'<select[^>]*name="node.0.value"', page)
        page = company.post(
            "/segments/new",
            {
                "node.match": "all",
                "node.0.field": "bought",
                "node.0.operator": "in_last_days",
                "node.0.value": "30",
                "node.0.matter": "category",
            },
        ).text
        assert 'name="node.0.key"' in page and 'list="known-category"' in page and '<option value="Pots">' in page

    def test_it_counts_along_and_shows_some(self, company, filled):
        page = company.post("/segments/preview", TREE, headers=HTMX).text
        assert ">2<" in page and "c1@shop.example" in page and "<html" not in page
        half = company.post("/segments/preview", TREE | {"node.0.value": ""}, headers=HTMX).text
        assert ">16<" in half
        nothing = company.post(
            "/segments/preview",
            {"node.match": "all", "node.0.field": "orders_count", "node.0.value": "x"},
            headers=HTMX,
        ).text
        assert "That is everybody" in nothing

    def test_what_is_not_complete_is_said_at_its_row(self, company, filled):
        wrong = company.post("/segments/new", TREE | {"name": "Buyers", "node.1.0.value": "", "do": "save"})
        assert (
            wrong.status_code == 422
            and 'id="c-1-0-trouble"' in wrong.text
            and "Give a text to compare with." in wrong.text
        )
        days = company.post(
            "/segments/new",
            {
                "node.match": "all",
                "node.0.field": "last_order_at",
                "node.0.operator": "before",
                "node.0.value": "soon",
                "name": "x",
                "do": "save",
            },
        )
        assert days.status_code == 422 and "Give a date such as" in days.text

    def test_it_needs_a_name_of_its_own(self, company, segment):
        assert "Give the segment a name." in company.post("/segments/new", TREE | {"do": "save"}).text
        taken = company.post("/segments/new", TREE | {"name": "Buyers", "do": "save"})
        assert taken.status_code == 409 and "Another segment has this name." in taken.text

    def test_a_list_becomes_a_segment(self, company, filled):
        page = company.page.get(
            "/segments/new?where=country.is.DE&where=nonsense&where=bought.in_last_days.30.product.p1"
        ).text
        assert 'value="DE"' in page and 'value="p1"' in page and 'name="node.2.field"' not in page

    def test_amounts_are_counted_in_the_companys_currency(self, company, filled):
        tree = {
            "node.match": "all",
            "node.0.field": "spent_amount",
            "node.0.operator": "at_least",
            "node.0.value": "25.00",
        }
        assert ">2<" in company.post("/segments/preview", tree, headers=HTMX).text
        assert ">0<" in company.post("/segments/preview", tree | {"node.0.value": "25.01"}, headers=HTMX).text

    def test_too_deep_and_too_many_is_refused(self, company, filled):
        deep = {f"node.{'0.' * level}match": "all" for level in range(6)} | {"name": "Deep", "do": "save"}
        assert company.post("/segments/new", deep).status_code == 422
        many = {"node.match": "all", "name": "Many", "do": "save"}
        for n in range(60):
            many |= {f"node.{n}.field": "orders_count", f"node.{n}.operator": "at_least", f"node.{n}.value": "1"}
        assert company.post("/segments/new", many).status_code == 422


class TestPages:
    def test_change_and_delete(self, company, segment):
        assert 'value="Buyers"' in company.page.get(f"{segment}/edit").text
        changed = company.post(
            f"{segment}/edit",
            {
                "node.match": "any",
                "name": "Germans",
                "node.0.field": "country",
                "node.0.operator": "is",
                "node.0.value": "DE",
                "do": "save",
            },
        )
        assert changed.status_code == 303
        assert "15 customers" in company.page.get(segment).text
        assert "Germans" in company.page.get("/segments").text
        assert company.post(f"{segment}/delete").status_code == 303
        assert company.page.get(segment).status_code == 404
        assert "No segments yet" in company.page.get("/segments").text

    def test_names_and_values_never_become_markup(self, company, filled):
        made = company.post(
            "/segments/new",
            {
                "node.match": "all",
                "name": HOSTILE,
                "node.0.field": "city",
                "node.0.operator": "is",
                "node.0.value": HOSTILE,
                "do": "save",
            },
        )
        for path in (
            made.location,
            f"{made.location}/edit",
            "/segments",
            "/customers?where=city.is.%3Cscript%3Ealert(1)",
        ):
            page = company.page.get(path).text
            assert "<script>alert" not in page and "<img src=x" not in page
        assert (
            "<script>alert"
            not in company.post(
                "/segments/preview", {"node.match": "all", "node.0.field": HOSTILE, "node.0.value": HOSTILE}
            ).text
        )

    def test_roles(self, app, company, segment):
        reader = add_member(app, company, role="read_only")
        page = reader.get(segment).text
        assert "c1@shop.example" in page and "/edit" not in page and "Delete the segment" not in page
        assert reader.get(f"{segment}/edit").status_code == reader.get("/segments/new").status_code == 403
        assert "Make a segment of this" not in reader.get("/customers?where=country.is.DE").text

    def test_another_companys_segment_is_not_there(self, company, other_company, segment):
        assert (
            other_company.page.get(segment).status_code == other_company.page.get(f"{segment}/edit").status_code == 404
        )
        assert other_company.post(f"{segment}/edit", TREE | {"name": "x", "do": "save"}).status_code == 404
        assert other_company.post(f"{segment}/delete").status_code == 404

    def test_few_queries(self, company, segment):
        for path in (segment, f"{segment}/edit", "/segments"):
            with counted() as sent:
                company.page.get(path)
            assert len(sent) <= 12, path
