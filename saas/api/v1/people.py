"""The company's people, their teams and roles for programs: to know whose a customer is, and to hand one over."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.kit import doors
from saas.tenancy import made_roles, members, roles, teams

blueprint = Blueprint("api_people", __name__, description="The company's own people")


class MemberOut(Schema):
    """One of the company's people; `role` is a built-in role's key or the id of one of the company's own."""

    id = fields.UUID()
    name = fields.String()
    email = fields.String()
    role = fields.String()
    joined_at = fields.AwareDateTime(allow_none=True)
    teams = fields.List(fields.Dict())


class MembersOut(Schema):
    items = fields.List(fields.Nested(MemberOut))
    next = fields.String(allow_none=True)


class TeamOut(Schema):
    """A team, its place in the tree, and who belongs to it."""

    id = fields.UUID()
    name = fields.String()
    parent_id = fields.UUID(allow_none=True)
    manager_id = fields.UUID(allow_none=True)
    member_ids = fields.List(fields.UUID())


class TeamsOut(Schema):
    items = fields.List(fields.Nested(TeamOut))
    next = fields.String(allow_none=True)


class RoleOut(Schema):
    """A role: what it may do, whose customers it sees, and which fields it does not see or change."""

    id = fields.String()
    name = fields.String()
    built_in = fields.Boolean()
    permissions = fields.List(fields.String())
    rows = fields.Dict()
    hidden = fields.List(fields.String())
    locked = fields.List(fields.String())


class RolesOut(Schema):
    items = fields.List(fields.Nested(RoleOut))
    next = fields.String(allow_none=True)


def _whole(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a list that is never longer than one page in the shape of all lists."""
    return {"items": items, "next": None}


@blueprint.route("/members")
@blueprint.response(200, MembersOut)
@doors.open_to("key", "members.read")
def list_members() -> dict[str, Any]:
    """List the company's people and those who are invited, in the order they came."""
    circles = teams.names_by_member()
    return _whole([
        {"id": one.id, "name": one.name, "email": one.email, "role": str(one.role_id or one.role), "joined_at": one.joined_at,
         "teams": [team | {"id": str(team["id"])} for team in circles.get(one.id, [])]}
        for one in members.listed()
    ])  # fmt: skip


@blueprint.route("/teams")
@blueprint.response(200, TeamsOut)
@doors.open_to("key", "members.read")
def list_teams() -> dict[str, Any]:
    """List the teams, each followed by those inside it."""
    return _whole([
        {"id": team["id"], "name": team["name"], "parent_id": team["parent_id"],
         "manager_id": team["manager"]["id"] if team["manager"] else None, "member_ids": [one["id"] for one in team["members"]]}
        for team in teams.tree()
    ])  # fmt: skip


@blueprint.route("/roles")
@blueprint.response(200, RolesOut)
@doors.open_to("key", "members.read")
def list_roles() -> dict[str, Any]:
    """List the roles there are: the built-in ones, then the company's own by name."""
    built_in = [
        {"id": role.key, "name": role.name, "built_in": True, "permissions": sorted(roles.permissions(role.key)), "rows": {}, "hidden": [], "locked": []}
        for role in roles.described()
    ]  # fmt: skip
    return _whole(
        built_in + [{"id": str(role.id), "built_in": False, **made_roles.shown(role)} for role in made_roles.listed()]
    )
