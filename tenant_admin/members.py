"""The company's people: inviting them, their roles, letting them go."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from saas.kit import doors, errors, rates
from saas.tenancy import factors, limits, members, roles
from tenant_admin import entrance, frame
from tenant_admin.settings import render, typed

pages = Blueprint("members", __name__)


@pages.get("/settings/members")
@doors.open_to("member", "members.read")
def index() -> Any:
    """Show the company's people and who is invited."""
    return _page()


@pages.post("/settings/members")
@doors.open_to("member", "members.edit")
def invite() -> Any:
    """Invite somebody by mail."""
    values = typed(("email", "role"))
    if values["role"] == "owner":
        entrance.require_fresh()
    try:
        rates.require(f"invite:{g.member.id}", "30/hour")
        members.invite(**values, language=str(get_locale()))
    except errors.Refusal as refusal:
        return _page(refusal, values)
    frame.toast(_("The invitation is on its way to %(email)s.", email=values["email"]))
    return frame.go(url_for("members.index"))


@pages.post("/settings/members/<member_id>/again")
@doors.open_to("member", "members.edit")
def invite_again(member_id: str) -> Any:
    """Send an invitation once more; the link before it stops working."""
    try:
        rates.require(f"invite:{g.member.id}", "30/hour")
        member = members.invite_again(member_id, language=str(get_locale()))
    except members.NoSuchMember:
        raise
    except errors.Refusal as refusal:
        return _page(refusal)
    frame.toast(_("The invitation is on its way to %(email)s.", email=member.email))
    return frame.go(url_for("members.index"))


@pages.post("/settings/members/<member_id>/role")
@doors.open_to("member", "members.edit")
def change_role(member_id: str) -> Any:
    """Give somebody another role."""
    touched = members.one(member_id).role
    if "owner" in (touched, request.form.get("role")):
        entrance.require_fresh()
    try:
        members.change_role(member_id, role=request.form.get("role", ""))
    except errors.Refusal as refusal:
        return _page(refusal)
    frame.toast(_("Saved."))
    return frame.go(url_for("members.index"))


@pages.post("/settings/members/<member_id>/remove")
@doors.open_to("member", "members.edit")
def remove(member_id: str) -> Any:
    """Let somebody go, or take an invitation back."""
    member = members.one(member_id)
    try:
        members.remove(member_id)
    except errors.Refusal as refusal:
        return _page(refusal)
    frame.toast(_("%(email)s is no longer part of the company.", email=member.email))
    return frame.go(url_for("members.index"))


def _page(refusal: errors.Refusal | None = None, values: dict[str, Any] | None = None) -> Any:
    known = {role.key: role for role in roles.described()}
    owner = g.member.role == "owner"
    listed = members.listed()
    has = factors.of_many(member.login_id for member in listed if member.login_id)
    people = [_shown(member, owner) | {"has": has.get(member.login_id)} for member in listed]
    return render(
        "members", refusal, people=people, roles=list(known.values()),
        names={key: role.name for key, role in known.items()},
        grantable=[(role.key, role.name) for role in known.values() if owner or role.key != "owner"],
        values=values or {"email": "", "role": "marketer"}, most=limits.most("members"), taken=len(people),
        verified=entrance.signed_in().verified, may_edit=roles.may(g.member.role, "members.edit"),
    )  # fmt: skip


def _shown(member: Any, by_owner: bool) -> dict[str, Any]:
    return {
        "id": member.id, "name": member.name or member.email, "email": member.email, "role": member.role,
        "joined_at": member.joined_at, "invited_at": member.invited_at, "me": member.id == g.member.id,
        "changeable": by_owner or member.role != "owner",
    }  # fmt: skip
