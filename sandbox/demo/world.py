"""The whole simulated shop in one call: the same seed and the same `until` give the same world, to the last cent."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from sandbox.demo import browsing, buying, catalogue, items, mailings, people, seasons

DAYS = 730
CUSTOMERS = 3000
GUESTS = 260


@dataclass
class World:
    """Two years of Fern & Kettle. Nothing in it is about a real person or a real shop; everything says "simulated".

    The reading functions yield plain dicts in the shapes of the CRM's API and tracker, in the order of time.
    """

    seed: int
    until: datetime
    scale: float
    shop_url: str
    articles: list
    crowd: list
    orders_made: list
    sessions: list
    mailings: list
    attraction: np.ndarray = field(repr=False)
    label: str = "Simulated data: Fern & Kettle and its customers are invented"

    def __post_init__(self):
        self.start = self.until - timedelta(days=DAYS)
        self.writer = items.Writer(start=self.start, days=DAYS, shop_url=self.shop_url, articles=self.articles)

    def products(self):
        """This function will yield the 200 product items."""
        return map(self.writer.product, self.articles)

    def customers(self):
        """This function will yield the customer items, oldest customer first; guests are only on their orders."""
        return map(self.writer.customer, self.crowd)

    def orders(self):
        """This function will yield the order items with their refunds, oldest first."""
        return map(self.writer.order, self.orders_made)

    def visits(self, *, secret=None):
        """This function will yield the sessions of the last 90 days as bodies for /collect (add the `site_key`).

        With the shop's webhook `secret` the identities in them are signed, as the shop's server would sign them.
        """
        for number, session in enumerate(self.sessions):
            yield self.writer.visit(number, session, secret=secret)

    def events(self, *, secret=None):
        """This function will yield the same browsing as single events, each with its `visitor` and `consent`."""
        for visit in self.visits(secret=secret):
            for event in visit["events"]:
                yield {"visitor": visit["visitor"], "consent": visit["consent"], **event}

    def carts(self):
        """This function will yield the carts that were left behind, as in the tracker's `cart_updated`."""
        paid = {order.cart_id for order in self.orders_made}
        for session in self.sessions:
            filled = [lines for _, kind, lines in session.steps if kind == "cart_updated"]
            if filled and session.cart_id not in paid:
                yield self.writer.cart(session, filled[-1])

    def campaigns(self):
        """This function will yield the past campaigns with their true lift and each recipient's behaviour."""
        return map(self.writer.campaign, self.mailings)

    def goes_with(self):
        """This function will return per product id the eight product ids that truly go with it, best first."""
        best = np.argsort(-self.attraction, axis=1)[:, :8]
        return {
            article.external_id: [self.articles[place].external_id for place in row]
            for article, row in zip(self.articles, best, strict=True)
        }


def simulate(*, seed=1, until=None, scale=1.0, shop_url="http://127.0.0.1:8100"):
    """This function will simulate the two years that end at `until` (by default the last full hour).

    `scale` thins out customers, orders and browsing (0.05 is right for tests); the products are always 200.
    """
    until = until or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    articles = products(seed=seed)
    attraction = catalogue.attraction(articles)
    year = seasons.Year(until - timedelta(days=DAYS), DAYS, buying.CATEGORIES)
    rng = np.random.default_rng([seed, 2])
    crowd = people.people(max(1, round(CUSTOMERS * scale)), year=year, days=DAYS, rng=rng)
    guests = [
        replace(person, number=0, kind="once", company=None, granted=False, withdrew=None, devices=[])
        for person in people.people(max(1, round(GUESTS * scale)), year=year, days=DAYS, before=0, rng=rng)
    ]
    market = buying.Market(articles=articles, attraction=attraction, year=year, days=DAYS, rng=rng)
    orders = buying.ordinary_orders(crowd, market=market, guests=guests)
    sent = mailings.plan(articles=articles, days=DAYS)
    for mailing in sent:
        orders += mailings.send(mailing, crowd=crowd, market=market)
    buying.settle(orders, days=DAYS, rng=rng)
    sessions = browsing.Town(market=market, crowd=crowd, orders=orders, scale=scale).live()
    return World(
        seed=seed, until=until, scale=scale, shop_url=shop_url, articles=articles, crowd=crowd, orders_made=orders,
        sessions=sessions, mailings=sent, attraction=attraction,
    )  # fmt: skip


def products(*, seed=1):
    """This function will return the shop's 200 articles alone, which takes no time."""
    return catalogue.articles(np.random.default_rng([seed, 1]))
