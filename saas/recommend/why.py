"""Why a product is offered: the strongest true reason of a choice, as a code and a sentence, and how the offer is written.

Many shoppers are offered the same product for the same reason, so a reason is worked out once for each state of the models and of
the range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from saas.kit.memory import Memory
from saas.recommend import asking, reasons, shelf
from saas.recommend.again import Rhythm
from saas.recommend.asking import Ask, Choice
from saas.recommend.baskets import Rule
from saas.recommend.engines import LEAST_MEETINGS
from saas.recommend.stock import Catalogue, Product

MOST_KNOWN = 10_000  # reasons remembered in a process, some 12 MB
PLAIN = {"newest": "new", "rule": "picked", "by_hand": "picked", "found": "found"}
BY_WORDS = {"alike": "alike", "told": "goes_with"}
OF_THEIR_OWN = {"session": "seen", "buyer": "bought_before", "again": "bought_before"}
BY_OTHERS = {"session": "looked_at_both", "viewed_together": "viewed_together", "buyer": "taste"}


class Ready(NamedTuple):
    """A product with code and words of its reason, the algorithm, the id of the rule and the engine: an offer but for its own id and
    place. `wire` is what the wire says of it."""

    product: Product
    code: str
    text: str
    algorithm: str
    rule: str
    engine: str
    wire: bytes


_reasons: Memory[tuple[str, str, bytes]] = Memory(MOST_KNOWN)


def plain(product: Product, code: str, text: str) -> dict[str, Any]:
    """Return an offer as the wire has it, but for its id."""
    return {
        "product": product.key, "name": product.name, "url": product.url, "image_url": product.image_url,
        "price": product.price, "currency": product.currency, "reason": {"code": code, "text": text},
        **({"variant": product.variant} if product.variant else {}),
        **({"stars": product.stars, "reviews": product.reviews} if product.reviews else {}),
    }  # fmt: skip


def made_ready(ask: Ask, choices: Sequence[Choice], catalogue: Catalogue, language: str) -> list[Ready]:
    """Return choices with their reasons. Whoever buys again and again has reasons of their own; those of others are remembered."""
    if ask.shopper.bought or ask.models is not None:
        return [
            Ready(one.product, *_told(ask, one, catalogue, language)[:2], one.algorithm, one.rule, one.engine, b"")
            for one in choices
        ]
    asked = (
        ask.tenant_id, shelf.stamp(ask.tenant_id), catalogue.stamp, language, ask.slot, ask.product and ask.product.number,
        ask.like and ask.like.number,
    )  # fmt: skip
    ready = []
    for choice in choices:
        product, algorithm, because, together, rule, engine = choice
        question = (*asked, product.number, product.variant, algorithm, because, together)
        known = _reasons.get(question)
        if known is None:
            known = _told(ask, choice, catalogue, language)
            _reasons.keep(question, known)
        ready.append(Ready(product, known[0], known[1], algorithm, rule, engine, known[2]))
    return ready


def written(ready: Ready) -> bytes:
    """Return what the wire says of an offer, but for its id: the end of a JSON object."""
    return ready.wire or orjson.dumps(plain(ready.product, ready.code, ready.text))[1:]


def _told(ask: Ask, choice: Choice, catalogue: Catalogue, language: str) -> tuple[str, str, bytes]:
    code, text = _why(ask, choice, catalogue, language)
    return code, text, orjson.dumps(plain(choice.product, code, text))[1:]


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
        because is not None and (together := together or _met(ask.tenant_id, because, choice.product)) >= LEAST_MEETINGS
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
    return rule if rule is not None and rule.together >= LEAST_MEETINGS else None


def _met(tenant_id: int, one: Product, other: Product) -> int:
    """Return in how many visits both were looked at, as the model of what is looked at together has counted them."""
    model = shelf.get(tenant_id, "viewed")
    rule = model.rule(one.number, other.number) if model is not None else None
    return rule.together if rule is not None else 0
