"""Which products may stand in a place, and which rule keeps the others out: judged one by one, before there are enough.

Whatever an engine names passes here, what people pinned too. The codes are what a preview says in words.
"""

from __future__ import annotations

from saas.recommend.asking import Ask, day, model
from saas.recommend.places import Slot
from saas.recommend.rules import Orders
from saas.recommend.stock import Catalogue, Product

JUST_BOUGHT = 30.0  # days
OF_ITSELF = (
    "this_product",
    "in_cart",
)  # keeps a product out, but not another variant of it that is offered as a step up


class Gate:
    """The rules of one place for one question, with how many of each category have passed."""

    def __init__(self, ask: Ask, slot: Slot, orders: Orders, catalogue: Catalogue) -> None:
        self._slot, self._source, self._catalogue = slot, ask.source, catalogue
        self.barred = barred(ask, slot)
        for number in orders.hidden:
            self.barred[number] = "hidden"
        self._known = known(ask) if "discover" in (slot.engine, *slot.fallback) else {}
        self._passed: dict[str, int] = {}

    def refusal(self, product: Product, engine: str = "") -> str:
        """Return which rule keeps a product out, empty where none does."""
        code = self.barred.get(product.number)
        if code is not None and not (product.variant and code in OF_ITSELF):
            return code
        if not product.offerable:
            return "sold_out"
        if not self._catalogue.offerable_in(product, self._source):
            return "elsewhere"
        if engine == "discover" and product.number in self._known:
            return self._known[product.number]
        return unfit(self._slot, product) if self._slot.narrow else ""

    def admit(self, product: Product) -> bool:
        """Tell whether there is room for one more of its categories, and count it if there is."""
        cap = self._slot.category_cap
        if cap is None:
            return True
        names = {name.casefold() for name in product.categories}
        if any(self._passed.get(name, 0) >= cap for name in names):
            return False
        for name in names:
            self._passed[name] = self._passed.get(name, 0) + 1
        return True


def unfit(slot: Slot, product: Product) -> str:
    """Return which of a place's rules keeps a product out whoever asks, empty where none does."""
    if slot.tags and any(tag.casefold() in slot.tags for tag in product.tags):
        return "tag"
    if slot.categories and any(name.casefold() in slot.categories for name in product.categories):
        return "category"
    if product.stock is not None and product.stock < slot.least_stock:
        return "low_stock"
    if slot.reduced_only and not product.reduced:
        return "not_reduced"
    return _outside_band(slot, product) or _too_lean(slot, product)


def _outside_band(slot: Slot, product: Product) -> str:
    if slot.price_least is None and slot.price_most is None:
        return ""
    if product.micros is None or product.currency != slot.currency:
        return "currency"
    if slot.price_least is not None and product.micros < slot.price_least:
        return "too_cheap"
    return "too_dear" if slot.price_most is not None and product.micros > slot.price_most else ""


def _too_lean(slot: Slot, product: Product) -> str:
    if slot.least_margin is None:
        return ""
    if product.margin is None:
        return "" if slot.unknown_margin else "margin_unknown"
    return "margin" if product.margin < slot.least_margin else ""


def barred(ask: Ask, slot: Slot) -> dict[int, str]:
    """Name what is not shown to this shopper here: what lies in the cart, the page's own product, what was bought lately or declined."""
    shopper = ask.shopper
    found = dict.fromkeys(shopper.cart, "in_cart")
    if ask.product is not None:
        found[ask.product.number] = "this_product"
    # what keeps its variants out too comes after what does not
    if shopper.bought and slot.not_bought_days != 0:
        since = day(ask) - (slot.not_bought_days or JUST_BOUGHT)
        repeats = () if slot.not_bought_days else model(ask, "repeats") or ()
        code = "bought_days" if slot.not_bought_days else "just_bought"
        found |= {number: code for number, on in shopper.bought if on >= since and number not in repeats}
    if "discover" in (ask.slot, slot.engine):
        found |= known(ask)
    if shopper.declined:
        found |= dict.fromkeys(shopper.declined, "declined")
    if ask.bought:
        found |= dict.fromkeys(ask.bought, "in_order")
    return found


def known(ask: Ask) -> dict[int, str]:
    """Name what the shopper has looked at or bought before."""
    bought = {number: "bought_before" for number, _day in ask.shopper.bought}
    return bought | dict.fromkeys(ask.shopper.seen, "seen")
