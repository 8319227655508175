"""What the arms of a trial may be: the first as today, each other one "this place, but" with some settings changed, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saas.kit import text
from saas.kit.text import gettext as _
from saas.recommend import slots

KINDS = ("changed", "nothing")
SETTINGS = (
    "engine", "fallback", "count", "diversity", "pinned", "buried", "picked", "excluded_tags", "excluded_categories", "least_stock",
    "not_bought_days", "least_margin", "unknown_margin", "category_cap", "price_least", "price_most", "currency", "reduced_only",
    "step_least", "step_most", "bundle",
)  # fmt: skip
"""What an arm may change of a place."""
MOST_ARMS = 4


def put_in_order(
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
        arm["settings"], refused = _settled(arm["settings"], slot)
        wrong |= {f"{at}.{name}": told for name, told in refused.items()}
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


def _settled(settings: Mapping[str, Any], slot: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return settings as the place would keep them, and what is wrong with them."""
    unknown = {name: [_("This cannot be tried.")] for name in settings if name not in SETTINGS}
    if unknown or not settings:
        return dict(settings), unknown
    try:
        return slots.settled(slots.one(slot), **settings), {}
    except slots.BadSlot as error:
        return dict(settings), dict(error.fields)
