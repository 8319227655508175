"""Trials of a place: today's settings beside changed ones, or beside nothing at all, on different people at the same time.

What people decide about them stands here; who gets which arm is told in `trial_parts`, what an arm may be in `trial_arms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, select

from saas.kit import clock, errors, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.recommend import shelf, slots, trial_arms
from saas.recommend.trial_models import GOALS, MODES, OfferTrial
from saas.tenancy import audit

GUARDS = ("orders", "money", "unsubscribes")
MOST_DAYS, MOST_TRIALS = 30, 200
FIELDS = ("name", "slot", "mode", "goal", "arms", "days", "worth_percent", "guards")


class NoSuchTrial(errors.NotFound):
    """There is no such trial."""


class BadTrial(errors.Invalid):
    """A field of the trial is out of range."""


class NotNow(errors.Conflict):
    """The trial's state does not allow this."""

    code = "trial_state"


def compiled() -> None:
    """Put the bound company's running trials on the shelf, by their places, for `offers` to obey."""
    db.session.flush()
    running = {
        row.slot: {
            "id": str(row.id), "mode": row.mode,
            "arms": [
                {name: one[name] for name in ("key", "kind", "share")} | {"settings": slots.compacted(one["settings"])} for one in row.arms
            ],
        }
        for row in db.session.scalars(select(OfferTrial).where(OfferTrial.state == "running").order_by(OfferTrial.id))
    }  # fmt: skip
    shelf.store("trials", orjson.dumps(running), notes={"trials": len(running)})


# What people decide


def one(trial_id: UUID | str, *, lock: bool = False) -> OfferTrial:
    """Return a trial; raises NoSuchTrial."""
    return kit_db.one(OfferTrial, trial_id, NoSuchTrial, lock=lock)


def query(*, slot: str | None = None, state: str | None = None) -> Select:
    """Return a select of all trials, or those of a place or in a state."""
    wanted = {"slot": slot, "state": state}
    return select(OfferTrial).filter_by(**{name: value for name, value in wanted.items() if value is not None})


ORDER = ((OfferTrial.id, "desc"),)


def create(**fields: Any) -> OfferTrial:
    """Plan a trial; nobody meets it before `start`. Raises BadTrial or NoSuchSlot."""
    if len(db.session.scalars(select(OfferTrial.id).limit(MOST_TRIALS)).all()) >= MOST_TRIALS:
        raise BadTrial(_("There are %(most)s trials already.", most=MOST_TRIALS))
    trial = OfferTrial(
        name="", slot="", mode="split", goal="orders", state="draft", arms=[], days=3, worth_percent=10, guards={"orders": 0},
        paused_for={}, verdict={}, taken_arm="",
    )  # fmt: skip
    _write(trial, fields)
    db.session.add(trial)
    db.session.flush()
    audit.record(action="offer_trials.created", kind="offer_trial", record_id=trial.id, after=plain(trial))
    return trial


def change(trial_id: UUID | str, **fields: Any) -> OfferTrial:
    """Change the plan of a trial that was not started; raises NoSuchTrial, NotNow or BadTrial."""
    trial = one(trial_id, lock=True)
    _require(trial, "draft")
    held = plain(trial)
    _write(trial, fields)
    db.session.flush()
    before, after = audit.differing(held, plain(trial))
    if after:
        audit.record(action="offer_trials.edited", kind="offer_trial", record_id=trial.id, before=before, after=after)
    return trial


def delete(trial_id: UUID | str) -> None:
    """Throw away a plan that nobody met; raises NoSuchTrial or NotNow."""
    trial = one(trial_id, lock=True)
    _require(trial, "draft")
    audit.record(action="offer_trials.deleted", kind="offer_trial", record_id=trial.id, before=plain(trial))
    db.session.delete(trial)
    db.session.flush()


def start(trial_id: UUID | str) -> OfferTrial:
    """Begin a trial, or go on with one that paused; raises NoSuchTrial, or NotNow where another one runs at the same place."""
    trial = one(trial_id, lock=True)
    _require(trial, "draft", "paused")
    slots.one(trial.slot)
    other = db.session.scalars(query(slot=trial.slot, state="running")).first()
    if other is not None:
        raise NotNow(_("“%(name)s” runs at this place. Stop it first.", name=other.name))
    return _move(trial, "running", started_at=trial.started_at or clock.now(), paused_for={})


