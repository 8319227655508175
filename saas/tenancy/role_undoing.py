"""How a changed role is taken back: only where the role is still the one that was given then, and the earlier one still is."""

from __future__ import annotations

from saas.kit.text import gettext as _
from saas.tenancy import made_roles, members, undoing
from saas.tenancy.audit import Told


def undo(told: Told, rest: bool) -> None:
    """Give somebody the role they had. Raises undoing.CannotUndo or InTheWay, or what giving a role refuses."""
    try:
        member = members.one(told.entry.record_id, lock=True)
    except members.NoSuchMember:
        raise undoing.CannotUndo(_("This person is not in your company any more.")) from None
    now = made_roles.key_of(member.role, member.role_id)
    if now == told.before.get("role_key"):
        raise undoing.CannotUndo(_("It is as it was before already."))
    if now != told.after.get("role_key"):
        raise undoing.in_the_way(told, "member", {"role": made_roles.name_of(member.role, member.role_id)})
    try:
        made_roles.chosen(told.before["role_key"])
    except (made_roles.NoSuchRole, KeyError):
        gone = _("The role “%(name)s” is not there any more.", name=told.before.get("role", ""))
        raise undoing.CannotUndo(gone) from None
    members.change_role(member.id, role=told.before["role_key"])


undoing.register("members.role_changed", undo, permission="members.edit")
