"""How the use of the plan grew over the last year, and how it will go on."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _

from saas.billing import usage
from saas.kit import clock, doors
from saas.tenancy import limits
from tenant_admin import formats, plan, plan_words, settings

pages = Blueprint("plan_use", __name__)


@pages.get("/plan/use")
@doors.open_to("member", "plan.read")
def show() -> str:
    """Show each meter over twelve months."""
    uses = plan.measure(limits.all_limits())
    past = usage.history(uses)
    return render_template(
        "plan/use.html", charts=[_chart(one, past[one.name]) for one in uses], tabs=settings.tabs("plan.index")
    )


def _chart(one: usage.Use, past: list[int | None]) -> dict[str, Any]:
    full = usage.full_on(one, past)
    line = plan_words.use(one, full)
    series: list[dict[str, Any]] = [{"name": line["name"], "values": past, "tone": "accent"}]
    rest = usage.rest_of_month(one)
    if rest:
        series.append(
            {"name": _("Expected by the end of the month"), "values": [None] * (len(past) - 1) + [rest], "tone": "grey"}
        )
    data = {"x": [formats.month(date.fromisoformat(f"{month}-01")) for month in usage.months(clock.now())], "series": series,
            "x_name": _("Month"), "y_name": line["name"]}  # fmt: skip
    return {"id": one.name, "finding": f"{line['name']}: {line['note']}", "data": data, "kind": "stacked" if rest else "bar",
            "note": plan_words.forecast(one, full)}  # fmt: skip
