"""Checking the trace: every seal is made again from the rows, and the first place where that does not agree is named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from saas.kit import crypto, pool
from saas.tenancy import sealing
from saas.tenancy.sealing import START, WITNESS, Range

SEALS = """SELECT position, era, from_xid, to_xid, rows, witnesses, previous, hash, mac FROM audit_seals
           WHERE position > %s ORDER BY position LIMIT 1"""
HEAD = "SELECT position, hash, mac FROM audit_heads"
UNSEALED = "SELECT count(*) FROM audit_entries WHERE era = %s AND xid >= %s"
VALUES = """
    SELECT e.id, v.id, e.values_digest, e.who_digest, v.salt, jsonb_build_array(v.before, v.after)::text, v.who_salt, v.who::text,
           v.erased_in, v.who_erased_in,
           EXISTS (SELECT FROM audit_entries r WHERE r.id = v.erased_in AND r.action = 'audit.erased'),
           EXISTS (SELECT FROM audit_entries r WHERE r.id = v.who_erased_in AND r.action = 'audit.erased')
    FROM audit_entries e LEFT JOIN audit_values v ON v.tenant_id = e.tenant_id AND v.id = e.id
    WHERE e.era = %(era)s AND e.xid >= %(low)s AND e.xid < %(high)s ORDER BY e.xid, e.id"""


class Broken(Exception):
    """The trace is not what was sealed; the sentence names the first place."""


@dataclass
class Report:
    """What a check found: how much was checked, how much was erased by right, and where it breaks, if it does."""

    tenant_id: int
    seals: int = 0
    rows: int = 0
    erased: int = 0
    unsealed: int = 0
    broken: str = ""


def verify(tenant_id: int, *, expected: tuple[int, str] | None = None) -> Report:
    """Make every seal of a tenant again, in memory that does not grow, and report.

    `expected` is an anchor (position, hash) that was kept elsewhere: the chain must still pass through it.
    """
    report = Report(tenant_id)
    try:
        _chain(tenant_id, report, expected)
    except Broken as broken:
        report.broken = str(broken)
    return report


def _chain(tenant_id: int, report: Report, expected: tuple[int, str] | None) -> None:
    previous, reached = START, {}
    while True:
        with pool.connection(tenant_id=tenant_id) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.execute("SET LOCAL statement_timeout = '5min'")
            row = connection.execute(SEALS, [report.seals]).fetchone()
            if row is None:
                _end(connection, tenant_id, report, previous, reached, expected)
                return
            position, era, low, high, *_rest, hashed, _mac = row
            if position != report.seals + 1:
                raise Broken(f"seal {report.seals + 1} is missing: the next one there is {position}")
            if low != reached.get(era, 0):
                raise Broken(
                    f"seal {position} begins at transaction {low}, but the one before it ended at {reached.get(era, 0)}"
                )
            _one(connection, tenant_id, row, previous, report)
        previous, reached[era], report.seals = hashed, high, position
        if expected and expected[0] == position and expected[1] != hashed.hex():
            raise Broken(f"seal {position} is not the one that was kept elsewhere: the chain was made anew")


def _one(connection: psycopg.Connection, tenant_id: int, seal: Any, previous: bytes, report: Report) -> None:
    position, era, low, high, rows, witnesses, claimed, hashed, signed = seal
    found = Range(era, low, high, previous, position)
    for _row in sealing.read(connection, tenant_id, found):
        pass
    _compare(position, bytes(witnesses), bytes(found.witnesses))
    if rows != found.rows or claimed != previous or hashed != found.hash:
        raise Broken(
            f"seal {position} itself was changed: it does not follow from the seal before it and its {found.rows} entries"
        )
    if not crypto.same(bytes(signed), sealing.mac(tenant_id, position, hashed)):
        raise Broken(f"seal {position} was not made with this installation's SECRET_KEY")
    report.rows += rows
    with connection.cursor(name="values") as values:
        values.itersize = 500
        values.execute(VALUES, {"era": era, "low": low, "high": high})
        for row in values:
            _check_values(position, row, report)


def _compare(position: int, sealed: bytes, found: bytes) -> None:
    """Name the first row that is missing, was changed or slipped in; each witness is an id and the beginning of a digest."""
    size = 16 + WITNESS
    if sealed == found:
        return
    held = {sealed[at : at + 16] for at in range(0, len(sealed), size)}
    there = {found[at : at + 16] for at in range(0, len(found), size)}
    one, other = 0, 0
    while one < len(sealed) or other < len(found):
        mine, theirs = sealed[one : one + size], found[other : other + size]
        if mine == theirs:
            one, other = one + size, other + size
        elif theirs and theirs[:16] not in held:
            raise Broken(f"entry {UUID(bytes=theirs[:16])} slipped in: seal {position} does not know it")
        elif mine and mine[:16] not in there:
            raise Broken(f"entry {UUID(bytes=mine[:16])} is missing: seal {position} covers it")
        else:
            raise Broken(f"entry {UUID(bytes=(mine or theirs)[:16])} was changed: seal {position} knows it differently")


def _check_values(position: int, row: Any, report: Report) -> None:
    entry, kept, values_digest, who_digest, salt, values, who_salt, who, erased, who_erased, by_right, who_by_right = (
        row
    )
    if kept is None:
        raise Broken(f"the values of entry {entry} are missing (seal {position})")
    for digest, part_salt, part, gone, right, name in (
        (values_digest, salt, values, erased, by_right, "values"), (who_digest, who_salt, who, who_erased, who_by_right, "name and address"),
    ):  # fmt: skip
        if gone is not None:
            if not right or part_salt is not None:
                raise Broken(
                    f"the {name} of entry {entry} were taken away and no erasure on record says so (seal {position})"
                )
            report.erased += 1
        elif part_salt is None or hashlib.sha256(part_salt + (part or "").encode()).digest() != digest:
            raise Broken(f"the {name} of entry {entry} were changed (seal {position})")


def _end(connection: psycopg.Connection, tenant_id: int, report: Report, last: bytes, reached: dict[int, int],
         expected: tuple[int, str] | None) -> None:  # fmt: skip
    """Raise Broken when the chain ends before it should; else count what waits for its seal."""
    head = connection.execute(HEAD).fetchone()
    if head is None and report.seals:
        raise Broken("nothing says how far the chain reaches: its end was taken away")
    if head is not None:
        position, hashed, signed = head
        if position > report.seals:
            raise Broken(f"the end is cut off: {position} seals were made and {report.seals} are there")
        if position < report.seals or hashed != last:
            raise Broken("the note of how far the chain reaches was changed")
        if not crypto.same(bytes(signed), sealing.mac(tenant_id, position, hashed)):
            raise Broken("the note of how far the chain reaches was not made with this installation's SECRET_KEY")
    if expected and expected[0] > report.seals:
        raise Broken(f"the end is cut off: seal {expected[0]} was kept elsewhere and {report.seals} are there")
    for era in sealing.eras(connection):
        report.unsealed += (connection.execute(UNSEALED, [era, reached.get(era, 0)]).fetchone() or (0,))[0]
