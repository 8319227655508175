"""Insights: figures over orders as people see them, filtered by sentences, as tables and as files."""

from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest

from tenant_admin import figures
from tests import queries
from tests.doors.shop_data import ESCAPED, HOSTILE, order, product, send
from tests.doors.test_home import text_of


@pytest.fixture
def sold(company):
    """Orders of three people over three months, in two countries, and one of a guest."""
    pot, mug = (
        {"product": key, "sku": "", "name": name, "quantity": 1, "unit_price": price}
        for key, name, price in (("p1", "Pot", "20.00"), ("p2", "Mug", "5.50"))
    )
    send(company, "products", product(1, name="Round pot"), product(2))
    send(company, "orders", *[
        order(count, who, placed_at=f"{day}T12:00:00Z", country=country, lines=lines)
        for count, (who, day, country, lines) in enumerate([
            ("a@shop.example", "2026-01-10", "DE", [pot, mug]), ("a@shop.example", "2026-02-10", "DE", [pot, mug]),
            ("b@shop.example", "2026-01-20", "FR", [mug]), ("b@shop.example", "2026-03-05", "FR", [pot, mug]),
            ("c@shop.example", "2026-03-06", "DE", [mug]), (None, "2026-03-07", "DE", [{**mug, "product": "p3", "name": "Guest thing"}]),
        ])
    ])  # fmt: skip
    return company


class TestFigures:
    def test_the_page_tells_what_was_sold(self, sold):
        words = text_of(sold.page.get("/insights"))
        for sentence in (
            "€88",
            "67%",
            "2 of 3 customers ordered more than once",
            "Round pot",
            "was the best month with",
        ):
            assert sentence in words, sentence
        assert "Guest thing" not in words

    def test_filters_stand_in_the_address_and_are_said_in_sentences(self, sold):
        words = text_of(sold.page.get("/insights?country=FR&since=2026-02-01&until=2026-03-31"))
        assert "from France" in words and "from Feb 1, 2026" in words and "until Mar 31, 2026" in words
        assert "€26" in words

    def test_all_orders_can_be_counted(self, sold):
        assert "Guest thing" in text_of(sold.page.get("/insights?all=1"))

    def test_a_filter_that_nothing_fits_has_a_way_out(self, sold):
        answer = sold.page.get("/insights?country=XX")
        assert "No order is like that" in text_of(answer) and 'href="/insights"' in answer.get_data(as_text=True)

    @pytest.mark.parametrize(
        "address",
        ["?since=yesterday", "?until=9999-99-99", "?since=0001-01-01", "?until=9999-12-31", "?country=" + "x" * 500],
    )
    def test_what_is_no_day_or_country_breaks_nothing(self, sold, address):
        assert sold.page.get(f"/insights{address}").status_code == 200

    def test_an_empty_company_is_told_what_comes(self, company):
        answer = company.page.get("/insights")
        assert answer.status_code == 200 and "Figures appear with the first orders" in text_of(answer)
        assert 'href="/shops/new"' in answer.get_data(as_text=True)

    def test_a_company_of_guests_is_offered_to_count_them(self, company):
        send(company, "orders", order(1, None))
        answer = company.page.get("/insights")
        assert "Only guests so far" in text_of(answer) and "/insights?all=1" in answer.get_data(as_text=True)

    def test_names_from_the_shop_are_only_text(self, company):
        send(
            company,
            "orders",
            order(
                1,
                "a@shop.example",
                country=HOSTILE[:40],
                lines=[{"product": "x", "name": HOSTILE, "quantity": 1, "unit_price": "1"}],
            ),
        )
        page = company.page.get("/insights").get_data(as_text=True)
        assert HOSTILE not in page and ESCAPED in page

    def test_it_asks_little_of_the_database(self, sold):
        with queries.counted() as asked:
            sold.page.get("/insights")
        assert len(asked) <= 12

    def test_links_lead_somewhere(self, sold):
        page = sold.page.get("/insights").get_data(as_text=True)
        addresses = {found.replace("&amp;", "&") for found in re.findall(r'href="(/(?:orders|customers|products|insights)[^"]*)"', page)
                     if "lang=" not in found}  # fmt: skip
        assert len(addresses) > 8
        for address in addresses:
            assert sold.page.get(address).status_code == 200, address


class TestDownload:
    def rows(self, company, figure, **query):
        answer = company.page.get("/insights/csv", query_string={"figure": figure, **query})
        assert answer.status_code == 200 and answer.mimetype == "text/csv"
        return list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))

    def test_each_figure_is_a_file_with_the_same_filters(self, sold):
        assert self.rows(sold, "months")[1] == ["2026-01-01", "31.00", "2", "2"]
        assert self.rows(sold, "months", country="FR")[1] == ["2026-01-01", "5.50", "1", "1"]
        assert self.rows(sold, "cohorts")[1:] == [["2026-01-01", "2", "1", "1"], ["2026-03-01", "1"]]
        assert self.rows(sold, "shares")[0] == ["Share of customers", "Customers", "Part of the goods sold"]
        assert self.rows(sold, "products")[1] == ["p1", "Round pot", "3", "3", "60.00"]
        assert self.rows(sold, "pairs") == [["First", "Second", "Orders with both", "Support", "Confidence", "Lift", "Leverage"],
                                            ["p1", "p2", "3", "0.5", "1.0", "1.2", "0.083333"]]  # fmt: skip

    def test_no_name_becomes_a_formula(self, company):
        send(
            company,
            "orders",
            order(
                1, "a@shop.example", lines=[{"product": "=1+1", "name": "@SUM(A1)", "quantity": 1, "unit_price": "-3"}]
            ),
        )
        assert self.rows(company, "products", all="1")[1][:2] == ["'=1+1", "'@SUM(A1)"]
        assert self.rows(company, "products", all="1")[1][4] == "-3.00"

    @pytest.mark.parametrize("figure", ["", "nothing", "../months"])
    def test_a_figure_that_does_not_exist(self, company, figure):
        assert company.page.get("/insights/csv", query_string={"figure": figure}).status_code == 404


class TestFindings:
    def finding(self, app, values, today):
        rows = [{"month": month, "revenue_micros": amount * 1_000_000} for month, amount in values.items()]
        with app.test_request_context():
            return figures.months(rows, "EUR", today=today)["finding"]

    def test_two_years_are_compared_by_their_whole_months(self, app):
        start = [figures.months_back(date(2026, 11, 1), back) for back in range(24, -1, -1)]
        values = {month: 100 if place <= 12 else 150 for place, month in enumerate(start)}
        said = "The last 11 whole months brought 50% more than the same months a year before"
        assert self.finding(app, values | {start[0]: 1}, date(2026, 11, 21)) == said

    def test_a_young_shop_hears_of_its_best_month(self, app):
        values = {date(2026, 1, 1): 10, date(2026, 3, 1): 30}
        assert self.finding(app, values, date(2026, 4, 2)) == "Mar 2026 was the best month with €30"

    def test_months_without_orders_are_drawn_as_nothing(self, app):
        rows = [
            {"month": date(2025, 11, 1), "revenue_micros": 1},
            {"month": date(2026, 2, 1), "revenue_micros": 5_000_000},
        ]
        with app.test_request_context():
            chart = figures.months(rows, "EUR", today=date(2026, 2, 3))["data"]
        assert chart["x"] == ["Nov 2025", "Dec 2025", "Jan 2026", "Feb 2026"]
        assert chart["series"][0]["values"] == [0, 0, 0, 500]
        assert chart["links"][-1] == "/orders?since=2026-02-01&until=2026-02-28"
