"""How what was done to the rules of recommendations and to the choice of a model is undone, and how rules come back from the bin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from saas.kit.text import later as _l
from saas.recommend import answers, model_versions, rules
from saas.tenancy import bin, undoing
from saas.tenancy.audit import Told


def held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    return rules.plain(rules.one(record_id, lock=True))


def change(record_id: str, values: dict[str, Any]) -> None:
    """Change a rule's fields as the history holds them."""
    moments = {name: datetime.fromisoformat(value) for name, value in values.items() if name.endswith("_at") and value}
    rules.change(record_id, **values | moments)


undoing.register_edit("offer_rules.edited", kind="offer_rule", permission="offers.edit", read=held, write=change)
undoing.register_bin("offer_rule", "offer_rules", permission="offers.edit", delete=rules.delete)


def _obey(ids: Sequence[UUID]) -> None:
    rules.compiled()


bin.register(
    bin.Kind(
        "offer_rule", "offer_rules", "offers.edit", "offer_rules.restored", label=_l("Rule"), gone=_obey, back=_obey
    )
)


def _choose_again(told: Told, rest: bool) -> None:
    """Have the fit serve that served before somebody held another, or let it go."""
    try:
        model_versions.restore(told.entry.record_id, told.before, told.after)
    except model_versions.Moved as moved:
        raise undoing.in_the_way(told, model_versions.KIND, moved.now) from None


for action in (model_versions.PINNED, model_versions.RELEASED):
    undoing.register(action, _choose_again, permission="offers.edit")


def _untell(told: undoing.Told, rest: bool) -> None:
    answers.take_back(told.after["answer"])


def _tell_again(told: undoing.Told, rest: bool) -> None:
    answers.stand_again(told.after["answer"])


for _said in answers.VERDICTS:
    undoing.register(f"offer_answers.{_said}", _untell, permission="customers.edit")
undoing.register("offer_answers.taken_back", _tell_again, permission="customers.edit")
