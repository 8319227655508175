"""Three past campaigns with a holdout and a known true lift, so that what the CRM measures can be held against it."""

from dataclasses import dataclass, field

import numpy as np

from sandbox.demo import buying

HOLDOUT = 0.1
WINDOW = 10  # days in which an order counts as an answer
BY_PROXY = 0.3


@dataclass
class Mailing:
    """One past campaign: who was meant, and how much more of them truly ordered because of it."""

    key: str
    name: str
    subject: str
    days_ago: float
    idea: str
    segment: dict
    categories: tuple
    true_lift: float
    opens: float
    clicks: float
    day: float = 0.0
    responses: list = field(default_factory=list)

    def means(self, person):
        """This function will say whether a person was in the segment on the day of the mailing."""
        bought = [order for order in person.orders if order.day < self.day]
        if "last_order_before_days" in self.segment:
            return bool(bought) and bought[-1].day < self.day - self.segment["last_order_before_days"]
        return self.likes(bought)

    def likes(self, bought):
        since = self.day - self.segment["within_days"]
        return any(
            self.segment["articles"][place].form.category in self.categories
            for order in bought if order.day >= since for place, _, _ in order.lines
        )  # fmt: skip


def plan(*, articles, days):
    """This function will return the three campaigns in the order of time."""
    mailings = [
        Mailing("tea-week", "Tea week", "A week for tea: pots, kettles and the right mug", 262.4,
                "Bought a mug, a teapot or a kettle within a year", {"within_days": 365},
                ("mugs", "tea"), 0.06, 0.46, 0.11),
        Mailing("missed-you", "We have missed you", "It has been a while: what is new on the shelf", 118.6,
                "Last order more than 150 days ago", {"last_order_before_days": 150}, (), 0.008, 0.29, 0.04),
        Mailing("warm-light", "Warm light for dark evenings", "Lamps, lanterns and candles for the dark months", 30.6,
                "Bought candles, a lamp or a throw within two years", {"within_days": 730},
                ("candles", "lamps", "textiles"), 0.08, 0.49, 0.13),
    ]  # fmt: skip
    for mailing in mailings:
        mailing.day = days - mailing.days_ago
        mailing.segment["articles"] = articles
    return mailings


def send(mailing, *, crowd, market):
    """This function will let the mailing happen: it fills `responses` and returns the orders that it alone caused."""
    meant = [person for person in crowd if person.may_be_mailed(mailing.day) and mailing.means(person)]
    caused = []
    for person in meant:
        if market.rng.random() < HOLDOUT:
            mailing.responses.append({"person": person, "arm": "held_out"})
            continue
        answer = respond(mailing, person, rng=market.rng)
        mailing.responses.append(answer)
        if not answer["bounced"] and market.rng.random() < mailing.true_lift:
            caused.append(answer_with_order(mailing, answer, market=market))
    return caused


def respond(mailing, person, *, rng):
    sent = mailing.day + float(rng.uniform(0, 0.02))
    answer = {"person": person, "arm": "mailed", "sent": sent, "bounced": bool(rng.random() < 0.012)}
    if answer["bounced"]:
        return answer
    if rng.random() < mailing.opens:
        answer["opened"] = sent + float(rng.exponential(0.6))
        answer["by_proxy"] = bool(rng.random() < BY_PROXY)
    elif rng.random() < BY_PROXY:
        # A privacy proxy fetches the picture at once, read or not.
        answer |= {"opened": sent + float(rng.uniform(0, 0.01)), "by_proxy": True}
    if "opened" in answer and rng.random() < mailing.clicks / mailing.opens:
        answer["clicked"] = answer["opened"] + float(rng.uniform(0.0003, 0.01))
    if rng.random() < 0.006:
        answer["unsubscribed"] = person.withdrew = sent + float(rng.exponential(0.8))
    if rng.random() < 0.0008:
        answer["complained"] = sent + float(rng.exponential(0.5))
    return answer


def answer_with_order(mailing, answer, *, market):
    """This function will place the order that would not have come without the mail, soon after a click."""
    answer.setdefault("opened", answer["sent"] + float(market.rng.exponential(0.4)))
    answer.setdefault("by_proxy", False)
    answer.setdefault("clicked", answer["opened"] + float(market.rng.uniform(0.0003, 0.01)))
    day = answer["clicked"] + min(float(market.rng.exponential(1.5)), WINDOW - 2) + 0.01
    wishes = market.wishes(answer["person"], day)
    for place, category in enumerate(buying.CATEGORIES):
        if category in mailing.categories:
            wishes = np.where(market.category == place, wishes * 8, wishes)
    answer["order"] = market.order(answer["person"], day, begin=market.pick(wishes), campaign=mailing.key)
    return answer["order"]
