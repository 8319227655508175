"""The company's people for programs: who there is, inviting them, their roles, letting them go. Owners are for owners alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.api import shapes
from saas.kit import doors, rates, scope
from saas.tenancy import members, teams

blueprint = Blueprint("api_people", __name__, description="The company's own people")
INVITATIONS = "30/hour"
ROLE = {"description": "a built-in role's key, or the id of one of the company's own"}


class InvitationIn(shapes.Shape):
    """Whom to invite, and as what."""

    email = shapes.Text(320, required=True)
    role = shapes.Text(40, required=True, metadata=ROLE)
    language = shapes.Text(12, load_default="", metadata={"description": "of the letter"})


class MemberChange(shapes.Shape):
    """What may be changed of one of the company's people."""

    role = shapes.Text(40, required=True, metadata=ROLE)


class MemberOut(Schema):
    """One of the company's people; `role` is a built-in role's key or the id of one of the company's own."""

    id = fields.UUID()
    name = fields.String()
    email = fields.String()
    role = fields.String()
    joined_at = fields.AwareDateTime(allow_none=True)
    invited_at = fields.AwareDateTime(allow_none=True)
    teams = fields.List(fields.Dict())


class MemberQuery(shapes.Shape):
    """Which of the company's people a list shows."""

    role = shapes.Text(40, metadata=ROLE)
    joined = fields.Boolean(metadata={"description": "false: who is invited and has not come yet"})


class MembersOut(Schema):
    """All of them; there are as many as the plan has places."""

    items = fields.List(fields.Nested(MemberOut))
    next = fields.String(allow_none=True)


def shown(*found: Any) -> list[dict[str, Any]]:
    """Return people as plain values with their teams, in one query for any number."""
    circles = teams.names_by_member()
    return [
        {"id": one.id, "name": one.name, "email": one.email, "role": str(one.role_id or one.role), "joined_at": one.joined_at,
         "invited_at": one.invited_at, "teams": [team | {"id": str(team["id"])} for team in circles.get(one.id, [])]}
        for one in found
    ]  # fmt: skip


@blueprint.route("/members")
class Members(MethodView):
    @blueprint.arguments(MemberQuery, location="query")
    @blueprint.response(200, MembersOut)
    @doors.open_to("key", "members.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the company's people and those who are invited, in the order they came."""
        role, joined = query.get("role"), query.get("joined")
        found = [
            one for one in members.listed()
            if (role is None or str(one.role_id or one.role) == role) and (joined is None or bool(one.joined_at) == joined)
        ]  # fmt: skip
        return {"items": shown(*found), "next": None}

    @blueprint.arguments(InvitationIn)
    @blueprint.response(201, MemberOut)
    @doors.open_to("key", "members.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Invite somebody by mail; 402 when the plan has no place, 403 for more than the key's own role allows."""
        rates.require(f"invite:{scope.actor().id}", INVITATIONS)
        return shown(members.invite(**item))[0]


@blueprint.route("/members/<member_id>")
class OneMember(MethodView):
    @blueprint.response(200, MemberOut)
    @doors.open_to("key", "members.read")
    def get(self, member_id: UUID) -> dict[str, Any]:
        """Show one of the company's people."""
        return shown(members.one(member_id))[0]

    @blueprint.arguments(MemberChange)
    @blueprint.response(200, MemberOut)
    @doors.open_to("key", "members.edit")
    def patch(self, item: dict[str, Any], member_id: UUID) -> dict[str, Any]:
        """Give somebody another role; no program makes or touches an owner."""
        members.one(member_id)
        return shown(members.change_role(member_id, role=item["role"]))[0]

    @blueprint.response(204)
    @doors.open_to("key", "members.edit")
    def delete(self, member_id: UUID) -> None:
        """Let somebody go, or take an invitation back; their sessions here end at once."""
        members.remove(member_id)


@blueprint.route("/members/<member_id>/invitation", methods=["POST"])
@blueprint.response(200, MemberOut)
@doors.open_to("key", "members.edit")
def invite_again(member_id: UUID) -> dict[str, Any]:
    """Send an invitation once more; the link before it stops working. 409 when they have joined."""
    rates.require(f"invite:{scope.actor().id}", INVITATIONS)
    return shown(members.invite_again(member_id))[0]
