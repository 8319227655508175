"""The invented customers: who they are, what they like, and how they tend to buy.

Their kind decides the rhythm of their orders (see `buying`); the two tastes make their baskets recognisable, so that
recommendations and segments have something true to find.
"""

import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np

from sandbox.demo import forms, names

# kind: share of customers, mean days between two orders, chance to stay after each order
KINDS = {
    "regular": (0.17, 72, 0.97),
    "seasonal": (0.17, 150, 0.93),
    "occasional": (0.33, 115, 0.79),
    "once": (0.20, 0, 0.0),
    "trade": (0.03, 50, 0.97),
    "looker": (0.10, 0, 0.0),
}
BEFORE = 300  # days that the shop was open before the simulated time begins


@dataclass
class Person:
    """One invented customer; days count from the start of the simulated time."""

    number: int
    kind: str
    region: names.Region
    first_name: str
    last_name: str
    email: str
    phone: str | None
    company: str | None
    city: str
    postcode: str
    joined: float
    taste: np.ndarray
    colours: np.ndarray
    granted: bool
    withdrew: float | None = None
    orders: list = field(default_factory=list)
    devices: list = field(default_factory=list)

    @property
    def external_id(self):
        return f"sim-{self.number:05d}"

    def may_be_mailed(self, day):
        """This function will say whether marketing mail was allowed on that day."""
        return self.granted and self.joined <= day and (self.withdrew is None or self.withdrew > day)


def people(count, *, year, days, rng, before=BEFORE):
    """This function will return `count` customers who joined up to `days`, the later the more (the shop grows)."""
    kinds = rng.choice(list(KINDS), size=count, p=[share for share, _, _ in KINDS.values()])
    regions = rng.choice(len(names.REGIONS), size=count, p=[region.share for region in names.REGIONS])
    joined = np.sort(year.moments(count, first=-before, last=days, growth=0.9, rng=rng))
    return [
        person(number, kind=kind_of(kind, day), region=names.REGIONS[place], joined=float(day), days=days, rng=rng)
        for number, (kind, place, day) in enumerate(zip(kinds, regions, joined, strict=True), 1)
    ]


def kind_of(kind, joined):
    # Whoever bought once before the simulated time would be known without any trace of why.
    return "occasional" if joined < 0 and kind in ("once", "looker") else str(kind)


def person(number, *, kind, region, joined, days, rng):
    first, first_latin = name(rng.choice(region.first.split()))
    last, last_latin = name(rng.choice(region.last.split()))
    address = f"{plain(first_latin)}.{plain(last_latin)}{number}@{rng.choice(names.DOMAINS, p=(0.6, 0.25, 0.15))}"
    consent, leaves = rng.random(), rng.random() < 0.1
    return Person(
        number=number, kind=kind, region=region, first_name=first, last_name=last, email=address,
        phone=region.phone.format(int(rng.integers(100, 199))) if region.phone and rng.random() < 0.5 else None,
        company=f"{rng.choice(names.COMPANIES)} {last}" if kind == "trade" else None,
        city=str(rng.choice(region.cities.split(","))), postcode=region.postcode.format(rng.integers(1, 9)),
        joined=joined, taste=rng.dirichlet(np.full(len(forms.CATEGORIES), 0.6)) + 0.02,
        colours=rng.dirichlet(np.full(len(forms.COLLECTIONS), 0.35)) + 0.03, granted=consent < 0.74,
        withdrew=float(rng.uniform(joined, days)) if leaves and consent < 0.74 else None,
        devices=[visitor_id(rng) for _ in range(1 + (rng.random() < 0.35))],
    )  # fmt: skip


def name(written):
    """This function will return a name as written and in Latin letters ("芳:Fang" carries both)."""
    own, _, latin = str(written).replace("_", " ").partition(":")
    return own, latin or own


def plain(text):
    """This function will reduce a name to the letters of a mail address."""
    bare = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("ı", "i"))
    return re.sub(r"[^a-z]", "", bare)


def visitor_id(rng):
    """This function will make up the id that a browser would give itself."""
    return "sim" + rng.bytes(10).hex()
