"""A person's own account: name, language, zone, password, and where they are signed in."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import refresh

from saas.kit import doors, errors, work
from saas.tenancy import factors, logins, passwords, sessions, settings
from tenant_admin import browsers, choices, entrance, frame

pages = Blueprint("account", __name__)


@pages.get("/account")
@doors.open_to("person")
def show() -> str:
    """Show what the person may change about themselves."""
    return _page()


@pages.post("/account")
@doors.open_to("person")
def change() -> Any:
    """Change name, language and zone."""
    who, form = entrance.signed_in(), request.form
    language = form.get("language", "")
    try:
        logins.change_profile(
            login_id=who.login_id, name=form.get("name", ""), zone=form.get("zone", ""),
            language=language if language in frame.LOCALES else "", only=who.confined_to,
        )  # fmt: skip
    except errors.Refusal as refusal:
        return _refused(refusal)
    refresh()
    frame.toast(_("Saved."))
    return frame.go(url_for("account.show"))


@pages.post("/account/password")
@doors.open_to("person")
def change_password() -> Any:
    """Change the password; every other browser is signed out."""
    who, form = entrance.signed_in(), request.form
    try:
        passwords.change(
            login_id=who.login_id, keep_digest=who.digest,
            current=form.get("current", ""), password=form.get("password", ""),
        )  # fmt: skip
    except errors.Refusal as refusal:
        return _refused(refusal)
    frame.toast(_("Your password is changed. All other browsers were signed out."))
    return frame.go(url_for("account.show"))


@pages.post("/account/sessions/end")
@doors.open_to("person")
def end_session() -> Response:
    """Sign one other browser out."""
    who = entrance.signed_in()
    sessions.close_one(login_id=who.login_id, digest=request.form.get("session", ""), within=who.confined_to)
    frame.toast(_("That browser is signed out."))
    return frame.go(url_for("account.show"))


@pages.post("/account/sessions/end-others")
@doors.open_to("person")
def end_others() -> Response:
    """Sign out in all other browsers."""
    who = entrance.signed_in()
    sessions.close_all(login_id=who.login_id, except_digest=who.digest, within=who.confined_to)
    frame.toast(_("All other browsers are signed out."))
    return frame.go(url_for("account.show"))


@pages.post("/account/sessions/end-all")
@doors.open_to("person")
def end_all() -> Response:
    """Sign out everywhere, here too."""
    who = entrance.signed_in()
    sessions.close_all(login_id=who.login_id, within=who.confined_to)
    return entrance.take_cookie(frame.go(url_for("signing.sign_in")))


def _refused(refusal: errors.Refusal) -> tuple[str, int]:
    work.forget()
    return _page(refusal), refusal.status


def _page(refusal: errors.Refusal | None = None) -> str:
    who = entrance.signed_in()
    login = logins.one(who.login_id)
    values = {"name": login.name, "language": login.language, "zone": login.zone}
    if refusal and "zone" in request.form:
        values |= {name: request.form.get(name, "") for name in values}
    return render_template(
        "account/show.html", values=values, email=login.email, verified=login.verified_at is not None,
        errors=refusal.fields if refusal else {},
        refused=_(refusal.message) if refusal and not refusal.fields else None,
        zones=choices.zones(settings.zones()), shortest=passwords.SHORTEST,
        has=factors.of(login), has_password=login.password_hash is not None,
        sessions=[_shown(held, who.digest) for held in sessions.listed(who.login_id, within=who.confined_to)],
    )  # fmt: skip


def _shown(held: Any, mine: str) -> dict[str, Any]:
    return {
        "digest": held.digest, "browser": browsers.described(held.browser), "address": held.address, "seen_at": held.seen_at,
        "created_at": held.created_at, "here": held.digest == mine,
        "phone": bool(re.search("Android|iPhone|iPad", held.browser)),
    }  # fmt: skip
