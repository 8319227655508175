"""What to offer whom, with the reason in words: the one function behind the widget, the API, the pages and the mails.

When warm it answers from memory and Valkey alone. What it answers is always in stock: the models may be old, the catalogue
never is (see `stock`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from saas.kit import errors, identifiers, money, scope
from saas.kit.text import gettext as _
from saas.recommend import answers, asking, ranking, reasons, shelf, shoppers, shown, slots, stock, trial_parts
from saas.recommend.again import Rhythm
from saas.recommend.baskets import Rule
from saas.recommend.neighbourhood import MEMORY
from saas.recommend.places import Slot
from saas.recommend.ranking import Ask, Choice
from saas.recommend.shoppers import Shopper
from saas.recommend.stock import NO_SOURCE, Catalogue, Product
from saas.recommend.trial_parts import Part

MOST, FOUR = 20, 4
MOST_TOLD = 60  # of what is left out
WITH_IT = 2  # products that make a bundle with the page's own
A_DAY = 1.0
PURCHASES_EACH = 60  # of a mailing's customers, on average
KEPT_FOR, MOST_KEPT = 5.0, 5000  # seconds and number of answers that are kept
Ready = tuple[Product, str, str, str, str, str]
"""A product with code and words of its reason, the algorithm, the id of the rule and the engine: an offer but for its own id and place."""
_answers: dict[tuple[Any, ...], tuple[float, list[Ready]]] = {}
PLAIN = {"newest": "new", "rule": "picked", "by_hand": "picked", "found": "found"}
FITS = {
    "session": "sessions",
    "bought_together": "bought",
    "viewed_together": "viewed",
    "buyer": "buyers",
    "popular": "popular",
    "alike": "alike",
    "told": "alike",
    "again": "again",
    "arrival": "arrivals",
}
"""The kind of model behind each algorithm."""
BY_WORDS = {"alike": "alike", "told": "goes_with"}
OF_THEIR_OWN = {"session": "seen", "buyer": "bought_before", "again": "bought_before"}
BY_OTHERS = {"session": "looked_at_both", "viewed_together": "viewed_together", "buyer": "taste"}


class BadQuestion(errors.Invalid):
    """The place is unknown, or the number of offers out of range."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One product offered: its own id, the product, and why."""

    id: UUID
    product: Product
    reason_code: str
    reason_text: str
    algorithm: str
    rule: str
    engine: str
    position: int

    def plain(self) -> dict[str, Any]:
        """Return the offer as the wire has it."""
        product = self.product
        return {
            "offer": str(self.id), "product": product.key, "name": product.name, "url": product.url, "image_url": product.image_url,
            "price": product.price, "currency": product.currency, "reason": {"code": self.reason_code, "text": self.reason_text},
            **({"variant": product.variant} if product.variant else {}),
        }  # fmt: skip


@dataclass(frozen=True)
class Bundle:
    """What is bought together, with the page's product: the offers that make it up, and what all of it costs."""

    product: Product
    offers: list[Offer]
    sum: str
    text: str

    def plain(self) -> dict[str, Any]:
        """Return the bundle as the wire has it."""
        return {
            "product": self.product.key, "offers": [str(offer.id) for offer in self.offers], "sum": self.sum,
            "currency": self.product.currency, "text": self.text,
        }  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """An answer: its own id and the offers, best first; with a bundle where the place asks for one and there is one."""

    request_id: UUID
    items: list[Offer]
    bundle: Bundle | None = None
    met: tuple[str, ...] = ()
    """What is kept of the trial they were chosen in: its id, the arm and whose part it is."""


@dataclass(frozen=True)
class LeftOut:
    """A product that an engine named, and the rule that keeps it out (a code of `gates`)."""

    product: Product
    rule: str
    engine: str


@dataclass(frozen=True)
class Preview:
    """What a place would show somebody, and what it would not."""

    chosen: Chosen
    left_out: list[LeftOut]


