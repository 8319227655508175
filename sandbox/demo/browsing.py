"""What visitors did in the shop in the last months: sessions that lead to the orders, to forgotten carts, or nowhere.

A session is told as a list of steps (seconds after its start, type, what); `items.visit` turns it into what the
tracker would have sent.
"""

from dataclasses import dataclass, field

import numpy as np

from sandbox.demo import people

WINDOW = 90
EVENTS = 70_000  # wanted over the window at scale 1
KNOWN = 0.3  # share of idle sessions by people who are customers
SIGNED_IN = 0.55  # share of customers' sessions in which they sign in
FORGOTTEN = 1.7  # carts left behind for each cart that was paid


@dataclass
class Session:
    """One visit of one browser."""

    day: float
    visitor: str
    person: people.Person | None
    marketing: bool
    steps: list = field(default_factory=list)
    cart_id: str | None = None
    clock: float = 0.0

    def step(self, kind, what=None, *, rng):
        self.steps.append((self.clock, kind, what))
        # People read for half a minute, and now and then the doorbell rings.
        self.clock += 4 + float(rng.gamma(1.3, 28))


class Town:
    """All visitors of the shop with what they do in it."""

    def __init__(self, *, market, crowd, orders, scale):
        self.market, self.rng = market, market.rng
        self.crowd, self.scale = crowd, scale
        self.since = market.days - WINDOW
        self.orders = [order for order in orders if order.day > self.since + 0.2 and order.person is not None]
        self.strangers = [people.visitor_id(self.rng) for _ in range(max(5, int(5200 * scale)))]
        self.busy = market.year.weight(np.arange(self.since, market.days))
        self.carts = 0
        self.sessions = []

    def live(self):
        """This function will return all sessions of the window in the order of time."""
        for order in self.orders:
            self.lead_to(order)
        for _ in range(int(len(self.orders) * FORGOTTEN)):
            self.forget_cart()
        told = sum(len(session.steps) for session in self.sessions)
        while told < EVENTS * self.scale:
            told += self.look_around()
        self.sessions = [session for session in self.sessions if session.steps]
        self.sessions.sort(key=lambda session: session.day)
        return self.sessions

    def lead_to(self, order):
        """This function will tell the visits that ended in an order; every line was looked at and put in the cart."""
        person, rng = order.person, self.rng
        order.visitor = str(rng.choice(person.devices)) if person.devices else people.visitor_id(rng)
        order.cart_id = self.new_cart()
        marketing = bool(rng.random() < 0.8)
        if rng.random() < 0.4:
            before = Session(order.day - float(rng.uniform(0.3, 5)), order.visitor, person, marketing)
            if before.day > self.since:
                self.wander(before, begin=order.lines[0][0], most=4)
                self.sessions.append(before)
        visit = Session(order.day, order.visitor, person, marketing, cart_id=order.cart_id)
        self.enter(visit)
        if not order.guest and rng.random() < 0.45:
            visit.step("identified", rng=rng)
        basket = []
        for line in order.lines:
            if rng.random() < 0.5:
                visit.step("product_viewed", self.market.next_after(line[0], self.market.appeal), rng=rng)
            visit.step("product_viewed", line[0], rng=rng)
            basket = [*basket, line]
            visit.step("cart_updated", basket, rng=rng)
        visit.step("checkout_started", basket, rng=rng)
        visit.step("identified", rng=rng)
        visit.day = order.day - visit.clock / 86_400
        self.sessions.append(visit)

    def forget_cart(self):
        visit = self.somebody(known=0.5)
        visit.cart_id = self.new_cart()
        wishes = self.market.wishes(visit.person, visit.day)
        basket, place = [], self.market.pick(wishes)
        self.enter(visit)
        for _ in range(1 + int(self.rng.poisson(0.7))):
            visit.step("product_viewed", place, rng=self.rng)
            if place not in [line[0] for line in basket]:
                basket = [*basket, (place, self.market.quantity(place, False), self.market.cents(place, visit.day))]
                visit.step("cart_updated", basket, rng=self.rng)
            place = self.market.next_after(place, wishes)
        self.wander(visit, begin=place, most=3)
        if self.rng.random() < 0.35:
            visit.step("checkout_started", basket, rng=self.rng)
        self.keep(visit)

    def look_around(self):
        visit = self.somebody(known=KNOWN)
        wishes = self.market.wishes(visit.person, visit.day)
        self.enter(visit)
        self.wander(visit, begin=self.market.pick(wishes), most=24)
        return self.keep(visit)

    def keep(self, visit):
        """This function will keep a visit unless it would reach into the future."""
        if visit.day + visit.clock / 86_400 >= self.market.days:
            return 0
        if visit.person is not None and self.rng.random() < SIGNED_IN:
            visit.steps.insert(1, (visit.steps[0][0] + 2, "identified", None))
        self.sessions.append(visit)
        return len(visit.steps)

    def somebody(self, *, known):
        day = self.market.year.moment(self.market.pick(self.busy) + self.since, self.rng)
        person = self.crowd[int(self.rng.integers(len(self.crowd)))] if self.rng.random() < known else None
        if person is not None and person.joined > day:
            person = None
        marketing = bool(self.rng.random() < 0.7)
        visitor = self.rng.choice(person.devices) if person else self.strangers[self.familiar()]
        return Session(day, str(visitor), person, marketing)

    def familiar(self):
        # Some strangers come back often, most come once.
        return int(len(self.strangers) * self.rng.random() ** 1.8)

    def enter(self, visit):
        way = self.rng.random()
        if way < 0.4:
            visit.step("page_viewed", "home", rng=self.rng)
        elif way < 0.7:
            visit.step("page_viewed", "category", rng=self.rng)
        elif way < 0.86:
            visit.step("search_submitted", rng=self.rng)

    def wander(self, visit, *, begin, most):
        """This function will let the visitor look at one thing after the other, mostly at what goes together."""
        place, wishes = begin, self.market.wishes(visit.person, visit.day)
        for _ in range(min(int(self.rng.geometric(0.24)), most)):
            visit.step("product_viewed", place, rng=self.rng)
            place = self.market.next_after(place, wishes, together=0.75)
            if self.rng.random() < 0.12:
                visit.step("page_viewed", "category", rng=self.rng)

    def new_cart(self):
        self.carts += 1
        return f"sim-cart-{self.carts:05d}-{self.rng.bytes(4).hex()}"
