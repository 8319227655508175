"""`{{ offer.price | money: offer.currency }}`: an amount as people of the mail's language write it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel import UnknownLocaleError
from babel.numbers import format_currency
from liquid.filter import with_context


@with_context
def money(value: object, currency: object = "", *, context) -> str:
    """This function will write a decimal amount with its currency; what is not an amount comes back as it is."""
    language = context.resolve("language", default="en")
    return written(str(value), str(currency or ""), language if isinstance(language, str) else "en")


@lru_cache(maxsize=4096)
def written(value: str, currency: str, language: str) -> str:
    """This function will write a decimal amount with its currency as people of a language do."""
    try:
        amount = Decimal(value)
        if not amount.is_finite() or abs(amount.adjusted()) > 18:
            return value
        return format_currency(amount, currency, locale=language.replace("-", "_")) if currency else f"{amount:,.2f}"
    except (InvalidOperation, UnknownLocaleError, ValueError):
        return f"{value} {currency}".strip()