def choose(
    *, tenant_id: int, slot: str, visitor: str = "", product: str = "", cart: Sequence[str] = (), cart_id: str = "",
    customer_id: UUID | None = None, limit: int | None = None, source: UUID | None = None, language: str = "en", record: bool = True,
    bought: Sequence[str] = (), query: str = "", letter: Sequence[str] | None = None,
) -> Chosen:  # fmt: skip
    """Choose offers for a place: home, product, cart, discover, thank-you, search, mail, or one of the shop's own by its key.

    `visitor` is a browser, `customer_id` somebody the caller vouches for; `product` is the shop's id of the product it
    is shown beside, `cart` lists such ids beside those of the live cart, `cart_id` is the visitor's cart; `source` is
    the shop. `bought` lists what an order consists of that was just placed (thank-you; without it the newest order of a
    proven customer, else the cart of a moment ago), `query` is what was searched for (search). `limit` None is as many as the place
    has, else four. With `record` the answer is kept, to be told what became of it. `letter` is what a letter that is opened
    remembers of a trial (see `trial_parts`). Raises BadQuestion.
    """
    placed = _placed(tenant_id, slot)
    ask, catalogue = _asked(
        tenant_id, placed, visitor=visitor, product=product, cart=cart, cart_id=cart_id, customer_id=customer_id, limit=limit, source=source,
        bought=bought, query=query,
    )  # fmt: skip
    part = trial_parts.part_of(tenant_id, slot, placed, ask.shopper, letter=letter) if record else None
    if part is None:
        ready = _answer(ask, catalogue, language)
        arms = [""] * len(ready)
    else:
        ready, arms = trial_parts.answered(
            part, lambda theirs: _answer(_placed_as(ask, theirs, limit), catalogue, language), limit=limit
        )
        ask = ask._replace(placed=part.placed or placed)
    chosen = _chosen(ask, ready, language)
    fits = shelf.versions(tenant_id)
    if record and (chosen.items or part):
        shown.note(
            tenant_id=tenant_id, request_id=chosen.request_id, slot=slot, visitor=visitor, customer_id=ask.shopper.customer_id,
            source=ask.source,
            items=[
                [str(o.id), o.product.id, o.product.key, o.reason_code, o.reason_text, o.algorithm, o.rule,
                 fits.get(FITS.get(o.algorithm, ""), ""), arm]
                for o, arm in zip(chosen.items, arms, strict=True)
            ],
            met=part.met if part else (),
        )  # fmt: skip
    return replace(chosen, met=part.met) if part else chosen


def _placed_as(ask: Ask, placed: Slot, limit: int | None) -> Ask:
    """Ask the same for a place with other settings, such as an arm of a trial has."""
    return ask._replace(placed=placed, limit=(placed.count or FOUR) if limit is None else limit)


def preview(*, tenant_id: int, placed: Slot, language: str = "en", **question: Any) -> Preview:
    """Choose offers as a place with these settings would, and tell what it leaves out and why; nothing is kept.

    The question is that of `choose`: visitor, customer_id, product, cart, query and so on. Raises BadQuestion.
    """
    ask, catalogue = _asked(tenant_id, placed, **question)
    told: dict[int, tuple[str, str]] = {}
    chosen = _chosen(ask, _ready(ask, catalogue, language, told), language)
    shown = {offer.product.number for offer in chosen.items}  # one engine may not name what the next one may
    out = [LeftOut(catalogue.by_number[number], *why) for number, why in told.items() if number not in shown]
    return Preview(chosen, out[:MOST_TOLD])


def _placed(tenant_id: int, slot: str) -> Slot:
    try:
        return slots.of(tenant_id, slot)
    except slots.NoSuchSlot:
        sentence = _(
            "Choose home, product, cart, discover, thank-you, search or mail, or give the key of a place of your own."
        )
        raise BadQuestion(fields={"slot": [sentence]}) from None


def _asked(
    tenant_id: int, placed: Slot, *, visitor: str = "", product: str = "", cart: Sequence[str] = (), cart_id: str = "",
    customer_id: UUID | None = None, limit: int | None = None, source: UUID | None = None, bought: Sequence[str] = (), query: str = "",
) -> tuple[Ask, Catalogue]:  # fmt: skip
    """Find out who is asked for and put the question together; raises BadQuestion."""
    limit = (placed.count or FOUR) if limit is None else limit
    if not 1 <= limit <= MOST:
        raise BadQuestion(fields={"limit": [_("A number from 1 to %(most)s.", most=MOST)]})
    catalogue, place = stock.catalogue(tenant_id), source.hex if source else NO_SOURCE
    shopper = shoppers.meet(
        tenant_id=tenant_id,
        catalogue=catalogue,
        source=place,
        visitor=visitor,
        customer_id=customer_id,
        cart=cart,
        cart_id=cart_id,
    )
    ask = _ask(
        tenant_id, placed.place, shopper, catalogue, place, product=product, limit=limit, bought=bought, query=query
    )
    return ask._replace(placed=placed), catalogue


