"""The ledger of erasures: what makes a backup that comes back forget again whom it still holds.

A backup keeps everybody who was in it, until it is thrown away. Beside the backups lies this one file, written anew whenever
somebody was erased: ids that lead to nobody any more, and keyed digests of addresses. It names no one, and whoever of it is in
a database that came back is erased there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from saas import config
from saas.customers.models import Customer, ErasedAddress, ErasedPerson
from saas.integrations import erasures
from saas.kit import clock, identifiers, scope, work
from saas.kit.backups import taking, vault
from saas.kit.db import db
from saas.tenancy.models import BinItem

NAME = "erasures.ledger"
KEPT = timedelta(days=400)
"""Longer than anybody should keep a backup."""
AT_ONCE = 1_000
PEOPLE = (ErasedPerson.tenant_id, ErasedPerson.customer)
ADDRESSES = (ErasedAddress.tenant_id, ErasedAddress.digest, ErasedAddress.reason)


def path() -> Path:
    """Return where the ledger lies: beside the backups."""
    return taking.folder() / NAME


def write(to: Path | None = None) -> int:
    """Write the ledger anew, in a unit of work over all companies; returns how many people are in it."""
    into = to or path()
    into.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = into.with_name(f"{into.name}.{os.getpid()}.part")
    since, people = clock.now() - KEPT, 0
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            writer = vault.Writer(file, about={"made_at": clock.now().isoformat()}, key=config.get().backup_key)
            people = _say(writer, "people", select(*PEOPLE).where(ErasedPerson.erased_at >= since))
            _say(writer, "addresses", select(*ADDRESSES).where(ErasedAddress.erased_at >= since))
            writer.finish()
            file.flush()
            os.fsync(file.fileno())
        part.rename(into)
    finally:
        part.unlink(missing_ok=True)
    return people


def _say(writer: vault.Writer, what: str, query: Any) -> int:
    said = 0
    for rows in db.session.execute(query.execution_options(yield_per=AT_ONCE)).partitions(AT_ONCE):
        writer.say({what: orjson.loads(orjson.dumps([tuple(row) for row in rows], default=str))})
        said += len(rows)
    return said


def stale(ledger: Path) -> bool:
    """Tell whether somebody was erased since the ledger was written; in a unit of work over all companies."""
    if not ledger.exists():
        return db.session.scalar(select(ErasedPerson.id).limit(1)) is not None
    newest = db.session.scalar(select(func.max(ErasedPerson.erased_at)))
    return newest is not None and newest.timestamp() >= ledger.stat().st_mtime


def _read(ledger: Path) -> Iterator[tuple[str, list[list[Any]]]]:
    with open(ledger, "rb") as file:
        for message in vault.Reader(file, key=config.get().backup_key).messages():
            if isinstance(message, dict):
                yield from message.items()


def replay(ledger: Path, *, only: int | None = None) -> dict[int, int]:
    """Erase again whoever of the ledger is in this database, company by company; returns how many of each.

    It may run twice. Opens its own units of work; raises vault.Damaged.
    """
    there = {row[0] for _what, rows in _read(ledger) for row in rows}
    wanted = sorted(there if only is None else there & {only})
    done = {}
    for tenant_id in wanted:
        ids, addresses = _of(ledger, tenant_id)
        if again := _erase_again(tenant_id, ids, addresses):
            done[tenant_id] = again
    return done


def _of(ledger: Path, tenant_id: int) -> tuple[set[UUID], dict[str, str]]:
    """Return the ids and the digests (with why they were not written to) of one company's ledger."""
    ids: set[UUID] = set()
    addresses: dict[str, str] = {}
    for what, rows in _read(ledger):
        for row in rows:
            if row[0] == tenant_id and what == "people":
                ids.add(UUID(row[1]))
            elif row[0] == tenant_id:
                addresses[row[1]] = row[2]
    return ids, addresses


def _erase_again(tenant_id: int, ids: set[UUID], addresses: dict[str, str]) -> int:
    if not ids:
        return 0
    with work.unit(tenant_id=tenant_id):
        found = [
            one
            for one in _parts(sorted(ids))
            for one in db.session.scalars(select(Customer.id).where(Customer.id.in_(one)))
        ]
        binned = select(BinItem.id).where(BinItem.kind == "customer")
        items = [one for part in _parts(sorted(ids)) for one in db.session.scalars(binned.where(BinItem.record_id.in_(part)))]  # fmt: skip
    certificate = None
    for start in range(0, len(found), erasures.TOGETHER):
        with work.unit(tenant_id=tenant_id):
            certificate = erasures.erase_now(*found[start : start + erasures.TOGETHER], certificate_id=certificate).id
    again = len(found)
    for item in items:
        with work.unit(tenant_id=tenant_id):
            if (held := db.session.scalars(select(BinItem).where(BinItem.id == item)).one_or_none()) is not None:
                erasures.erase_binned_now(held.id)
                again += 1
    with work.unit(tenant_id=tenant_id):
        _remember(addresses)
    return again


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _remember(addresses: dict[str, str]) -> None:
    """Keep the digests, so that an import or a shop does not bring a consent back either."""
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "digest": digest, "erasure_id": identifiers.new(), "reason": reason, "erased_at": clock.now()}
        for digest, reason in addresses.items()
    ]  # fmt: skip
    for start in range(0, len(rows), AT_ONCE):
        statement = insert(ErasedAddress).on_conflict_do_nothing(index_elements=["tenant_id", "digest"])
        db.session.execute(statement, rows[start : start + AT_ONCE])
