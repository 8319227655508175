"""Trials of a place: today's settings beside changed ones, or beside nothing at all, on different people at the same time.

Who gets which arm follows from a keyed hash of trial and person, so it is the same at every visit and in every process, and
nothing has to be kept for it. A person is the browser; one that is proven to be a customer's is that customer's first browser, so
who signs in, or comes with a second browser, keeps the arm. Running trials travel on the shelf like rules: no query per answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import Select, select

from saas.kit import clock, crypto, errors, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.recommend import shelf, slots
from saas.recommend.places import Slot
from saas.recommend.shoppers import Shopper
from saas.recommend.trial_models import GOALS, MODES, OfferTrial
from saas.tenancy import audit

KINDS = ("changed", "nothing")
SETTINGS = (
    "engine", "fallback", "count", "diversity", "category_cap", "reduced_only", "not_bought_days", "least_stock", "least_margin",
    "unknown_margin", "step_least", "step_most", "bundle",
)  # fmt: skip
"""What an arm may change of a place."""
GUARDS = ("orders", "money", "unsubscribes")
MOST_ARMS, MOST_DAYS, MOST_TRIALS = 4, 30, 200
BOTH = "both"
FIELDS = ("name", "slot", "mode", "goal", "arms", "days", "worth_percent", "guards")
PATTERNS = 16  # orders in which two teams may draft
Ready = TypeVar("Ready")


class NoSuchTrial(errors.NotFound):
    """There is no such trial."""


class BadTrial(errors.Invalid):
    """A field of the trial is out of range."""


class NotNow(errors.Conflict):
    """The trial's state does not allow this."""

    code = "trial_state"


class Part(NamedTuple):
    """Somebody's part in a trial: whose settings hold for them. `placed` is None where they are shown nothing; in an interleaved
    trial `other` are the settings of the second team and `pattern` the order in which the teams draft."""

    trial_id: str
    arm: str
    key: str
    placed: Slot | None
    other: Slot | None = None
    arms: tuple[str, ...] = ()
    pattern: int = 0

    @property
    def met(self) -> tuple[str, str, str]:
        """What is kept of it."""
        return self.trial_id, self.arm, self.key


# While shoppers wait


def part_of(tenant_id: int, slot: str, placed: Slot, shopper: Shopper) -> Part | None:
    """This function will return somebody's part in the trial that runs at a place; None where none runs, or nobody is known."""
    running = shelf.get(tenant_id, "trials")
    trial = running.get(slot) if running else None
    key = shopper.anchor or shopper.visitor or (str(shopper.customer_id) if shopper.customer_id else "")
    if trial is None or not key:
        return None
    arms = trial["arms"]
    if trial["mode"] == "interleaved":
        ours, theirs = (_as_arm(placed, one["frozen"]) for one in arms[:2])
        pattern = bucket(trial["id"], f"{key}:{clock.now():%Y%m%d}", purpose="draft") % PATTERNS
        return Part(trial["id"], BOTH, key, ours, theirs, (arms[0]["key"], arms[1]["key"]), pattern)
    arm = arm_of(trial["id"], key, [one["share"] for one in arms])
    chosen = arms[arm]
    return Part(
        trial["id"], chosen["key"], key, None if chosen["kind"] == "nothing" else _as_arm(placed, chosen["frozen"])
    )


def arm_of(trial_id: str, key: str, shares: Sequence[int]) -> int:
    """This function will return the number of somebody's arm, each arm with its share of all people."""
    point, passed = bucket(trial_id, key) % sum(shares), 0
    for number, share in enumerate(shares):
        passed += share
        if point < passed:
            return number
    raise AssertionError("shares do not sum up")


def bucket(trial_id: str, key: str, *, purpose: str = "arm") -> int:
    """This function will return a number that nobody can foretell and that is always the same for this trial and person."""
    return int.from_bytes(crypto.mac("offer trials", f"{purpose}:{trial_id}:{key}".encode(), length=8))


@lru_cache(maxsize=2000)
def _as_arm(placed: Slot, settings: tuple[tuple[str, Any], ...]) -> Slot:
    return placed.changed(**dict(settings)) if settings else placed


