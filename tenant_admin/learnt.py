"""What the models have learnt, in words a shop owner understands: on how much, how well, and what is still missing."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from tenant_admin.formats import number, percent

NAMES = {
    "bought": _l("Bought together"),
    "sessions": _l("What follows in a visit"),
    "viewed": _l("Looked at together"),
    "buyers": _l("Customers' tastes"),
    "popular": _l("Popular now"),
    "repeats": _l("Bought again and again"),
    "again": _l("Time to buy again"),
    "alike": _l("Alike by what is written"),
    "arrivals": _l("Where newcomers come from"),
}
COUNTED = {
    "bought": "together",
    "sessions": "visits",
    "viewed": "visits",
    "buyers": "returning",
    "popular": "views",
    "repeats": "products",
    "again": "pauses",
    "alike": "products",
    "arrivals": "visits",
}  # what of a fit's notes tells on how much it was learnt
ALGORITHMS = {
    "bought_together": NAMES["bought"],
    "session": NAMES["sessions"],
    "viewed_together": NAMES["viewed"],
    "buyer": NAMES["buyers"],
    "popular": NAMES["popular"],
    "newest": _l("New in the shop"),
    "again": NAMES["again"],
    "alike": NAMES["alike"],
    "arrival": NAMES["arrivals"],
    "told": _l("What your shop says goes with it"),
    "rule": _l("Your rule"),
}


def described(
    models: dict[str, dict[str, Any]], fewest: dict[str, int], *, learning: bool = False
) -> list[dict[str, Any]]:
    """Return a line for each kind of model: its name, what it learnt from, how well it does, when it was fitted.

    What nobody has tried to learn yet while there is news is being learnt; that there is too little is not known then.
    """
    return [
        {
            "kind": kind, "name": name, "fitted": models.get(kind, {}).get("fitted", False), "at": models.get(kind, {}).get("fitted_at"),
            "learning": learning and kind not in models,
            "on": _on(kind, models.get(kind, {}), fewest.get(kind, 0)) if kind in models or not learning else "", "quality": _quality(kind, models.get(kind, {}).get("quality") or {}),
        }
        for kind, name in NAMES.items()
    ]  # fmt: skip


def _on(kind: str, notes: dict[str, Any], fewest: int) -> str:
    if notes.get("fitted"):
        return learnt_from(kind, notes)
    count = number(notes.get(COUNTED[kind], 0))
    return {
        "bought": _("%(count)s of at least %(fewest)s orders with two products", count=count, fewest=fewest),
        "buyers": _("%(count)s of at least %(fewest)s customers who bought twice", count=count, fewest=fewest),
        "popular": _("No views and no orders yet"),
        "repeats": _("No orders yet"),
        "again": _("%(count)s pauses between two purchases of a product", count=count),
        "alike": _("%(count)s products with a name", count=count),
        "arrivals": _("%(count)s visits of which it is known where they came from", count=count),
    }.get(kind) or _("%(count)s of at least %(fewest)s visits to two products", count=count, fewest=fewest)


def learnt_from(kind: str, notes: dict[str, Any]) -> str:
    """Return on how much a model was fitted."""
    count = number(notes.get(COUNTED[kind], 0))
    return {
        "bought": _("%(count)s orders with two products or more", count=count),
        "buyers": _("%(count)s customers who bought twice or more", count=count),
        "popular": _(
            "%(views)s views and %(purchases)s purchases", views=count, purchases=number(notes.get("purchases", 0))
        ),
        "repeats": _("Products that people buy again: %(count)s", count=count),
        "again": _("%(count)s pauses between two purchases of a product", count=count),
        "alike": _("%(count)s products with a name", count=count),
        "arrivals": _("%(count)s visits of which it is known where they came from", count=count),
    }.get(kind) or _("%(count)s visits to two products or more", count=count)


def _quality(kind: str, quality: dict[str, Any]) -> str:
    """Say how often the wanted product is among the first twenty, asked of history the model had not seen."""
    if not quality.get("cases"):
        return ""
    found = percent(quality["hit_rate"], 0)
    if kind in ("sessions", "viewed"):
        return _(
            "finds the next product in %(found)s of visits; the most popular alone %(plain)s",
            found=found,
            plain=percent(quality["popular_hit_rate"], 0),
        )
    if kind == "arrivals":
        return _(
            "finds the first product of %(found)s of newcomers; the most popular alone %(plain)s",
            found=found,
            plain=percent(quality["popular_hit_rate"], 0),
        )
    if kind == "alike":
        return _("finds %(found)s of what is wanted next to a product by its words alone", found=found)
    if kind == "buyers":
        return _("finds something that was bought next by %(found)s of customers", found=found)
    if kind == "popular":
        return _("finds %(found)s of what is wanted next", found=found)
    return _("finds a product that was left out in %(found)s of orders", found=found)


def judged(place: dict[str, Any], fewest: int) -> dict[str, Any]:
    """Return a place's line of the try on the past: shares, and what they come to in a word with its tone."""
    verdicts = {
        "yes": (_("Better than what is popular"), "good"),
        "no": (_("Worse than what is popular"), "danger"),
        "same": (_("No sure difference"), "grey"),
    }
    word, tone = (_("Too few to tell"), "grey") if place["asked"] < fewest else verdicts[place["better"]]
    return {
        "slot": place["slot"], "asked": place["asked"], "share": place["hits"] / place["asked"], "popular_share": place["popular_hits"] / place["asked"],
        "coverage": place["ours"]["coverage"], "long_tail": place["ours"]["long_tail"], "rarity": round(2 ** place["ours"]["novelty"]),
        "word": word, "tone": tone,
    }  # fmt: skip
