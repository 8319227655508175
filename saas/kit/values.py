"""Values of fields as people write them and as programs send them, by type: read with a sentence for what is wrong.

A value is a plain Python thing: text is str, number and money are Decimal (money in the currency's unit), date is date,
moment is an aware datetime, yes_no is bool, choice is the choice's key, choices and tags are tuples. Empty is None.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_symbol, list_currencies

from saas.kit import money, text
from saas.kit.text import gettext as _

TYPES = (
    "text", "long_text", "number", "money", "date", "moment", "choice", "choices", "yes_no", "link", "tags", "email", "phone",
    "formula", "record",
)  # fmt: skip
MOST = {"text": 500, "long_text": 10_000, "link": 2_000, "email": 320, "phone": 40}
DIGITS, DECIMALS = 15, 6
YES = frozenset(
    ["yes", "y", "true", "t", "1", "on", "x", "ja", "oui", "si", "sí", "✓", "✔", "是", "有", "对", "真", "真的", "开"]
)
NO = frozenset(
    [
        "no",
        "n",
        "false",
        "f",
        "0",
        "off",
        "nein",
        "non",
        "-",
        "✗",
        "✘",
        "否",
        "无",
        "没有",
        "错",
        "假",
        "不",
        "不是",
        "关",
    ]
)
SEPARATORS = re.compile(r"[,，;；、\n]")
MONTHS = {name: place for place, names in enumerate(
    ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
     "sep sept september", "oct october", "nov november", "dec december"), 1) for name in names.split()}  # fmt: skip


class NotReadable(ValueError):
    """The text is no value of this type; the sentence says what to write instead."""


@dataclass(frozen=True)
class Choice:
    """One value to choose: the key is kept with records and never changes, the label may."""

    key: str
    label: Any
    archived: bool = False
    into: str = ""
    """The key of the choice that took over its records."""


@dataclass(frozen=True)
class Manner:
    """How a writer writes: `decimal` is "." or "," ("" finds out), `dates` is dmy, mdy or ymd ("" refuses what could be two
    days), `zone` is where moments without a zone are meant, `currency` is meant by amounts without one."""

    decimal: str = ""
    dates: str = ""
    zone: str = "UTC"
    currency: str = ""


PLAIN = Manner()


def number(value: Any, manner: Manner = PLAIN) -> Decimal:
    """Return a number written 1234.5, 1,234.5, 1.234,5, 1 234,5 or 1'234.5; raises NotReadable.

    A single separator before exactly three digits (1,234) separates thousands when it is a comma and decimals when it is a
    point, unless `manner.decimal` says which one the writer uses.
    """
    if isinstance(value, bool):
        raise NotReadable(_("Give a number such as 12.5."))
    if isinstance(value, (int, float, Decimal)):
        return _bounded(str(value))
    plain = unicodedata.normalize("NFKC", str(value)).strip()
    plain = re.sub(r"(?<=\d)[\s'’](?=\d{3}(?!\d))", "", plain).replace("−", "-")
    if plain.endswith("%"):
        plain = plain[:-1].strip()
    return _bounded(_pointed(plain, manner.decimal))


def _pointed(plain: str, decimal: str) -> str:
    """Return the number with a point before its decimals and nothing between its thousands."""
    commas, points = plain.count(","), plain.count(".")
    if not decimal:
        if commas and points:
            decimal = "," if plain.rindex(",") > plain.rindex(".") else "."
        elif commas > 1 or (commas == 1 and re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", plain)):
            decimal = "."
        elif points > 1:
            decimal = ","
        else:
            decimal = "," if commas else "."
    group = "." if decimal == "," else ","
    whole, mark, rest = plain.partition(decimal)
    if group in rest or (
        group in whole and not re.fullmatch(rf"[-+]?\d{{1,3}}(\{group}\d{{2,3}})*\{group}\d{{3}}", whole)
    ):
        return "?"
    return whole.replace(group, "") + ("." if mark else "") + rest


def _bounded(plain: str) -> Decimal:
    try:
        if not re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,2})?", plain):
            raise InvalidOperation
        found = Decimal(plain)
    except InvalidOperation:
        raise NotReadable(_("Give a number such as 12.5.")) from None
    return fitting(found)


def fitting(found: Decimal) -> Decimal:
    """Return a number as it is kept: at most 6 decimals, below a thousand billion; raises NotReadable."""
    if not found.is_finite() or abs(found) >= Decimal(10) ** (DIGITS - 3):
        raise NotReadable(_("This number is too large."))
    rounded = found.quantize(Decimal(1).scaleb(-DECIMALS)) if -found.as_tuple().exponent > DECIMALS else found
    if abs(rounded) >= Decimal(10) ** (DIGITS - DECIMALS):  # a double holds 15 digits: larger ones keep fewer decimals
        rounded = rounded.quantize(Decimal("0.001")) if -rounded.as_tuple().exponent > 3 else rounded
    return rounded.normalize() if rounded == 0 or rounded.as_tuple().exponent < 0 else rounded.quantize(Decimal(1))


def amount(value: Any, manner: Manner = PLAIN, currency: str = "") -> Decimal:
    """Return an amount of money written 12.50, 12,50 €, EUR 12.50 or $1,234; another currency than the field's is refused."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _rounded(_bounded(str(value)), currency)
    plain = unicodedata.normalize("NFKC", str(value)).strip()
    named = re.sub(r"[\d.,'’\s+−-]", "", plain)
    wanted = currency or manner.currency
    if named and wanted and not _means(named, wanted):
        raise NotReadable(_("Give the amount in %(currency)s.", currency=wanted))
    if named and not wanted and named.upper() not in list_currencies() and len(named) > 3:
        raise NotReadable(_("Give an amount such as 12.50."))
    try:
        found = number(plain.replace(named, "", 1).strip() if named else plain, manner)
    except NotReadable:
        raise NotReadable(_("Give an amount such as 12.50.")) from None
    return _rounded(found, wanted)


