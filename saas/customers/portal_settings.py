"""What the company's page for shoppers looks like and what it lets them do: its colour, picture, words, and the days for returns."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import select

from saas.customers import purposes
from saas.customers.models import PortalSettings
from saas.kit import errors, scope, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, custom_values

EDITABLE = ("first_name", "last_name", "phone", "address", "city", "postcode", "country", "language")
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
PICTURE = re.compile(r"https://[^\s\"'<>\\]{3,490}|http://(127\.0\.0\.1|localhost)(:\d{1,5})?/[^\s\"'<>\\]{0,400}")
MOST_DAYS, LONGEST = 730, 2000


class BadSettings(errors.Invalid):
    """A colour, an address or a number is out of range."""


@dataclass(frozen=True)
class Settings:
    """The settings as everybody reads them; `topics` holds the words and the order of the purposes, by key."""

    enabled: bool = True
    color: str = ""
    logo_url: str = ""
    welcome: dict[str, str] = field(default_factory=dict)
    editable: tuple[str, ...] = EDITABLE
    birthday_field: str = ""
    return_days: int = 30
    return_words: dict[str, str] = field(default_factory=dict)
    topics: tuple[dict[str, Any], ...] = ()


NAMES = tuple(Settings.__dataclass_fields__)


def current() -> Settings:
    """Return the company's settings, or what holds while it has chosen nothing; a unit of work reads them once."""
    known = db.session().info.setdefault("portal_settings", {})
    if scope.tenant_id() not in known:
        known[scope.tenant_id()] = _read()
    return known[scope.tenant_id()]


def _read() -> Settings:
    row = db.session.scalars(select(PortalSettings)).one_or_none()
    if row is None:
        return Settings()
    held = {name: getattr(row, name) for name in NAMES}
    return Settings(**held | {"editable": tuple(row.editable), "topics": tuple(row.topics)})


def change(**wanted: Any) -> Settings:
    """Change some of the settings; raises BadSettings."""
    before = current()
    after = replace(before, **_cleaned(wanted))
    row = db.session.scalars(select(PortalSettings).with_for_update()).one_or_none()
    if row is None:
        row = PortalSettings()
        db.session.add(row)
    for name in NAMES:
        value = getattr(after, name)
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    db.session.flush()
    db.session().info.pop("portal_settings", None)
    was, is_now = audit.differing(_plain(before), _plain(after))
    if is_now:
        audit.record(action="portal.edited", kind="portal", record_id="portal", before=was, after=is_now)
    return after


def _plain(settings: Settings) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}


def birthday_fields() -> list[tuple[str, str]]:
    """Return the company's own fields of dates, any of which may be the birthday, as (key, label)."""
    return [
        (one.key, str(one.label))
        for one in custom_values.own_fields("customer")
        if one.type == "date" and not one.formula
    ]


def _cleaned(wanted: dict[str, Any]) -> dict[str, Any]:
    problems: dict[str, list[str]] = {}
    found = dict(wanted)
    color, picture = (str(wanted.get(name) or "").strip() for name in ("color", "logo_url"))
    if color and not COLOR.fullmatch(color):
        problems["color"] = [_("A colour is written like #0f766e.")]
    if picture and not PICTURE.fullmatch(picture):
        problems["logo_url"] = [_("Must be an address that begins with https://.")]
    for name, value in (("color", color.lower()), ("logo_url", picture)):
        if name in wanted:
            found[name] = value
    if "return_days" in wanted and not _whole(wanted["return_days"]):
        problems["return_days"] = [_("A number of days from 0 to %(most)s.", most=MOST_DAYS)]
    if "editable" in wanted:
        found["editable"] = tuple(name for name in EDITABLE if name in wanted["editable"])
    if wanted.get("birthday_field") and wanted["birthday_field"] not in dict(birthday_fields()):
        problems["birthday_field"] = [_("Choose one of the values.")]
    for name in ("welcome", "return_words"):
        if name in wanted:
            found[name] = _words(wanted[name])
    if "topics" in wanted:
        found["topics"] = _topics(wanted["topics"])
    if problems:
        raise BadSettings(fields=problems)
    if "return_days" in found:
        found["return_days"] = int(found["return_days"])
    return found


def _whole(value: Any) -> bool:
    return str(value).strip().isascii() and str(value).strip().isdigit() and int(value) <= MOST_DAYS


def _words(said: dict[str, str]) -> dict[str, str]:
    cleaned = {str(language)[:12]: text.clean(words, most=LONGEST) for language, words in (said or {}).items()}
    return {language: words for language, words in cleaned.items() if words}


def _topics(given: Any) -> tuple[dict[str, Any], ...]:
    known = {one.key for one in purposes.listed(archived=True)}
    found: dict[str, dict[str, Any]] = {}
    for topic in given:
        key = str(topic.get("key") or "")
        if key in known and key not in found:
            found[key] = {
                "key": key, "shown": bool(topic.get("shown", True)), "titles": _words(topic.get("titles") or {}),
                "texts": _words(topic.get("texts") or {}),
            }  # fmt: skip
    return tuple(found.values())


def in_language(words: dict[str, str], language: str) -> str:
    """Return the words in a language, else in the same script without its country, else in any there is."""
    plain = language.replace("_", "-")
    short = plain.partition("-")[0]
    near = next((said for name, said in words.items() if name.replace("_", "-").partition("-")[0] == short), "")
    return words.get(language) or words.get(plain) or near or next(iter(words.values()), "")
