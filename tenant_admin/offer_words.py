"""What places, engines and the rules of places are called."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from saas.recommend import slots

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


def place_names() -> dict[str, str]:
    """Return the name of each place of the bound company by its key."""
    built_in = {key: str(name) for key, name in PLACES.items()}
    return built_in | {row.key: row.name for row in slots.listed() if row.name}
