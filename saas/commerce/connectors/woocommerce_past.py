"""Walking a WooCommerce store's past: the newest first, one request at a time, and never more than half of its time.

Pages of WooCommerce shift when something new comes. So orders are asked for by their date (`before` the oldest one seen, and
without those of the very same second that were seen), all else by an offset that overlaps with the last thing seen: what is
new only makes us see something twice, and what was deleted in between makes us step back. A store that ignores these
is walked by page numbers. `orderby=modified` is not asked for, for 3.8 refuses it; and whether a store knows `modified_after`
and `dates_are_gmt`, which older ones (before 5.8) ignore without a word, is found out by asking for what changed in the year
2100. One that knows them is asked by GMT throughout: 7.1 to 8.1 with orders in tables of their own compare a date of the
shop's clock with one of GMT, and would leave out as many hours as lie between.

What a store cannot show (an order of a plugin that is gone, a product its key may not see) is left out of its page, which is then
shorter than asked for and not the last.

Orders tell only what their refunds came to; which pieces went back the store is asked for order by order, within bounds.

Hosts that give up on a large page are asked for half of it, and for more again when that goes well. A single thing at which the
store breaks each time is left out, and told of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from saas.commerce.connectors import woocommerce_address
from saas.commerce.connectors.delivery import Body
from saas.commerce.connectors.found import Bad
from saas.commerce.connectors.past import KeysRefused, Portion, StoreBusy, StoreRefused, Tended
from saas.commerce.connectors.woocommerce_orders import REFUNDS
from saas.commerce.connectors.woocommerce_rest import Store
from saas.commerce.refusal_words import Reason
from saas.kit import clock

LARGEST, GROW_AFTER, TRIES_AT_ONE = 100, 4, 3
RECENT = timedelta(days=60)
LATELY, AGED = timedelta(days=2), timedelta(days=60)
"""How far back orders are compared where a store cannot be asked for what changed: each time, and once a day."""
MOST_EXCLUDED = 200
LONGEST_ASKING = 20.0
"""Seconds in which refunds of one page's orders are asked for."""
FAR = "2100-01-01T00:00:00"
STAMP = "%Y-%m-%dT%H:%M:%S"
PATHS = {"recent_orders": "orders", "aged_orders": "orders"}
BROKEN = "__broken"


