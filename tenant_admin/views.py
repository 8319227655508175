"""Saved views on lists: the tabs, what an address and a view show together, and keeping, sharing, ordering and deleting them.

The address of a view is its id; the list then writes out what the view holds, so that everything that is made of the address
(sorting, filters, exports, changes of all that fit) means what is shown. An address that says anything itself is taken as it
is: a filter taken away stays away, and the bar offers to keep that with the view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, request, url_for
from flask_babel import gettext as _

from saas.kit import access, doors, errors, records
from saas.tenancy import saved_views, teams
from tenant_admin import frame

pages = Blueprint("views", __name__)
LISTS = {"customer": "customers.index", "product": "products.index", "order": "orders.index"}
PLAIN = "all"


@dataclass(frozen=True)
class Opened:
    """What a list shows: the saved view that is open, if any, the views the member may open, and what the address says."""

    kind: str
    view: Any | None
    shown: list[Any]
    default: UUID | None
    content: dict[str, list[str]]
    leads_to: str | None = None
    """Where the list really is: the address of a view written out."""

    @property
    def changed(self) -> bool:
        return self.view is not None and self.content != self.view.content


def opened(kind: str) -> Opened:
    """Return what a list shows; raises NoSuchView when the address names a view that is not the member's to see."""
    shown = saved_views.listed(kind)
    wish = request.args.get("view", "")
    mine, company = saved_views.defaults(kind) if shown else (None, None)
    usual = next((view for chosen in (mine, company) if chosen for view in shown if view.id == chosen), None)
    view = next((view for view in shown if str(view.id) == wish), None)
    if view is None and _is_id(wish):
        view = saved_views.one(wish)
        if view.kind != kind:
            raise saved_views.NoSuchView
    if usual is not None and not request.args.keys() - {"lang"}:
        view = usual
    told = {name: request.args.getlist(name) for name in saved_views.NAMES if name in request.args}
    leads_to = None
    if view is not None and not told and (view.content or not wish):
        leads_to = url_for(LISTS[kind], view=view.id, **view.content)
    return Opened(kind, view, shown, usual.id if usual else None, saved_views.cleaned(told), leads_to)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def tabs(open_now: Opened, built_in: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tabs of a list: those it always has, then the saved views the member may open."""
    if open_now.view is not None:
        built_in = [tab | {"active": False} for tab in built_in]
    return built_in + [
        {"label": view.name, "url": url_for(LISTS[open_now.kind], view=view.id), "active": open_now.view is not None and view.id == open_now.view.id}
        for view in open_now.shown
    ]  # fmt: skip


def bar(open_now: Opened) -> dict[str, Any]:
    """Return what the bar under the tabs offers."""
    view = open_now.view
    own = access.current().teams
    mine = [(str(team), name) for team, name in teams.names(own).items()] if own else []
    audiences = [("mine", _("Only I"))]
    if mine:
        audiences.append(("team", _("My team")))
    if access.may("views.share"):
        audiences.append(("everyone", _("Everybody in the company")))
    return {
        "kind": open_now.kind, "content": open_now.content, "changed": open_now.changed, "audiences": audiences, "teams": mine,
        "may_share": access.may("views.share"), "is_default": view is not None and open_now.default == view.id,
        "worth_keeping": bool(open_now.content.keys() - {"q"}), "all_url": url_for(LISTS[open_now.kind], view=PLAIN),
        "view": {"id": view.id, "name": view.name, "audience": view.audience, "team_id": str(view.team_id or ""), "mine": saved_views.may_change(view)} if view else None,
    }  # fmt: skip


@pages.post("/views/<kind>")
@doors.open_to("member", "views.keep")
def create(kind: str) -> Any:
    """Keep what a list shows as a view."""
    access.require(f"{records.kind(kind).room}.read")
    try:
        view = saved_views.create(kind=kind, content=_content(), **_who())
    except errors.Invalid as error:
        return _refused(kind, error)
    frame.toast(_("The view “%(name)s” is kept", name=view.name))
    return frame.go(url_for(LISTS[kind], view=view.id))


@pages.post("/views/<view_id>/change")
@doors.open_to("member", "views.keep")
def change(view_id: str) -> Any:
    """Keep what the list shows now with the view, or its new name and who sees it."""
    view = saved_views.one(view_id)
    try:
        if "name" in request.form:
            saved_views.change(view_id, **_who())
        else:
            saved_views.change(view_id, content=_content())
    except errors.Invalid as error:
        return _refused(view.kind, error, view=view.id)
    frame.toast(_("The view “%(name)s” is kept", name=view.name))
    return frame.go(url_for(LISTS[view.kind], view=view.id))


@pages.post("/views/<view_id>/delete")
@doors.open_to("member", "views.keep")
def delete(view_id: str) -> Any:
    """Delete a view; the page has asked."""
    view = saved_views.delete(view_id)
    frame.toast(_("The view “%(name)s” is deleted", name=view.name))
    return frame.go(url_for(LISTS[view.kind], view=PLAIN))


@pages.post("/views/<view_id>/move")
@doors.open_to("member", "views.keep")
def move(view_id: str) -> Any:
    """Move a view among the tabs."""
    view = saved_views.one(view_id)
    saved_views.move(view_id, by=-1 if request.values.get("by") == "left" else 1)
    return frame.go(url_for(LISTS[view.kind], view=view.id))


@pages.post("/views/<view_id>/default")
@doors.open_to("member", "views.keep")
def default(view_id: str) -> Any:
    """Have the list open with this view, for me or for everybody, or no longer."""
    view, who = saved_views.one(view_id), request.values.get("who", "me")
    try:
        saved_views.open_with(view.kind, None if who == "nobody" else view.id, company=who == "company")
    except errors.Invalid as error:
        return _refused(view.kind, error, view=view.id)
    said = {"me": _("The list opens with “%(name)s” for you", name=view.name), "company": _("The list opens with “%(name)s” for everybody who chose nothing else", name=view.name),
            "nobody": _("The list opens as it is again")}  # fmt: skip
    frame.toast(said.get(who, said["me"]))
    return frame.go(url_for(LISTS[view.kind], view=view.id))


def _who() -> dict[str, str]:
    form = request.form
    return {"name": form.get("name", ""), "audience": form.get("audience", "mine"), "team_id": form.get("team_id", "")}


def _content() -> dict[str, list[str]]:
    return {name: request.form.getlist(f"s.{name}") for name in saved_views.NAMES}


def _refused(kind: str, error: errors.Refusal, **where: Any) -> Any:
    sentence = next(iter(error.fields.values()))[0] if error.fields else error.message
    frame.toast(sentence, kind="error")
    return frame.go(url_for(LISTS[kind], **where))
