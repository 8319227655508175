"""Whose customer it is and with whom they are shared, at the page."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import g, render_template, request, url_for
from flask_babel import gettext as _

from saas.customers import owners, profiles
from saas.kit import access, doors, errors
from saas.tenancy import teams
from tenant_admin import frame, people


@doors.open_to("member", "customers.read")
def show(customer_id: str):
    """Answer whose the customer is and with whom they are shared; asked for by the page once it stands."""
    customer = profiles.one(customer_id)
    access.require_readable("customer", ["owner_id"])
    may_change = access.may("customers.edit") and "owner_id" not in access.locked("customer")
    owner = {
        "id": customer.owner_id or "", "name": people.name_of(customer.owner_id), "may_change": may_change,
        "shares": owners.shares(customer.id), "people": people.choices(nobody=_("Nobody")) if may_change else [],
        "circles": [(f"team:{team['id']}", team["name"]) for team in teams.tree()] if may_change else [],
    }  # fmt: skip
    return render_template("customers/owner.html", owner=owner, customer={"id": customer.id, "name": customer.name})


@doors.open_to("member", "customers.edit")
def hand_over(customer_id: str):
    """Make somebody else the owner; who does not see the customer any more goes back to the list."""
    customer = profiles.one(customer_id, lock=True)
    name = customer.name
    try:
        owners.hand_over(customer, to=request.form.get("owner_id") or None)
    except errors.Invalid as refusal:
        frame.toast(next(iter(refusal.fields.values()))[0], kind="error")
        return frame.go(url_for("customers.show", customer_id=customer_id))
    frame.toast(_("%(name)s is handed over", name=name))
    try:
        profiles.one(customer_id)
    except profiles.NoSuchCustomer:
        return frame.go(url_for("customers.index"))
    return frame.go(url_for("customers.show", customer_id=customer_id))


@doors.open_to("member", "customers.edit")
def share(customer_id: str):
    """Show the customer to a colleague or a team."""
    customer = profiles.one(customer_id)
    wanted = request.form.get("with", "")
    team = wanted.removeprefix("team:") if wanted.startswith("team:") else None
    try:
        owners.share(customer, team_id=team, member_id=None if team else wanted, expires_at=_until())
    except errors.Invalid as refusal:
        frame.toast(next(iter(refusal.fields.values()))[0] if refusal.fields else refusal.message, kind="error")
    else:
        frame.toast(_("Shared"))
    return frame.go(url_for("customers.show", customer_id=customer_id))


@doors.open_to("member", "customers.edit")
def unshare(customer_id: str, share_id: str):
    """Stop showing the customer to somebody."""
    owners.unshare(profiles.one(customer_id), share_id=share_id)
    frame.toast(_("Not shared any more"))
    return frame.go(url_for("customers.show", customer_id=customer_id))


def _until() -> datetime | None:
    """Return the end of the last day it is to be shared, as the company's clocks have it."""
    try:
        day = datetime.fromisoformat(request.form.get("until", "")).date()
    except ValueError:
        return None
    return datetime.combine(day, time(), ZoneInfo(g.member.zone)) + timedelta(days=1)
