"""How a company asks for reviews and judges them: of which shop's orders, after how many days, what is published at once.

No rule knows the stars: what is published by itself depends on who wrote it and on its words, never on how it judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.commerce import shops
from saas.kit import clock, errors, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.reviews import summaries
from saas.reviews.models import NO_SOURCE, ReviewSettings
from saas.tenancy import audit

ONLY = UUID(int=0)
DEFAULTS: dict[str, Any] = {
    "sources": {}, "remind_days": 7, "agreed_only": False, "publish": "verified", "hold_links": True, "hold_photos": True, "bad_words": [],
    "page": False, "letters": {}, "offer_stars": True, "offer_stars_from": 3,
}  # fmt: skip
"""`offer_stars`: the average stands beside a product that is offered, from `offer_stars_from` published reviews on: of one or two
it says little. `saas/recommend/stock.py` reads both."""
OF_A_SHOP: dict[str, Any] = {"on": False, "since": None, "delivered_days": 7, "shipped_days": 14}
PUBLISH = ("verified", "nothing")
DAYS = {"delivered_days": (0, 180), "shipped_days": (1, 180)}
PARTS = ("subject", "text")
BLANKS = ("company", "order", "name")
MOST_WORDS, LONGEST = 500, {"subject": 200, "text": 2000}


class BadSettings(errors.Invalid):
    """A number is out of range, or there is no such shop."""


def held() -> dict[str, Any]:
    """Return how the bound company does it."""
    row = db.session.scalars(select(ReviewSettings).where(ReviewSettings.id == ONLY)).one_or_none()
    return DEFAULTS | (row.content if row else {})


def of_source(source_id: UUID, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return how it is done for the orders of one shop, or of no shop."""
    given = (held() if settings is None else settings)["sources"].get(str(source_id)) or {}
    return OF_A_SHOP | given


def sources() -> list[tuple[UUID, str]]:
    """Return whose orders can be asked about: each shop, and what programs send by themselves."""
    connected = db.session.scalars(shops.listed()).all()
    return [*((shop.id, shop.name) for shop in connected), (NO_SOURCE, _("Orders that programs send"))]


def change(**given: Any) -> dict[str, Any]:
    """Change what is given and return all of it; raises BadSettings. A shop that is switched on is asked about from now on."""
    row = db.session.scalars(select(ReviewSettings).where(ReviewSettings.id == ONLY).with_for_update()).one_or_none()
    if row is None:
        row = ReviewSettings(id=ONLY, content={})
        db.session.add(row)
    before = DEFAULTS | row.content
    after = before | _read(given, before)
    if after != before:
        row.content = after
        db.session.flush()
        if any(after[name] != before[name] for name in ("offer_stars", "offer_stars_from")):
            summaries.count_anew()
        was, now = audit.differing(before, after)
        audit.record(action="reviews.settings_changed", kind="review_settings", record_id="reviews", before=was, after=now)  # fmt: skip
    return after


def _read(given: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name, value in given.items():
        if name in ("agreed_only", "hold_links", "hold_photos", "page", "offer_stars"):
            found[name] = bool(value)
        elif name == "remind_days":
            found[name] = _whole(name, value, 0, 60, problems)
        elif name == "offer_stars_from":
            found[name] = _whole(name, value, 1, 100, problems)
        elif name == "publish":
            if value not in PUBLISH:
                problems[name] = [_("Choose one of the values.")]
            found[name] = value
        elif name == "bad_words":
            found[name] = _words(value)
        elif name == "sources":
            found[name] = _sources(value, before["sources"], problems)
        elif name == "letters":
            found[name] = _letters(value)
        else:
            problems[name] = [_("Unknown field.")]
    if problems:
        raise BadSettings(fields=problems)
    return found


def _whole(name: str, value: Any, least: int, most: int, problems: dict[str, list[str]]) -> int:
    plain = str(value).strip()
    if plain.isascii() and plain.isdigit() and len(plain) < 6 and least <= int(plain) <= most:
        return int(plain)
    problems[name] = [_("A whole number from %(least)s to %(most)s.", least=least, most=most)]
    return least


def _words(value: Any) -> list[str]:
    lines = value.splitlines() if isinstance(value, str) else value if isinstance(value, list) else ()
    cleaned = (text.clean(str(one), most=80) for one in lines)
    return list(dict.fromkeys(one for one in cleaned if one))[:MOST_WORDS]


def _sources(value: Any, before: Mapping[str, Any], problems: dict[str, list[str]]) -> dict[str, Any]:
    known, kept = {str(key) for key, _name in sources()}, dict(before)
    for key, wanted in (value if isinstance(value, Mapping) else {}).items():
        if str(key) not in known or not isinstance(wanted, Mapping):
            problems["sources"] = [_("There is no such shop.")]
            continue
        one = OF_A_SHOP | (before.get(str(key)) or {})
        for name, (least, most) in DAYS.items():
            if name in wanted:
                one[name] = _whole(f"sources.{key}.{name}", wanted[name], least, most, problems)
        if "on" in wanted and bool(wanted["on"]) != one["on"]:
            one["on"] = bool(wanted["on"])
            one["since"] = clock.now().isoformat() if one["on"] else None
        kept[str(key)] = one
    return kept


def _letters(value: Any) -> dict[str, dict[str, str]]:
    kept = {}
    for language, parts in (value if isinstance(value, Mapping) else {}).items():
        if not isinstance(parts, Mapping):
            continue
        words = {part: text.clean(str(parts.get(part) or ""), most=LONGEST[part]) for part in PARTS if parts.get(part)}
        if words:
            kept[str(language)[:12]] = words
    return kept
