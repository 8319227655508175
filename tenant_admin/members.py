"""The company's people: inviting them, their roles, letting them go."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from saas.kit import access, doors, errors, rates
from saas.tenancy import audit, factors, limits, members, roles, teams
from tenant_admin import entrance, frame
from tenant_admin.people import grantable as made_grantable
from tenant_admin.people import role_key, role_name, role_names
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
    done = audit.latest()
    frame.toast(_("Saved."), undo=url_for("undo.entry", entry_id=done) if done else None)
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
    names, grantable, circles = role_names(), dict(made_grantable()), teams.names_by_member()
    listed = members.listed()
    has = factors.of_many(member.login_id for member in listed if member.login_id)
    people = [
        _shown(member) | {
            "has": has.get(member.login_id), "role_name": role_name(member, names), "changeable": role_key(member) in grantable,
            "teams": circles.get(member.id, []),
        }
        for member in listed
    ]  # fmt: skip
    return render(
        "members", refusal, people=people, roles=roles.described(), grantable=list(grantable.items()),
        values=values or {"email": "", "role": "marketer"}, most=limits.most("members"), taken=len(people),
        verified=entrance.signed_in().verified, may_edit=access.may("members.edit"),
    )  # fmt: skip


def _shown(member: Any) -> dict[str, Any]:
    return {
        "id": member.id, "name": member.name or member.email, "email": member.email, "role": role_key(member),
        "joined_at": member.joined_at, "invited_at": member.invited_at, "me": member.id == g.member.id,
    }  # fmt: skip