def _chosen(ask: Ask, ready: list[Ready], language: str) -> Chosen:
    items = [Offer(identifiers.new(), *one, position) for position, one in enumerate(ready, 1)]
    return Chosen(identifiers.new(), items, _bundle(ask, items, language) if ask.placed.bundle else None)


def _bundle(ask: Ask, items: Sequence[Offer], language: str) -> Bundle | None:
    """Put the page's product together with the first offers that are often bought with it; None where there is none."""
    beside = ask.product
    if beside is None or not beside.offerable or beside.micros is None:
        return None
    parts = [
        offer for offer in items
        if offer.reason_code == "bought_together" and offer.product.currency == beside.currency and offer.product.micros is not None
    ][:WITH_IT]  # fmt: skip
    total = beside.micros + sum(offer.product.micros for offer in parts)
    names = [beside.name, *(offer.product.name for offer in parts)]
    return Bundle(beside, parts, money.micros_text(total), reasons.together(names, language)) if parts else None


def _ask(
    tenant_id: int, slot: str, shopper: Shopper, catalogue: Catalogue, place: str, *, product: str, limit: int, bought: Sequence[str],
    query: str,
) -> Ask:  # fmt: skip
    """Put the question together: what it is shown beside, what was just bought, or what was searched for."""
    beside = catalogue.find(product, place) if product else None
    just: list[int] = []
    if slot == "thank-you":
        just = [found.number for key in bought if (found := catalogue.find(key, place)) is not None]
        just = just or shopper.bought_since(A_DAY) or list(shopper.cart)
    query = query if slot == "search" else ""
    first = next(iter(catalogue.words.find(query, most=1)), None) if query else just[-1] if just else None
    like = beside or (catalogue.by_number.get(first) if first is not None else None)
    return Ask(tenant_id, slot, shopper, beside, limit, place, 0, tuple(just), query, like)


def _answer(ask: Ask, catalogue: Catalogue, language: str) -> list[Ready]:
    """Choose, or give the answer to the same question of some seconds ago if neither stock nor models nor rules moved since.

    Many shoppers ask the same: those who just came, and those who look at the same product first.
    """
    if catalogue.mark is None:  # Valkey is away, so this memory may be seconds old
        ready = _ready(ask, catalogue, language)
        good = stock.still_offerable(tenant_id=ask.tenant_id, product_ids=[one[0].id for one in ready]) if ready else ()
        return [one for one in ready if one[0].id in good]
    shopper, now = ask.shopper, time.monotonic()
    question = (
        ask.tenant_id, ask.placed, ask.limit, ask.source, language, ask.product.number if ask.product else 0, tuple(shopper.seen[-MEMORY:]),
        tuple(shopper.cart), tuple(shopper.bought), shopper.declined, shopper.ways, ask.bought, ask.query, shelf.stamp(ask.tenant_id), catalogue.stamp,
    )  # fmt: skip
    known = _answers.get(question)
    if known is not None and known[0] > now:
        return known[1]
    ready = _ready(ask, catalogue, language)
    if len(_answers) >= MOST_KEPT:
        _answers.clear()
    _answers[question] = now + KEPT_FOR, ready
    return ready


def _ready(
    ask: Ask, catalogue: Catalogue, language: str, left_out: dict[int, tuple[str, str]] | None = None
) -> list[Ready]:
    return [
        (choice.product, *_why(ask, choice, catalogue, language), choice.algorithm, choice.rule, choice.engine)
        for choice in ranking.choose(ask, catalogue, left_out=left_out)
    ]


