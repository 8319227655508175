"""Formulas: the same answer in Python and in SQL, for whatever is asked of whatever record; and what is refused, with its place."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from saas.customers import facts, finding, profiles
from saas.customers.models import Customer, Facts
from saas.kit import access, clock, records
from saas.kit.db import db
from saas.kit.formulas import BadFormula, Formula
from saas.tenancy import custom_fields

TEXTS = ["", " a ", "Ädä 王", "gold", "B", "b", "1", "ÿß", "x" * 90, "%_\\", "'quoted\"", "İi"]
NUMBERS = ["0", "1", "-1", "2.5", "0.000001", "-7.333333", "999999999999", "123456789.123456", "3", "0.5", "-0.5"]
DAYS = [date(1, 1, 1), date(1970, 1, 1), date(2024, 2, 29), date(2026, 5, 21), date(9999, 12, 31)]


@pytest.fixture
def kind(field):
    """Customers with a field of every type and records that hold odd values, or none."""
    field("Height", "number")
    field("Weight", "number")
    field("Budget", "money", currency="EUR")
    field("Birthday", "date")
    field("Nick")
    field("VIP", "yes_no")
    field("Level", "choice", choices=["Gold", "Silver", "Old gold"])
    field("Likes", "choices", choices=["Tea", "Coffee"])
    level = custom_fields.of("customer")[6]
    chance = random.Random(7)
    pick = lambda values, holds=0.8: chance.choice(values) if chance.random() < holds else None  # noqa: E731
    made = []
    for number in range(40):
        customer = profiles.create(
            last_name=pick(TEXTS) or "x", city=pick(TEXTS) or "", tags=chance.sample(["vip", "Tea", "b2b"], chance.randint(0, 2)),
            email=f"{number}@shop.example",
            custom={"height": pick(NUMBERS), "weight": pick(NUMBERS), "budget": pick(["0", "12.50", "-3.10"]), "birthday": pick(DAYS),
                    "nick": pick(TEXTS), "vip": pick([True, False]), "level": pick(["gold", "silver", "old_gold"]),
                    "likes": chance.sample(["tea", "coffee"], chance.randint(0, 2))},
        )  # fmt: skip
        made.append({
            "customer_id": customer.id, "currency": chance.choice(["", "EUR", "JPY", "KWD"]), "orders_count": chance.randint(0, 5), "items_count": 0,
            "spent_amount": chance.randint(0, 10**7), "refunded_amount": 0, "first_order_at": None,
            "last_order_at": pick([datetime(2026, 5, 21, 23, 30, tzinfo=UTC), clock.now() - timedelta(days=chance.randint(0, 400))]),
        })  # fmt: skip
    facts.refresh_orders(made)
    custom_fields.merge_choice(level.id, "old_gold", into="gold")
    custom_fields.make(kind="customer", label="Area", type="formula", formula="height * weight")
    db.session.flush()
    db.session.expire_all()
    return records.kind("customer")


def numbers(depth):
    plain = some.sampled_from(
        ["height", "custom.weight", "budget", "orders_count", "spent_amount", "area", *(n.lstrip("-") for n in NUMBERS)]
    )
    if not depth:
        return plain
    inner, words, days = numbers(depth - 1), texts(depth - 1), dates(depth - 1)
    two = some.tuples(inner, inner)
    return some.one_of(
        plain, two.flatmap(lambda p: some.sampled_from(["+", "-", "*", "/"]).map(lambda sign: f"({p[0]} {sign} {p[1]})")),
        some.tuples(some.sampled_from(["round", "floor", "ceiling", "abs"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        some.tuples(inner, inner).map(lambda p: f"round({p[0]}, {p[1]})"), inner.map(lambda n: f"(-{n})"),
        some.tuples(some.sampled_from(["min", "max", "coalesce"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        some.tuples(truths(depth - 1), inner, inner).map(lambda p: f"if({p[0]}, {p[1]}, {p[2]})"), words.map(lambda t: f"length({t})"),
        some.tuples(days, days).map(lambda p: f"days_between({p[0]}, {p[1]})"),
        some.tuples(some.sampled_from(["year", "month", "day"]), days).map(lambda p: f"{p[0]}({p[1]})"),
    )  # fmt: skip


def texts(depth):
    plain = some.sampled_from(
        ["nick", "city", "last_name", "level", "email", '"Gold"', "'B'", '""', '"王"', "empty & nick"]
    )
    if not depth:
        return plain
    inner, number = texts(depth - 1), numbers(depth - 1)
    return some.one_of(
        plain, some.tuples(inner, some.one_of(inner, number, dates(depth - 1), truths(depth - 1))).map(lambda p: f"concat({p[0]}, {p[1]})"),
        some.tuples(inner, inner).map(lambda p: f"({p[0]} & {p[1]})"),
        some.tuples(some.sampled_from(["upper", "lower", "trim"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        some.tuples(some.sampled_from(["left", "right"]), inner, number).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        some.tuples(truths(depth - 1), inner).map(lambda p: f"if({p[0]}, {p[1]}, empty)"), some.tuples(inner, inner).map(lambda p: f"coalesce({p[0]}, {p[1]})"),
    )  # fmt: skip


def dates(depth):
    plain = some.sampled_from(["birthday", "last_order_at", "today()"])
    if not depth:
        return plain
    return some.one_of(
        plain, some.tuples(dates(depth - 1), numbers(depth - 1)).map(lambda p: f"add_days({p[0]}, {p[1]})"),
        some.tuples(truths(depth - 1), dates(depth - 1)).map(lambda p: f"if({p[0]}, {p[1]}, empty)"),
    )  # fmt: skip


def truths(depth):
    plain = some.sampled_from([
        "vip", "yes", "(level = 'Gold')", "(level != 'silver')", "contains(likes, 'Tea')", "contains(tags, 'vip')", "is_empty(likes)", "is_empty(tags)",
        "(nick = empty)", "(height != empty)",
    ])  # fmt: skip
    if not depth:
        return plain
    inner, number, words, days = truths(depth - 1), numbers(depth - 1), texts(depth - 1), dates(depth - 1)
    signs = some.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    compare = lambda parts: some.tuples(parts, signs, parts).map(lambda p: f"({p[0]} {p[1]} {p[2]})")  # noqa: E731
    return some.one_of(
        plain, compare(number), compare(words), compare(days), some.tuples(inner, some.sampled_from(["and", "or", "="]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda t: f"(not {t})"), some.tuples(some.sampled_from(["contains", "starts_with"]), words, words).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        some.one_of(number, words, days).map(lambda p: f"is_empty({p})"),
    )  # fmt: skip


def both(kind, formula: Formula) -> list[tuple]:
    """Return what Python and SQL say of every record."""
    found = finding.with_facts(Customer, Facts, formula.sql(kind).label("said")).order_by(Customer.id)
    return [(formula.value(kind, (row[0], row[1])), row[2]) for row in db.session.execute(found)]


def plain(value):
    return value.normalize() + 0 if isinstance(value, Decimal) else value or None if isinstance(value, str) else value


class TestSameAnswer:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        source=some.integers(0, 3).flatmap(
            lambda depth: some.one_of(numbers(depth), texts(depth), dates(depth), truths(depth))
        )
    )
    def test_python_and_sql_agree_on_every_record(self, kind, source):
        formula = Formula(source)
        try:
            formula.check(kind)
        except BadFormula as error:
            assert "too deep" in str(error) or "list" in str(error) or "always empty" in str(error)
            return
        for said, asked in both(kind, formula):
            assert plain(said) == plain(asked), source


def worked(kind, source: str, **where):
    row = db.session.execute(finding.with_facts(Customer, Facts).order_by(Customer.id)).first()
    return Formula(source).value(kind, row)


class TestLanguage:
    @pytest.mark.parametrize(
        ("source", "answer"),
        [
            ("1 + 2 * 3", Decimal(7)), ("(1 + 2) * 3", Decimal(9)), ("-2 * -3", Decimal(6)), ("10 / 4", Decimal("2.5")), ("1 / 0", None),
            ("1 / 3", Decimal("0.333333")), ("round(2.5)", Decimal(3)), ("round(-2.5)", Decimal(-3)), ("round(1234.567, 1)", Decimal("1234.6")),
            ("if(1 < 2, 'yes', 'no')", "yes"), ("'a' & 1 & yes", "a1yes"), ("concat('x', empty, 2.50)", "x2.5"), ("coalesce(empty, 3)", Decimal(3)),
            ("not 1 = 2 and 2 >= 2", True), ("empty = empty or 1 = 1", True), ("left('Ada', 2) = 'Ad'", True), ("contains('Lovelace', 'LACE')", True),
            ("length('王小明')", Decimal(3)), ("upper('ädà')", "ÄDÀ"), ("days_between(today(), add_days(today(), 30))", Decimal(30)),
            ("999999999999 * 2", None), ("1 ≤ 2 and 3 ≠ 4", True), ("（1 + 2）× 2", Decimal(6)), ("if(is_empty(''), 1, 2)", Decimal(1)),
        ],
    )  # fmt: skip
    def test_what_it_comes_to(self, kind, source, answer):
        assert worked(kind, source) == answer

    @pytest.mark.parametrize(
        ("source", "place", "words"),
        [
            ("", 1, "Write a formula"), ("1 +", 4, "missing at the end"), ("1 + + 2", 5, "“+” is not expected"), ("(1", 3, "closing bracket"), ("1 2", 3, "not expected"),
            ("orders_coutn", 1, "Did you mean orders_count?"), ("roumd(1)", 1, "Did you mean round?"), ("round(1,2,3)", 1, "another number of parts"),
            ("1 + 'a'", 5, "Join texts with &"), ("height > birthday", 10, "needs a number here, and this is a date"), ("likes", 1, "A list is no result"),
            ("1 # 2", 3, "means nothing"), ("if(1, 2, 3)", 4, "needs yes or no"), ("name", 1, "cannot be used"), ("(" * 40 + "1" + ")" * 40, 32, "too deep"),
            ("1" + "+1" * 400, None, "too deep or too long"), ("9" * 19, 1, "too large"), ("x" * 2001, 2001, "at most 2000"), ("empty", 1, "always empty"),
            ("vip < yes", 1, "needs"), ("'a", 1, "means nothing"), ("+".join(["area"] * 20), None, None),
        ],
    )  # fmt: skip
    def test_what_is_refused_says_where_and_why(self, kind, source, place, words):
        if words is None:
            assert Formula(source).check(kind) == "number"
            return
        with pytest.raises(BadFormula) as refused:
            Formula(source).check(kind)
        assert words in str(refused.value)
        if place is not None:
            assert f"At character {place}:" in str(refused.value)

    def test_a_circle_is_refused(self, kind):
        area = next(row for row in custom_fields.of("customer") if row.key == "area")
        custom_fields.make(kind="customer", label="Twice", type="formula", formula="area * 2")
        for source in ("area + 1", "twice + 1"):
            with pytest.raises(custom_fields.BadField) as refused:
                custom_fields.change(area.id, formula=source)
            assert "read itself" in refused.value.fields["formula"][0]

    def test_a_field_that_is_read_is_not_archived_or_deleted(self, kind):
        height = next(row for row in custom_fields.of("customer") if row.key == "height")
        for act in (custom_fields.archive, custom_fields.delete):
            with pytest.raises(custom_fields.StillUsed, match="Area"):
                act(height.id)

    def test_a_formula_of_a_hidden_field_is_itself_unseen(self, kind):
        custom_fields.make(kind="customer", label="Twice", type="formula", formula="area * 2")
        assert "custom.twice" in kind.fields()
        with access.bound(access.Access(hidden=frozenset({"customer.custom.height"}))):
            assert not {"custom.height", "custom.area", "custom.twice"} & set(kind.fields())
            assert "custom.weight" in kind.fields()

    def test_a_renamed_choice_changes_no_answer(self, kind):
        level = next(row for row in custom_fields.of("customer") if row.key == "level")
        before = both(kind, Formula("level = 'Gold'"))
        custom_fields.change_choice(level.id, "gold", label="Platinum")
        assert both(records.kind("customer"), Formula("level = 'Gold'")) == before
        assert any(said for said, _asked in before)
