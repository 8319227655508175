"""The two hundred products of the shop: every form in five collections, with price, stock and what goes with what."""

import re
from dataclasses import dataclass

import numpy as np

from sandbox.demo import forms


@dataclass(frozen=True)
class Article:
    """One product as the shop and the simulation know it; `items.product` turns it into what the CRM is told."""

    number: int
    sku: str
    form: forms.Form
    colours: forms.Colours
    look: int
    cents: int
    stock: int | None
    active: bool
    appeal: float

    @property
    def external_id(self):
        return f"fk-{self.number:03d}"

    @property
    def name(self):
        return f"{self.colours.name} {self.form.noun}"

    @property
    def description(self):
        return f"{self.form.sentence} From the {self.colours.name} collection: {self.colours.mood}."

    @property
    def slug(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower())

    @property
    def price(self):
        return decimal(self.cents)


def decimal(cents):
    """This function will write an amount of minor units as the decimal string that the wire wants."""
    return f"{cents // 100}.{cents % 100:02d}"


def articles(rng):
    """This function will return all products in the order of their numbers."""
    made = []
    for place, form in enumerate(forms.FORMS):
        for turn in range(5):
            colours = forms.COLLECTIONS[(place * 3 + turn) % len(forms.COLLECTIONS)]
            made.append(article(len(made) + 1, form=form, colours=colours, turn=turn, rng=rng))
    return made


def article(number, *, form, colours, turn, rng):
    cents = int(form.price * rng.uniform(0.9, 1.18)) * 100 + int(rng.choice([0, 50, 90]))
    stock = None if form.category == "prints" and rng.random() < 0.5 else int(rng.gamma(2.0, 22))
    return Article(
        number=number,
        sku=f"{form.category[:3].upper()}-{number:03d}",
        form=form,
        colours=colours,
        look=turn,
        cents=cents,
        stock=0 if rng.random() < 0.05 else stock,
        active=bool(rng.random() > 0.02),
        # A few things sell all the time and many seldom, as in any shop.
        appeal=float(rng.pareto(1.6) + 0.25) * (60 / cents * 100) ** 0.35,
    )


def attraction(made):
    """This function will return the matrix of how much product i makes one want product j next (rows sum to 1).

    It is the truth that bought-together and session recommendations can be held against.
    """
    count = len(made)
    pull = np.zeros((count, count))
    for i, one in enumerate(made):
        for j, other in enumerate(made):
            if i != j:
                pull[i, j] = wish(one, other) * other.appeal**0.5
    return pull / pull.sum(axis=1, keepdims=True)


def wish(one, other):
    same_colours = one.colours.name == other.colours.name
    if other.form.key in one.form.goes_with:
        return 60 if same_colours else 9
    if one.form.key == other.form.key:
        return 2.5
    if one.form.category == other.form.category:
        return 2
    return 2.5 if same_colours else 0.12