class Woo:
    """A store and the way its past is walked. `orders_from`: no orders from before; `tick`: the clock that its answers are measured with."""

    def __init__(
        self, store: Store, *, orders_from: datetime | None = None, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self.store, self._orders_from, self._tick = store, orders_from, tick

    def renewed(self) -> None:
        """The keys hold until the store takes them back."""

    def tend(self, *, address: str, secret: str, renew: bool = False) -> Tended:
        """Have every topic delivered to our address. Keys that may only read are said to be so, and the rest goes on."""
        keys = self._looked_up()
        try:
            return Tended(self.store.tend_webhooks(address=address, secret=secret, renew=renew), keys=keys)
        except KeysRefused:
            self.store.call("GET", "/orders", params={"per_page": 1, "_fields": "id"})
            return Tended({"made": 0, "woken": 0, "barred": 1}, keys=keys)

    def _looked_up(self) -> dict[str, Any] | None:
        """Return the keys with where the store's API is, which a store that was entered by a program was not asked for: over
        plain http it checks a signature over the address as it knows itself. None where that is known or cannot be found."""
        if self.store.root:
            return None
        try:
            found = woocommerce_address.look(self.store.url).values
        except Bad:
            return None
        self.store = replace(self.store, root=found["root"])
        return {"key": self.store.key, "secret": self.store.secret, "root": self.store.root, "way": self.store.way}

    def kinds(self, *, since: datetime | None, deep: bool = False) -> tuple[str, ...]:
        if since is None:
            return "recent_orders", "products", "customers", "orders"
        return ("orders", "products", "customers", *(("aged_orders", "gone_orders", "gone_products") if deep else ()))

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind."""
        found = {}
        for kind in ("recent_orders", "products", "customers", "orders"):
            asked = {**_about(kind), **self._edge(kind, None), "per_page": 1, "_fields": "id"}
            _items, told = self.store.told("GET", f"/{PATHS.get(kind, kind)}", params=asked)
            total = told.get("x-wp-total", "")
            if total.isdigit():
                found[kind] = int(total)
        return found

    def portion(self, kind: str, place: dict[str, Any], *, since: datetime | None) -> Portion:
        """Return what comes next of a kind. What fails is raised with the place at which to go on, with a smaller page."""
        began = self._tick()
        held = place if "size" in place else {**place, "size": LARGEST}
        try:
            asked_by_change = since is not None and kind != "customers"
            if "knows" not in held and "before" not in held and (asked_by_change or _dated(kind)):
                held = {**held, "knows": self._knows(kind)}
            if kind == "aged_orders" and held.get("knows"):
                return Portion([], None, 1.0, rest=self._tick() - began)
            bodies, total, left = self._ask(kind, held, since)
        except StoreBusy as busy:
            if busy.quiet or busy.seconds:
                raise
            return self._smaller(kind, busy, held)
        after, again = _onward(kind, held, bodies, left)
        if _dated(kind) and not again and any(body.get("refunds") for body in bodies):
            bodies = self._with_refunds(bodies)
        share = 1.0 if after is None else min(after.get("at", 0) / max(total or 0, after.get("at", 0) + 1), 0.99)
        return Portion([] if again else bodies, after, share, rest=self._tick() - began, total=total)

    def _ask(self, kind: str, place: dict[str, Any], since: datetime | None) -> tuple[list[Body], int | None, bool]:
        """Return a page, how many there are of this kind in all, if the store says, and whether it says that more follow."""
        seen = place.get("at", 0)
        params = {"per_page": place["size"], "order": "desc", "orderby": "id", **_about(kind)}
        if since is not None and kind != "customers":
            params |= _changed(kind, since, bool(place.get("knows")))
        if _dated(kind):
            params |= (
                {"orderby": "date"}
                | self._edge(kind, since)
                | ({"dates_are_gmt": "true"} if place.get("knows") else {})
            )
        if place.get("paged"):
            params["page"] = seen // place["size"] + 1
        elif _dated(kind):
            said = {
                "before": place.get("before"),
                "exclude": ",".join(map(str, place.get("same", ()))),
                "offset": place.get("skip"),
            }
            params |= {name: value for name, value in said.items() if value}
        elif seen:
            params["offset"] = seen - 1 if _overlaps(place) else seen
        found, told = self.store.told("GET", f"/{PATHS.get(kind, kind)}", params=params)
        if not isinstance(found, list):
            raise StoreRefused("The store answered with something else than a list.")
        bodies = [one if isinstance(one, dict) else {BROKEN: Reason("no_object").kept} for one in found]
        total = told.get("x-wp-total", "")
        if not total.isdigit():
            return bodies, None, False
        began = (params["page"] - 1) * place["size"] if "page" in params else params.get("offset", 0)
        every = int(total) + (seen if _dated(kind) and place.get("before") and not place.get("paged") else 0)
        return bodies, every, int(total) > began + place["size"]

    def _with_refunds(self, bodies: list[Body]) -> list[Body]:
        """Return orders with what their refunds took back; of their own they tell only the sums, which is enough for a store
        that does not want to be asked for more now."""
        until, asking, found = self._tick() + LONGEST_ASKING, True, []
        for body in bodies:
            if asking and body.get("refunds") and isinstance(body.get("id"), int):
                try:
                    refunds, _told = self.store.told("GET", f"/orders/{body['id']}/refunds", params={"per_page": 100})
                    if (
                        refunds
                        and isinstance(refunds, list)
                        and all(isinstance(one, dict) and "id" in one for one in refunds)
                    ):
                        body = {**body, REFUNDS: refunds}
                except StoreRefused as refusal:
                    asking = not isinstance(refusal, (StoreBusy, KeysRefused))
                asking = asking and self._tick() < until
            found.append(body)
        return found

    def _edge(self, kind: str, since: datetime | None) -> dict[str, str]:
        """Recent orders begin sixty days ago; the older ones end a day after that, so that none falls between."""
        if since is not None:
            return {}
        edge = clock.now() - RECENT
        if kind == "recent_orders":
            return {"after": edge.strftime(STAMP)}
        if kind != "orders":
            return {}
        first = {"after": self._orders_from.astimezone(UTC).strftime(STAMP)} if self._orders_from else {}
        return {"before": (edge + timedelta(days=1)).strftime(STAMP), **first}

    def _knows(self, kind: str) -> bool:
        """Tell whether the store can be asked for what changed after a moment; one that cannot answers with anything."""
        params = {"per_page": 1, "modified_after": FAR, "dates_are_gmt": "true", "_fields": "id", **_about(kind)}
        found, _told = self.store.told("GET", f"/{PATHS.get(kind, kind)}", params=params)
        return found == []

    def _smaller(self, kind: str, busy: StoreBusy, place: dict[str, Any]) -> Portion:
        """Go on with half the page, and past a thing at which the store breaks even alone, which is told of."""
        size, stuck = place["size"], place.get("stuck", 0)
        if size > 1:
            raise StoreBusy(busy.message, seconds=0, place={**place, "size": max(size // 2, 1), "good": 0}) from None
        if stuck + 1 < TRIES_AT_ONE:
            raise StoreBusy(busy.message, seconds=0, place={**place, "stuck": stuck + 1}) from None
        number = place.get("at", 0) + 1
        step = {"at": number, "last": 0, "stuck": 0}
        if _dated(kind) and not place.get("paged"):
            step["skip"] = place.get("skip", 0) + 1
        broken = {BROKEN: Reason("again_and_again", problem=busy.message, number=number).kept}
        return Portion([broken], {**place, **step}, 0.0, rest=busy.seconds)

    def absent(self, kind: str, keys: Sequence[str]) -> list[str]:
        """Return which of these orders or products the store has no more, or only in its trash."""
        asked = [key for key in keys if key.isdigit()]
        if not asked:
            return []
        params = {"include": ",".join(asked), "per_page": 100, "_fields": "id", **_about(kind)}
        found, _told = self.store.told("GET", f"/{kind}", params=params)
        if not isinstance(found, list):
            raise StoreRefused("The store answered with something else than a list.")
        there = {str(one.get("id")) for one in found if isinstance(one, dict)}
        if not there <= set(asked):
            return []  # a store that answers with others than it was asked for cannot be asked so
        gone = [key for key in asked if key not in there]
        if len(gone) * 2 > len(asked) and not self._truly_gone(kind, gone[0]):
            return []
        return gone

    def _truly_gone(self, kind: str, key: str) -> bool:
        """Before so much is believed to be gone, one of it is asked for by name."""
        answer = self.store.ask("GET", f"/{kind}/{key}", seconds=self.store.patience)
        return answer.status in (404, 410) or (answer.status == 200 and b'"trash"' in answer.body)


def _about(kind: str) -> dict[str, Any]:
    if _dated(kind) or kind == "products":
        return {"status": "any"}
    return {"role": "all"} if kind == "customers" else {}


def _dated(kind: str) -> bool:
    return PATHS.get(kind, kind) == "orders"


def _overlaps(place: dict[str, Any]) -> bool:
    return bool(place.get("last")) and place["size"] > 1


def _changed(kind: str, since: datetime, knows: bool) -> dict[str, Any]:
    """What changed since then; where a store does not know that, the orders of some days, and products from the newest on."""
    if knows:
        return {"modified_after": since.astimezone(UTC).strftime(STAMP), "dates_are_gmt": "true"}
    if not _dated(kind):
        return {}
    return {"after": (since - (AGED if kind == "aged_orders" else LATELY)).strftime(STAMP)}


def _onward(kind: str, place: dict[str, Any], bodies: list[Body], left: bool) -> tuple[dict[str, Any] | None, bool]:
    """Return where to go on after a page, None at the end, and whether this page must be read anew instead of taken. `left` says
    that the store counts more than this page, even where it shows fewer than were asked for."""
    ids = [one["id"] for one in bodies if isinstance(one.get("id"), int)]
    size, seen, good = place["size"], place.get("at", 0), place.get("good", 0) + 1
    short = len(bodies) < size
    rest = {name: place[name] for name in ("knows", "paged") if name in place}
    grown = good >= GROW_AFTER and size < LARGEST
    rest |= {"size": min(size * 2, LARGEST), "good": 0} if grown else {"size": size, "good": good}
    if place.get("paged"):
        at = seen - seen % size + (size if left else len(bodies))
        aligned = at % rest["size"] == 0  # by numbers, a page can only grow where a larger one begins
        ended = short and not left
        return (None if ended else {**rest, "size": rest["size"] if aligned else size, "at": at}), False
    known = place.get("first")
    if known and ids[:3] == known and len(ids) >= min(size, 3):
        return {
            **rest,
            "size": size,
            "paged": True,
            "at": 0,
        }, True  # the same as before: it does not know where we were
    if short and not left:
        return None, False
    if _dated(kind) and not bodies:
        return {**place, "skip": place.get("skip", 0) + size}, False
    if _dated(kind):
        return _before(place, bodies, ids, rest), False
    overlap = _overlaps(place) and seen > 0
    if overlap and ids and place["last"] not in ids and max(ids) < place["last"]:
        return {**place, "at": max(seen - size, 0)}, True  # something above was deleted, and we would jump over as much
    return (
        {
            **rest,
            "at": seen - (1 if _overlaps(place) and seen > 0 else 0) + size,
            "last": 0 if short or not ids else ids[-1],  # of a page with gaps the last one is not at its end
            "first": ids[:3],
        },
        False,
    )


def _before(place: dict[str, Any], bodies: list[Body], ids: list[int], rest: dict[str, Any]) -> dict[str, Any]:
    """Orders go on before the oldest date that was seen, and without those of its very second that were seen."""
    name = "date_created_gmt" if place.get("knows") else "date_created"
    seen, date = place.get("at", 0), bodies[-1].get(name)
    try:
        edge = datetime.fromisoformat(str(date)).replace(tzinfo=None) + timedelta(seconds=1)
    except ValueError:
        return {**rest, "paged": True, "at": 0}  # who changed what a date looks like is walked by numbers, from the top
    before = edge.strftime(STAMP)
    same = [one["id"] for one in bodies if one.get(name) == date and isinstance(one.get("id"), int)]
    skip = 0
    if before == place.get("before"):
        same, skip = [*place.get("same", ()), *same], place.get("skip", 0)
    if len(same) > MOST_EXCLUDED:
        same, skip = [], skip + len(same)
    return {**rest, "before": before, "same": same, "skip": skip, "at": seen + len(bodies), "first": ids[:3]}
