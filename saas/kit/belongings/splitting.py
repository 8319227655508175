"""Taking one record's part out of a journal that many records share, so that it can be put back or thrown away alone."""

from __future__ import annotations

from uuid import UUID

from saas.kit import identifiers
from saas.kit.belongings import catalogue
from saas.kit.belongings.journals import run

MOVE = """
    UPDATE journal_rows SET journal = :fresh WHERE tenant_id = :tenant AND journal = :journal AND act = 'taken'
    AND table_name = :name AND record_id = ANY(:ids)"""
MOVE_CHILDREN = """
    UPDATE journal_rows c SET journal = :fresh WHERE c.tenant_id = :tenant AND c.journal = :journal AND c.act = 'taken'
    AND c.table_name = :child AND (c.row ->> :column)::uuid IN (SELECT record_id FROM journal_rows p
        WHERE p.tenant_id = :tenant AND p.journal = :fresh AND p.act = 'taken' AND p.table_name = :name)"""
MOVE_EMPTIED = """
    UPDATE journal_rows e SET journal = :fresh WHERE e.tenant_id = :tenant AND e.journal = :journal AND e.act = 'emptied'
    AND e.table_name = :child AND e.column_name = :column AND e.before IN (SELECT record_id FROM journal_rows p
        WHERE p.tenant_id = :tenant AND p.journal = :fresh AND p.act = 'taken' AND p.table_name = :name)"""


def split(journal: UUID, table: str, ids: list[UUID]) -> UUID:
    """Move what a journal holds of these records, and of all that hung on them, into a journal of its own; returns that."""
    fresh = identifiers.new()
    run(MOVE, fresh=fresh, journal=journal, name=table, ids=ids)
    tables = catalogue.reached(table)
    for name in tables:
        for belonging in catalogue.of(name):
            statement = {"cascade": MOVE_CHILDREN, "empty": MOVE_EMPTIED}.get(belonging.ondelete)
            if statement:
                run(statement, fresh=fresh, journal=journal, name=name, child=belonging.table, column=belonging.column)
    return fresh
