"""What was said once to a company's owners, so that nobody is told the same twice."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from saas.billing.models import Notice
from saas.kit import clock, identifiers, scope
from saas.kit.db import db


def first(key: str) -> bool:
    """Note that something is said now; False when it was said before."""
    row = {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "key": key, "said_at": clock.now()}
    made = insert(Notice).values(row).on_conflict_do_nothing(index_elements=["tenant_id", "key"])
    return db.session.execute(made.returning(Notice.id)).first() is not None


def said(prefix: str) -> list[str]:
    """Return what was said under a prefix."""
    query = select(Notice.key).where(Notice.key.startswith(prefix, autoescape=True))
    return list(db.session.scalars(query.order_by(Notice.key)))


def forget(prefix: str) -> None:
    """Let everything under a prefix be said again."""
    gone = delete(Notice).where(Notice.key.startswith(prefix, autoescape=True))
    db.session.execute(gone.execution_options(synchronize_session=False))
