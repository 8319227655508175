"""Cursor paging over real rows: every row once, in order, whatever is empty, equal or read backwards."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta

import pytest

from saas.customers import finding
from saas.kit import pages, work
from saas.kit.db import db

SORTS = [sign + name for name in finding.SORTS for sign in ("", "-")]


@pytest.fixture(scope="module")
def crowd(app):
    """A company with 60 customers: half never bought, many equal names and sums."""
    from saas.customers import arriving, facts
    from tests.companies import found_company

    company, chance = found_company(app), random.Random(3)
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        items = [{"external_id": f"c{n}", "last_name": chance.choice(["Berg", "Vogel", ""])} for n in range(60)]
        ids = [result.id for result in arriving.upsert_many(items)]
        bought = [one for one in ids if chance.random() < 0.5]
        start = datetime(2026, 1, 1, tzinfo=UTC)
        facts.refresh_orders([
            {"customer_id": one, "currency": "EUR", "orders_count": chance.randint(1, 2), "items_count": 1,
             "spent_amount": chance.choice([0, 100, 200]), "refunded_amount": 0, "first_order_at": start,
             "last_order_at": start + timedelta(days=chance.randint(0, 3))}
            for one in bought
        ])  # fmt: skip
    return company


def walk(sort: str, limit: int) -> list:
    rows, cursor = [], None
    while True:
        page = finding.listed(sort=sort, cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        rows += page.items
        cursor = page.next
        if cursor is None:
            return rows


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [7, 20, 60, 61])
def test_pages_follow_each_other_without_gap_or_double(app, crowd, sort, limit):
    with app.app_context(), work.unit(tenant_id=crowd.tenant_id):
        rows = walk(sort, limit)
    assert len({customer.id for customer, _facts in rows}) == len(rows) == 60
    key = {"name": lambda c, f: c.name_sort, "created": lambda c, f: c.created_at, "spent": lambda c, f: f.spent_amount,
           "orders": lambda c, f: f.orders_count, "last_order": lambda c, f: f.last_order_at,
           "last_visit": lambda c, f: f.last_visit_at}[sort.lstrip("-")]  # fmt: skip
    values = [key(customer, facts) for customer, facts in rows]
    held = [value for value in values if value is not None]
    assert held == sorted(held, reverse=sort.startswith("-"))
    assert values[len(held) :] == [None] * (60 - len(held))


def test_a_page_starts_from_the_index_and_not_from_the_beginning(app, crowd):
    from sqlalchemy.dialects import postgresql

    with app.app_context(), work.unit(tenant_id=crowd.tenant_id):
        order = finding.order("-spent")
        values = pages.decode(
            finding.listed(sort="-spent", limit=5).next, [column.type.python_type for column, _ in order]
        )
        condition = str(pages._beyond(order, values).compile(dialect=postgresql.dialect()))
    assert condition.startswith("(customer_facts.spent_amount, customer_facts.id) <")


def test_a_cursor_of_another_list_is_refused(app, crowd):
    with app.app_context(), work.unit(tenant_id=crowd.tenant_id):
        cursor = finding.listed(sort="name", limit=5).next
        with pytest.raises(pages.BadCursor):
            finding.listed(sort="created", limit=5, cursor=cursor)
        with pytest.raises(pages.BadCursor):
            finding.listed(limit=5, cursor="nonsense")


@pytest.mark.parametrize(
    "forged",
    ["5", "null", "{}", "[]", '[{"a": 1}, 5]', "[[], 5]", "[5, 5]", '["x", 1e308]', '["x", "y"]', "[true, 0.5]"],
)
def test_a_forged_cursor_is_refused_whatever_is_in_it(app, crowd, forged):
    cursor = base64.urlsafe_b64encode(forged.encode()).decode().rstrip("=")
    for sort in SORTS:
        with app.app_context(), work.unit(tenant_id=crowd.tenant_id), pytest.raises(pages.BadCursor):
            finding.listed(sort=sort, limit=5, cursor=cursor)


def test_two_directions_are_paged_too(app, crowd):
    from sqlalchemy import select

    from saas.customers.models import Facts

    order = ((Facts.spent_amount, "desc"), (Facts.id, "asc"))
    seen, cursor = [], None
    with app.app_context(), work.unit(tenant_id=crowd.tenant_id):
        while True:
            page = pages.page(select(Facts), order=order, cursor=cursor, limit=9)
            seen, cursor = seen + page.items, page.next
            if cursor is None:
                break
        expected = list(db.session.scalars(select(Facts).order_by(Facts.spent_amount.desc(), Facts.id)))
    assert [facts.id for facts in seen] == [facts.id for facts in expected]
