"""Whether there is news to learn from: one row a company, written once between two fits however much arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from saas.kit import clock, scope
from saas.kit.db import db
from saas.kit.events import announce
from saas.recommend.events import ModelsOutdated
from saas.recommend.models import FitState

ONLY = UUID(int=0)
FIRST_AFTER = timedelta(seconds=15)  # from the first order or view to the first fit
SOON_AFTER = timedelta(minutes=5)  # to the next fits, while there is little and each order counts
LITTLE = 2000  # views and purchases


@dataclass(frozen=True)
class State:
    """What is remembered between two fits."""

    changed_at: datetime | None
    fitted_at: datetime | None
    tuned_at: datetime | None
    notes: dict[str, Any]
    taken_at: datetime | None = None  # since when a fit is under way


def read() -> State:
    """Return the bound tenant's state; an empty one before the first news."""
    row = db.session.scalars(select(FitState)).one_or_none()
    if row is None:
        return State(None, None, None, {})
    return State(row.changed_at, row.fitted_at, row.tuned_at, row.notes, row.taken_at)


def note_news() -> None:
    """Note that something arrived to learn from, and have a small shop's models fitted soon."""
    state = read()
    if state.changed_at is not None:
        return
    now = clock.now()
    statement = insert(FitState).values(tenant_id=scope.tenant_id(), id=ONLY, changed_at=now, notes={})
    fresh = statement.on_conflict_do_update(
        index_elements=["tenant_id", "id"], set_={"changed_at": now}, where=FitState.changed_at.is_(None)
    )
    if db.session.execute(fresh.returning(FitState.id)).first() is None:
        return
    learnt = state.notes.get("models", {}).get("popular", {})
    if state.fitted_at is None:
        announce(ModelsOutdated(soon=True), after=FIRST_AFTER)
    elif learnt.get("views", 0) + learnt.get("purchases", 0) < LITTLE:
        announce(ModelsOutdated(soon=True), after=SOON_AFTER)


def begin() -> State:
    """Return the state and take the note of news away, so that what arrives during the fit is news again."""
    row = db.session.scalars(select(FitState).with_for_update()).one_or_none()
    if row is None:
        return State(None, None, None, {})
    news = row.taken_at or row.changed_at  # what another fit took away and never came to an end with is news still
    row.changed_at, row.taken_at = None, news
    return State(news, row.fitted_at, row.tuned_at, row.notes)


def put_back(state: State) -> None:
    """Note the news again that a fit took away and then failed on; the next hour tries again."""
    row = db.session.scalars(select(FitState)).one_or_none()
    if row is not None:
        row.changed_at, row.taken_at = row.changed_at or state.changed_at, None


def finish(*, models: dict[str, Any], parameters: dict[str, Any], tuned_at: datetime | None) -> None:
    """Remember what was fitted, on how much and with which parameters."""
    _write({"models": models, "parameters": parameters}, fitted_at=clock.now(), tuned_at=tuned_at, taken_at=None)


def note_backtest(figures: dict[str, Any]) -> None:
    """Remember what offers would have hit (see `backtest`)."""
    _write({"backtest": figures})


def _write(notes: dict[str, Any], **values: datetime | None) -> None:
    statement = insert(FitState).values(tenant_id=scope.tenant_id(), id=ONLY, notes=notes, **values)
    kept = {"notes": FitState.notes.op("||")(statement.excluded.notes), **values}
    db.session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=kept))


def due() -> list[int]:
    """Return the companies with news, those whose fit never ended, and those not fitted for a day, inside a unit over all tenants."""
    stale = FitState.fitted_at < clock.now() - timedelta(days=1)
    news = or_(FitState.changed_at.is_not(None), FitState.taken_at.is_not(None), stale)
    return list(db.session.scalars(select(FitState.tenant_id).where(news)))


def known() -> list[int]:
    """Return the companies that ever had something to learn from, inside a unit of work over all tenants."""
    return list(db.session.scalars(select(FitState.tenant_id).order_by(FitState.tenant_id)))
