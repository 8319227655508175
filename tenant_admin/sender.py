"""Who the company's mails come from: name and address, the key that signs them, and what its domain says in DNS."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, url_for
from flask_babel import gettext as _

from saas.kit import doors, errors, rates, work
from saas.tenancy import sending_domain, settings, tenants
from tenant_admin import frame
from tenant_admin.settings import render, typed

pages = Blueprint("sender", __name__)


@pages.get("/settings/sender")
@doors.open_to("member", "settings.read")
def index() -> Any:
    """Show the sender and what its domain needs."""
    return _page()


@pages.post("/settings/sender")
@doors.open_to("member", "settings.edit")
def change() -> Any:
    """Change the sender."""
    values = typed(settings.SENDER)
    try:
        settings.change_sender(**values)
    except errors.Refusal as refusal:
        return _page(refusal, values)
    frame.toast(_("Saved."))
    return frame.go(url_for("sender.index"))


@pages.post("/settings/sender/key")
@doors.open_to("member", "settings.edit")
def make_key() -> Any:
    """Make a key that signs the company's mails, in place of the one before."""
    try:
        sending_domain.make_key()
    except errors.Refusal as refusal:
        return _page(refusal)
    frame.toast(_("The key is made. Add the entries below to your domain."))
    return frame.go(url_for("sender.index"))


@pages.post("/settings/sender/check")
@doors.open_to("member", "settings.edit", unit=False)
def check() -> Response | tuple[str, int]:
    """Ask DNS whether the entries are there; no transaction is open meanwhile."""
    rates.require(f"dns:{g.member.id}", "20/minute")
    with work.unit():
        wanted = sending_domain.entries()
    found = sending_domain.look_up(wanted)
    with work.unit():
        sending_domain.note_checked(found)
        return _page(found=found)


def _page(
    refusal: errors.Refusal | None = None, values: dict[str, Any] | None = None, found: dict[str, str] | None = None
) -> Any:
    held = tenants.settings()
    return render(
        "sender", refusal, values=values or {name: getattr(held, name) for name in settings.SENDER},
        company=tenants.current().name, own_address=sending_domain.own_address(), entries=sending_domain.entries(),
        domain=held.dkim_domain, verified_at=held.dkim_verified_at, found=found or {},
        test_mode=sending_domain.test_mode(),
    )  # fmt: skip
