"""The company's consent that the platform's staff may come in: giving it for a while, taking it back, and who used it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request, url_for
from flask_babel import gettext as _

from saas.kit import clock, doors, errors
from saas.tenancy import support
from tenant_admin import frame
from tenant_admin.settings import render

pages = Blueprint("support", __name__)


@pages.get("/settings/support")
@doors.open_to("member", "settings.read")
def index() -> Any:
    """Show whether support may come in, and the consents of before."""
    return _page()


@pages.post("/settings/support")
@doors.open_to("member", "support.edit", fresh=True)
def grant() -> Any:
    """Let support in for a while."""
    form = request.form
    try:
        support.grant(length=form.get("length", ""), may_edit=bool(form.get("may_edit")), reason=form.get("reason", ""))
    except errors.Refusal as refusal:
        return _page(refusal)
    frame.toast(_("Support may come in now. You can take it back at any moment."))
    return frame.go(url_for("support.index"))


@pages.post("/settings/support/withdraw")
@doors.open_to("member", "support.edit")
def withdraw() -> Response:
    """Turn support out at once."""
    support.withdraw_all()
    frame.toast(_("Support is out, and does not come in again."))
    return frame.go(url_for("support.index"))


def _page(refusal: errors.Refusal | None = None) -> Any:
    held = support.active()
    return render(
        "support", refusal, held=held, inside=support.inside(held.id) if held else [], grants=support.listed(),
        now=clock.now(), may_edit=g.member.access.may("support.edit"),
        lengths=[("hour", _("one hour")), ("day", _("one day")), ("week", _("seven days"))],
    )  # fmt: skip
