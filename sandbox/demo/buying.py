"""Who buys what and when over two years: orders that repeat, follow the seasons and the tastes, and go together."""

from dataclasses import dataclass, field

import numpy as np

from sandbox.demo import forms, people

CATEGORIES = list(forms.CATEGORIES)
BY_THE_DOZEN = {"mugs": 2.1, "candles": 1.5, "textiles": 1.3}
FREE_SHIPPING_FROM = 6000
SHIPPING = 490


@dataclass
class Order:
    """One order as the simulation knows it; `items.order` turns it into what the shop tells the CRM."""

    day: float
    person: people.Person | None
    lines: list
    guest: bool = False
    discount: int = 0
    shipping: int = 0
    status: str = "fulfilled"
    updated: float = 0.0
    refunds: list = field(default_factory=list)
    campaign: str | None = None
    cart_id: str | None = None
    visitor: str | None = None
    number: int = 0

    @property
    def goods(self):
        return sum(quantity * cents for _, quantity, cents in self.lines)

    @property
    def total(self):
        return self.goods + self.shipping - self.discount


class Market:
    """The wishes of the town: which product comes to whose mind on which day."""

    def __init__(self, *, articles, attraction, year, days, rng):
        self.articles, self.attraction, self.year, self.days, self.rng = articles, attraction, year, days, rng
        self.appeal = np.array([article.appeal for article in articles])
        self.category = np.array([CATEGORIES.index(article.form.category) for article in articles])
        self.colours = np.array([forms.COLLECTIONS.index(article.colours) for article in articles])

    def wishes(self, person, day):
        """This function will return how much each product appeals to a person (or to anyone) on a day."""
        weight = self.appeal * self.year.mood(min(day, self.days))[self.category]
        return weight if person is None else weight * person.taste[self.category] * person.colours[self.colours]

    def pick(self, weight):
        total = np.cumsum(weight)
        return int(np.searchsorted(total, self.rng.random() * total[-1], side="right"))

    def next_after(self, article, wishes, together=0.72):
        """This function will return what is looked at or bought next: mostly what goes with `article`."""
        if self.rng.random() < together:
            return self.pick(self.attraction[article] * (0.3 + wishes / wishes.max()))
        return self.pick(wishes)

    def basket(self, person, day, begin=None):
        """This function will fill a basket: (product, quantity, unit price in cents) per line."""
        wishes = self.wishes(person, day)
        owned = [line[0] for order in person.orders[-3:] for line in order.lines] if person else []
        trade = person is not None and person.kind == "trade"
        if begin is None:
            again = owned and self.rng.random() < 0.35
            begin = self.next_after(int(self.rng.choice(owned)), wishes, 1.0) if again else self.pick(wishes)
        chosen = [begin]
        for _ in range(min(int(self.rng.poisson(2.6 if trade else 1.05)), 9)):
            following = self.next_after(int(self.rng.choice(chosen)), wishes)
            if following not in chosen:
                chosen.append(following)
        return [(place, self.quantity(place, trade), self.cents(place, day)) for place in chosen]

    def quantity(self, place, trade):
        usual = BY_THE_DOZEN.get(self.articles[place].form.category, 1.08)
        return 1 + int(self.rng.poisson((usual - 1) + (4 if trade else 0)))

    def cents(self, place, day):
        # Prices rose once, a year ago.
        cents = self.articles[place].cents
        return cents if day > self.days - 365 else int(cents * 0.94) // 10 * 10

    def order(self, person, day, *, begin=None, **known):
        """This function will place one order on `day`, with its shipping and now and then a discount."""
        order = Order(day=day, person=person, lines=self.basket(person, day, begin), updated=day, **known)
        if self.rng.random() < 0.08:
            order.discount = order.goods // 10
        order.shipping = 0 if order.goods - order.discount >= FREE_SHIPPING_FROM else SHIPPING
        if person is not None and not order.guest:
            person.orders.append(order)
        return order


def moments(person, *, market):
    """This function will return the days on which one person orders."""
    _, gap, stays = people.KINDS[person.kind]
    if person.kind == "looker":
        return []
    rng, found = market.rng, [person.joined]
    while stays and (found[-1] < 0 or rng.random() < stays):
        pause = max(0.4, rng.gamma(1.7, gap / 1.7) / market.year.weight(found[-1]))
        if person.kind == "seasonal" and rng.random() < 0.6:
            pause = until_november(found[-1], market) + rng.uniform(0, 40)
        day = max(market.year.moment(found[-1] + pause, rng), found[-1] + 0.01)
        if day >= market.days:
            break
        found.append(day)
    return [day for day in found if day >= 0]


def until_november(day, market):
    month = market.year.month[min(max(int(day), 0), market.days)]
    return ((10 - month) % 12 or 12) * 30.4


def ordinary_orders(crowd, *, market, guests):
    """This function will return all orders that nobody had to ask for, and those of guests, in the order of time."""
    rng = market.rng
    planned = [(day, person) for person in crowd for day in moments(person, market=market)]
    planned.sort(key=lambda pair: pair[0])
    orders = [market.order(person, day) for day, person in planned]
    for guest in guests:
        orders.append(market.order(guest, guest.joined, guest=True))
    for day in rng.uniform(0, market.days, size=len(guests) // 5):
        orders.append(market.order(None, float(day)))
    return orders


def settle(orders, *, days, rng):
    """This function will let time pass over the orders: shipped, cancelled, failed, sent back."""
    orders.sort(key=lambda order: order.day)
    for number, order in enumerate(orders, 10_001):
        order.number = number
        age, luck = days - order.day, rng.random()
        if luck < 0.022 and age > 0.5:
            order.status, order.updated = "cancelled", order.day + rng.uniform(0.05, 0.5)
        elif luck < 0.03:
            order.status, order.updated = "failed", order.day
        elif age < 0.2:
            order.status = "pending" if luck < 0.5 else "paid"
        elif age < 3:
            order.status, order.updated = "paid", order.day + 0.01
        else:
            order.updated = order.day + rng.uniform(0.6, 2.9)
            send_back(order, days=days, rng=rng)


def send_back(order, *, days, rng):
    if rng.random() > 0.05:
        return
    back = order.updated + rng.uniform(4, 24)
    if back >= days:
        return
    whole = rng.random() < 0.4
    _, _, cents = order.lines[int(rng.integers(len(order.lines)))]
    amount = order.total if whole else min(cents, order.total)
    reason = str(rng.choice(("Arrived broken", "Colour looks different", "Changed my mind", "Too large", "Late gift")))
    order.refunds.append((amount, back, reason))
    order.status, order.updated = ("refunded" if amount == order.total else order.status), back
