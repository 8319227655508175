"""Saved views of lists: mine, my team's, everybody's; which of them a list opens with, for a person and for the company.

`content` is what the list's address holds under a few known names (filters, columns, sort, words to search for), so that a
view can do what an address can, and an address with the view's id can be sent to a colleague.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete as remove
from sqlalchemy import func, or_, select

from saas.kit import access, clock, errors, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit
from saas.tenancy.models import DefaultView, SavedView

KINDS = ("customer", "product", "order")
AUDIENCES = ("mine", "team", "everyone")
NAMES = ("where", "columns", "sort", "q", "show", "status", "since", "until")
MOST, MOST_VALUES, LONGEST = 100, 30, 400


class NoSuchView(errors.NotFound):
    """There is no such view, or it is somebody else's."""


class BadView(errors.Invalid):
    """A field of the view is out of range."""


class NotYours(errors.Forbidden):
    """Only who made a view, or who may share with everybody, changes it."""


def me() -> UUID | None:
    """Return the acting member's id; None for a program, which is nobody: what it keeps, everybody sees.

    The platform's support sees what everybody sees: no view is theirs, and they can make none. Raises NoSuchView for others.
    """
    actor = scope.actor()
    if actor.kind == "key":
        return None
    if actor.kind not in ("member", "support"):
        raise NoSuchView
    return UUID(actor.id)


def _visible() -> Any:
    teams = access.current().teams
    shared = SavedView.audience == "everyone"
    if teams:
        shared = or_(shared, (SavedView.audience == "team") & SavedView.team_id.in_(teams))
    return or_(shared, SavedView.member_id == me())


def listed(kind: str) -> list[SavedView]:
    """Return the views of a list that the acting member may open, in their order."""
    query = select(SavedView).where(SavedView.kind == kind, _visible()).order_by(SavedView.place, SavedView.id)
    return list(db.session.scalars(query.limit(MOST)))


def one(view_id: UUID | str, *, lock: bool = False) -> SavedView:
    """Return a view that the acting member may open; raises NoSuchView."""
    view = kit_db.one(SavedView, view_id, NoSuchView, lock=lock)
    if (
        view.member_id != me()
        and view.audience != "everyone"
        and not (view.audience == "team" and view.team_id in access.current().teams)
    ):
        raise NoSuchView
    return view


def may_change(view: SavedView) -> bool:
    """Tell whether the acting member may change a view: their own, or with the right to share, one that is shared."""
    return view.member_id == me() or (view.audience != "mine" and access.may("views.share"))


def create(
    *, kind: str, name: str, content: Mapping[str, Sequence[str]], audience: str = "mine", team_id: str = ""
) -> SavedView:
    """Keep a view; raises BadView or MayNot."""
    if kind not in KINDS:
        raise BadView(fields={"kind": [_("Choose one of the values.")]})
    count = (
        db.session.scalar(
            select(func.count()).select_from(SavedView).where(SavedView.kind == kind, SavedView.member_id == me())
        )
        or 0
    )
    if count >= MOST:
        raise BadView(_("You have %(most)s views of this list. Delete one first.", most=MOST))
    last = db.session.scalar(select(func.max(SavedView.place)).where(SavedView.kind == kind))
    view = SavedView(
        kind=kind, member_id=me(), name=_name(name), content=cleaned(content), place=0 if last is None else last + 1
    )
    _share(view, audience, team_id)
    db.session.add(view)
    db.session.flush()
    audit.record(action="views.created", kind="view", record_id=view.id, after=_plain(view))
    return view


def change(
    view_id: UUID | str, *, name: str | None = None, content: Mapping[str, Sequence[str]] | None = None, audience: str | None = None,
    team_id: str = "",
) -> SavedView:  # fmt: skip
    """Change a view's name, what it shows or who sees it; raises NoSuchView, NotYours, BadView or MayNot."""
    view = _mine(view_id)
    before = _plain(view)
    if name is not None:
        view.name = _name(name)
    if content is not None:
        view.content = cleaned(content)
    if audience is not None and (audience != view.audience or audience == "team"):
        _share(view, audience, team_id)
    view.updated_at = clock.now()
    db.session.flush()
    audit.record(action="views.edited", kind="view", record_id=view.id, before=before, after=_plain(view))
    return view


