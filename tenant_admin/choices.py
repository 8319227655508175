"""What people choose from in settings: countries, currencies, zones and languages, named in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale
from babel.numbers import get_currency_name, list_currencies
from flask_babel import get_locale
from flask_babel import gettext as _

Choices = list[tuple[str, str]]
LANGUAGES = (
    "en", "zh_Hans", "zh_Hant", "ar", "bg", "cs", "da", "de", "el", "es", "et", "fi", "fr", "he", "hi", "hr", "hu",
    "id", "it", "ja", "ko", "lt", "lv", "ms", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr", "uk",
    "vi",
)  # fmt: skip
NO_COUNTRIES = ("EU", "EZ", "UN", "XA", "XB", "ZZ", "QO")
# What shops are run in; the one a company has is offered too, whichever it is.
CURRENCIES = (
    "EUR", "USD", "GBP", "CNY", "JPY", "CHF", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON",
    "BGN", "HKD", "TWD", "SGD", "KRW", "INR", "IDR", "MYR", "THB", "VND", "PHP", "AED", "SAR", "ILS", "TRY", "ZAR", "BRL",
    "MXN", "ARS", "CLP", "COP", "UAH", "KWD",
)  # fmt: skip


def channels() -> dict[str, str]:
    """Return the ways to write to somebody, by their name."""
    return {"email": _("Mail"), "sms": _("Text message"), "phone": _("Phone"), "post": _("Letter")}


def countries() -> Choices:
    """Return every country as (code, name), by name."""
    return _countries(str(get_locale()))


def currencies(held: str) -> Choices:
    """Return the usual currencies, and the one that is held."""
    return _currencies(str(get_locale()), held)


def languages() -> Choices:
    """Return languages of customers as (code, name)."""
    return _languages(str(get_locale()))


def zones(known: Iterable[str]) -> Choices:
    """Return the time zones that are places, as (key, name)."""
    return _zones(frozenset(known))


@lru_cache(maxsize=8)
def _countries(locale: str) -> Choices:
    named = Locale.parse(locale).territories
    real = [(code, name) for code, name in named.items() if len(code) == 2 and code not in NO_COUNTRIES]
    return sorted(real, key=lambda pair: pair[1])


@lru_cache(maxsize=64)
def _currencies(locale: str, held: str) -> Choices:
    codes = [*CURRENCIES, *([held] if held not in CURRENCIES and held in list_currencies() else [])]
    return [(code, f"{code} – {get_currency_name(code, locale=locale)}") for code in codes]


@lru_cache(maxsize=8)
def _languages(locale: str) -> Choices:
    return [(code, Locale.parse(code).get_display_name(locale) or code) for code in LANGUAGES]


@lru_cache(maxsize=1)
def _zones(known: frozenset[str]) -> Choices:
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    places = sorted(name for name in known if name.startswith(areas))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in places)]
