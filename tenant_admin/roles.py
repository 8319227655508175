"""Roles of the company's own: what they may do, whose customers they see, and which fields they do not."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _

from saas.kit import access, doors, errors, records
from saas.tenancy import made_roles, roles
from tenant_admin import frame
from tenant_admin.settings import render

pages = Blueprint("roles", __name__)
KINDS = ("customer", "order", "product")
"""Kinds of records whose fields a role can hide or lock."""
OPEN = {
    "customer": {"id", "name"}, "order": {"id", "currency"},
    "product": {"id", "name", "price", "currency", "url", "image_url", "categories", "active"},
}  # fmt: skip
"""What cannot be hidden: what an amount means nothing without, and what every shopper sees of a product."""


@pages.get("/settings/roles")
@doors.open_to("member", "members.read")
def index() -> Any:
    """Show every role there is, the built-in ones and the company's own."""
    held = made_roles.held_by()
    own = [
        {
            "id": role.id,
            "name": role.name,
            "sees": _sees(role),
            "hides": len(role.hidden),
            "people": held.get(role.id, 0),
        }
        for role in made_roles.listed()
    ]
    return render("roles", built_in=roles.described(), own=own, may_edit=access.may("roles.edit"))


@pages.route("/settings/roles/new", methods=["GET", "POST"])
@doors.open_to("member", "roles.edit")
def create() -> Any:
    """Show the form of a new role, begun from a built-in one if asked, or make it."""
    if request.method == "GET":
        start = request.args.get("from", "sales")
        held = roles.permissions(start) - roles.OWNERS if start in roles.ROLES else frozenset()
        return _form({"permissions": sorted(held), "level": access.OWN})
    values = _values()
    try:
        role = made_roles.create(**_taken(values))
    except errors.Refusal as refusal:
        return _form(values, refusal)
    frame.toast(_("The role “%(name)s” is made. Give it to somebody under People.", name=role.name))
    return frame.go(url_for("roles.index"))


@pages.route("/settings/roles/<role_id>", methods=["GET", "POST"])
@doors.open_to("member", "roles.edit")
def edit(role_id: str) -> Any:
    """Show a role's form, or change it for everybody who holds it."""
    role = made_roles.one(role_id)
    if request.method == "GET":
        return _form(_held(role), role_id=role.id)
    values = _values()
    try:
        made_roles.change(role_id, **_taken(values))
    except errors.Refusal as refusal:
        return _form(values, refusal, role_id=role.id)
    frame.toast(_("Saved."))
    return frame.go(url_for("roles.index"))


@pages.post("/settings/roles/<role_id>/delete")
@doors.open_to("member", "roles.edit")
def delete(role_id: str) -> Any:
    """Delete a role nobody holds any more."""
    role = made_roles.one(role_id)
    name = role.name
    try:
        made_roles.delete(role_id)
    except errors.Refusal as refusal:
        return _form(_held(role), refusal, role_id=role.id)
    frame.toast(_("The role “%(name)s” is gone.", name=name))
    return frame.go(url_for("roles.index"))


def _sees(role: Any) -> str:
    return {
        access.ALL: _("Sees all customers"), access.TEAM: _("Sees the team's customers"), access.OWN: _("Sees only their own customers"),
    }[role.rows.get("customer", access.ALL)]  # fmt: skip


def _held(role: Any) -> dict[str, Any]:
    fields = dict.fromkeys(role.locked, "locked") | dict.fromkeys(role.hidden, "hidden")
    return {
        "name": role.name, "permissions": role.permissions, "level": role.rows.get("customer", access.ALL), "fields": fields,
    }  # fmt: skip


def _values() -> dict[str, Any]:
    """Return what the form holds."""
    form = request.form
    fields = {name.removeprefix("field."): value for name, value in form.items() if name.startswith("field.") and value}
    return {
        "name": form.get("name", ""), "permissions": form.getlist("may"), "level": form.get("level", access.ALL), "fields": fields,
    }  # fmt: skip


def _taken(values: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values as the room takes them; what the maker must not see stays hidden from the role too."""
    mine = access.current()
    return {
        "name": values["name"], "permissions": values["permissions"], "rows": {"customer": values["level"]},
        "hidden": sorted({name for name, state in values["fields"].items() if state == "hidden"} | mine.hidden),
        "locked": sorted({name for name, state in values["fields"].items() if state == "locked"} | mine.locked),
    }  # fmt: skip


def _form(values: dict[str, Any], refusal: errors.Refusal | None = None, role_id: Any = None) -> Any:
    mine = access.current()
    kinds = [
        {"key": kind, "name": str(label), "actions": [
            {"key": f"{kind}.{action}", "word": str(word), "mine": mine.may(f"{kind}.{action}")} for action, word in actions
            if f"{kind}.{action}" not in roles.OWNERS
        ]}
        for kind, label, actions in roles.CATALOGUE
    ]  # fmt: skip
    return render(
        "role", refusal, values={"name": "", "fields": {}} | values, kinds=[kind for kind in kinds if kind["actions"]],
        levels=_levels(), fields=_fields(), role_id=role_id,
    )  # fmt: skip


def _levels() -> list[tuple[str, str, str]]:
    most = access.LEVELS.index(access.rows("customer"))
    return [
        (access.ALL, _("Everything"), _("All customers of the company, with their orders, mails and visits.")),
        (access.TEAM, _("The team's customers"), _("Those of everybody in the teams they belong to, and in the teams inside these.")),
        (access.OWN, _("Only their own"), _("Those they own and those shared with them. Who manages a team sees the team's too.")),
    ][most:]  # fmt: skip


def _fields() -> list[dict[str, Any]]:
    """Return the fields that can be hidden or locked, by group; those the maker must not see are not told of."""
    found: dict[str, list[dict[str, Any]]] = {}
    for kind in KINDS:
        for name, field in records.kind(kind).fields(archived=False).items():
            if name not in OPEN[kind]:
                group = str(field.group or _("Own fields"))
                group = group if kind == "customer" else f"{records.kind(kind).plural}: {group}"
                found.setdefault(group, []).append(
                    {"name": f"{kind}.{name}", "label": str(field.label), "editable": field.editable}
                )
    return [{"group": group, "fields": fields} for group, fields in found.items()]
