"""Counting what the people of a trial did, and acting on it: a verdict is kept, and an arm that harms the shop is stopped.

Days that are long over are left as they were counted, so what is erased or thrown away since stays in the figures.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select

from saas.commerce.models import COUNTED
from saas.kit import clock, queries, scope
from saas.kit.db import db
from saas.kit.events import announce
from saas.recommend import trial_verdicts, trials
from saas.recommend.events import OfferTrialPaused
from saas.recommend.trial_models import OfferTrial, TrialDay
from saas.tenancy import tenants

AFTERWARDS = timedelta(days=3)  # in which orders still change, after a person's days are over


def due() -> list[tuple[int, UUID]]:
    """Return the trials whose figures still change, inside a unit of work over all tenants."""
    late = clock.now() - timedelta(days=trials.MOST_DAYS) - AFTERWARDS
    going = or_(OfferTrial.state.in_(["running", "paused"]), OfferTrial.stopped_at > late)
    return [tuple(row) for row in db.session.execute(select(OfferTrial.tenant_id, OfferTrial.id).where(going))]


def count(trial_id: UUID | str) -> OfferTrial:
    """Count a trial of the bound tenant anew, keep a verdict that was reached, and stop it where it does harm."""
    trial = trials.one(trial_id, lock=True)
    now = clock.now()
    today = now.date()
    counted = trial.counted_at.date() - timedelta(days=trial.days + 1) - AFTERWARDS if trial.counted_at else None
    since = counted or (trial.started_at or now).date()
    values = {
        "tenant": scope.tenant_id(), "trial": trial.id, "days": trial.days, "since": since, "ripe": today - timedelta(days=trial.days),
    }  # fmt: skip
    if trial.mode == "interleaved":
        values |= {"first": trial.arms[0]["key"], "second": trial.arms[1]["key"]}
        db.session.execute(queries.load("recommend/queries/trial_votes.sql"), values)
    else:
        values |= {"counted": list(COUNTED), "currency": tenants.settings().currency}
        db.session.execute(queries.load("recommend/queries/trial_days.sql"), values)
    trial.counted_at = now
    found = trial_verdicts.examine(trial, days(trial.id), now=now)
    if found.verdict.what in ("better", "worse", "same") and not trial.verdict:
        trial.verdict = found.verdict.plain() | {"at": now.isoformat()}
    db.session.flush()
    if trial.state == "running" and found.harm is not None:
        trials.pause(trial.id, reason=found.harm)
        announce(OfferTrialPaused(trial_id=str(trial.id)))
    return trial


def days(trial_id: UUID) -> list[TrialDay]:
    """Return the counted days of a trial, the oldest first."""
    query = select(TrialDay).where(TrialDay.trial_id == trial_id).order_by(TrialDay.day, TrialDay.arm)
    return list(db.session.scalars(query))
