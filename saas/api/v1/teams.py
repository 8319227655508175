"""Teams for programs: the tree, and who belongs where. A team's manager sees what the team's people see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.api import shapes
from saas.kit import doors
from saas.tenancy import teams

blueprint = Blueprint("api_teams", __name__, description="The company's teams")


class TeamIn(shapes.Shape):
    """A team: its name and the team it is inside of, none for the top."""

    name = shapes.Text(80, required=True)
    parent_id = fields.UUID(load_default=None, allow_none=True)


class TeamChange(shapes.Shape):
    """What may be changed of a team; `parent_id` null moves it to the top."""

    name = shapes.Text(80)
    parent_id = fields.UUID(allow_none=True)


class PlaceIn(shapes.Shape):
    """Somebody's place in a team."""

    manages = fields.Boolean(load_default=False, metadata={"description": "in place of whoever managed it"})


class TeamOut(Schema):
    """A team, its place in the tree, and who belongs to it."""

    id = fields.UUID()
    name = fields.String()
    parent_id = fields.UUID(allow_none=True)
    manager_id = fields.UUID(allow_none=True)
    member_ids = fields.List(fields.UUID())


class TeamsOut(Schema):
    """All teams; there is a limit that fits one answer."""

    items = fields.List(fields.Nested(TeamOut))
    next = fields.String(allow_none=True)


def shown() -> list[dict[str, Any]]:
    """Return the teams as plain values, each followed by those inside it."""
    return [
        {"id": team["id"], "name": team["name"], "parent_id": team["parent_id"],
         "manager_id": team["manager"]["id"] if team["manager"] else None, "member_ids": [one["id"] for one in team["members"]]}
        for team in teams.tree()
    ]  # fmt: skip


def _one(team_id: UUID) -> dict[str, Any]:
    held = teams.one(team_id).id
    return next(team for team in shown() if team["id"] == held)


@blueprint.route("/teams")
class Teams(MethodView):
    @blueprint.response(200, TeamsOut)
    @doors.open_to("key", "members.read")
    def get(self) -> dict[str, Any]:
        """List the teams, each followed by those inside it."""
        return {"items": shown(), "next": None}

    @blueprint.arguments(TeamIn)
    @blueprint.response(201, TeamOut)
    @doors.open_to("key", "members.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a team."""
        return _one(teams.create(**item).id)


@blueprint.route("/teams/<team_id>")
class OneTeam(MethodView):
    @blueprint.response(200, TeamOut)
    @doors.open_to("key", "members.read")
    def get(self, team_id: UUID) -> dict[str, Any]:
        """Show a team."""
        return _one(team_id)

    @blueprint.arguments(TeamChange)
    @blueprint.response(200, TeamOut)
    @doors.open_to("key", "members.edit")
    def patch(self, item: dict[str, Any], team_id: UUID) -> dict[str, Any]:
        """Rename a team or move it in the tree; 422 when it would be inside itself."""
        return _one(teams.change(team_id, **item).id)

    @blueprint.response(204)
    @doors.open_to("key", "members.edit")
    def delete(self, team_id: UUID) -> None:
        """Take a team apart: those inside it move up, its people keep their records."""
        teams.dissolve(team_id)


@blueprint.route("/teams/<team_id>/members/<member_id>")
class Place(MethodView):
    @blueprint.arguments(PlaceIn)
    @blueprint.response(200, TeamOut)
    @doors.open_to("key", "members.edit")
    def put(self, item: dict[str, Any], team_id: UUID, member_id: UUID) -> dict[str, Any]:
        """Put somebody into a team, or make them its manager."""
        teams.put(team_id=team_id, member_id=member_id, manages=item["manages"])
        return _one(team_id)

    @blueprint.response(204)
    @doors.open_to("key", "members.edit")
    def delete(self, team_id: UUID, member_id: UUID) -> None:
        """Take somebody out of a team."""
        teams.take_out(team_id=team_id, member_id=member_id)
