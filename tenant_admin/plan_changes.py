"""Changing what is paid: another plan, more or fewer people, a promotion code. First the price to the cent, then the deed.

The moment the price was worked out for travels with the form, so that what was shown is what is charged. A bank that
refuses, or wants to ask its cardholder, leaves everything as it was, and the way on is Stripe's own page.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from saas.billing import accounts, changes, checkouts, gateway, plans, subscriptions
from saas.kit import doors, errors, work
from saas.tenancy import members
from tenant_admin import frame, plan

pages = Blueprint("plan_changes", __name__)
REFUSED = (errors.Unavailable, errors.Conflict, errors.Invalid)


@pages.get("/plan/change/<plan>")
@doors.open_to("member", "plan.edit")
def show(plan: str) -> Any:
    """Show what another plan costs today and from then on."""
    plans.one(plan)
    return _priced("plan/change.html", plan=plan)


@pages.post("/plan/change/<plan>")
@doors.open_to("member", "plan.edit", unit=False, fresh=True)
def make(plan: str) -> Response:
    """Change the plan for the price that was shown."""
    plans.one(plan)
    return _make(url_for("plan_changes.show", plan=plan), plan=plan)


@pages.get("/plan/people")
@doors.open_to("member", "plan.edit")
def people() -> Any:
    """Show how many people are paid for, and what another number costs."""
    wanted = request.args.get("seats", type=int)
    if wanted is not None:
        return _priced("plan/change.html", seats=wanted)
    account, alive = accounts.current(), subscriptions.alive()
    mine = plans.PLANS.get(alive[0].plan) if alive else None
    if mine is None or not mine.seat_amount:
        frame.toast(_("As many people cannot be added to this plan."), kind="error")
        return frame.go(url_for("plan.index"))
    taken, seats = members.count(), account.seats if account else 0
    return render_template("plan/people.html", plan=mine, seats=seats, taken=taken, least=changes.fitting(mine),
                           suggested=max(seats + 1, changes.fitting(mine)))  # fmt: skip


@pages.post("/plan/people")
@doors.open_to("member", "plan.edit", unit=False, fresh=True)
def set_people() -> Response:
    """Pay for so many people more, for the price that was shown."""
    seats = request.form.get("seats", -1, int)
    return _make(url_for("plan_changes.people", seats=seats), seats=seats)


@pages.post("/plan/code")
@doors.open_to("member", "plan.edit", unit=False)
def redeem() -> Response:
    """Use a promotion code."""
    try:
        with work.unit():
            subscriptions.redeem(request.form.get("code", ""))
        frame.toast(_("The code is used; it counts from the next invoice on."))
    except REFUSED as refusal:
        frame.toast(refusal.message, kind="error")
    return frame.go(url_for("plan.index"))


def _priced(template: str, *, plan: str | None = None, seats: int | None = None) -> Any:
    try:
        found = changes.price(plan=plan, seats=seats)
    except REFUSED as refusal:
        work.forget()
        frame.toast(refusal.message, kind="error")
        return frame.go(url_for("plan.index"))
    account = accounts.current()
    return render_template(
        template, plan=found.plan, seats=found.seats, at=int(found.at.timestamp()), due=found.preview.due_amount,
        total=found.preview.total_amount, currency=found.preview.currency, lines=found.preview.lines,
        monthly=found.monthly_amount, renews_at=found.renews_at, card=account.card if account else "",
        credit=account.credit_amount if account else 0, for_people=seats is not None,
        post=url_for("plan_changes.set_people") if seats is not None else url_for("plan_changes.make", plan=plan),
    )  # fmt: skip


def _make(again: str, *, plan: str | None = None, seats: int | None = None) -> Response:
    try:
        at = datetime.fromtimestamp(request.form.get("at", 0, int), UTC)
        with work.unit():
            checkout_id = changes.write_down(plan=plan, seats=seats).id
        with work.unit():
            changes.make(checkout_id, at=at)
    except changes.PriceTooOld as refusal:
        frame.toast(refusal.message, kind="error")
        return frame.go(again)
    except gateway.Declined as refusal:
        frame.toast(refusal.message, kind="error")
        return _to_stripe(checkout_id, plan)
    except REFUSED as refusal:
        frame.toast(refusal.message, kind="error")
        return frame.go(url_for("plan.index"))
    frame.toast(_("Done: it counts from now on."))
    return frame.go(url_for("plan.index"))


def _to_stripe(checkout_id: Any, wanted: str | None) -> Response:
    """Lead on to where another card can be typed or the bank's question answered."""
    locale = plan.stripes_locale()
    ways = [lambda: checkouts.manage(locale=locale)]
    if wanted:
        ways.insert(0, lambda: checkouts.open_page(checkout_id, locale=locale))
    for way in ways:  # Stripe's page for a change takes no plan with people added to it; its first page takes all
        try:
            with work.unit():
                return frame.go(way())
        except REFUSED:
            continue
    return frame.go(url_for("plan.index"))
