"""How what was done to the places of offers is undone, and how they go to the bin and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.recommend import slots
from saas.tenancy import bin, undoing


def held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    return slots.plain(slots.by_id(record_id, lock=True))


def change(record_id: str, values: dict[str, Any]) -> None:
    """Change the settings of a place as the history holds them."""
    slots.change_by_id(record_id, **values)


undoing.register_edit("offer_slots.edited", kind="offer_slot", permission="offers.edit", read=held, write=change)
undoing.register_bin("offer_slot", "offer_slots", permission="offers.edit", delete=slots.delete_by_id)


def _obey(ids: Sequence[UUID]) -> None:
    slots.compiled()


def _taken(clashes: Sequence[Any]) -> str:
    return _("Another place has this key by now.")


bin.register(
    bin.Kind(
        "offer_slot", "offer_slots", "offers.edit", "offer_slots.restored", label=_l("Place"), gone=_obey, back=_obey, taken=_taken
    )
)  # fmt: skip
