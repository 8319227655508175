"""The arms of a trial in a form: each is "this place, but", with a line for each setting that is different.

A line is added and taken away by asking for the form anew with what is typed, so it works without a script as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from saas.recommend import slots, trial_arms
from tenant_admin import offer_pickers, offer_words

MOST = trial_arms.MOST_ARMS - 1  # today's needs no form
OFFERED = tuple(name for name in trial_arms.SETTINGS if name != "currency")
SWITCHES = ("unknown_margin", "reduced_only", "bundle")
TEXTS = ("excluded_tags", "excluded_categories")
PRICES = ("price_least", "price_most")
FALLBACKS = 3
MOST_NAMED = 2  # differences in the name of an arm


def blank(number: int = 1) -> dict[str, Any]:
    """Return an arm about which nothing is said yet."""
    return {"number": number, "name": "", "share": 50, "settings": {"engine": ""}}


def of_plan(arms: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Return the changed arms of a plan as the form has them, and the share of those who are shown nothing."""
    changed = [arm for arm in arms[1:] if arm["kind"] == "changed"]
    return [
        {"number": number, "name": arm["name"], "share": arm["share"], "settings": dict(arm["settings"])}
        for number, arm in enumerate(changed, 1)
    ], sum(arm["share"] for arm in arms if arm["kind"] == "nothing")


def read(form: MultiDict[str, str]) -> list[dict[str, Any]]:
    """Read the arms that are typed, each with its settings; what is no number or no product is left to the room to refuse."""
    numbers = [int(one) for one in form.getlist("arm") if one.isdecimal() and 1 <= int(one) <= 99][:MOST]
    return [
        {
            "number": number, "name": form.get(f"arm-{number}-name", "").strip(), "share": _share(form.get(f"arm-{number}-share", "")),
            "settings": {
                name: _value(form, f"arm-{number}-{name}", name) for name in form.getlist(f"arm-{number}-set") if name in OFFERED
            } | ({"currency": form[f"arm-{number}-currency"]} if form.get(f"arm-{number}-currency") else {}),
        }
        for number in dict.fromkeys(numbers)
    ]  # fmt: skip


def redrawn(
    arms: list[dict[str, Any]], asked: Mapping[str, str], form: Mapping[str, str], slot: str
) -> list[dict[str, Any]]:
    """Do what was asked of the form: one more arm, one less, a setting more or less. A new setting begins as it is today, and
    shares that nobody changed stay alike."""
    today = slots.plain(slots.one(slot))
    for arm in arms:
        wanted = form.get(f"arm-{arm['number']}-add", "")
        if wanted in OFFERED:
            arm["settings"].setdefault(wanted, today[wanted])
    number, _dash, name = asked.get("drop", "").partition("-")
    for arm in arms:
        if str(arm["number"]) == number:
            arm["settings"].pop(name, None)
            if not set(PRICES) & set(arm["settings"]):
                arm["settings"].pop("currency", None)
    before = _even(arms, form)
    if asked.get("less", "").isdecimal() and len(arms) > 1:
        arms = [arm for arm in arms if arm["number"] != int(asked["less"])]
    if "more" in asked and len(arms) < MOST:
        arms.append(blank(max((arm["number"] for arm in arms), default=0) + 1) | {"share": before})
    if all(arm["share"] == before for arm in arms):
        arms = [{**arm, "share": _even(arms, form)} for arm in arms]
    return arms


