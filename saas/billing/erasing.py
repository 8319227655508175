"""Erasing a company whose thirty days are over: every table in bounded batches, and a certificate of what was there.

The tables are read from the metadata, those that point to others first, so a table that somebody adds tomorrow is erased
too. Each batch is a transaction of its own: whoever takes over goes on where the other stopped. The certificate names the
company by its number only.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, func, select, tuple_, update

from saas.billing.models import Certificate
from saas.kit import clock, walls
from saas.kit.db import TenantModel, db
from saas.tenancy.models import Login, Member, Tenant

BATCH = 5_000
DOORS = ("key_directory", "login_sessions")  # without them nobody enters and nothing comes in any more
EMPTIED, PEOPLE = "_emptied", "_people"  # notes of work under way, gone from the finished certificate
KEPT_GLOBAL = ("erasure_certificates", "platform_acts", "alembic_version")


def begin(tenant_id: int, *, closed_at: datetime) -> None:
    """Close the company for good and open its certificate; from now on nobody enters and nothing comes in.

    Runs over all tenants, like everything here.
    """
    db.session.execute(update(Tenant).where(Tenant.id == tenant_id).values(state="closed", updated_at=func.now()))
    for name in DOORS:
        table = TenantModel.metadata.tables[name]
        db.session.execute(delete(table).where(table.c.tenant_id == tenant_id))
    if _certificate(tenant_id) is None:
        query = select(Member.login_id).where(Member.tenant_id == tenant_id, Member.login_id.is_not(None))
        people = [str(login_id) for login_id in db.session.scalars(query)]
        notes = {PEOPLE: people} if people else {}
        db.session.add(Certificate(erased_tenant=tenant_id, closed_at=closed_at, began_at=clock.now(), counts=notes))
        db.session.flush()


def tables() -> list[Table]:
    """Return every table that holds rows of companies, those that point to others first."""
    known = (*TenantModel.metadata.sorted_tables,)
    held = [one for one in known if "tenant_id" in one.c and one.name not in KEPT_GLOBAL]
    return list(reversed(held))


def erase_some(tenant_id: int) -> bool:
    """Erase one batch of the first table that still has rows; tells whether there may be more."""
    held = _certificate(tenant_id)
    if held is None or held.erased_at is not None:
        return False
    done = set(held.counts.get(EMPTIED, ()))
    for table in tables():
        if table.name in done:
            continue
        gone = _erase_batch(table, tenant_id)
        counts = dict(held.counts)
        if gone:
            counts[table.name] = counts.get(table.name, 0) + gone
        if gone < BATCH:
            counts[EMPTIED] = [*counts.get(EMPTIED, ()), table.name]
        held.counts = counts
        db.session.flush()
        return True
    _certify(held)
    return False


def _erase_batch(table: Table, tenant_id: int) -> int:
    if table.name in walls.APPEND_ONLY:  # nobody may take rows out of a trace but this function of the owner's
        return db.session.scalar(select(func.erase_trace(table.name, tenant_id, BATCH))) or 0
    mine: ColumnElement[bool] = table.c.tenant_id == tenant_id
    key = list(table.primary_key.columns)
    some = select(*key).where(mine).limit(BATCH)
    whom = tuple_(*key).in_(some) if len(key) > 1 else key[0].in_(some)
    return db.session.execute(delete(table).where(mine, whom)).rowcount


def _certify(held: Certificate) -> None:
    """Look once more that nothing is left, take the company's own row away, and sign what was erased."""
    left = {one.name: _count(one, held.erased_tenant) for one in tables()}
    if any(left.values()):
        held.counts = {name: number for name, number in held.counts.items() if name != EMPTIED}
        return
    for login_id in held.counts.get(PEOPLE, ()):
        _forget_person(UUID(login_id))
    db.session.execute(delete(Tenant).where(Tenant.id == held.erased_tenant))
    held.counts = {name: number for name, number in held.counts.items() if name not in (EMPTIED, PEOPLE)}
    held.erased_at = clock.now()
    held.digest = digest(held)
    db.session.flush()


def _forget_person(login_id: UUID) -> None:
    """Forget a person who belongs to no company any more; the platform's own people stay."""
    elsewhere = select(Member.id).where(Member.login_id == Login.id, Member.removed_at.is_(None)).exists()
    db.session.execute(delete(Login).where(Login.id == login_id, ~Login.staff, ~elsewhere))


def _count(table: Table, tenant_id: int) -> int:
    return db.session.scalar(select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id)) or 0


def digest(held: Certificate) -> str:
    """Return the SHA-256 over what a certificate says, so that a changed one is noticed."""
    said = {
        "tenant": held.erased_tenant, "closed_at": held.closed_at.isoformat(), "erased_at": held.erased_at.isoformat(),
        "counts": held.counts,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def begun() -> list[int]:
    """Return the companies whose erasing was begun and is not finished."""
    return list(db.session.scalars(select(Certificate.erased_tenant).where(Certificate.erased_at.is_(None))))


def _certificate(tenant_id: int) -> Certificate | None:
    return db.session.scalars(select(Certificate).where(Certificate.erased_tenant == tenant_id)).one_or_none()
