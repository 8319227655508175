"""How a company tells people that a product is back or costs less: whether, how many at a time, from which drop on, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.kit import text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing import form_cache, form_content, form_words
from saas.marketing.models import WatchSettings
from saas.tenancy import audit

DEFAULTS: dict[str, Any] = {
    "stock": True, "price": True, "per_item": 5, "again_hours": 24, "expires_days": 180, "price_percent": 5, "price_amount": "", "letters": {},
}  # fmt: skip
PARTS = ("subject", "text", "button")
BLANKS = ("product", "company", "price", "was")
MOST = {"subject": 200, "text": 2000, "button": 60}
ONLY = UUID(int=0)


def held() -> dict[str, Any]:
    """Return how the bound company does it."""
    row = db.session.scalars(select(WatchSettings).where(WatchSettings.id == ONLY)).one_or_none()
    return DEFAULTS | (row.content if row else {})


def public() -> dict[str, Any]:
    """Return what the shops' pages are told of it."""
    content = held()
    words = {language: form_words.in_language(language) for language in form_words.WORDS}
    return {"stock": content["stock"], "price": content["price"], "words": words}


def change(**given: Any) -> dict[str, Any]:
    """Change what is given and return all of it; raises BadForm."""
    row = db.session.scalars(select(WatchSettings).where(WatchSettings.id == ONLY).with_for_update()).one_or_none()
    if row is None:
        row = WatchSettings(id=ONLY, content={})
        db.session.add(row)
    before = DEFAULTS | row.content
    after = before | _read(given)
    if after != before:
        row.content = after
        db.session.flush()
        told = audit.differing(before, after)
        audit.record(
            action="watches.settings_changed", kind="watch_settings", record_id="watches", before=told[0], after=told[1]
        )
        form_cache.forget()
    return after


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    reader = form_content.Reader()
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in ("stock", "price"):
            found[name] = bool(value)
        elif name in LIMITS:
            least, most = LIMITS[name]
            number = reader.whole(name, value, least=least, most=most)
            found[name] = DEFAULTS[name] if number is None else number
        elif name == "price_amount":
            found[name] = form_content.amount(reader, name, value)
        elif name == "letters":
            found[name] = _letters(reader, value)
        else:
            reader.wrong(name, _("Unknown field."))
    if reader.problems:
        raise form_content.BadForm(fields=reader.problems)
    return found


LIMITS = {"per_item": (1, 100), "again_hours": (1, 24 * 30), "expires_days": (1, 730), "price_percent": (0, 90)}


def _letters(reader: form_content.Reader, given: Any) -> dict[str, dict[str, dict[str, str]]]:
    kept: dict[str, dict[str, dict[str, str]]] = {}
    for language, kinds in (given if isinstance(given, Mapping) else {}).items():
        if not form_content.LANGUAGE.fullmatch(str(language)) or not isinstance(kinds, Mapping):
            reader.wrong("letters", _("There is no such language."))
            continue
        for kind, parts in kinds.items():
            if kind not in ("stock", "price") or not isinstance(parts, Mapping):
                reader.wrong("letters", _("Choose one of the values."))
                continue
            words = {part: text.clean(str(parts.get(part) or ""), most=MOST[part]) for part in PARTS if parts.get(part)}
            if words:
                kept.setdefault(str(language), {})[str(kind)] = words
    return kept


def drop_enough(before: int, now: int, settings: Mapping[str, Any]) -> bool:
    """Tell whether a price in millionths fell far enough: by the percentage, or by the amount where one is set."""
    if now >= before:
        return False
    if settings["price_amount"]:
        return before - now >= int(Decimal(settings["price_amount"]) * 1_000_000)
    return (before - now) * 100 >= before * settings["price_percent"]
