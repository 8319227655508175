"""Every column of every table is marked: whose data it holds, how one person's rows are found, and what becomes of them."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Text

from saas.app import load_tables
from saas.kit.db import db
from saas.kit.personal import COMMON, TABLES, marks

WORDS = {marks.ROWS, marks.KEPT, marks.MENTIONS, marks.MENTIONED, marks.FILES, marks.TRACE, marks.TOLD}
LEAD_TO_A_PERSON = {"customer_id", "visitor", "email", "email_norm"}


@pytest.fixture(scope="module", autouse=True)
def tables():
    load_tables()


def unmarked() -> list[str]:
    found = []
    for name, table in db.metadata.tables.items():
        known = TABLES[name].columns if name in TABLES else set()
        found += [f"{name}.{column.name}" for column in table.columns if column.name not in known | COMMON]
    return sorted(found)


def test_every_column_is_marked():
    assert unmarked() == [], "say in saas/kit/personal/marks.py whose data these hold"


def test_the_rule_finds_a_planted_column():
    table = db.metadata.tables["customers"]
    planted = Column("shoe_size", Text)
    table.append_column(planted)
    try:
        assert unmarked() == ["customers.shoe_size"]
    finally:
        table._columns.remove(planted)


def test_nothing_is_marked_that_is_not_there():
    stale = [name for name in TABLES if name not in db.metadata.tables]
    for name, table in db.metadata.tables.items():
        stale += [f"{name}.{column}" for column in TABLES[name].columns if column not in table.columns]
    assert stale == []


def test_no_column_is_marked_twice():
    for name, held in TABLES.items():
        listed = [*held.person.split(), *held.staff.split(), *held.plain.split()]
        assert len(listed) == len(set(listed)), name


def test_whatever_holds_a_person_says_what_becomes_of_it():
    for name, held in TABLES.items():
        said = isinstance(held.erase, dict) or (held.erase and set(held.erase.split()) <= WORDS)
        assert bool(held.person) == bool(said), name
        if isinstance(held.erase, dict) or held.erase in (marks.ROWS, marks.KEPT):
            assert held.ways, f"{name}: nobody knows how a person's rows are found"


def test_a_column_that_leads_to_a_customer_is_theirs():
    """What points at a customer, a browser or an address is about a person, unless it is one of the company's own."""
    own = {"logins", "members"}
    wrong = [
        f"{name}.{column.name}" for name, table in db.metadata.tables.items() for column in table.columns
        if column.name in LEAD_TO_A_PERSON and name not in own and column.name not in TABLES[name].person.split()
    ]  # fmt: skip
    assert wrong == []
