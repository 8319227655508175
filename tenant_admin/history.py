"""The history of a company, or of one record: who did what, before and after, and taking it back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from saas.kit import access, doors, errors, work
from saas.kit import pages as paging
from saas.tenancy import audit, bin, history_export, seeing, undoing
from saas.tenancy.audit import Told
from tenant_admin import deeds, frame, settings

pages = Blueprint("history", __name__)
LIMIT = 50
WANTED = ("who", "action", "kind", "record", "since", "until", "batch")


@pages.get("/history")
@doors.open_to("member", "operations.read")
def index() -> str:
    """Show what was done, the newest first: in the whole company, or with one record."""
    asked = {name: request.args.get(name, "") for name in WANTED}
    seeing.require_listed(kind=asked["kind"], record_id=asked["record"])
    page = paging.page(
        audit.listed(**history_export.wanted(asked)), order=audit.NEWEST, cursor=request.args.get("cursor"), limit=LIMIT
    )
    whole = access.may("audit.read") and not access.current().limited
    alone = bool(asked["record"])
    return render_template(
        "history/index.html", rows=[_line(Told(*row)) for row in page.items], next=page.next, asked=asked, tabs=settings.tabs("history.index"),
        whole=whole, about=_about(asked), people=_people() if whole and not alone else [],
        actions=[(name, deeds.action(name)) for name in audit.actions_used()] if whole and not alone else [],
    )  # fmt: skip


@pages.get("/history/<entry_id>")
@doors.open_to("member", "operations.read")
def show(entry_id: str) -> Any:
    """Show one entry with what changed; `tried` tells why its undo, asked for elsewhere, was refused."""
    told = visible(entry_id)
    refusal = _tried(told) if request.args.get("tried") else None
    return entry_page(told, refusal)


@pages.post("/history/export")
@doors.open_to("member", "audit.read")
def export() -> Response:
    """Have the history written into a file, as it is filtered."""
    asked = {name: request.form.get(name, "") for name in WANTED}
    seeing.require_listed(kind=asked["kind"], record_id=asked["record"])
    operation = history_export.start(asked={name: value for name, value in asked.items() if value})
    return frame.go(url_for("operations.show", operation_id=operation.id))


def visible(entry_id: str) -> Told:
    """Return an entry that this member may see; one of a record they do not see is missing to them."""
    return seeing.one(entry_id)


def _about(asked: dict[str, str]) -> dict[str, Any] | None:
    """Return what the history is of, when it is of one record or batch."""
    if asked["record"]:
        return {"label": deeds.kind(asked["kind"]), "url": deeds.page_of(asked["kind"], asked["record"])}
    return {"label": _("Changed together"), "url": None} if asked["batch"] else None


def _people() -> list[tuple[str, str]]:
    return [(actor_id, name or str(deeds.ACTORS.get(kind, kind))) for kind, actor_id, name in audit.actors_used()]


def _line(told: Told) -> dict[str, Any]:
    """Return an entry as a line of the list."""
    entry = told.entry
    return {
        "id": entry.id, "at": entry.acted_at, "action": deeds.action(entry.action), "title": _title(told), "who": deeds.who(told),
        "changes": deeds.differences(told)[:3], "undone": told.undo is not None, "undoes": entry.undoes is not None, "erased": told.erased,
        "may_undo": undoing.possible(told), "undo": url_for("undo.entry", entry_id=entry.id), "url": url_for("history.show", entry_id=entry.id),
    }  # fmt: skip


def _title(told: Told) -> str:
    return "" if access.hidden(told.entry.record_kind) else deeds.title(told)


def entry_page(told: Told, refusal: errors.Refusal | None) -> str:
    """Return the page of one entry, with why its undo was refused."""
    entry = told.entry
    shown = _line(told) | {
        "kind": entry.record_kind, "record": entry.record_id, "page": deeds.page_of(entry.record_kind, entry.record_id),
        "changes": deeds.differences(told), "batch": entry.batch, "detail": entry.detail, "request": entry.request_id,
        "undone_by": told.undo and {"name": told.undo.actor_name, "at": told.undo.undone_at, "partly": told.undo.partly},
        "took_back": entry.undoes and url_for("history.show", entry_id=entry.undoes),
    }  # fmt: skip
    return render_template("history/show.html", entry=shown, refusal=refusal and _refused(refusal))


def _refused(refusal: errors.Refusal) -> dict[str, Any]:
    """Return why an undo was refused: the fields in the way with who changed them, and what can be done instead."""
    shown: dict[str, Any] = {"message": _(refusal.message), "obstacles": [], "rest": False, "holder": None}
    if isinstance(refusal, undoing.InTheWay):
        shown["obstacles"] = [
            {"field": one.label, "now": deeds.value("customer", one.field, one.now), "who": one.who, "at": one.at} for one in refusal.obstacles
        ]  # fmt: skip
        shown["rest"] = refusal.rest
    if isinstance(refusal, bin.PlaceTaken):
        shown["holder"] = refusal.holder and deeds.page_of("customer", str(refusal.holder))
        shown["bin"] = url_for("bin.index")
    return shown


def _tried(told: Told) -> errors.Refusal | None:
    """Try the undo and forget it again, to tell why it is refused."""
    try:
        undoing.undo(told.entry.id)
    except errors.Refusal as refusal:
        return refusal
    finally:
        work.forget()
    return None