def _rounded(found: Decimal, currency: str) -> Decimal:
    digits = money.exponent(currency) if currency else DECIMALS
    exact = fitting(found).quantize(Decimal(1).scaleb(-digits)) if currency else fitting(found)
    if currency and exact != found:
        raise NotReadable(_("%(currency)s has %(digits)s decimals.", currency=currency, digits=digits))
    return exact


def _means(named: str, currency: str) -> bool:
    signs = {get_currency_symbol(currency, locale=locale) for locale in ("en", "zh_Hans", "de")}
    signs |= {currency, {"CNY": "元", "JPY": "円", "USD": "US$"}.get(currency, currency)}
    return named.upper() in {sign.upper() for sign in signs} or named in {
        sign[-1] for sign in signs if not sign.isascii() or sign[-1] == "$"
    }


def day(value: Any, manner: Manner = PLAIN) -> date:
    """Return a date written 2026-05-21, 21.05.2026, 2026/5/21, 21 May 2026 or 2026年5月21日; raises NotReadable."""
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(manner.zone)).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    plain = unicodedata.normalize("NFKC", str(value)).strip()
    for way in (_iso_day, _numbered_day, _named_day):
        found = way(plain, manner)
        if found is not None:
            return found
    raise NotReadable(_("Give a date such as 2026-05-21."))


def _made(year: int, month: int, number: int) -> date:
    try:
        return date(year, month, number)
    except ValueError:
        raise NotReadable(_("There is no such day. Give a date such as 2026-05-21.")) from None


def _iso_day(plain: str, manner: Manner) -> date | None:
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]\d{1,2}:\d{2}.*)?", plain)
    compact = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", plain)
    match = found or compact
    return _made(*(int(part) for part in match.groups())) if match else None


def _numbered_day(plain: str, manner: Manner) -> date | None:
    found = re.fullmatch(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?: \d{1,2}:\d{2}.*)?", plain)
    if not found:
        return None
    first, mark, second, year = int(found[1]), found[2], int(found[3]), int(found[4])
    year += 0 if len(found[4]) == 4 else 2000 if year < 70 else 1900
    way = manner.dates or (
        "dmy" if mark == "." or first > 12 else "mdy" if second > 12 else "dmy" if first == second else ""
    )
    if not way:
        raise NotReadable(_("“%(text)s” could be two days. Write it as 2026-05-21.", text=plain[:20]))
    return _made(year, *((first, second) if way == "mdy" else (second, first)))