def _why(ask: Ask, choice: Choice, catalogue: Catalogue, language: str) -> tuple[str, str]:
    """Return the code and the sentence of the strongest true reason.

    That two were bought together is said where it is known, even if the browsing led there; a single meeting is no reason.
    """
    because = catalogue.by_number.get(choice.because) if choice.because is not None else None
    if choice.algorithm == "up_sell" and because is not None:
        return "up_sell", reasons.sentence("up_sell", language, name=because.name)
    if (
        because is not None
        and because.number == choice.product.number
        and (told := _rhythm(ask, choice.product)) is not None
    ):
        return "due", reasons.sentence("due", language, every=max(round(told.every), 1), ago=round(told.ago))
    if choice.algorithm in BY_WORDS and because is not None and _rule(ask.tenant_id, because, choice.product) is None:
        return BY_WORDS[choice.algorithm], reasons.sentence(BY_WORDS[choice.algorithm], language, name=because.name)
    beside = ask.product if ask.slot == "product" and choice.algorithm not in PLAIN else None
    rule = _rule(ask.tenant_id, beside or because, choice.product)
    name, together, having = because.name if because is not None else "", choice.together, 0
    code = PLAIN.get(choice.algorithm, "popular")
    if rule is not None and (beside is not None or choice.algorithm == "bought_together"):
        code, name = "bought_together", (beside or because).name
        together, having = rule.together, round(rule.together / rule.confidence)
    elif because is not None and because.number == choice.product.number:
        code = OF_THEIR_OWN.get(choice.algorithm, code)
    elif rule is not None and choice.algorithm == "session":
        code, together = "bought_both", rule.together
    elif (
        because is not None
        and (together := together or _met(ask.tenant_id, because, choice.product)) >= ranking.LEAST_MEETINGS
    ):
        code = BY_OTHERS.get(choice.algorithm, code)
    elif because is not None and choice.algorithm == "session":
        code = "looked_at"
    if code == "popular" and ask.like is not None:
        shared = [category for category in ask.like.categories if category in choice.product.categories]
        code, name = ("popular_like_this", shared[0]) if shared else (code, name)
    return code, reasons.sentence(code, language, name=name, together=together, having=having)


def _rhythm(ask: Ask, product: Product) -> Rhythm | None:
    """Return how often the shopper buys a product, where it is about time for it again."""
    moments = sorted({math.floor(day) for number, day in ask.shopper.bought if number == product.number})
    learnt = asking.model(ask, "again") if len(moments) > 1 else None
    rhythm = learnt.rhythm(product.number, moments, now=asking.day(ask)) if learnt is not None else None
    return rhythm if rhythm is not None and rhythm.due else None


def _rule(tenant_id: int, antecedent: Product | None, consequent: Product) -> Rule | None:
    """Return how often two were bought together, where that is often enough to prove anything."""
    model = shelf.get(tenant_id, "bought")
    if model is None or antecedent is None or antecedent.number == consequent.number:
        return None
    rule = model.pairs.rule(antecedent.number, consequent.number)
    return rule if rule is not None and rule.together >= ranking.LEAST_MEETINGS else None


def _met(tenant_id: int, one: Product, other: Product) -> int:
    """Return in how many visits both were looked at, as the model of what is looked at together has counted them."""
    model = shelf.get(tenant_id, "viewed")
    rule = model.rule(one.number, other.number) if model is not None else None
    return rule.together if rule is not None else 0


def for_mail(
    customer_ids: Sequence[UUID], limit: int = 3, *, languages: Mapping[UUID, str] | None = None, language: str = "en",
    parts: Mapping[UUID, Part] | None = None,
) -> dict[UUID, list[dict[str, Any]]]:  # fmt: skip
    """Choose offers for many customers of the bound tenant in two queries, as plain dicts for a mail's template.

    They follow from what each bought, else from what each looked at in their newest visits, else from what is popular. `parts`
    are those of a trial that runs in mails; whoever is shown nothing there gets none.
    """
    tenant_id = scope.tenant_id()
    catalogue, placed, fits = stock.catalogue(tenant_id), _placed(tenant_id, "mail"), shelf.versions(tenant_id)
    bought = shoppers.purchases(tenant_id, customer_ids, most=PURCHASES_EACH * len(customer_ids))
    seen, declined = shoppers.looked_at(tenant_id, customer_ids), answers.declined_by(tenant_id, customer_ids)
    answer = {}
    for customer_id in customer_ids:
        views = [found.number for key in seen.get(customer_id, ()) if (found := catalogue.find(key)) is not None]
        shopper = Shopper(
            "", customer_id, views, [], bought.get(customer_id, []), declined.get(customer_id, frozenset())
        )
        ask = Ask(tenant_id, "mail", shopper, None, limit, NO_SOURCE)._replace(placed=placed)
        wish = reasons.language_of((languages or {}).get(customer_id, language))
        part = (parts or {}).get(customer_id) or Part("", "", "", placed)
        ready, arms = trial_parts.answered(
            part,
            lambda theirs, ask=ask, wish=wish: _ready(_placed_as(ask, theirs, limit), catalogue, wish),
            limit=limit,
        )
        offers = [Offer(identifiers.new(), *one, position) for position, one in enumerate(ready, 1)]
        answer[customer_id] = [
            offer.plain()
            | {"product_id": offer.product.id, "algorithm": offer.algorithm, "arm": arm,
               "version": fits.get(FITS.get(offer.algorithm, ""), "")}
            for offer, arm in zip(offers, arms, strict=True)
        ]  # fmt: skip
    return answer
