"""The first steps of a company, marked done from what is really there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _

from tenant_admin import entrance


def listed(standing: Mapping[str, Any]) -> list[dict[str, Any]]:
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
            "done": standing["shops"] > 0 or standing["orders"], "url": address("shops.new"),
        },
        {
            "title": _("See the first orders"), "label": _("Look at the shop"),
            "text": _("They bring the customers with them. A shop’s past can be fetched too."),
            "done": standing["orders"], "url": address("shops.index"),
        },
        {
            "title": _("Send your first campaign"), "label": _("Make a campaign"),
            "text": _("A mail with offers chosen for each person, and the money it brought."),
            "done": standing["mailings"], "url": address("campaigns.index"),
        },
    ]  # fmt: skip
    now = next((step for step in steps if not step["done"]), None)
    return [step | {"state": "done" if step["done"] else "now" if step is now else "later"} for step in steps]


def address(endpoint: str, **values: Any) -> str | None:
    """Return where a page is, or None while there is no such page."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None
