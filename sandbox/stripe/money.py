"""Amounts as people read them: minor units of a currency, which are not always hundredths."""

from decimal import Decimal

ZERO_DECIMAL = {
    "bif",
    "clp",
    "djf",
    "gnf",
    "jpy",
    "kmf",
    "krw",
    "mga",
    "pyg",
    "rwf",
    "ugx",
    "vnd",
    "vuv",
    "xaf",
    "xof",
    "xpf",
}
THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}
SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥", "cny": "CN¥"}


def show(amount: int | str, currency: str) -> str:
    """This function will give ``€49.00`` for 4900 and ``eur``."""
    places = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    number = Decimal(amount).scaleb(-places)
    shown = f"{abs(number):,.{places}f}"
    if number != 0 and abs(number) < Decimal(1).scaleb(-places):
        shown = format(abs(number).normalize(), "f")
    sign = SIGNS.get(currency, currency.upper() + " ")
    return ("-" if number < 0 else "") + sign + shown