def _even(arms: Sequence[Mapping[str, Any]], form: Mapping[str, str]) -> int:
    """Return the share of each arm where today's and all others get as many people."""
    return max((100 - min(_share(form.get("holdout", "")), 99)) // (len(arms) + 1), 1)


def drawn(arms: Sequence[Mapping[str, Any]], slot: str) -> list[dict[str, Any]]:
    """Return the arms as the template wants them: every setting with its kind of field and what may be added."""
    try:
        row = slots.one(slot)
    except slots.NoSuchSlot:
        row = slots.one("home")
    today, useless = slots.plain(row), () if row.place == "product" else ("bundle",)
    return [
        {
            **arm, "fields": [_field(name, value, today) for name, value in arm["settings"].items() if name in OFFERED],
            "more": [(name, offer_words.SETTINGS[name]) for name in OFFERED if name not in arm["settings"] and name not in useless],
            "currency": arm["settings"].get("currency") or "",
        }
        for arm in arms
    ]  # fmt: skip


def _field(name: str, value: Any, today: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        "name": name,
        "label": offer_words.SETTINGS[name],
        "value": value,
        "today": offer_words.said(name, today[name], today),
    }
    if name in slots.PRODUCTS:
        return told | {"kind": "lines", "value": "\n".join(offer_pickers.named(value))}
    if name in TEXTS:
        return told | {"kind": "text", "value": ", ".join(value)}
    if name == "engine":
        return told | {"kind": "engine"}
    if name == "fallback":
        most = max(FALLBACKS, len(value))
        return told | {"kind": "engines", "value": [*value, *[""] * most][:most]}
    if name in SWITCHES:
        return told | {"kind": "switch"}
    if name in PRICES:
        return told | {"kind": "money"}
    least, most = slots.RANGES[name]
    return told | {
        "kind": "number",
        "min": least,
        "max": most,
        "suffix": offer_words.UNITS.get(name),
        "optional": name in slots.OPTIONAL,
    }


def _value(form: MultiDict[str, str], key: str, name: str) -> Any:
    if name in slots.PRODUCTS:
        ids, unknown = offer_pickers.exactly(form.get(key, "").splitlines())
        return [*ids, *unknown]
    if name in TEXTS:
        return [one.strip() for one in form.get(key, "").split(",") if one.strip()]
    if name == "fallback":
        return [one for one in form.getlist(key) if one]
    if name in SWITCHES:
        return key in form
    typed = form.get(key, "").strip()
    if name in ("engine", *PRICES):
        return typed or ("" if name == "engine" else None)
    if not typed and name in slots.OPTIONAL:
        return None
    return int(typed) if re.fullmatch(r"-?[0-9]{1,8}", typed) else slots.RANGES[name][0] - 1


def _share(typed: str) -> int:
    return int(typed) if typed.strip().isdecimal() and len(typed) < 4 else 0


def plan(arms: Sequence[Mapping[str, Any]], slot: str, *, holdout: int, mode: str) -> list[dict[str, Any]]:
    """Return the arms of a plan: today's, the changed ones, and those who are shown nothing. An arm without a name is called by
    what is different."""
    changed = [
        {"name": arm["name"] or _called(arm, slot), "share": arm["share"], "settings": _told(arm)} for arm in arms
    ]
    if holdout and not any(arm["settings"] for arm in changed):
        changed = []
    rest = 100 - holdout - sum(arm["share"] for arm in changed)
    nothing = [{"name": "", "share": holdout, "kind": "nothing"}] if holdout else []
    return [{"name": "", "share": 50 if mode == "interleaved" else rest}, *changed, *nothing]


def _called(arm: Mapping[str, Any], slot: str) -> str:
    """Name the first things that are different from today."""
    try:
        today = slots.plain(slots.one(slot))
    except slots.NoSuchSlot:
        today = {}
    lines = offer_words.differences({name: value for name, value in _told(arm).items() if today.get(name) != value})
    return ", ".join(lines[:MOST_NAMED]) + ("…" if len(lines) > MOST_NAMED else "")


def _told(arm: Mapping[str, Any]) -> dict[str, Any]:
    """An engine that nobody chose is none."""
    return {name: value for name, value in arm["settings"].items() if name != "engine" or value}


def errors(wrong: Mapping[str, list[str]], arms: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the room's sentences by the names of the form's fields."""
    told: dict[str, list[str]] = {}
    for name, sentences in wrong.items():
        found = re.fullmatch(r"arms\.(\d+)\.(\w+)(?:\..*)?", name)
        at = int(found[1]) - 1 if found else -1
        if not found:
            told[name] = sentences
        elif 0 <= at < len(arms):
            told[f"arm-{arms[at]['number']}-{found[2]}"] = sentences
        else:
            told["holdout" if found[2] == "share" and at >= 0 else "arms"] = (
                sentences if at >= 0 else [_("Less than 100 percent of people for what is different, all together.")]
            )
    return told
