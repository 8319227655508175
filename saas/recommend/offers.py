"""What to offer whom, with the reason in words: the one function behind the widget, the API, the pages and the mails.

When warm it answers from memory and Valkey alone. What it answers is always in stock: the models may be old, the catalogue
never is (see `stock`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from saas.kit import errors, identifiers, money, scope
from saas.kit.memory import Memory
from saas.kit.text import gettext as _
from saas.recommend import answers, ranking, reasons, shelf, shoppers, shown, slots, stock, trial_parts, why
from saas.recommend.neighbourhood import MEMORY
from saas.recommend.places import Slot
from saas.recommend.ranking import Ask
from saas.recommend.shoppers import Shopper
from saas.recommend.stock import NO_SOURCE, Catalogue, Product
from saas.recommend.trial_parts import Part
from saas.recommend.why import Ready

MOST, FOUR = 20, 4
MOST_TOLD = 60  # of what is left out
WITH_IT = 2  # products that make a bundle with the page's own
A_DAY = 1.0
PURCHASES_EACH = 60  # of a mailing's customers, on average
KEPT_FOR, MOST_KEPT = 5.0, 40_000  # seconds for which answers are kept, and how many offers in them
_answers: Memory[tuple[float, list[Ready]]] = Memory(MOST_KEPT)
PATIENCE = 0.02  # seconds
_one_at_a_time = threading.Lock()
"""Held while a process works an answer out: numpy lets go of the interpreter at each step over more than 500 numbers, and threads that
reckon side by side take it from each other thirty times an answer. Who has waited for PATIENCE (somebody reads a model) goes on beside."""
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
        return {"offer": str(self.id), **why.plain(self.product, self.reason_code, self.reason_text)}


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
    decided = _decided(
        tenant_id, slot, language, record, letter, visitor=visitor, product=product, cart=cart, cart_id=cart_id, customer_id=customer_id,
        limit=limit, source=source, bought=bought, query=query,
    )  # fmt: skip
    items = [
        Offer(UUID(own), *one[:6], position)
        for position, (own, one) in enumerate(zip(decided.ids, decided.ready, strict=True), 1)
    ]
    bundle = _bundle(decided.ask, items, language) if decided.ask.placed.bundle else None
    return Chosen(UUID(decided.request_id), items, bundle, decided.met)


def write(*, tenant_id: int, slot: str, language: str = "en", **question: Any) -> tuple[str, bytes]:
    """Choose offers as `choose` does and return the answer's id and how it is written on the wire. Raises BadQuestion."""
    decided = _decided(tenant_id, slot, language, True, None, **question)
    items = [
        b'{"offer":"%b",%b' % (own.encode(), why.written(one))
        for own, one in zip(decided.ids, decided.ready, strict=True)
    ]
    end = b"]}"
    if decided.ask.placed.bundle:
        offers = [Offer(UUID(own), *one[:6], 0) for own, one in zip(decided.ids, decided.ready, strict=True)]
        bundle = _bundle(decided.ask, offers, language)
        end = b'],"bundle":%b}' % orjson.dumps(bundle.plain()) if bundle is not None else end
    return decided.request_id, b'{"slot":%b,"request":"%b","items":[%b%b' % (
        orjson.dumps(slot), decided.request_id.encode(), b",".join(items), end,
    )  # fmt: skip


class Decided(NamedTuple):
    """An answer before it is given its shape: its id, the offers with their ids, and the trial in which they were chosen."""

    ask: Ask
    request_id: str
    ids: list[str]
    ready: Sequence[Ready]
    met: tuple[str, ...]


def _decided(
    tenant_id: int, slot: str, language: str, record: bool, letter: Sequence[str] | None, *, limit: int | None = None, **question: Any
) -> Decided:  # fmt: skip
    """Choose, and with `record` keep what is shown."""
    placed = _placed(tenant_id, slot)
    ask, catalogue = _asked(tenant_id, placed, limit=limit, **question)
    part = trial_parts.part_of(tenant_id, slot, placed, ask.shopper, letter=letter) if record else None
    arms: Sequence[str] = ()
    if part is None:
        ready = _answer(ask, catalogue, language)
    else:
        ready, arms = trial_parts.answered(
            part, lambda theirs: _answer(_placed_as(ask, theirs, limit), catalogue, language), limit=limit
        )
        ask = ask._replace(placed=part.placed or placed)
    request_id, *ids = identifiers.texts(1 + len(ready))
    met = part.met if part else ()
    if record and (ids or part):
        items = partial(_items, ids, ready, arms or [""] * len(ids), shelf.versions(tenant_id))
        shown.note(
            tenant_id=tenant_id, request_id=request_id, slot=slot, visitor=ask.shopper.visitor, customer_id=ask.shopper.customer_id,
            source=ask.source, items=items, met=met,
        )  # fmt: skip
    return Decided(ask, request_id, ids, ready, met)


def _items(ids: Sequence[str], ready: Sequence[Ready], arms: Sequence[str], fits: Mapping[str, str]) -> list[list[str]]:
    """Return what is kept of the offers of an answer."""
    return [
        [own, one.product.id, one.product.key, one.code, one.text, one.algorithm, one.rule, fits.get(FITS.get(one.algorithm, ""), ""), arm]
        for own, one, arm in zip(ids, ready, arms, strict=True)
    ]  # fmt: skip


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
    items = [Offer(identifiers.new(), *one[:6], position) for position, one in enumerate(ready, 1)]
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
    alone = _one_at_a_time.acquire(timeout=PATIENCE)
    try:
        ready = _ready(ask, catalogue, language)
    finally:
        if alone:
            _one_at_a_time.release()
    _answers.keep(question, (now + KEPT_FOR, ready), weight=len(ready) + 1)
    return ready


def _ready(
    ask: Ask, catalogue: Catalogue, language: str, left_out: dict[int, tuple[str, str]] | None = None
) -> list[Ready]:
    return why.made_ready(ask, ranking.choose(ask, catalogue, left_out=left_out), catalogue, language)


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
        offers = [Offer(identifiers.new(), *one[:6], position) for position, one in enumerate(ready, 1)]
        answer[customer_id] = [
            offer.plain()
            | {"product_id": offer.product.id, "algorithm": offer.algorithm, "arm": arm,
               "version": fits.get(FITS.get(offer.algorithm, ""), "")}
            for offer, arm in zip(offers, arms, strict=True)
        ]  # fmt: skip
    return answer