def _named_day(plain: str, manner: Manner) -> date | None:
    words = re.findall(r"[^\W\d_]+|\d+", plain.lower())
    months = [MONTHS[word] for word in words if word in MONTHS]
    numbers = [int(word) for word in words if word.isdigit()]
    if len(months) != 1 or len(numbers) != 2 or len(words) > 4:
        return None
    year, number = (numbers[1], numbers[0]) if numbers[1] > 31 else (numbers[0], numbers[1])
    return _made(year, months[0], number)


def moment(value: Any, manner: Manner = PLAIN) -> datetime:
    """Return a moment; without a zone it is meant in the writer's. Raises NotReadable."""
    if isinstance(value, datetime):
        found = value
    else:
        plain = unicodedata.normalize("NFKC", str(value)).strip()
        try:
            found = datetime.fromisoformat(plain)
        except ValueError:
            clock = re.search(r"[T ](\d{1,2}):(\d{2})(?::(\d{2}))?\s*(am|pm)?$", plain, re.IGNORECASE)
            on = day(plain[: clock.start()] if clock else plain, manner)
            hour = (
                int(clock[1]) % 12 + 12 * (clock[4].lower() == "pm")
                if clock and clock[4]
                else int(clock[1])
                if clock
                else 0
            )
            try:
                found = datetime(
                    on.year, on.month, on.day, hour, int(clock[2]) if clock else 0, int(clock[3] or 0) if clock else 0
                )
            except ValueError:
                raise NotReadable(_("Give a moment such as 2026-05-21 14:30.")) from None
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(manner.zone))).astimezone(UTC)


def yes_no(value: Any) -> bool:
    """Return whether a word says yes, in English, Chinese and a few neighbours; raises NotReadable."""
    if isinstance(value, bool):
        return value
    word = unicodedata.normalize("NFKC", str(value)).strip().lower()
    if word in YES or word == _("yes").lower():
        return True
    if word in NO or word == _("no").lower():
        return False
    raise NotReadable(_("Write yes or no."))


def choice(value: Any, choices: Iterable[Choice], *, archived: bool = True) -> str:
    """Return the key of a choice that is named by its key or its label; raises NotReadable with what there is."""
    wanted = text.fold(str(value))
    found = [one for one in choices if archived or not one.archived]
    for one in found:
        if one.key == str(value).strip():
            return one.into or one.key
    for one in sorted(found, key=lambda one: one.archived):
        if wanted in (text.fold(one.key), text.fold(str(one.label))):
            return one.into or one.key
    labels = ", ".join(str(one.label) for one in found if not one.archived)
    raise NotReadable(_("“%(value)s” is not one of: %(choices)s.", value=str(value)[:40], choices=labels[:200]))


def standing(key: str, choices: Iterable[Choice]) -> str:
    """Return the choice that a kept key stands for now: itself, or the one it was merged into."""
    return next((one.into or one.key for one in choices if one.key == key), key)


def many(value: Any) -> list[str]:
    """Return the parts of a list that is written with commas, or of one that is a list already."""
    parts = SEPARATORS.split(value) if isinstance(value, str) else list(value)
    return list(dict.fromkeys(part for part in (text.clean(str(part), most=200) for part in parts) if part))


def link(value: Any) -> str:
    """Return an address that begins with http or https and names a host; raises NotReadable."""
    plain = text.clean(str(value), most=MOST["link"] + 1)
    if len(plain) > MOST["link"]:
        raise NotReadable(_("This is too long: at most %(most)s characters.", most=MOST["link"]))
    if "://" not in plain and re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", plain):
        plain = "https://" + plain
    try:
        parts = urlsplit(plain)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\\<>\"]", plain)
    except ValueError:
        good = False
    if not good:
        raise NotReadable(_("Give an address that begins with https://."))
    return plain


def words(value: Any, most: int) -> str:
    """Return a text without control characters; raises NotReadable when it is too long."""
    plain = text.clean(str(value), most=most + 1)
    if len(plain) > most:
        raise NotReadable(_("This is too long: at most %(most)s characters.", most=most))
    return plain


def email(value: Any) -> str:
    plain = text.clean(str(value), most=320)
    try:
        text.email(plain)
    except text.NotAnEmail as error:
        raise NotReadable(_(str(error))) from None
    return plain


Reader = Callable[[Any], Any]
