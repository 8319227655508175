"""Teams: making, renaming, moving and dissolving them, and who belongs to them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _

from saas.kit import access, doors, errors
from saas.tenancy import teams
from tenant_admin import frame, people
from tenant_admin.settings import render

pages = Blueprint("teams", __name__)


@pages.get("/settings/teams")
@doors.open_to("member", "members.read")
def index() -> Any:
    """Show the tree of teams with their people."""
    return _page()


@pages.post("/settings/teams")
@doors.open_to("member", "members.edit")
def create() -> Any:
    """Make a team."""
    name, parent = request.form.get("name", ""), request.form.get("parent_id") or None
    return _done(lambda: teams.create(name=name, parent_id=parent), values={"name": name, "parent_id": parent})


@pages.post("/settings/teams/<team_id>")
@doors.open_to("member", "members.edit")
def change(team_id: str) -> Any:
    """Rename a team or move it in the tree."""
    teams.one(team_id)
    name, parent = request.form.get("name", ""), request.form.get("parent_id") or None
    return _done(lambda: teams.change(team_id, name=name, parent_id=parent))


@pages.post("/settings/teams/<team_id>/dissolve")
@doors.open_to("member", "members.edit")
def dissolve(team_id: str) -> Any:
    """Take a team apart."""
    teams.one(team_id)
    return _done(lambda: teams.dissolve(team_id))


@pages.post("/settings/teams/<team_id>/people")
@doors.open_to("member", "members.edit")
def put(team_id: str) -> Any:
    """Put somebody into a team, or make them its manager."""
    teams.one(team_id)
    member, manages = request.form.get("member_id", ""), request.form.get("manages") == "1"
    return _done(lambda: teams.put(team_id=team_id, member_id=member, manages=manages))


@pages.post("/settings/teams/<team_id>/people/<member_id>/remove")
@doors.open_to("member", "members.edit")
def take_out(team_id: str, member_id: str) -> Any:
    """Take somebody out of a team."""
    teams.one(team_id)
    return _done(lambda: teams.take_out(team_id=team_id, member_id=member_id))


def _done(act: Any, values: dict[str, Any] | None = None) -> Any:
    try:
        act()
    except errors.NotFound:
        raise
    except errors.Refusal as refusal:
        return _page(refusal, values)
    frame.toast(_("Saved."))
    return frame.go(url_for("teams.index"))


def _page(refusal: errors.Refusal | None = None, values: dict[str, Any] | None = None) -> Any:
    tree = teams.tree()
    return render(
        "teams", refusal, tree=tree, values=values or {"name": "", "parent_id": None}, people=people.choices(),
        parents=[("", _("at the top"))] + [(str(team["id"]), "– " * team["depth"] + team["name"]) for team in tree],
        may_edit=access.may("members.edit") and not access.current().limited,
    )  # fmt: skip
