"""Roles and people as forms and lists show them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from saas.kit import access
from saas.tenancy import made_roles, members, rights, roles


def role_names() -> dict[str, str]:
    """Return what roles are called: the built-in ones by key, the company's own by id."""
    return {role.key: role.name for role in roles.described()} | {
        str(role.id): role.name for role in made_roles.listed()
    }


def role_key(holder: Any) -> str:
    """Return how a form names the role that a member or key holds."""
    return str(holder.role_id) if holder.role_id else holder.role


def role_name(holder: Any, names: dict[str, str]) -> str:
    return names.get(role_key(holder), _("a role that is gone"))


def grantable() -> list[tuple[str, str]]:
    """Return the roles that the acting member may give: those that allow no more than their own."""
    mine = access.current()
    found = [(role.key, role.name) for role in roles.described() if rights.covers(mine, rights.of_role(role.key))]
    return found + [
        (str(role.id), role.name)
        for role in made_roles.listed()
        if rights.covers(mine, rights.of_role(roles.CUSTOM, role))
    ]


def choices(*, nobody: str | None = None) -> list[tuple[str, str]]:
    """Return the company's people for a choice, with an entry for nobody if it has a name."""
    people = [(str(member.id), member.name or member.email) for member in members.listed()]
    return ([("", nobody)] if nobody is not None else []) + people


def name_of(member_id: UUID | None) -> str:
    """Return what one of the company's people is called, or nothing."""
    return members.names([member_id]).get(member_id, "") if member_id else ""
