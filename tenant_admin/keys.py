"""API keys: made, shown once, revoked."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, make_response, request, url_for
from flask_babel import gettext as _

from saas.kit import doors, text
from saas.tenancy import api_keys, logins, made_roles, rights, roles
from tenant_admin import frame, people
from tenant_admin.settings import render

pages = Blueprint("keys", __name__)


@pages.get("/settings/keys")
@doors.open_to("member", "keys.edit")
def index() -> Any:
    """Show the company's keys, without their secrets."""
    return _page()


@pages.post("/settings/keys")
@doors.open_to("member", "keys.edit", fresh=True)
def make() -> Any:
    """Make a key and show its secret this once, on a page no cache keeps."""
    try:
        logins.require_verified()
    except logins.NotVerified as refusal:
        return _page(refusal)
    name = text.clean(request.form.get("name"), most=80)
    try:
        key, secret = api_keys.make(
            name=name, made_by=g.member.id, role=request.form.get("role") or people.grantable()[0][0],
            scopes=request.form.getlist("scopes") or None, days=request.form.get("days", type=int),
        )  # fmt: skip
    except (made_roles.NoSuchRole, rights.MoreThanYouHold, api_keys.BadKey) as refusal:
        return _page(refusal)
    response = make_response(_page(secret=secret, new_name=key.name))
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.post("/settings/keys/<key_id>/revoke")
@doors.open_to("member", "keys.edit", fresh=True)
def revoke(key_id: str) -> Any:
    """Make a key useless from now on."""
    key = api_keys.revoke(key_id)
    frame.toast(_("The key “%(name)s” no longer opens anything.", name=key.name))
    return frame.go(url_for("keys.index"))


def _page(refusal: Any = None, secret: str | None = None, new_name: str = "") -> Any:
    names = people.role_names()
    keys = [
        {"id": key.id, "name": key.name, "hint": key.hint, "created_at": key.created_at,
         "last_used_at": key.last_used_at, "revoked_at": key.revoked_at, "role": people.role_name(key, names),
         "scopes": key.scopes, "expires_at": key.expires_at}
        for key in api_keys.all_keys()
    ]  # fmt: skip
    kinds = [
        {"name": str(label), "actions": [(f"{kind}.{action}", str(word)) for action, word in actions]}
        for kind, label, actions in roles.CATALOGUE
    ]  # fmt: skip
    return render("keys", refusal, keys=keys, secret=secret, new_name=new_name, roles=people.grantable(), kinds=kinds)
