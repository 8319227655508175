"""How decisions about reviews, answers and settings are undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saas.reviews import judging, settings, writing
from saas.tenancy import undoing


def _decided(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    return judging.held(writing.one(record_id, lock=True))


def _answered(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    return {"answer": writing.one(record_id, lock=True).answer}


undoing.register_edit(
    "reviews.decided", kind="review", permission="products.edit", read=_decided, write=judging.put_back
)
undoing.register_edit(
    "reviews.answered", kind="review", permission="products.edit", read=_answered, write=judging.put_answer
)
undoing.register_edit(
    "reviews.settings_changed", kind="review_settings", permission="campaigns.edit", read=lambda _id, names: settings.held(),
    write=lambda _id, values: settings.change(**values),
)  # fmt: skip
