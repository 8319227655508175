"""Home: the first steps of a company, marked done from what is really there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, g, render_template, url_for
from flask_babel import gettext as _

from saas.commerce import shops
from saas.customers import facts, profiles
from saas.kit import doors
from tenant_admin import entrance

pages = Blueprint("home", __name__)


@pages.get("/")
@doors.open_to("member", "reports.read")
def index() -> str:
    """Show what to do first."""
    return render_template("home/index.html", company=g.member.company, steps=first_steps())


def first_steps() -> list[dict[str, Any]]:
    """Return the steps from signing up to the first campaign: each done, or now (the first that is not), or later."""
    steps = [
        {
            "title": _("Confirm your e-mail address"), "label": _("Send the link again"),
            "text": _("Open the link we sent you. Then you can invite colleagues and send campaigns."),
            "done": entrance.signed_in().verified, "post": url_for("signing.verify_again"),
        },
        {
            "title": _("Connect your shop"), "label": _("Connect a shop"),
            "text": _("Its customers, orders and products come in by themselves, and stay up to date."),
            "done": shops.count() > 0, "url": _url("shops.index"),
        },
        {
            "title": _("See your customers"), "label": _("Go to the customers"),
            "text": _("They arrive with the shop’s orders; you can also bring a list of your own."),
            "done": profiles.count() > 0, "url": _url("customers.index"),
        },
        {
            "title": _("Send your first campaign"), "label": _("Make a campaign"),
            "text": _("A mail with offers chosen for each person, and the money it brought."),
            "done": facts.anybody_mailed(), "url": _url("campaigns.index"),
        },
    ]  # fmt: skip
    now = next((step for step in steps if not step["done"]), None)
    return [step | {"state": "done" if step["done"] else "now" if step is now else "later"} for step in steps]


def _url(endpoint: str) -> str | None:
    return url_for(endpoint) if endpoint in current_app.view_functions else None
