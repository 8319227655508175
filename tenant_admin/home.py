"""Home: what happened lately, what waits for somebody, and the first steps while some are left."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext as _

from saas.insights import overview
from saas.kit import access, clock, doors
from tenant_admin import first_steps, formats, frame, needs
from tenant_admin.first_steps import address
from tenant_admin.markup import here

PERIODS = (7, 30, 90)
ALIKE = 0.03
"""A change smaller than this is none worth telling."""
pages = Blueprint("home", __name__)


@pages.get("/")
@doors.open_to("member")
def index() -> Any:
    """Show the last days, or the way to the first ones; whoever may not see figures begins in a room that is theirs."""
    if not access.may("reports.read") or access.hidden("order"):
        return frame.go(
            next((room.url for room in frame.rooms() if room.url != url_for("home.index")), url_for("account.show"))
        )
    standing = overview.standing()
    steps = first_steps.listed(standing)
    waiting = [step for step in steps if not step["done"]]
    common = {"company": g.member.company, "steps": steps if waiting else [], "left": len(waiting)}
    if not standing["orders"]:
        return render_template("home/begin.html", **common)
    found = overview.of_last(_period(), zone=g.member.zone, currency=g.member.currency)
    return render_template(
        "home/index.html", greeting=greeting(), tiles=tiles(found), chart=by_day(found), finding=finding(found), best=best_day(found),
        periods=[{"label": _days(days), "url": here(days=days), "active": days == len(found.days)} for days in PERIODS],
        needs=needs.listed(standing, g.viewer.rights), orders=[_order(*row) for row in overview.newest_orders()],
        customers=[_customer(*row) for row in overview.newest_customers()], **common,
    )  # fmt: skip


def greeting() -> str:
    """Return a greeting that fits the hour where the company is."""
    hour, name = (
        clock.now().astimezone(ZoneInfo(g.viewer.zone or g.member.zone)).hour,
        g.viewer.name.split("@")[0].split(" ")[0].capitalize(),
    )
    if 5 <= hour < 12:
        return _("Good morning, %(name)s", name=name)
    return _("Good afternoon, %(name)s", name=name) if 12 <= hour < 18 else _("Good evening, %(name)s", name=name)


def tiles(found: overview.Days) -> list[dict[str, Any]]:
    """Return the figures of the period with how they changed, each leading to its rows."""
    since, days = found.days[0].isoformat(), len(found.days)
    orders = url_for("orders.index", since=since)
    shown = [
        _tile(found, "revenue", _("Revenue"), orders, hint=_("What customers paid, shipping included, refunds taken off")),
        _tile(found, "orders", _("Orders"), orders),
        _tile(found, "new_customers", _("New customers"), url_for("customers.index", where=f"first_order_at.after.{since}"), hint=_("Bought for the first time")),
        _tile(found, "visits", _("Visits"), url_for("customers.index", where=f"last_visit_at.after.{since}"), hint=_("Of shoppers who agreed to be counted, known or not; the list shows those who are known")),
    ]  # fmt: skip
    extra = (
        ("after_offers", _("After offers"), address("recommend.index", days=days), _("Of things bought within seven days of being offered and seen")),
        ("after_mails", _("After mails"), address("campaigns.index"), _("Of orders that followed a click within seven days or an opening within three")),
    )  # fmt: skip
    return shown + [
        _tile(found, name, label, url, hint=hint)
        for name, label, url, hint in extra
        if found.total(name) or found.before[name]
    ]


def _tile(found: overview.Days, figure: str, label: str, url: str | None, hint: str | None = None) -> dict[str, Any]:
    total, before = found.total(figure), found.before[figure]
    value = (
        formats.number(total)
        if figure in ("orders", "new_customers", "visits")
        else formats.money(total, g.member.currency, whole=True)
    )
    change = (total - before) / before if before > 0 else None
    same = change is None or abs(change) < 0.0005
    return {
        "label": label, "value": value, "url": url, "hint": hint, "values": weekly(found.values[figure]),
        "delta": None if change is None else signed(change), "good": None if same else change > 0,
        "note": _("on the %(days)s days before", days=len(found.days)) if change is not None else _("nothing in the days before"),
    }  # fmt: skip


def weekly(values: list[int]) -> list[int]:
    """Return values for a small line: of a long period, weeks, for days would only flicker."""
    if len(values) <= 30:
        return values
    return [sum(values[at : at + 7]) for at in range(len(values) % 7, len(values), 7)]


def signed(share: float) -> str:
    """Write a change with its sign (+12%, −3%)."""
    return f"{'+' if share >= 0 else '−'}{formats.percent(abs(share), 0 if abs(share) >= 0.1 else 1)}"


def by_day(found: overview.Days) -> dict[str, Any]:
    """Return the chart of revenue by day; each point opens the day's orders."""
    days = [day.isoformat() for day in found.days]
    return {
        "x": days, "x_name": _("Day"), "y_name": _("Revenue"), "series": [{"name": _("Revenue"), "values": found.values["revenue"]}],
        "links": [url_for("orders.index", since=day, until=day) for day in days],
    }  # fmt: skip


def finding(found: overview.Days) -> str:
    """Say in a sentence what the chart of revenue shows."""
    total, before, days = found.total("revenue"), found.before["revenue"], len(found.days)
    if not total:
        return _("No revenue in the last %(days)s days", days=days)
    if before <= 0:
        return _(
            "Revenue came to %(amount)s in the last %(days)s days",
            amount=formats.money(total, g.member.currency, whole=True),
            days=days,
        )
    change = total / before - 1
    if abs(change) < ALIKE:
        return _("Revenue is as high as in the %(days)s days before", days=days)
    share = formats.percent(abs(change), 0)
    if change > 0:
        return _("Revenue grew by %(share)s against the %(days)s days before", share=share, days=days)
    return _("Revenue fell by %(share)s against the %(days)s days before", share=share, days=days)


def best_day(found: overview.Days) -> dict[str, Any] | None:
    """Return the day with the highest revenue, or None when there was none."""
    amount, day = max(zip(found.values["revenue"], found.days, strict=True))
    return {"day": day, "amount": amount} if amount > 0 else None


def _period() -> int:
    wanted = request.args.get("days", 30, int)
    return wanted if wanted in PERIODS else 30


def _days(days: int) -> str:
    return _("Last %(days)s days", days=days)


def _order(order: Any, customer: Any, first: bool) -> dict[str, Any]:
    return {
        "id": order.id, "number": order.number, "at": order.placed_at, "status": order.status, "total": order.total_amount,
        "currency": order.currency, "buyer": customer.name if customer else None, "first": first,
    }  # fmt: skip


def _customer(customer: Any, known: Any) -> dict[str, Any]:
    return {
        "id": customer.id, "name": customer.name, "city": customer.city, "at": known.first_order_at, "orders": known.orders_count,
        "spent": known.spent_amount - known.refunded_amount, "currency": known.currency or g.member.currency,
    }  # fmt: skip
