"""Closing the company, and opening it again: an owner's matter, with thirty days to think about it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from saas.billing import closing
from saas.customers import profiles
from saas.kit import doors, errors, work
from saas.tenancy import tenants
from tenant_admin import frame, plan_words, settings

pages = Blueprint("closing", __name__)


@pages.get("/settings/close")
@doors.open_to("member", "plan.edit")
def show() -> Any:
    """Show what closing means, or how long the company can still be opened again."""
    return _page()


@pages.post("/settings/close")
@doors.open_to("member", "plan.edit", fresh=True)
def close() -> Any:
    """Close the company, whose name was typed."""
    try:
        closing.close(name=request.form.get("name", ""))
    except errors.Invalid as refusal:
        work.forget()
        return _page(refusal), refusal.status
    return frame.go(url_for("closing.show"))


@pages.post("/settings/reopen")
@doors.open_to("member", "plan.edit")
def reopen() -> Response:
    """Open the company again."""
    try:
        closing.reopen()
        frame.toast(_("The company is open again. Nothing was lost."))
    except errors.Conflict as refusal:
        frame.toast(refusal.message, kind="error")
    return frame.go(url_for("closing.show"))


def _page(refusal: errors.Refusal | None = None) -> str:
    held = closing.current()
    return render_template(
        "settings/close.html", tabs=settings.tabs("settings.index"), company=tenants.current().name,
        errors=refusal.fields if refusal else {}, customers=profiles.count(), days=closing.THINKING_TIME.days,
        held=held and {"by": held.closed_by, "at": held.closed_at, "erase_at": held.erase_at,
                       "left": plan_words.days_left(held.erase_at)},
    )  # fmt: skip
