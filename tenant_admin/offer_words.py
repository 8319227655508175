"""What places, engines and the rules of places are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.kit import money
from saas.recommend import slots
from tenant_admin import formats, offer_pickers

PLACES = {
    "home": _l("Home page"), "product": _l("Beside a product"), "cart": _l("In the cart"), "discover": _l("Something new"),
    "thank-you": _l("After an order"), "search": _l("Search"), "mail": _l("In mails"),
}  # fmt: skip
ENGINES = {
    "automatic": _l("Automatic: the best mixture for the place"), "continue": _l("Continue: what follows from this visit"),
    "discover": _l("Discover: like it, and not seen yet"), "bought_together": _l("Bought together"),
    "viewed_together": _l("Looked at together"), "up_sell": _l("A step up"), "for_you": _l("For this customer's taste"),
    "buy_again": _l("Buy again"), "popular": _l("Popular now"), "newest": _l("New in the shop"), "by_hand": _l("Chosen by hand"),
}  # fmt: skip
SHORT = {
    **ENGINES,
    "automatic": _l("Automatic"),
    "continue": _l("Continue"),
    "discover": _l("Discover"),
    "pinned": _l("Pinned"),
}
LEFT_OUT = {
    "sold_out": _l("Cannot be offered: sold out, not on sale, or without name, address or price"), "elsewhere": _l("It belongs to another shop"),
    "in_cart": _l("It lies in the cart"), "in_order": _l("It was just bought"), "this_product": _l("It is the page's own product"),
    "just_bought": _l("Bought in the last thirty days"), "bought_days": _l("Bought too lately for this place"),
    "bought_before": _l("Bought before, and this place shows only new things"), "seen": _l("Seen already, and this place shows only new things"),
    "declined": _l("The customer did not want it"), "hidden": _l("A rule hides it"), "tag": _l("It has a tag that is left out"),
    "category": _l("Its category is left out"), "low_stock": _l("Too few in stock"), "margin": _l("It leaves too little"),
    "margin_unknown": _l("Its cost is not known"), "too_cheap": _l("It costs too little"), "too_dear": _l("It costs too much"),
    "currency": _l("It is priced in another currency"), "not_reduced": _l("It is not reduced"),
    "cap": _l("There are enough of its category"),
}  # fmt: skip

SETTINGS = {
    "engine": _l("Engine"), "fallback": _l("If that is not enough"), "count": _l("How many"), "diversity": _l("Mixture"), "pinned": _l("Always first"),
    "buried": _l("Only where nothing else is left"), "picked": _l("Chosen by hand"), "excluded_tags": _l("Never with these tags"),
    "excluded_categories": _l("Never of these categories"), "least_stock": _l("At least in stock"), "not_bought_days": _l("Not bought for"),
    "least_margin": _l("At least left of the price"), "unknown_margin": _l("Also what has no cost"), "category_cap": _l("Of each category at most"),
    "price_least": _l("Price from"), "price_most": _l("Price to"), "currency": _l("Currency"), "reduced_only": _l("Only what is reduced"),
    "step_least": _l("A step up: at least"), "step_most": _l("A step up: at most"), "bundle": _l("Buy these together"),
}  # fmt: skip
"""What may be said of a place, as an arm of a trial and the history name it."""
UNITS = {
    "diversity": "%", "least_margin": "%", "step_least": "%", "step_most": "%", "not_bought_days": _l("days"),
}  # fmt: skip
MOST_NAMED = 3  # of a list


def said(name: str, value: Any, settings: Mapping[str, Any]) -> str:
    """Return a setting of a place in words; `settings` tells the currency of its prices."""
    if name == "engine":
        return str(SHORT.get(value, value or _("As today")))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        words = [str(SHORT.get(one, one)) for one in value] if name == "fallback" else list(value)
        words = offer_pickers.named(value) if name in slots.PRODUCTS else words
        first, more = ", ".join(words[:MOST_NAMED]), len(words) - MOST_NAMED
        return (
            (_("%(first)s and %(more)s more", first=first, more=more) if more > 0 else first) if words else _("nothing")
        )
    if value is None:
        return (
            _("as the page says")
            if name == "count"
            else _("30 days, unless it runs out")
            if name == "not_bought_days"
            else _("any")
        )
    if name in ("price_least", "price_most"):
        currency = settings.get("currency") or ""
        return formats.money_micros(money.parse_micros(str(value)), currency) if currency else str(value)
    unit = UNITS.get(name)
    return f"{value}{unit}" if unit == "%" else f"{value} {unit}" if unit else str(value)


def differences(settings: Mapping[str, Any], today: Mapping[str, Any] | None = None) -> list[str]:
    """Return what is different in an arm of a trial, a line for each setting; with what holds today where that is given."""
    lines = []
    for name, value in settings.items():
        if name == "currency" and {"price_least", "price_most"} & set(settings):
            continue
        line = f"{SETTINGS.get(name, name)}: {said(name, value, {**(today or {}), **settings})}"
        if name == "engine":
            line = said(name, value, settings)
        if today is not None and name in today and today[name] != value:
            line = _("%(what)s (today: %(today)s)", what=line, today=said(name, today[name], today))
        lines.append(line)
    return lines


def place_names() -> dict[str, str]:
    """Return the name of each place of the bound company by its key."""
    built_in = {key: str(name) for key, name in PLACES.items()}
    return built_in | {row.key: row.name for row in slots.listed() if row.name}
