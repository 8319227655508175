"""The bin: what was deleted in the last 30 days, to bring back or to throw away for good."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from saas.kit import access, clock, doors, errors, work
from saas.kit import pages as paging
from saas.tenancy import audit, bin
from tenant_admin import deeds, frame, settings

pages = Blueprint("bin", __name__)


@pages.get("/bin")
@doors.open_to("member", "operations.read")
def index() -> str:
    """Show what is in the bin, the newest first."""
    return _page()


@pages.post("/bin/<item_id>/restore")
@doors.open_to("member", "operations.read")
def restore(item_id: str) -> Any:
    """Bring something back with all that hung on it; with `without`, although something else has its address or name by now."""
    item = bin.one(item_id, lock=True)
    kind, title = item.kind, item.title
    try:
        record_id = bin.restore(item, without="without" in request.form)
    except bin.PlaceTaken as refusal:
        work.forget()
        return _page(refused={"item": item_id, "title": title, "message": refusal.message, "without": refusal.without,
                              "holder": refusal.holder and deeds.page_of(kind, str(refusal.holder))}), 409  # fmt: skip
    frame.toast(_("%(name)s is back", name=title), undo=url_for("undo.entry", entry_id=audit.latest()))
    return frame.go(deeds.page_of(kind, str(record_id)) or url_for("bin.index"))


@pages.post("/bin/<item_id>/delete")
@doors.open_to("member", "operations.read", fresh=True)
def delete(item_id: str) -> Any:
    """Throw something away for good; the page has told what that means and asked."""
    item = bin.one(item_id, lock=True)
    title = item.title
    try:
        bin.delete_for_good(item)
    except errors.Conflict as refusal:
        frame.toast(_(refusal.message), kind="error")
        return frame.go(url_for("bin.index"))
    frame.toast(_("%(name)s is deleted for good", name=title))
    return frame.go(url_for("bin.index"))


def _page(refused: dict[str, Any] | None = None) -> str:
    page = paging.page(bin.visible(), order=bin.NEWEST, cursor=request.args.get("cursor"))
    now = clock.now()
    rows = [
        {"id": item.id, "name": item.title or "—", "kind": deeds.kind(item.kind), "at": item.deleted_at, "by": item.deleted_by,
         "days": max((item.until - now).days, 0), "erasable": item.kind == "customer" and access.may("customers.delete")}
        for item in page.items
    ]  # fmt: skip
    return render_template(
        "bin/index.html", rows=rows, next=page.next, refused=refused, tabs=settings.tabs("bin.index")
    )
