"""Keeping the sums of the days: who is due, filling them for the first time, folding in what was noted since.

Triggers note every change in the transaction that makes it (`models`), and readers add what is noted to what is summed, so the
figures are exact at any moment; folding only keeps what is read small. A company whose sums are not filled yet, or are those
of another zone than its own, is read the slow way meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce.models import COUNTED, NO_SOURCE
from saas.insights.models import DayBook, DayChange, DaySum
from saas.kit import clock, queries, scope, work
from saas.kit.db import db
from saas.tenancy import tenants
from saas.tenancy.models import Tenant, TenantSettings

FOLD_FROM, FOLD_MOST = 100, 20_000
"""From so many noted changes on they are folded, so many at once."""


@dataclass(frozen=True)
class Kept:
    """What was done: `filled` anew, or so many changes `folded`; `more` are left."""

    filled: bool = False
    folded: int = 0
    more: bool = False


def due() -> list[int]:
    """Return the companies whose sums are to be filled or folded; asked over all companies."""
    noted = select(DayChange.tenant_id).group_by(DayChange.tenant_id).having(func.count() >= FOLD_FROM)
    book = (
        select(DayBook.id)
        .where(DayBook.tenant_id == Tenant.id, DayBook.zone == TenantSettings.zone, DayBook.filled_at.is_not(None))
        .exists()
    )
    unfilled = select(Tenant.id).join(TenantSettings, TenantSettings.tenant_id == Tenant.id).where(~book)
    return sorted({*db.session.scalars(noted), *db.session.scalars(unfilled.where(Tenant.state != "closed"))})


def keep() -> Kept:
    """Fill the bound company's sums if they are not those of its zone, else fold what was noted; one at a time does."""
    zone = tenants.settings().zone
    made = insert(DayBook).values(tenant_id=scope.tenant_id(), id=NO_SOURCE, zone="").on_conflict_do_nothing()
    db.session.execute(made)
    book = db.session.scalars(select(DayBook).with_for_update().execution_options(populate_existing=True)).one()
    if book.zone != zone or book.filled_at is None:
        work.take_long()
        db.session.execute(delete(DaySum).execution_options(synchronize_session=False))
        values = {"zone": zone, "tenant": scope.tenant_id(), "counted": list(COUNTED)}
        db.session.execute(queries.load("insights/queries/days_fill.sql"), values)
        book.zone, book.filled_at = zone, clock.now()
        db.session.flush()
        return Kept(filled=True)
    waiting = (
        db.session.scalar(select(func.count()).select_from(select(DayChange.id).limit(FOLD_MOST + 1).subquery())) or 0
    )
    if waiting:
        values = {"zone": zone, "most": FOLD_MOST}
        db.session.execute(queries.load("insights/queries/days_fold.sql"), values)
    return Kept(folded=min(waiting, FOLD_MOST), more=waiting > FOLD_MOST)
