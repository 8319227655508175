"""How values are written on the pages: money, numbers, times and names, in the member's language and zone.

Rooms hand over plain values (minor units, UTC times); only here do they become text.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from zlib import crc32

from babel import Locale
from babel.dates import format_skeleton, format_timedelta, get_datetime_format
from babel.numbers import format_compact_decimal, format_decimal, format_percent, get_currency_precision
from babel.numbers import format_currency as babel_currency
from flask_babel import format_date, format_time, get_locale, gettext
from markupsafe import Markup, escape

from tenant_admin import states

EMPTY = "–"


def money(amount: int | None, currency: str, *, whole: bool = False) -> str:
    """Write an amount in minor units (1250, "EUR" -> €12.50); `whole` leaves out the cents, for tiles and axes."""
    if amount is None:
        return EMPTY
    digits = get_currency_precision(currency)
    value = Decimal(amount).scaleb(-digits)
    locale = get_locale()
    if whole:
        pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
        return babel_currency(value, currency, format=pattern, locale=locale, currency_digits=False)
    return babel_currency(value, currency, locale=locale)


def money_micros(amount: int | None, currency: str) -> str:
    """Write a unit price in millionths of the currency's unit, with as many digits as it has, at least the usual."""
    if amount is None:
        return EMPTY
    value = Decimal(amount).scaleb(-6).normalize()
    usual = get_currency_precision(currency)
    if -value.as_tuple().exponent < usual:
        value = value.quantize(Decimal(1).scaleb(-usual))
    return babel_currency(value, currency, locale=get_locale(), decimal_quantization=False)


def number(value: int | float | Decimal | None, digits: int = 0) -> str:
    """Write a number with the language's separators (3120 -> 3,120)."""
    if value is None:
        return EMPTY
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=get_locale())


def compact(value: int | float | Decimal | None) -> str:
    """Write a number short (3120 -> 3.1K), for places where there is no room."""
    if value is None:
        return EMPTY
    return format_compact_decimal(value, locale=get_locale(), fraction_digits=1 if abs(value) >= 1000 else 0)


def percent(value: float | Decimal | None, digits: int = 1) -> str:
    """Write a share (0.123 -> 12.3%)."""
    if value is None:
        return EMPTY
    return format_percent(value, format="#,##0" + ("." + "0" * digits if digits else "") + "%", locale=get_locale())


def _at(value: datetime.datetime) -> datetime.datetime:
    return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)


def when(value: datetime.datetime | None) -> str:
    """Write a time exactly, in the member's zone (21 Nov 2026, 20:31)."""
    if value is None:
        return EMPTY
    pattern = str(get_datetime_format("medium", locale=get_locale())).replace("'", "")
    return pattern.replace("{0}", format_time(_at(value), "short")).replace("{1}", day(value))


def day(value: datetime.date | datetime.datetime | None) -> str:
    """Write a date (21 Nov 2026)."""
    if value is None:
        return EMPTY
    return format_date(_at(value) if isinstance(value, datetime.datetime) else value, "medium")


def month(value: datetime.date) -> str:
    """Write a month (Nov 2026)."""
    return format_skeleton("yMMM", value, locale=get_locale())


def ago(value: datetime.datetime | None) -> Markup:
    """Write a time as people say it (3 hours ago), with the exact one on hover; the page keeps it fresh."""
    if value is None:
        return Markup(EMPTY)  # noqa: S704 - a constant
    value = _at(value)
    delta = value - datetime.datetime.now(datetime.UTC)
    if abs(delta) < datetime.timedelta(seconds=45):
        text = gettext("just now")
    elif abs(delta) > datetime.timedelta(days=30):
        text = day(value)
    else:
        text = format_timedelta(delta, add_direction=True, locale=get_locale(), threshold=0.9)
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(value.isoformat(), when(value), text)


def initials(name: str | None) -> str:
    """Return one or two letters for a person without a picture (Ada Lovelace -> AL, 王小明 -> 王)."""
    words = [word for word in (name or "").replace(".", " ").replace("_", " ").split("@")[0].split() if word]
    if not words:
        return "?"
    if not words[0][0].isascii() and not words[0][0].isupper():
        return words[0][0]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def tint(name: str | None) -> int:
    """Return which of the eight quiet colours a name always gets."""
    return crc32((name or "").encode()) % 8


def spark(values: list[float], width: int = 96, height: int = 28) -> str:
    """Return the points of a small line over the values, for an SVG polyline."""
    low, high = min(values), max(values)
    span = (high - low) or 1
    step = width / max(len(values) - 1, 1)
    return " ".join(
        f"{index * step:.1f},{height - 2 - (value - low) / span * (height - 4):.1f}"
        for index, value in enumerate(values)
    )


def attributes(values: dict | None) -> Markup:
    """Return HTML attributes from a dictionary; None and False are left out, True stands alone."""
    parts = [
        Markup(" {}").format(key) if value is True else Markup(' {}="{}"').format(key, value)
        for key, value in (values or {}).items()
        if value is not None and value is not False
    ]
    return Markup("").join(parts)


def sentences(error: str | list[str] | None) -> list[str]:
    """Return the errors of a field as a list, however they were given."""
    if not error:
        return []
    return [str(error)] if not isinstance(error, (list, tuple)) else [str(one) for one in error]


def paragraphs(text: str | None) -> Markup:
    """Return plain text with its line breaks kept."""
    return Markup("<br>").join(escape(line) for line in (text or "").splitlines())


def country(code: str | None) -> str:
    """Write a country by its name, such as Norway for NO; what is no code stays as it was told."""
    return (get_locale() or Locale("en")).territories.get((code or "").upper(), code or "")


FILTERS = {
    "money": money, "money_micros": money_micros, "number": number, "compact": compact, "percent": percent,
    "when": when, "day": day, "ago": ago, "initials": initials, "tint": tint, "spark": spark,
    "state": states.describe, "attributes": attributes, "sentences": sentences, "paragraphs": paragraphs,
    "country": country,
}  # fmt: skip