def answered(
    part: Part, answer: Callable[[Slot], Sequence[Ready]], *, limit: int | None
) -> tuple[list[Ready], list[str]]:
    """This function will return what somebody is shown by their part, and whose each of it is.

    `answer` answers with some settings; what it returns begins with the product. `limit` None is as many as the settings say.
    """
    if part.placed is None:
        return [], []
    if part.other is None:
        ready = list(answer(part.placed))
        return ready, [part.arm] * len(ready)
    ours, theirs = answer(part.placed), answer(part.other)
    most = limit or max(len(ours), len(theirs))
    drafted = draft([one[0].number for one in ours], [one[0].number for one in theirs], most, part.pattern)
    teams = ({one[0].number: one for one in ours}, {one[0].number: one for one in theirs})
    return [teams[team][number] for number, team in drafted], [part.arms[team] for _number, team in drafted]


def draft(ours: Sequence[int], theirs: Sequence[int], most: int, pattern: int) -> list[tuple[int, int]]:
    """This function will have two teams draft in turn, each its best product that is left (Radlinski, Kurup and Joachims 2008).

    In each round a coin says who is first; `pattern` holds four of them, again and again. Returns products with their team, 0 or 1.
    """
    chosen: dict[int, int] = {}
    lists = (iter(ours), iter(theirs))
    for round_ in range(most):
        first = pattern >> (round_ % 4) & 1
        before = len(chosen)
        for team in (first, 1 - first):
            number = next((one for one in lists[team] if one not in chosen), None)
            if number is not None and len(chosen) < most:
                chosen[number] = team
        if len(chosen) == before:
            break
    return list(chosen.items())


def compiled() -> None:
    """Put the bound company's running trials on the shelf, by their places, for `offers` to obey."""
    db.session.flush()
    running = {
        row.slot: {
            "id": str(row.id), "mode": row.mode,
            "arms": [{name: one[name] for name in ("key", "kind", "share", "settings")} for one in row.arms],
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
        before={"slot": trial.slot, "settings": before}, after={"slot": trial.slot, "arm": arm_name(found), "settings": settings},
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
        values["arms"], wrong_arms = _arms(values["arms"] or (), values["slot"], values["mode"])
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


def _arms(
    given: Sequence[Mapping[str, Any]], slot: str, mode: str
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Put the arms in order, the first as today; the others change something or show nothing."""
    wrong: dict[str, list[str]] = {}
    arms = [
        {"key": "today" if not number else f"arm-{number}", "name": text.clean(arm.get("name"), most=80), "kind": arm.get("kind") or "changed",
         "share": arm.get("share") or 0, "settings": dict(arm.get("settings") or {})}
        for number, arm in enumerate(given)
    ]  # fmt: skip
    most = 2 if mode == "interleaved" else MOST_ARMS
    if not 2 <= len(arms) <= most:
        return arms, {"arms": [_("Two to %(most)s arms, the first as today.", most=most)]}
    if mode == "interleaved":
        for arm in arms:
            arm["share"] = 50
    for number, arm in enumerate(arms):
        at = f"arms.{number}"
        if arm["kind"] not in KINDS or (mode == "interleaved" and arm["kind"] == "nothing"):
            wrong[f"{at}.kind"] = [_("Choose changed, or nothing where the arms are split.")]
        if not isinstance(arm["share"], int) or not 1 <= arm["share"] <= 99:
            wrong[f"{at}.share"] = [_("A share from 1 to 99 percent.")]
        if arm["kind"] == "nothing" or not number:
            arm["settings"] = {}
        wrong |= {f"{at}.{name}": told for name, told in _wrong_settings(arm["settings"], slot).items()}
        if number and arm["kind"] == "changed" and not arm["settings"]:
            wrong[f"{at}.settings"] = [_("Say what is different.")]
    if not wrong and sum(arm["share"] for arm in arms) != 100:
        wrong["arms"] = [_("The shares must be 100 percent together.")]
    if not number_of_plain(arms):
        wrong["arms"] = [_("The first arm is as today.")]
    return arms, wrong


def arm_name(arm: Mapping[str, Any]) -> str:
    """Return what an arm is called, in the reader's language where nobody named it."""
    if arm["name"]:
        return arm["name"]
    if arm["key"] == "today":
        return _("As today")
    return _("No offers") if arm["kind"] == "nothing" else _("Changed %(number)s", number=arm["key"].rpartition("-")[2])


def number_of_plain(arms: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the first arm is as today."""
    return arms[0]["kind"] == "changed" and not arms[0]["settings"]


def _wrong_settings(settings: Mapping[str, Any], slot: str) -> dict[str, list[str]]:
    unknown = {name: [_("This cannot be tried.")] for name in settings if name not in SETTINGS}
    if unknown or not settings:
        return unknown
    try:
        slots.drafted(slots.one(slot), **settings)
    except slots.BadSlot as error:
        return dict(error.fields)
    return {}
