"""Whose settings hold for somebody at a place where a trial runs, in the shop and in letters.

Who gets which arm follows from a keyed hash of trial and person, so it is the same at every visit and in every process, and
nothing has to be kept for it. A person is the browser; one that is proven to be a customer's is that customer's first browser, so
who signs in, or comes with a second browser, keeps the arm. In mails a person is the customer, and a letter remembers its part,
so that it shows the same arm however often it is opened. Running trials travel on the shelf like rules: no query per answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from saas.kit import clock, crypto
from saas.recommend import shelf
from saas.recommend.places import Slot
from saas.recommend.shoppers import Shopper

BOTH = "both"
PATTERNS = 16  # orders in which two teams may draft
Ready = TypeVar("Ready")


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


def part_of(
    tenant_id: int, slot: str, placed: Slot, shopper: Shopper, *, letter: Sequence[str] | None = None
) -> Part | None:
    """This function will return somebody's part in the trial that runs at a place; None where none runs, or nobody is known.

    `letter` is given where a letter of ours is opened: what it remembers of the trial it was written in (see `Part.met`), empty
    where it was written outside of one. It keeps its arm; written before, it takes part only where no arm shows nothing, for what
    was sent cannot be taken out of it.
    """
    trial, known = _running(tenant_id, slot), str(shopper.customer_id) if shopper.customer_id else ""
    key = known if known and placed.place == "mail" else shopper.anchor or shopper.visitor or known
    if trial is None or not key:
        return None
    if letter and letter[0] == trial["id"]:
        return _part(trial, placed, letter[2], arm=letter[1])
    if letter is not None and any(arm["kind"] == "nothing" for arm in trial["arms"]):
        return None
    return _part(trial, placed, key)


def of_letters(tenant_id: int, placed: Slot, customer_ids: Iterable[UUID]) -> dict[UUID, Part]:
    """This function will return the parts of many customers in the trial of a place in mails, for letters that are written now."""
    trial = _running(tenant_id, placed.key)
    return {one: _part(trial, placed, str(one)) for one in customer_ids} if trial else {}


def going_on(tenant_id: int, slot: str, letter: Sequence[str] | None) -> bool:
    """This function will tell whether the trial that a letter remembers runs now."""
    trial = _running(tenant_id, slot) if letter else None
    return trial is not None and trial["id"] == letter[0]


def _running(tenant_id: int, slot: str) -> dict[str, Any] | None:
    running = shelf.get(tenant_id, "trials")
    return running.get(slot) if running else None


def _part(trial: dict[str, Any], placed: Slot, key: str, *, arm: str = "") -> Part:
    arms = trial["arms"]
    if trial["mode"] == "interleaved":
        ours, theirs = (_as_arm(placed, one["frozen"]) for one in arms[:2])
        pattern = bucket(trial["id"], f"{key}:{clock.now():%Y%m%d}", purpose="draft") % PATTERNS
        return Part(trial["id"], BOTH, key, ours, theirs, (arms[0]["key"], arms[1]["key"]), pattern)
    held = next((one for one in arms if one["key"] == arm), None)
    chosen = held or arms[arm_of(trial["id"], key, [one["share"] for one in arms])]
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
