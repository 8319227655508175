"""Money as whole numbers: what is charged or paid in minor units, unit prices and line amounts in millionths.

Real shops have unit prices of 0.001, so cents are not enough for lines; and floats are never money.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache

from babel.numbers import get_currency_precision

MILLION = 1_000_000
MOST = 10**15


class NotMoney(ValueError):
    """The text is not an amount of money."""


@lru_cache(maxsize=256)
def exponent(currency: str) -> int:
    """Return how many decimals the currency has: 2 for GBP, 0 for JPY, 3 for KWD (ISO 4217)."""
    return get_currency_precision(currency)


def _decimal(text: str | int | float | Decimal) -> Decimal:
    try:
        value = Decimal(str(text).strip())
    except InvalidOperation:
        raise NotMoney(f"“{str(text)[:40]}” is not an amount of money.") from None
    if not value.is_finite() or abs(value) > MOST:
        raise NotMoney(f"“{str(text)[:40]}” is not an amount of money.")
    return value


def parse_amount(text: str | int | float | Decimal, currency: str) -> int:
    """Return the minor units of a decimal text: ("12.50", "GBP") -> 1250. Raises NotMoney."""
    scaled = _decimal(text).scaleb(exponent(currency))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def parse_micros(text: str | int | float | Decimal) -> int:
    """Return the millionths of a decimal text: "2.550" -> 2_550_000. Raises NotMoney."""
    return int((_decimal(text) * MILLION).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def from_micros(micros: int, currency: str) -> int:
    """Return millionths rounded to minor units, half to even."""
    return int(Decimal(micros).scaleb(exponent(currency) - 6).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def amount_text(amount: int, currency: str) -> str:
    """Return minor units as a plain decimal text for programs: (1250, "GBP") -> "12.50"."""
    return f"{Decimal(amount).scaleb(-exponent(currency)):f}"


def micros_text(micros: int) -> str:
    """Return millionths as a plain decimal text with at least two decimals: 2_550_000 -> "2.55"."""
    whole = f"{Decimal(micros).scaleb(-6):f}"
    head, tail = whole.split(".")
    return f"{head}.{tail.rstrip('0').ljust(2, '0')}"
