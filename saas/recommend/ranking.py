"""Which products in which order: the engines' lists for a place, blended, and narrowed to what may be shown.

Lists are blended by rank (reciprocal rank fusion; Cormack, Clarke, Buettcher 2009), since the scores of different models
cannot be compared. Equal scores keep the order in which products were first named, so an answer is the same each time.
What keeps a product out is asked before it takes a place, so rules never leave a place half empty while something fits.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain as chained
from itertools import islice

from saas.recommend import engines, places, slots
from saas.recommend.asking import Ask, Choice, Named, Source, model
from saas.recommend.engines import LEAST_MEETINGS, newest, popular
from saas.recommend.gates import Gate
from saas.recommend.places import Slot
from saas.recommend.rules import Orders
from saas.recommend.stock import Catalogue, Product
from saas.recommend.suggestions import Suggestion

__all__ = ("LEAST_MEETINGS", "Ask", "Choice", "Source", "choose", "newest", "popular")
SMOOTH = 5.0  # the k of the fusion: how much the first place counts over the second
RESERVE, MORE = (
    8,
    20,
)  # named beyond what is wanted for what is sold out, hidden or in the cart; times so many when short
WHOLE_RANGE = 5_000  # named where rules leave so little that this was not enough
POOL = 4  # times what is wanted, among which a mixed list is mixed
WITHOUT_PICTURE = 0.7
Told = dict[int, tuple[str, str]]
"""Why products were left out: the code of the rule (see `gates`) and the engine that had named them."""


def choose(
    ask: Ask, catalogue: Catalogue, *, chain: Sequence[Source] | None = None, left_out: Told | None = None
) -> list[Choice]:
    """Choose the products for a place, best first, each offerable now and allowed by every rule of the place.

    `chain` names the sources, the next only where the one before could not fill the place; left out, they are the engines of
    the place. `left_out` is filled with what was named and may not be shown.
    """
    slot = ask.placed or _placed(ask)
    if not slot.active:
        return []
    if ask.placed is None or slot.count is not None:
        ask = ask._replace(placed=slot, limit=min(ask.limit, slot.count or ask.limit))
    orders = Orders(model(ask, "rules"), slot=ask.slot, now=time.time())
    answer = Answer(ask, slot, Gate(ask, slot, orders, catalogue), catalogue, left_out)
    if slot.pinned or orders.pinned:
        answer.claim(slot.pinned, [(place, number) for place, number in orders.pinned if number not in slot.pinned])
    steps = (ask.limit + RESERVE, MORE * (ask.limit + RESERVE), WHOLE_RANGE)
    rules = slot.narrow or slot.category_cap is not None
    for engine, name in [("", one) for one in chain] if chain else engines.chain(slot):
        for most in steps if rules else steps[:2]:
            if answer.full:
                break
            lists = name(ask._replace(wanted=most), catalogue)
            answer.take(_fused(lists, catalogue, orders, engine), engine)
            if all(len(named.suggestions) < most for named in lists):
                break
    return answer.whole(orders)


def _placed(ask: Ask) -> Slot:
    """Return what the shop wants for the place; on the past places are tried as they come."""
    return places.BUILT_IN[ask.slot] if ask.models is not None else slots.of(ask.tenant_id, ask.slot)


class Answer:
    """The products that were found for a place so far: those that people put there, then what the engines name."""

    def __init__(self, ask: Ask, slot: Slot, gate: Gate, catalogue: Catalogue, left_out: Told | None) -> None:
        self._ask, self._slot, self._gate, self._catalogue, self._left_out = ask, slot, gate, catalogue, left_out
        self._chosen: dict[int, Choice] = {}
        self._late: dict[int, Choice] = {}
        self._first: list[int] = []
        self._at: list[tuple[int, int]] = []
        self._claimed: set[int] = set()

    @property
    def full(self) -> bool:
        return len(self._chosen) >= self._ask.limit

    def claim(self, first: Sequence[int], at: Sequence[tuple[int, int]]) -> None:
        """Keep room for what people put in front, and then for what they put at a place that will be seen."""
        limit = self._ask.limit
        self._first = [number for number in first if self._passes(number)][:limit]
        self._at = [(place, number) for place, number in at if self._passes(number)]
        self._first = [number for number in self._first if self._claims(number)]
        self._at = [(place, number) for place, number in self._at if place > limit or self._claims(number)]

    def _passes(self, number: int) -> bool:
        product = self._catalogue.by_number.get(number)
        return product is not None and not self._refused(product, "pinned")

    def _claims(self, number: int) -> bool:
        if number in self._claimed:
            return True
        room = self._room(self._catalogue.by_number[number], "pinned")
        if room:
            self._claimed.add(number)
        return room

    def _refused(self, product: Product, engine: str) -> str:
        code = self._gate.refusal(product, engine)
        if code and self._left_out is not None:
            self._left_out.setdefault(product.number, (code, engine))
        return code

    def _room(self, product: Product, engine: str) -> bool:
        room = product.number in self._claimed or self._gate.admit(product)
        if not room and self._left_out is not None:
            self._left_out.setdefault(product.number, ("cap", engine))
        return room

    def take(self, named: Iterable[Choice], engine: str) -> None:
        """Add what may be shown, until there is enough."""
        if self._slot.plain and self._left_out is None:
            self._take_plainly(named)
            return
        passing = self._passing(named, engine)
        if self._slot.diversity:
            wanted = max(POOL * self._ask.limit, self._ask.limit + RESERVE)
            first = mixed([*islice(passing, wanted)], self._slot.diversity / 100, self._shown())
            passing = chained(first, passing)
        for choice in passing:
            if self.full:
                return
            if self._room(choice.product, engine):
                self._chosen[choice.product.number] = choice

    def _take_plainly(self, named: Iterable[Choice]) -> None:
        """Do the same where a place has no rules of its own, in less time."""
        chosen, barred, source, limit = self._chosen, self._gate.barred, self._ask.source, self._ask.limit
        may = self._catalogue.offerable_in
        for choice in named:
            if len(chosen) >= limit:
                return
            number = choice.product.number
            if number not in chosen and number not in barred and may(choice.product, source):
                chosen[number] = choice

    def _passing(self, named: Iterable[Choice], engine: str) -> Iterator[Choice]:
        for choice in named:
            number = choice.product.number
            if number in self._chosen or number in self._late or self._refused(choice.product, engine):
                continue
            if number in self._slot.last:
                self._late[number] = choice
            else:
                yield choice

    def _shown(self) -> list[Product]:
        claimed = [self._catalogue.by_number[number] for number in self._claimed if number not in self._chosen]
        return claimed + [choice.product for choice in self._chosen.values()]

    def whole(self, orders: Orders) -> list[Choice]:
        """Return all of it: what is buried last, and what people put somewhere where they put it."""
        for number, choice in self._late.items():
            if not self.full and self._room(choice.product, choice.engine):
                self._chosen[number] = choice
        answer = list(self._chosen.values())
        for place, number in self._at:
            if number in self._chosen or self._room(self._catalogue.by_number[number], "pinned"):
                answer = self._put(answer, number, place, orders.behind(number))
        for place, number in enumerate(self._first, 1):
            answer = self._put(answer, number, place, "")
        return answer[: self._ask.limit]

    def _put(self, answer: list[Choice], number: int, place: int, rule: str) -> list[Choice]:
        others = [choice for choice in answer if choice.product.number != number]
        others.insert(place - 1, Choice(self._catalogue.by_number[number], "rule", rule=rule, engine="pinned"))
        return others


def mixed(listed: list[Choice], share: float, shown: Sequence[Product]) -> list[Choice]:
    """Return a list in the order in which each next product is good and unlike those before it (maximal marginal relevance).

    `share`, from 0 to 1, is the word of being unlike: the categories two products share against all they have. A product's
    goodness falls with its place as in the fusion. Source: Carbonell and Goldstein 1998.
    """
    left = [(SMOOTH / (SMOOTH + place), choice) for place, choice in enumerate(listed)]
    before = [frozenset(product.categories) for product in shown]
    order = []
    nearest = {id(choice): max((_alike(choice, one) for one in before), default=0.0) for _good, choice in left}
    while left:
        best = max(left, key=lambda one: (1.0 - share) * one[0] - share * nearest[id(one[1])])
        left.remove(best)
        order.append(best[1])
        fresh = frozenset(best[1].product.categories)
        for _good, choice in left:
            nearest[id(choice)] = max(nearest[id(choice)], _alike(choice, fresh))
    return order


def _alike(choice: Choice, categories: frozenset[str]) -> float:
    every = categories.union(choice.product.categories)
    return len(categories.intersection(choice.product.categories)) / len(every) if every else 0.0


def _fused(lists: Sequence[Named], catalogue: Catalogue, orders: Orders, engine: str) -> Iterable[Choice]:
    """Blend lists: a product's score is the sum of weight / (k + rank), its reason that of the list which adds most."""
    if len(lists) == 1 and lists[0].algorithm == "by_hand":
        found = (catalogue.by_number.get(one.item) for one in lists[0].suggestions)
        return [Choice(product, "by_hand", engine=engine) for product in found if product is not None]
    boosted, by_number = orders.boosted, catalogue.by_number
    scores: dict[int, float] = {}
    lead: dict[int, tuple[float, Named, Suggestion, Product]] = {}
    for named in lists:
        instead, weight = named.instead, named.weight
        for rank, suggestion in enumerate(named.suggestions, 1):
            number = suggestion.item
            product = by_number.get(number)
            if instead:
                product = instead.get(number, product)
            if product is None:
                continue
            gift = weight / (SMOOTH + rank) * (1.0 if product.image_url else WITHOUT_PICTURE)
            if boosted:
                gift *= orders.weight(product.categories)
            sum_before = scores.get(number)
            if sum_before is None:
                scores[number], lead[number] = gift, (gift, named, suggestion, product)
            else:
                scores[number] = sum_before + gift
                if gift > lead[number][0]:
                    lead[number] = gift, named, suggestion, product
    order = sorted(scores, key=scores.__getitem__, reverse=True)
    return (_choice(lead[number], orders, engine) for number in order)


def _choice(lead: tuple[float, Named, Suggestion, Product], orders: Orders, engine: str) -> Choice:
    _gift, named, suggestion, product = lead
    rule = orders.favouring(product.categories) if orders.boosted else ""
    return Choice(product, named.algorithm, suggestion.because, suggestion.together, rule, engine)
