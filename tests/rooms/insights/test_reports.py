"""Reports: small shops reckoned by hand, and any shop held against a second reckoning that knows nothing of SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.commerce import orders
from saas.insights import reports
from saas.insights.reports import Scope
from saas.kit import work

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def order(number, *, day=0, who="a", lines=(("mug", 1, "10.00"),), **fields):
    return {
        "external_id": f"o-{number}", "placed_at": START + timedelta(days=day), "currency": "EUR", "status": "paid",
        "customer": {"external_id": who, "country": "DE"} if who else None,
        "lines": [{"position": at, "product": key, "sku": key, "name": key.title(), "quantity": quantity, "unit_price": price}
                  for at, (key, quantity, price) in enumerate(lines)],
        **fields,
    }  # fmt: skip


def record(*items):
    for result in orders.record_many(list(items)):
        assert result.status == "created", result.error


class TestSales:
    def test_a_small_shop_adds_up(self, tenant):
        record(
            order(1, lines=[("mug", 2, "10.00"), ("pot", 1, "30.555")]),
            order(2, day=3, lines=[("mug", 1, "10.00"), ("mug", -1, "10.00"), ("gift", 1, "0")]),
            order(3, day=40, who="b"),
            order(4, day=41, who=None),
        )
        cleaned, everything = reports.sales(), reports.sales(Scope(cleaned=False))
        assert (cleaned["orders"], cleaned["lines"], cleaned["customers"], cleaned["repeat_customers"]) == (3, 4, 2, 1)
        assert (reports.revenue_text(cleaned["revenue_micros"]), cleaned["repeat_rate"]) == ("70.555", 0.5)
        assert (everything["orders"], everything["lines"], reports.revenue_text(everything["revenue_micros"])) == (
            4,
            7,
            "70.555",
        )
        assert (reports.products_sold(), reports.products_sold(Scope(cleaned=False))) == (2, 3)

    def test_an_empty_shop_has_no_rates(self, tenant):
        assert reports.sales() == {
            "lines": 0,
            "revenue_micros": 0,
            "orders": 0,
            "customers": 0,
            "repeat_customers": 0,
            "repeat_rate": None,
        }
        assert (reports.concentration(), reports.cohorts(), reports.sales_by_month(), reports.best_products()) == (
            None,
            {},
            [],
            [],
        )
        assert reports.bought_together() == []

    @pytest.mark.parametrize("status", ["cancelled", "failed"])
    def test_what_was_never_paid_is_left_out(self, tenant, status):
        record(order(1), order(2, status=status))
        assert reports.sales()["orders"] == 1

    def test_money_of_another_currency_is_not_added(self, tenant):
        record(order(1), order(2, currency="JPY", lines=[("mug", 1, "1500")]))
        assert reports.sales()["revenue_micros"] == 10_000_000
        assert reports.sales(Scope(currency="JPY"))["revenue_micros"] == 1_500_000_000

    def test_a_changed_order_counts_as_it_is_now(self, tenant):
        record(order(1))
        later = order(1, lines=[("pot", 1, "7.00")], updated_at=START + timedelta(days=1))
        assert orders.record_many([later])[0].status == "updated"
        assert (reports.sales()["revenue_micros"], reports.best_products()[0]["key"]) == (7_000_000, "pot")

    def test_days_and_months_are_those_of_the_companys_zone(self, tenant):
        record(order(1, placed_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC)))
        assert reports.sales_by_month(zone="Europe/Berlin")[0]["month"] == date(2026, 2, 1)
        assert reports.sales_by_day(zone="UTC")[0]["day"] == date(2026, 1, 31)

    def test_since_is_inside_and_until_outside(self, tenant):
        record(order(1), order(2, day=1), order(3, day=2))
        assert reports.sales(Scope(since=START, until=START + timedelta(days=2)))["orders"] == 2

    def test_nobody_sees_another_companys_orders(self, company, other_company, context):
        with work.unit(tenant_id=company.tenant_id):
            record(order(1))
        with work.unit(tenant_id=other_company.tenant_id):
            assert reports.sales()["orders"] == 0
            assert reports.countries() == []


class TestCohorts:
    def test_who_comes_back_when(self, tenant):
        record(
            order(1),
            order(2, day=35),
            order(3, day=40),
            order(4, who="b"),
            order(5, who="c", day=33),
            order(6, who="c", day=95),
        )
        assert reports.cohorts() == {date(2026, 1, 1): [2, 1, 0, 0], date(2026, 2, 1): [1, 0, 1]}


class TestConcentration:
    def test_the_best_fifth_of_ten(self, tenant):
        record(*[order(n, who=f"c{n}", lines=[("mug", n, "1.00")]) for n in range(1, 11)])
        assert reports.concentration(0.2) == pytest.approx(19 / 55)
        assert reports.concentrations([0.1, 1.0]) == [
            {"share": 0.1, "customers": 1, "part": pytest.approx(10 / 55)}, {"share": 1.0, "customers": 10, "part": 1.0},
        ]  # fmt: skip

    def test_too_few_customers_for_the_share_bring_nothing(self, tenant):
        record(order(1), order(2, who="b"))
        assert reports.concentration(0.2) == 0.0


class TestProducts:
    def test_the_best_come_first_under_todays_name(self, tenant):
        from saas.catalog import products

        products.upsert_many([{"external_id": "mug", "name": "Stoneware mug", "price": "10.00", "currency": "EUR"}])
        record(order(1, lines=[("mug", 5, "10.00"), ("pot", 1, "20.00")]), order(2, day=1, lines=[("pot", 1, "20.00")]))
        best = reports.best_products()
        assert [(row["key"], row["name"], row["quantity"], row["orders"]) for row in best] == [
            ("mug", "Stoneware mug", 5, 1),
            ("pot", "Pot", 2, 2),
        ]
        assert best[0]["product_id"] is not None
        assert len(reports.best_products(limit=1)) == 1

    def test_a_pair_is_reckoned_like_the_papers(self, tenant):
        record(
            order(1, lines=[("mug", 1, "1"), ("pot", 1, "1")]), order(2, lines=[("mug", 1, "1"), ("pot", 2, "1"), ("mug", 1, "1")]),
            order(3, who=None, lines=[("mug", 1, "1")]), order(4, lines=[("cup", 1, "1"), ("pot", -1, "1")]),
        )  # fmt: skip
        found = reports.goes_with("mug", "pot")
        assert found == {
            "support": 0.5,
            "confidence": pytest.approx(2 / 3),
            "lift": pytest.approx(4 / 3),
            "leverage": pytest.approx(1 / 8),
        }
        assert reports.goes_with("mug", "nothing")["lift"] == 0.0


LINE = st.tuples(st.sampled_from("abcd"), st.integers(-2, 3), st.sampled_from(["0", "0.001", "2.55", "10", "-1"]))
SHOP = st.lists(
    st.tuples(
        st.sampled_from([None, "u", "v", "w"]), st.integers(0, 100), st.sampled_from(["DE", "FR"]),
        st.sampled_from(["paid", "refunded", "cancelled"]), st.lists(LINE, max_size=4),
    ), max_size=14,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shop=SHOP,
    cleaned=st.booleans(),
    country=st.sampled_from([None, "DE"]),
    since=st.sampled_from([None, 20]),
    until=st.sampled_from([None, 70]),
)
def test_any_shop_is_reckoned_alike_by_hand(company, context, shop, cleaned, country, since, until):
    scope = Scope(
        cleaned=cleaned, country=country, since=None if since is None else START + timedelta(days=since),
        until=None if until is None else START + timedelta(days=until),
    )  # fmt: skip
    inside = [
        (number, who, START + timedelta(days=day), [(key, quantity, money(price)) for key, quantity, price in lines])
        for number, (who, day, where, status, lines) in enumerate(shop)
        if status != "cancelled"
        and (country in (None, where))
        and (since is None or day >= since)
        and (until is None or day < until)
    ]
    kept = []
    for number, who, at, lines in inside:
        good = [line for line in lines if not cleaned or (who and line[1] > 0 and line[2] > 0)]
        if good:
            kept.append((number, who, at, good))
    with work.unit(tenant_id=company.tenant_id):
        record(*[
            order(number, who=who, day=day, country=where, status=status, lines=lines)
            for number, (who, day, where, status, lines) in enumerate(shop)
        ])  # fmt: skip
        check_sums(kept, scope)
        check_customers(kept, scope)
        check_pairs(inside, scope)
        work.forget()


def money(text):
    return round(float(text) * 1_000_000)


def worth(lines):
    return sum(quantity * unit for _key, quantity, unit in lines)


def check_sums(kept, scope):
    sales, months, per_product = reports.sales(scope), Counter(), Counter()
    for _number, _who, at, lines in kept:
        months[at.date().replace(day=1)] += worth(lines)
        for key, quantity, unit in lines:
            per_product[key] += quantity * unit
    assert (sales["orders"], sales["lines"], sales["revenue_micros"]) == (
        len(kept),
        sum(len(k[3]) for k in kept),
        sum(worth(k[3]) for k in kept),
    )
    assert {row["month"]: row["revenue_micros"] for row in reports.sales_by_month(scope)} == months
    assert sum(row["revenue_micros"] for row in reports.sales_by_day(scope)) == sales["revenue_micros"]
    assert [(row["key"], row["revenue_micros"]) for row in reports.best_products(scope)] == sorted(
        per_product.items(), key=lambda kv: (-kv[1], kv[0])
    )
    assert reports.products_sold(scope) == len(per_product)


def check_customers(kept, scope):
    spent, ordered, months = Counter(), Counter(), defaultdict(set)
    for _number, who, at, lines in kept:
        if who:
            spent[who] += worth(lines)
            ordered[who] += 1
            months[who].add(at.year * 12 + at.month)
    sales = reports.sales(scope)
    assert (sales["customers"], sales["repeat_customers"]) == (
        len(ordered),
        sum(count > 1 for count in ordered.values()),
    )
    half, best = reports.concentrations([0.5], scope)[0], sorted(spent.values(), reverse=True)
    assert half["part"] == (pytest.approx(sum(best[: len(best) // 2]) / sum(best)) if sum(best) else None)
    cohorts = Counter((min(seen), month - min(seen)) for seen in months.values() for month in seen)
    found = {(began.year * 12 + began.month, distance): count
             for began, row in reports.cohorts(scope).items() for distance, count in enumerate(row) if count}  # fmt: skip
    assert found == cohorts


def check_pairs(inside, scope):
    baskets = [{key for key, quantity, _unit in lines if quantity > 0} for *_rest, lines in inside]
    baskets = [basket for basket in baskets if basket]
    single = Counter(key for basket in baskets for key in basket)
    both = Counter(pair for basket in baskets for pair in combinations(sorted(basket), 2))
    found = reports.bought_together(scope, limit=100)
    assert {(row["first"], row["second"]): row["together"] for row in found} == {
        pair: count
        for pair, count in both.items()
        if count >= 3 and count * len(baskets) > single[pair[0]] * single[pair[1]]
    }
    if baskets:
        rule = reports.pair("a", "b", scope)
        assert rule["together"] == both["a", "b"]
        assert rule["support"] == pytest.approx(both["a", "b"] / len(baskets) if single["a"] and single["b"] else 0.0)
