"""How what was done to segments is undone, and how they go to the bin and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.audiences import segments
from saas.kit import belongings, search
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.tenancy import bin, undoing


def held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    segment = segments.one(record_id, lock=True)
    return {name: getattr(segment, name) for name in names}


def change(record_id: str, values: dict[str, Any]) -> None:
    segments.change(record_id, **values)


undoing.register_edit("segments.edited", kind="segment", permission="segments.edit", read=held, write=change)
undoing.register_bin("segment", "segments", permission="segments.edit", delete=segments.delete)


def _touch(ids: Sequence[UUID]) -> None:
    search.touch("segment", *ids)


def _taken(clashes: Sequence[Any]) -> str:
    return _("Another segment has this name by now.")


def _without(journal: UUID, record_id: UUID) -> None:
    belongings.amend(journal, "segments", record_id, {"name": bin.other_name(journal, "segments", record_id)})


bin.register(
    bin.Kind(
        "segment",
        "segments",
        "segments.edit",
        "segments.restored",
        label=_l("Segment"),
        gone=_touch,
        back=_touch,
        taken=_taken,
        without=_without,
    )  # fmt: skip
)
