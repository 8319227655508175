"""How what was done to forms is undone, and how they go to the bin and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.kit import belongings
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.marketing import form_cache, form_trials, forms
from saas.tenancy import bin, undoing


def held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    return forms.written(forms.one(record_id, lock=True))


def _back(ids: Sequence[UUID]) -> None:
    form_cache.forget()


def _taken(clashes: Sequence[Any]) -> str:
    return _("Another form has this name by now.")


def _without(journal: UUID, record_id: UUID) -> None:
    belongings.amend(journal, "forms", record_id, {"name": bin.other_name(journal, "forms", record_id)})


undoing.register_edit("forms.edited", kind="form", permission="campaigns.edit", read=held, write=forms.put_back)
undoing.register("form_trials.taken_over", form_trials.take_back, permission="campaigns.edit")
undoing.register_bin("form", "forms", permission="campaigns.edit", delete=forms.delete)
bin.register(
    bin.Kind(
        "form",
        "forms",
        "campaigns.edit",
        "forms.restored",
        label=_l("Form"),
        gone=_back,
        back=_back,
        taken=_taken,
        without=_without,
    )  # fmt: skip
)
