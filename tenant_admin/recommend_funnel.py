"""How far offers come, and what they bring: shown, seen, clicked, into a cart, bought, by place, model, its version or rule."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.kit import doors, money
from saas.recommend import funnel, rules
from saas.tenancy import tenants
from tenant_admin import figures, formats, learnt, offer_words, recommend

pages = Blueprint("recommend_funnel", __name__, url_prefix="/recommendations/funnel")

PERIODS = (7, 30, 90, 365)
BY = {"slot": _l("By place"), "algorithm": _l("By model"), "version": _l("By version"), "rule": _l("By rule")}
STEPS = {
    "shown": _l("Shown"), "seen": _l("Seen"), "clicked": _l("Clicked"), "carted": _l("Into a cart"), "bought": _l("Bought"),
}  # fmt: skip
ANSWERS = {"accepted": _l("Accepted"), "declined": _l("Declined")}
AGAINST = {
    "more": ("good", _l("More clicks than the version before")), "fewer": ("warning", _l("Fewer clicks than the version before")),
    "open": ("grey", _l("No clear difference")),
}  # fmt: skip


@pages.get("")
@doors.open_to("member", "offers.read")
def index() -> str:
    """The funnel of some days, and its lines by place, model, version or rule."""
    by, days, currency = *_asked(), tenants.settings().currency
    found = funnel.of_last(days, by=by, currency=currency)
    named, model = _names(by, [line.key for line in found.lines]), ""
    lines = found.lines
    if by == "version":
        models = list(dict.fromkeys(line.algorithm for line in lines))
        model = request.args.get("model") if request.args.get("model") in models else next(iter(models), "")
        lines = [line for line in lines if line.algorithm == model]
    return render_template(
        "recommend/funnel.html", funnel=found, lines=[_shown(line, named) for line in lines], total=found.total, currency=currency, by=by,
        bys=BY, days=days, by_tabs=[{"label": label, "url": url_for(".index", by=key, days=days), "active": key == by} for key, label in BY.items()],
        periods_menu=[{"label": _("Last %(num)s days", num=period), "url": url_for(".index", by=by, days=period)} for period in PERIODS], steps=_steps(found.total, STEPS), chart=_chart(found.total), most=funnel.MOST_LINES, tab="funnel",
        answers=_steps(found.total, ANSWERS), over_time=_over_time(days, model) if model else None, against=AGAINST,
        models_menu=[{"label": learnt.ALGORITHMS.get(one, one), "url": url_for(".index", by=by, days=days, model=one)} for one in models] if by == "version" else [],
        model_name=learnt.ALGORITHMS.get(model, model), file=url_for(".download", by=by, days=days),
    )  # fmt: skip


@pages.get("/csv")
@doors.open_to("member", "offers.read")
def download() -> Response:
    """Give the lines as a file, each share with how far off it may be."""
    by, days = _asked()
    currency = tenants.settings().currency
    found = funnel.of_last(days, by=by, currency=currency)
    named = _names(by, [line.key for line in found.lines])
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow([str(BY[by]), *_headings(currency)])
    for name, line in [
        *((_shown(line, named)["name"], line) for line in found.lines),
        (_("All together"), found.total),
    ]:
        writer.writerow([figures.plain(cell) for cell in (name, *_cells(line, currency))])
    # the mark at the start makes spreadsheets read it as UTF-8
    return Response(
        "\ufeff" + page.getvalue(), mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="offers-{by}.csv"'},
    )  # fmt: skip


def _asked() -> tuple[str, int]:
    """Read what makes a line, and of how many last days."""
    by = request.args.get("by") if request.args.get("by") in BY else "slot"
    asked = request.args.get("days", "")
    return by, int(asked) if asked.isdecimal() and len(asked) < 5 and int(asked) in PERIODS else 30


def _headings(currency: str) -> list[str]:
    named = []
    for step, label in (STEPS | ANSWERS).items():
        named.append(str(label))
        if step != "shown":
            named += [
                _("%(step)s, share", step=label),
                _("%(step)s, at least", step=label),
                _("%(step)s, at most", step=label),
            ]
    return [*named, _("Sales (%(currency)s)", currency=currency)]


def _cells(line: funnel.Line, currency: str) -> list[Any]:
    told: list[Any] = []
    for step in STEPS | ANSWERS:
        told.append(getattr(line, step))
        if step != "shown":
            ends = line.interval(step)
            told += [round(share, 5) for share in (line.rate(step), *ends)] if ends else ["", "", ""]
    return [*told, "" if line.revenue is None else money.amount_text(line.revenue, currency)]


def _names(by: str, keys: list[str]) -> dict[str, str]:
    if by == "slot":
        return offer_words.place_names()
    if by == "version":
        return {}
    if by == "algorithm":
        return {key: str(name) for key, name in learnt.ALGORITHMS.items()}
    return {str(rule.id): recommend.rule_shown(rule)["sentence"] for rule in rules.some(keys)}


def _shown(line: funnel.Line, names: dict[str, str]) -> dict[str, Any]:
    if line.algorithm:
        model = learnt.ALGORITHMS.get(line.algorithm, line.algorithm)
        return {"name": f"{model}, {formats.when(line.began_at)}" if line.began_at else str(model), "line": line}
    return {"name": names.get(line.key) or (_("A deleted rule") if len(line.key) == 36 else line.key), "line": line}


def _steps(total: funnel.Line, named: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each step with its number, its share and how far off that may be."""
    return [
        {"key": step, "label": label, "count": getattr(total, step), "rate": total.rate(step), "interval": total.interval(step)}
        for step, label in named.items()
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


def _over_time(days: int, model: str) -> dict[str, Any] | None:
    """Draw how much of a model's offers was clicked day by day, with a line where a version began."""
    told = funnel.day_by_day(days, model)
    if len(told) < 2 or not any(day.seen for day in told):
        return None
    return {
        "title": _("Of the offers seen, so many were clicked"),
        "data": {
            "x": [day.day.isoformat() for day in told], "x_name": _("Day"), "y_name": str(STEPS["clicked"]),
            "series": [{
                "name": _("Clicked"), "values": [None if day.rate() is None else round(day.rate(), 4) for day in told],
                "interval": [None if day.interval() is None else [round(end, 4) for end in day.interval()] for day in told],
            }],
            "turns": [{"x": day.day.isoformat(), "name": _("New version")} for day in told if day.began],
        },
    }  # fmt: skip
