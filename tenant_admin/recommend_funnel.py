"""How far offers come, and what they bring: shown, seen, clicked, into a cart, bought, by place, model or rule."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.kit import doors
from saas.recommend import funnel, rules
from saas.tenancy import tenants
from tenant_admin import formats, learnt, offer_words, recommend

pages = Blueprint("recommend_funnel", __name__, url_prefix="/recommendations/funnel")

PERIODS = (7, 30, 90, 365)
BY = {"slot": _l("By place"), "algorithm": _l("By model"), "rule": _l("By rule")}
STEPS = {
    "shown": _l("Shown"), "seen": _l("Seen"), "clicked": _l("Clicked"), "carted": _l("Into a cart"), "bought": _l("Bought"),
}  # fmt: skip


@pages.get("")
@doors.open_to("member", "offers.read")
def index() -> str:
    """The funnel of some days, and its lines by place, model or rule."""
    by = request.args.get("by") if request.args.get("by") in BY else "slot"
    asked = request.args.get("days", "")
    days = int(asked) if asked.isdecimal() and len(asked) < 5 and int(asked) in PERIODS else 30
    currency = tenants.settings().currency
    found = funnel.of_last(days, by=by, currency=currency)
    named = _names(by, [line.key for line in found.lines])
    return render_template(
        "recommend/funnel.html", funnel=found, lines=[_shown(line, named) for line in found.lines], total=found.total, currency=currency, by=by,
        bys=BY, days=days, by_tabs=[{"label": label, "url": url_for(".index", by=key, days=days), "active": key == by} for key, label in BY.items()],
        periods_menu=[{"label": _("Last %(num)s days", num=period), "url": url_for(".index", by=by, days=period)} for period in PERIODS], steps=_steps(found.total), chart=_chart(found.total), most=funnel.MOST_LINES, tab="funnel",
    )  # fmt: skip


def _names(by: str, keys: list[str]) -> dict[str, str]:
    if by == "slot":
        return offer_words.place_names()
    if by == "algorithm":
        return {key: str(name) for key, name in learnt.ALGORITHMS.items()}
    return {str(rule.id): recommend.rule_shown(rule)["sentence"] for rule in rules.some(keys)}


def _shown(line: funnel.Line, names: dict[str, str]) -> dict[str, Any]:
    return {"name": names.get(line.key) or (_("A deleted rule") if len(line.key) == 36 else line.key), "line": line}


def _steps(total: funnel.Line) -> list[dict[str, Any]]:
    """Return each step with its number, its share and how far off that may be."""
    return [
        {"key": step, "label": label, "count": getattr(total, step), "rate": total.rate(step), "interval": total.interval(step)}
        for step, label in STEPS.items()
    ]  # fmt: skip


def _chart(total: funnel.Line) -> dict[str, Any]:
    """Draw the steps; the title says how much of what was seen was clicked and bought."""
    clicked, bought = total.rate("clicked"), total.rate("bought")
    finding = _("Nothing was seen yet")
    if clicked is not None:
        finding = _(
            "%(clicked)s of the offers seen were clicked, %(bought)s bought",
            clicked=formats.percent(clicked), bought=formats.percent(bought or 0),
        )  # fmt: skip
    return {
        "title": finding,
        "data": {
            "x": [str(label) for label in STEPS.values()], "x_name": _("Step"), "y_name": _("Offers"),
            "series": [{"name": _("Offers"), "values": [getattr(total, step) for step in STEPS], "tone": "accent"}],
        },
    }  # fmt: skip
