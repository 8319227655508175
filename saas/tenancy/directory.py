"""Finding the tenant a key, token or outside id belongs to, before any tenant is bound.

Kinds: api_key, site_key, hook_token, stripe_customer, member (of a login), invitation. Only digests are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select

from saas.kit import crypto, scope
from saas.kit.db import db
from saas.tenancy.models import DirectoryEntry


@dataclass(frozen=True)
class Place:
    """Where a key leads: the tenant and the row there that it stands for."""

    tenant_id: int
    subject_id: UUID | None


def enter(*, kind: str, key: str, subject_id: UUID | None = None) -> None:
    """Record that `key` belongs to the bound tenant."""
    db.session.add(
        DirectoryEntry(kind=kind, digest=crypto.digest(key), tenant_id=scope.tenant_id(), subject_id=subject_id)
    )
    db.session.flush()


def find(*, kind: str, key: str) -> Place | None:
    """Return where a key leads, or None."""
    row = db.session.execute(
        select(DirectoryEntry.tenant_id, DirectoryEntry.subject_id)
        .where(DirectoryEntry.kind == kind, DirectoryEntry.digest == crypto.digest(key))
        .order_by(DirectoryEntry.tenant_id)
        .limit(1)
    ).one_or_none()
    return Place(*row) if row else None


def places(*, kind: str, key: str) -> list[Place]:
    """Return every place a key leads to: a login may be a member of several tenants."""
    rows = db.session.execute(
        select(DirectoryEntry.tenant_id, DirectoryEntry.subject_id)
        .where(DirectoryEntry.kind == kind, DirectoryEntry.digest == crypto.digest(key))
        .order_by(DirectoryEntry.tenant_id)
    )
    return [Place(*row) for row in rows]


def strike(*, kind: str, key: str | None = None, subject_id: UUID | None = None) -> None:
    """Remove the bound tenant's entries of a kind by key or by the row they stand for."""
    query = delete(DirectoryEntry).where(DirectoryEntry.kind == kind, DirectoryEntry.tenant_id == scope.tenant_id())
    if key is not None:
        query = query.where(DirectoryEntry.digest == crypto.digest(key))
    if subject_id is not None:
        query = query.where(DirectoryEntry.subject_id == subject_id)
    db.session.execute(query)
