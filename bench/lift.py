"""Section A of the targets: the lift of a real e-mail test with a group that got nothing (Hillstrom 2008)."""

from __future__ import annotations

from collections.abc import Iterator

from bench import data
from bench.table import Row, exactly
from saas.marketing import uplift
from saas.marketing.uplift import Group

SECTION = "A"
DATA = ("hillstrom",)
CONTROL = "No E-Mail"
PUBLISHED = {
    "Mens E-Mail": {"visit": (0.0766, 0.0700, 0.0832), "spend": (0.770, 0.485, 1.055)},
    "Womens E-Mail": {"visit": (0.0452, 0.0389, 0.0516), "spend": (0.424, 0.169, 0.680)},
}


def arms() -> dict[str, dict[str, Group]]:
    """Read each arm of the test as groups: who visited, who bought, and what was spent."""
    query = """
        SELECT segment, count(*), sum(visit), sum(conversion), sum(spend), sum(spend * spend) FROM {t} GROUP BY
        segment"""
    return {
        arm: {
            "visit": Group(people, int(visits)),
            "conversion": Group(people, int(buyers)),
            "spend": Group(people, int(buyers), float(spent), float(squares)),
        }
        for arm, people, visits, buyers, spent, squares in data.query(query, t="hillstrom")
    }


def rows() -> Iterator[Row]:
    """Yield lift and bounds of visit and spend per arm, beside the published ones; conversion has none to compare."""
    found = arms()
    for arm, published in PUBLISHED.items():
        own = {
            "visit": uplift.rates(found[arm]["visit"], found[CONTROL]["visit"]),
            "spend": uplift.spends(found[arm]["spend"], found[CONTROL]["spend"]),
        }
        for what, figures in published.items():
            form = ".4f" if what == "visit" else ".3f"
            got = (own[what].value, own[what].low, own[what].high)
            for name, ours, right in zip(("lift", "low", "high"), got, figures, strict=True):
                yield exactly(f"lift: {arm}, {what}, {name}", ours, right, form=form)
        bought = uplift.rates(found[arm]["conversion"], found[CONTROL]["conversion"])
        yield Row(
            f"lift: {arm}, conversion", f"{bought.value:+.4f} [{bought.low:.4f}, {bought.high:.4f}]", "-", "", None
        )
