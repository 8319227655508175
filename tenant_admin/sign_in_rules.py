"""How the company's people come in: who needs a second factor and from when, who has one, and the company's own sign-in."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, request, url_for
from flask_babel import gettext as _

from saas.kit import doors, errors
from saas.tenancy import factors, members, sign_in_rules, sso
from tenant_admin import entrance, frame
from tenant_admin.settings import render

pages = Blueprint("sign_in", __name__)


@pages.get("/settings/sign-in")
@doors.open_to("member", "members.read")
def index() -> Any:
    """Show the rules, and who has what."""
    return _page()


@pages.post("/settings/sign-in/second-factor")
@doors.open_to("member", "company.sign_in", fresh=True)
def second_factor() -> Any:
    """Ask everybody for a second factor, at once or from a day on, or no longer."""
    form = request.form
    try:
        since = _moment(form.get("since", ""))
        sign_in_rules.require_second_factor(bool(form.get("required")), since=since, by=entrance.signed_in())
    except errors.Refusal as refusal:
        return _page(refusal)
    frame.toast(_("Saved."))
    return frame.go(url_for("sign_in.index"))


@pages.post("/settings/members/<member_id>/reset-factor")
@doors.open_to("member", "company.sign_in", fresh=True)
def reset(member_id: str) -> Any:
    """Take the second factor off somebody who lost their device."""
    try:
        member = factors.reset(member_id)
    except errors.Conflict as refusal:
        return _page(refusal)
    frame.toast(_("The second factor of %(name)s is reset. They were told by mail.", name=member.name or member.email))
    return frame.go(url_for("sign_in.index"))


def _moment(day: str) -> datetime | None:
    """Return the beginning of a day in the company's zone; nothing for no day. Raises Invalid."""
    if not day:
        return None
    try:
        return datetime.combine(datetime.strptime(day, "%Y-%m-%d").date(), time(), ZoneInfo(g.member.zone))
    except ValueError:
        raise errors.Invalid(fields={"since": [_("Choose a day.")]}) from None


def _page(refusal: errors.Refusal | None = None) -> Any:
    rules, here = sign_in_rules.current(), ZoneInfo(g.member.zone)
    listed = [member for member in members.listed() if member.login_id]
    has = factors.of_many(member.login_id for member in listed)
    since = rules.second_factor_from
    return render(
        "sign_in", refusal, rules=rules, since=since.astimezone(here).date().isoformat() if since else "",
        people=[_shown(member, has.get(member.login_id)) for member in listed], connection=sso.current(),
        may_edit=g.member.access.may("company.sign_in"), mine=entrance.signed_in().has_factor,
    )  # fmt: skip


def _shown(member: Any, has: factors.Factors | None) -> dict[str, Any]:
    return {
        "id": member.id, "name": member.name or member.email, "email": member.email, "has": has,
        "me": member.id == g.member.id,
    }  # fmt: skip
