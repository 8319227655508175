"""Roles for programs: the built-in ones, and those a company makes. No key makes a role that can do more than the key can."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.kit import access, doors
from saas.tenancy import made_roles, rights, roles

blueprint = Blueprint("api_roles", __name__, description="What people and keys may do and see")
FIELDS = {"description": "such as customer.phone or customer.custom.size"}


class RoleChange(shapes.Shape):
    """What may be changed of a role, for everybody who holds it."""

    name = shapes.Text(80)
    permissions = fields.List(
        fields.String(validate=validate.OneOf(sorted(roles.every() - roles.OWNERS))),
        validate=validate.Length(max=len(roles.every())),
    )
    rows = fields.Dict(
        keys=fields.String(validate=validate.OneOf(rights.KINDS)), values=fields.String(validate=validate.OneOf(access.LEVELS)),
        metadata={"description": "whose records it sees, by kind: all, team or own"},
    )  # fmt: skip
    hidden = fields.List(shapes.Text(100), validate=validate.Length(max=200), metadata=FIELDS)
    locked = fields.List(shapes.Text(100), validate=validate.Length(max=200), metadata=FIELDS)


class RoleIn(RoleChange):
    """A role to make."""

    name = shapes.Text(80, required=True)


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
    """All roles; a company makes at most fifty."""

    items = fields.List(fields.Nested(RoleOut))
    next = fields.String(allow_none=True)


def shown(role: Any) -> dict[str, Any]:
    return {"id": str(role.id), "built_in": False, **made_roles.shown(role)}


@blueprint.route("/roles")
class Roles(MethodView):
    @blueprint.response(200, RolesOut)
    @doors.open_to("key", "members.read")
    def get(self) -> dict[str, Any]:
        """List the roles there are: the built-in ones, then the company's own by name."""
        built_in = [
            {"id": role.key, "name": role.name, "built_in": True, "permissions": sorted(roles.permissions(role.key)), "rows": {}, "hidden": [], "locked": []}
            for role in roles.described()
        ]  # fmt: skip
        return {"items": built_in + [shown(role) for role in made_roles.listed()], "next": None}

    @blueprint.arguments(RoleIn)
    @blueprint.response(201, RoleOut)
    @doors.open_to("key", "roles.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a role; 403 for more than the key's own role allows, 409 when the name is taken."""
        return shown(made_roles.create(**item))


@blueprint.route("/roles/<role_id>")
class OneRole(MethodView):
    @blueprint.response(200, RoleOut)
    @doors.open_to("key", "members.read")
    def get(self, role_id: UUID) -> dict[str, Any]:
        """Show one of the company's own roles."""
        return shown(made_roles.one(role_id))

    @blueprint.arguments(RoleChange)
    @blueprint.response(200, RoleOut)
    @doors.open_to("key", "roles.edit")
    def patch(self, item: dict[str, Any], role_id: UUID) -> dict[str, Any]:
        """Change a role for everybody who holds it."""
        return shown(made_roles.change(role_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "roles.edit")
    def delete(self, role_id: UUID) -> None:
        """Delete a role; 409 while somebody holds it."""
        made_roles.delete(role_id)
