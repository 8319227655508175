"""What to offer whom, with the reason in words: the one function behind the widget, the API, the pages and the mails.

When warm it answers from memory and Valkey alone. What it answers is always in stock: the models may be old, the catalogue
never is (see `stock`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from saas.kit import errors, identifiers, scope
from saas.kit.text import gettext as _
from saas.recommend import answers, ranking, reasons, shelf, shoppers, shown, stock
from saas.recommend.baskets import Rule
from saas.recommend.models import SLOTS
from saas.recommend.neighbourhood import MEMORY
from saas.recommend.ranking import Ask, Choice
from saas.recommend.shoppers import Shopper
from saas.recommend.stock import NO_SOURCE, Catalogue, Product

MOST = 20
A_DAY = 1.0
PURCHASES_EACH = 60  # of a mailing's customers, on average
KEPT_FOR, MOST_KEPT = 5.0, 5000  # seconds and number of answers that are kept
Ready = tuple[Product, str, str, str, str]
"""A product with code and words of its reason, the algorithm and the id of the rule: an offer but for its own id and place."""
_answers: dict[tuple[Any, ...], tuple[float, list[Ready]]] = {}
PLAIN = {"newest": "new", "rule": "picked", "found": "found"}
OF_THEIR_OWN = {"session": "seen", "buyer": "bought_before"}
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
    position: int

    def plain(self) -> dict[str, Any]:
        """Return the offer as the wire has it."""
        product = self.product
        return {
            "offer": str(self.id), "product": product.key, "name": product.name, "url": product.url, "image_url": product.image_url,
            "price": product.price, "currency": product.currency, "reason": {"code": self.reason_code, "text": self.reason_text},
        }  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """An answer: its own id and the offers, best first."""

    request_id: UUID
    items: list[Offer]


def choose(
    *, tenant_id: int, slot: str, visitor: str = "", product: str = "", cart: Sequence[str] = (), cart_id: str = "",
    customer_id: UUID | None = None, limit: int = 4, source: UUID | None = None, language: str = "en", record: bool = True,
    bought: Sequence[str] = (), query: str = "",
) -> Chosen:  # fmt: skip
    """Choose offers for a place (home, product, cart, discover, thank-you, search, mail).

    `visitor` is a browser, `customer_id` somebody the caller vouches for; `product` is the shop's id of the product it
    is shown beside, `cart` lists such ids beside those of the live cart, `cart_id` is the visitor's cart; `source` is
    the shop. `bought` lists what an order consists of that was just placed (thank-you; without it the newest order of a
    proven customer, else the cart of a moment ago), `query` is what was searched for (search). With `record` the answer is kept, to be told what became of it. Raises BadQuestion.
    """
    if slot not in SLOTS:
        raise BadQuestion(fields={"slot": [_("Choose home, product, cart, discover, thank-you, search or mail.")]})
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
    ask = _ask(tenant_id, slot, shopper, catalogue, place, product=product, limit=limit, bought=bought, query=query)
    chosen = Chosen(identifiers.new(), [
        Offer(identifiers.new(), *ready, position) for position, ready in enumerate(_answer(ask, catalogue, language), 1)
    ])  # fmt: skip
    if record and chosen.items:
        shown.note(
            tenant_id=tenant_id, request_id=chosen.request_id, slot=slot, visitor=visitor, customer_id=shopper.customer_id, source=place,
            items=[[str(o.id), o.product.id, o.product.key, o.reason_code, o.reason_text, o.algorithm] for o in chosen.items],
        )  # fmt: skip
    return chosen


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
        ask.tenant_id, ask.slot, ask.limit, ask.source, language, ask.product.number if ask.product else 0, tuple(shopper.seen[-MEMORY:]),
        tuple(shopper.cart), tuple(shopper.bought), shopper.declined, ask.bought, ask.query, shelf.stamp(ask.tenant_id), catalogue.stamp,
    )  # fmt: skip
    known = _answers.get(question)
    if known is not None and known[0] > now:
        return known[1]
    ready = _ready(ask, catalogue, language)
    if len(_answers) >= MOST_KEPT:
        _answers.clear()
    _answers[question] = now + KEPT_FOR, ready
    return ready


def _ready(ask: Ask, catalogue: Catalogue, language: str) -> list[Ready]:
    return [
        (choice.product, *_why(ask, choice, catalogue, language), choice.algorithm, choice.rule)
        for choice in ranking.choose(ask, catalogue)
    ]


def _why(ask: Ask, choice: Choice, catalogue: Catalogue, language: str) -> tuple[str, str]:
    """Return the code and the sentence of the strongest true reason.

    That two were bought together is said where it is known, even if the browsing led there; a single meeting is no reason.
    """
    because = catalogue.by_number.get(choice.because) if choice.because is not None else None
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
    customer_ids: Sequence[UUID], limit: int = 3, *, languages: Mapping[UUID, str] | None = None, language: str = "en"
) -> dict[UUID, list[dict[str, Any]]]:
    """Choose offers for many customers of the bound tenant in two queries, as plain dicts for a mail's template.

    They follow from what each bought, else from what each looked at in their newest visits, else from what is popular.
    """
    tenant_id = scope.tenant_id()
    catalogue = stock.catalogue(tenant_id)
    bought = shoppers.purchases(tenant_id, customer_ids, most=PURCHASES_EACH * len(customer_ids))
    seen, declined = shoppers.looked_at(tenant_id, customer_ids), answers.declined_by(tenant_id, customer_ids)
    answer = {}
    for customer_id in customer_ids:
        views = [found.number for key in seen.get(customer_id, ()) if (found := catalogue.find(key)) is not None]
        shopper = Shopper(
            "", customer_id, views, [], bought.get(customer_id, []), declined.get(customer_id, frozenset())
        )
        ask = Ask(tenant_id, "mail", shopper, None, limit, NO_SOURCE)
        wish = (languages or {}).get(customer_id, language)
        ready = _ready(ask, catalogue, reasons.language_of(wish))
        offers = [Offer(identifiers.new(), *one, position) for position, one in enumerate(ready, 1)]
        answer[customer_id] = [offer.plain() | {"product_id": offer.product.id} for offer in offers]
    return answer