def pause(trial_id: UUID | str, *, reason: Mapping[str, Any] | None = None) -> OfferTrial:
    """Show everybody what they see without the trial until it goes on; raises NoSuchTrial or NotNow."""
    trial = one(trial_id, lock=True)
    _require(trial, "running")
    return _move(trial, "paused", paused_for=dict(reason or {"by": "hand"}))


def stop(trial_id: UUID | str) -> OfferTrial:
    """End a trial; its figures stay. Raises NoSuchTrial or NotNow."""
    trial = one(trial_id, lock=True)
    _require(trial, "running", "paused")
    return _move(trial, "stopped", stopped_at=clock.now())


def take_over(trial_id: UUID | str, arm: str) -> OfferTrial:
    """Have everybody get what an arm showed, and end the trial; raises NoSuchTrial, NotNow or BadTrial. It can be undone."""
    trial = one(trial_id, lock=True)
    _require(trial, "running", "paused", "stopped")
    found = next((one_of for one_of in trial.arms if one_of["key"] == arm), None)
    if found is None:
        raise BadTrial(fields={"arm": [_("Choose one of the arms.")]})
    settings = {"active": False} if found["kind"] == "nothing" else dict(found["settings"])
    held = slots.plain(slots.one(trial.slot))
    if trial.state != "stopped":
        _move(trial, "stopped", stopped_at=clock.now())
    trial.taken_arm = arm
    db.session.flush()
    if settings:
        slots.change(trial.slot, **settings)
    before = {name: held[name] for name in settings}
    audit.record(
        action="offer_trials.taken_over", kind="offer_trial", record_id=trial.id,
        before={"slot": trial.slot, "settings": before}, after={"slot": trial.slot, "arm": trial_arms.arm_name(found), "settings": settings},
    )  # fmt: skip
    return trial


def _move(trial: OfferTrial, state: str, **values: Any) -> OfferTrial:
    before = trial.state
    trial.state = state
    for name, value in values.items():
        setattr(trial, name, value)
    db.session.flush()
    compiled()
    audit.record(
        action=f"offer_trials.{state}", kind="offer_trial", record_id=trial.id, before={"state": before},
        after={"state": state, **({"reason": trial.paused_for} if state == "paused" else {})},
    )  # fmt: skip
    return trial


def _require(trial: OfferTrial, *states: str) -> None:
    if trial.state not in states:
        raise NotNow(
            {
                "draft": _("It has not begun yet."), "running": _("It is running."), "paused": _("It is paused."),
                "stopped": _("It has ended."),
            }[trial.state]
        )  # fmt: skip


def plain(trial: OfferTrial) -> dict[str, Any]:
    """Return the plan of a trial as values that JSON can carry."""
    return {name: getattr(trial, name) for name in FIELDS}


def _write(trial: OfferTrial, fields: Mapping[str, Any]) -> None:
    """Take over the given fields if they make sense together with the others; a refused trial stays as it was."""
    values = {name: fields[name] if name in fields else getattr(trial, name) for name in FIELDS}
    values["name"] = text.clean(values["name"], most=120)
    values["guards"] = {name: bound for name, bound in (values["guards"] or {}).items() if bound is not None}
    wrong = _wrong(values)
    if "slot" not in wrong:
        values["arms"], wrong_arms = trial_arms.put_in_order(values["arms"] or (), values["slot"], values["mode"])
        wrong |= wrong_arms
    if wrong:
        raise BadTrial(fields=wrong)
    for name, value in values.items():
        setattr(trial, name, value)


def _wrong(values: Mapping[str, Any]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    if not values["name"]:
        wrong["name"] = [_("Give it a name.")]
    try:
        slots.one(values["slot"])
    except slots.NoSuchSlot:
        wrong["slot"] = [_("Choose one of the places.")]
    if values["mode"] not in MODES:
        wrong["mode"] = [_("Choose split or interleaved.")]
    if values["goal"] not in GOALS or (values["mode"] == "interleaved" and values["goal"] == "money"):
        wrong["goal"] = [_("Choose orders, money or clicks; interleaved trials know orders and clicks.")]
    if not 1 <= (values["days"] or 0) <= MOST_DAYS:
        wrong["days"] = [_("A number of days from 1 to %(most)s.", most=MOST_DAYS)]
    if not 1 <= (values["worth_percent"] or 0) <= 200:
        wrong["worth_percent"] = [_("A number from 1 to 200 percent.")]
    if not all(
        name in GUARDS and isinstance(bound, int) and 0 <= bound <= 100 for name, bound in values["guards"].items()
    ):
        wrong["guards"] = [_("Guard rails are orders, money and unsubscribes, each from 0 to 100 percent.")]
    return wrong
