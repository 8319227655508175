"""Taking something back, from the toast right after it or from the history."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _

from saas.kit import addresses, doors, errors, work
from saas.tenancy import operations, undoing
from saas.tenancy.audit import Told
from tenant_admin import deeds, entrance, frame, history

pages = Blueprint("undo", __name__)


@pages.post("/undo/<entry_id>")
@doors.open_to("member", "operations.read")
def entry(entry_id: str) -> Any:
    """Take an entry back (with `rest`, what can be taken back of it); what stands in the way is shown on the entry's page."""
    told = history.visible(entry_id)
    if told.entry.action == "members.role_changed" and "owner" in (told.before.get("role"), told.after.get("role")):
        entrance.require_fresh()  # as giving or taking that role does
    try:
        made = undoing.undo(entry_id, rest="rest" in request.form)
    except (errors.Conflict, errors.Invalid, errors.NotFound, errors.LimitReached) as refusal:
        work.forget()
        if request.headers.get("HX-Request"):
            return frame.go(url_for("history.show", entry_id=entry_id, tried=1))
        return history.entry_page(told, refusal), refusal.status
    frame.toast(_("Undone"), undo=url_for("undo.entry", entry_id=made) if made else None)
    to = _afterwards(told)
    if request.headers.get("HX-Request") and to is None:  # pressed in a toast: the page it lay on shows itself anew
        came = addresses.split(request.referrer)
        to = (
            f"{came.path}?{came.query}".rstrip("?")
            if came.netloc == request.host and came.path.startswith("/")
            else None
        )
    return frame.go(to or url_for("history.show", entry_id=entry_id))


def _afterwards(told: Told) -> str | None:
    """Return where to go after an undo: to what came back, away from what is gone; None stays."""
    kind, verb = told.entry.record_kind, told.entry.action.partition(".")[2]
    if verb == "deleted":
        return deeds.page_of(kind, told.entry.record_id)
    if verb in ("created", "restored"):
        return url_for("bin.index")
    if told.entry.record_kind == "operation":
        return url_for("operations.show", operation_id=operations.one(told.entry.record_id).id)
    return None
