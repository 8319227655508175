"""How an arm that was taken over is taken back: the place gets the settings it had before, and the trial may be taken over
again."""

from __future__ import annotations

from saas.kit.db import db
from saas.recommend import slots, trials
from saas.tenancy import undoing
from saas.tenancy.audit import Told


def take_back(told: Told, rest: bool) -> None:
    """Give the place back what taking over changed; what somebody changed since stands in the way."""
    slot, before, taken = told.after["slot"], told.before["settings"], told.after["settings"]
    held = slots.plain(slots.one(slot, lock=True))
    back = {name: value for name, value in before.items() if held[name] == taken[name] and held[name] != value}
    moved = {name: held[name] for name in taken if held[name] not in (taken[name], before[name])}
    if moved and not (rest and back):
        raise undoing.in_the_way(told, "offer_slot", moved)
    trial = trials.one(told.entry.record_id, lock=True)
    if not back and not trial.taken_arm:
        raise undoing.CannotUndo
    trial.taken_arm = ""
    db.session.flush()
    if back:
        slots.change(slot, **back)


undoing.register("offer_trials.taken_over", take_back, permission="offers.edit")
