"""Roles that a company makes for itself: what they may do, whose customers they see, which fields they do not.

Nobody makes a role that can do more than they can, and nobody changes one that already does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, select

from saas.kit import access, errors, text
from saas.kit import db as kit_db
from saas.kit.access import Access
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, rights, roles
from saas.tenancy.models import ApiKey, Member
from saas.tenancy.team_models import Role

MOST = 50


class NoSuchRole(errors.NotFound):
    """There is no such role in this company."""


class BadRole(errors.Invalid):
    """The name, a permission, whose records it sees or a field of a role is wrong."""


class RoleKnown(errors.Conflict):
    """Another role has this name."""

    code = "role_known"


class RoleInUse(errors.Conflict):
    """Somebody still holds the role."""

    code = "role_in_use"


class Chosen(NamedTuple):
    """A role as members and keys hold it: a built-in one's key, or "custom" and the id of the company's own."""

    key: str
    role_id: UUID | None


def listed() -> list[Role]:
    """Return the company's own roles by name."""
    return list(db.session.scalars(select(Role).order_by(Role.name_norm, Role.id)))


def one(role_id: UUID | str, *, lock: bool = False) -> Role:
    """Return one of the company's own roles; raises NoSuchRole."""
    return kit_db.one(Role, role_id, NoSuchRole, lock=lock)


def chosen(role: str) -> Chosen:
    """Read a built-in role's key or the id of one of the company's own; raises NoSuchRole."""
    return Chosen(role, None) if role in roles.ROLES else Chosen(roles.CUSTOM, one(role).id)


def access_of(key: str, role_id: UUID | None) -> Access:
    """Return what a role allows, whoever holds it."""
    return rights.of_role(key, one(role_id) if role_id is not None else None)


def name_of(key: str, role_id: UUID | None) -> str:
    """Return what the trace calls a role: a built-in one's key, or the name of the company's own."""
    return one(role_id).name if role_id is not None else key


def key_of(key: str, role_id: UUID | None) -> str:
    """Return what `chosen` reads a role from: a built-in one's key, or the id of the company's own."""
    return str(role_id) if role_id is not None else key


def held_by() -> dict[UUID, int]:
    """Return how many people hold each of the company's own roles."""
    query = select(Member.role_id, func.count()).where(Member.role_id.is_not(None), Member.removed_at.is_(None))
    return dict(db.session.execute(query.group_by(Member.role_id)).all())


def create(**values: Any) -> Role:
    """Make a role; takes what `change` takes. Raises BadRole, RoleKnown or MoreThanYouHold."""
    if (db.session.scalar(select(func.count()).select_from(Role)) or 0) >= MOST:
        raise BadRole(_("A company can have %(most)s roles of its own.", most=MOST))
    role = Role(**_cleaned(values))
    rights.require_covering(rights.of_role(roles.CUSTOM, role))
    _refuse_known(role.name_norm, None)
    db.session.add(role)
    db.session.flush()
    audit.record(action="roles.created", kind="role", record_id=role.id, after=shown(role))
    return role


def change(role_id: UUID | str, **values: Any) -> Role:
    """Change a role for everybody who holds it.

    `values`: name, permissions, rows ({"customer": "own"}), hidden and locked fields. Raises NoSuchRole, BadRole, RoleKnown
    or MoreThanYouHold.
    """
    role = one(role_id, lock=True)
    before, held = shown(role), rights.of_role(roles.CUSTOM, role)
    wanted = _cleaned({name: getattr(role, name) for name in FIELDS} | values)
    rights.require_covering(held, rights.of_role(roles.CUSTOM, Role(**wanted)))
    _refuse_known(wanted["name_norm"], role.id)
    for name, value in wanted.items():
        setattr(role, name, value)
    db.session.flush()
    audit.record(action="roles.edited", kind="role", record_id=role.id, before=before, after=shown(role))
    return role


def delete(role_id: UUID | str) -> None:
    """Delete a role nobody holds any more; raises NoSuchRole, RoleInUse or MoreThanYouHold."""
    role = one(role_id, lock=True)
    rights.require_covering(rights.of_role(roles.CUSTOM, role))
    held = exists().where(Member.role_id == role.id, Member.removed_at.is_(None))
    keyed = exists().where(ApiKey.role_id == role.id, ApiKey.revoked_at.is_(None))
    if db.session.scalar(select(held | keyed)):
        raise RoleInUse(_("Somebody still has this role. Give them another one first."))
    _let_go(role.id)
    audit.record(action="roles.deleted", kind="role", record_id=role.id, before=shown(role))
    db.session.delete(role)
    db.session.flush()


FIELDS = ("name", "permissions", "rows", "hidden", "locked")


def shown(role: Role) -> dict[str, Any]:
    """Return a role as plain values, for the trace and programs alike."""
    return {name: getattr(role, name) for name in FIELDS}


def _let_go(role_id: UUID) -> None:
    """People who have left and keys that were revoked keep no role that is gone."""
    for model in (Member, ApiKey):
        for row in db.session.scalars(select(model).where(model.role_id == role_id)):
            row.role, row.role_id = "read_only", None
    db.session.flush()


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    name = text.clean(values.get("name"), most=80)
    if not name:
        raise BadRole(fields={"name": [_("Give the role a name.")]})
    permissions = _known(values.get("permissions") or (), roles.every() - roles.OWNERS, "permissions")
    rows = {kind: level for kind, level in (values.get("rows") or {}).items() if level != access.ALL}
    if set(rows) - set(rights.KINDS) or set(rows.values()) - set(access.LEVELS):
        raise BadRole(fields={"rows": [_("Choose one of the values.")]})
    hidden, locked = (_fields(values.get(name) or (), name) for name in ("hidden", "locked"))
    return {
        "name": name, "name_norm": text.fold(name), "permissions": _with_reading(permissions), "rows": rows,
        "hidden": hidden, "locked": [field for field in locked if field not in hidden],
    }  # fmt: skip


def _known(wanted: Iterable[str], known: Iterable[str], place: str) -> list[str]:
    found = sorted(set(wanted))
    if set(found) - set(known):
        raise BadRole(fields={place: [_("Choose from the list.")]})
    return found


def _with_reading(permissions: list[str]) -> list[str]:
    """Who may change a kind of record may see it too: a page to change what one cannot see helps nobody."""
    reading = {f"{name.split('.')[0]}.read" for name in permissions} & roles.every()
    return sorted({*permissions, *reading})


def _fields(wanted: Iterable[str], place: str) -> list[str]:
    """Fields are checked by their shape only: one of the company's own may come and go."""
    found = sorted(set(wanted))
    if any(not (0 < len(name) <= 100) or "." not in name for name in found) or len(found) > 200:
        raise BadRole(fields={place: [_("Choose from the list.")]})
    return found


def _refuse_known(name_norm: str, own_id: UUID | None) -> None:
    held = db.session.scalar(select(Role.id).where(Role.name_norm == name_norm))
    if held is not None and held != own_id:
        sentence = _("Another role has this name.")
        raise RoleKnown(sentence, fields={"name": [sentence]})