def delete(view_id: UUID | str) -> SavedView:
    """Delete a view; lists that opened with it open as they are. Raises NoSuchView or NotYours."""
    view = _mine(view_id)
    audit.record(action="views.deleted", kind="view", record_id=view.id, before=_plain(view))
    db.session.delete(view)
    db.session.flush()
    return view


def move(view_id: UUID | str, *, by: int) -> None:
    """Move a view among those one sees, one place to the left (-1) or to the right (1); raises NoSuchView or NotYours."""
    view = one(view_id)
    at = next(place for place, other in enumerate(listed(view.kind)) if other.id == view.id)
    put(view_id, place=at + by)


def put(view_id: UUID | str, *, place: int) -> None:
    """Put a view at a place among those one sees, counted from 0; raises NoSuchView or NotYours."""
    view = _mine(view_id)
    shown = [other for other in listed(view.kind) if other.id != view.id]
    shown.insert(max(0, min(len(shown), place)), view)
    for at, other in enumerate(shown):
        other.place = at
    db.session.flush()


def default(kind: str) -> SavedView | None:
    """Return the view that a list opens with for the acting member: their own choice, else the company's; None for neither."""
    query = (
        select(SavedView)
        .join(DefaultView, (DefaultView.tenant_id == SavedView.tenant_id) & (DefaultView.view_id == SavedView.id))
        .where(
            DefaultView.kind == kind, or_(DefaultView.member_id == me(), DefaultView.member_id.is_(None)), _visible()
        )
        .order_by(DefaultView.member_id.is_(None))
        .limit(1)
    )
    return db.session.scalars(query).one_or_none()


def defaults(kind: str) -> tuple[UUID | None, UUID | None]:
    """Return the ids of the views this member and the company have a list open with."""
    query = select(DefaultView.member_id, DefaultView.view_id).where(
        DefaultView.kind == kind, or_(DefaultView.member_id == me(), DefaultView.member_id.is_(None))
    )
    held = dict(db.session.execute(query).all())
    return held.get(me()), held.get(None)


def open_with(kind: str, view_id: UUID | str | None, *, company: bool = False) -> None:
    """Have a list open with a view (None: as it is), for the acting member or for the company.

    Raises NoSuchView, MayNot, or BadView when the company would open with what not everybody sees.
    """
    if company:
        access.require("views.share")
    whose = None if company else me()
    same = DefaultView.member_id.is_(None) if whose is None else DefaultView.member_id == whose
    db.session.execute(remove(DefaultView).where(DefaultView.kind == kind, same))
    if view_id is None:
        return
    view = one(view_id)
    if view.kind != kind:
        raise NoSuchView
    if company and view.audience != "everyone":
        raise BadView(_("Share the view with everybody first."))
    db.session.add(DefaultView(kind=kind, member_id=whose, view_id=view.id))
    db.session.flush()


def cleaned(content: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what a view keeps of an address: known names, short texts."""
    found = {}
    for name in NAMES:
        values = [text.clean(value, most=LONGEST) for value in content.get(name, ())][:MOST_VALUES]
        values = [value for value in dict.fromkeys(values) if value]
        if values:
            found[name] = values
    return found


def _mine(view_id: UUID | str) -> SavedView:
    view = one(view_id, lock=True)
    if not may_change(view):
        raise NotYours(_("Only who made a view changes it. Save it as your own."))
    return view


def _name(given: str) -> str:
    name = text.clean(given, most=60)
    if not name:
        raise BadView(fields={"name": [_("Give the view a name.")]})
    return name


def _share(view: SavedView, audience: str, team_id: str) -> None:
    if audience not in AUDIENCES:
        raise BadView(fields={"audience": [_("Choose one of the values.")]})
    if audience == "everyone":
        access.require("views.share")
    elif view.member_id is None:
        if me() is None:
            raise BadView(fields={"audience": [_("What a program keeps, everybody sees.")]})
        view.member_id = me()
    view.audience, view.team_id = audience, None
    if audience == "team":
        teams = {str(team): team for team in access.current().teams}
        chosen = teams.get(team_id) or next(iter(teams.values()), None)
        if chosen is None:
            raise BadView(fields={"audience": [_("You belong to no team.")]})
        view.team_id = chosen


def _plain(view: SavedView) -> dict[str, Any]:
    return {"kind": view.kind, "name": view.name, "audience": view.audience, "content": view.content}
