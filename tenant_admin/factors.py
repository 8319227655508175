"""A person's second factor in their account: codes from an app, passkeys, recovery codes.

Every page and act here wants to know first that it is still the person: whoever changes these owns the account.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from flask import session as kept
from flask_babel import gettext as _

from saas.kit import doors, errors, rates, work
from saas.tenancy import factors, passkeys, recovery, sessions, totp
from tenant_admin import entrance, frame

pages = Blueprint("factors", __name__)
TICKET = "new_passkey"


@pages.get("/account/second-factor")
@doors.open_to("person", fresh=True)
def show() -> Any:
    """Show what is set up and how to set up more."""
    return _page(_login())


@pages.post("/account/second-factor/begin")
@doors.open_to("person", fresh=True)
def begin() -> Any:
    """Make a secret for an app; it opens nothing before a code of it is typed."""
    login = _login()
    if login.totp_confirmed_at is not None:
        raise errors.Conflict(_("Codes from an app are set up already. Remove them first."))
    totp.begin(login)
    return frame.go(url_for("factors.show", next=request.form.get("next") or None) + "#app")


@pages.post("/account/second-factor/prove")
@doors.open_to("person", fresh=True)
def prove() -> Any:
    """Take the first code and turn codes on."""
    login = _login()
    try:
        rates.require(f"factor:{login.id}", "10/5 minute")
        if login.totp_confirmed_at is None:
            totp.prove(login, request.form.get("code", ""))
    except errors.Refusal as refusal:
        return _page(login, refusal)
    return _added(login, by="totp")


@pages.post("/account/second-factor/forget")
@doors.open_to("person", fresh=True)
def forget() -> Any:
    """Turn codes from the app off."""
    login = _login()
    totp.forget(login)
    return _removed(login, _("Codes from your app are no longer asked for."))


@pages.post("/account/recovery-codes")
@doors.open_to("person", fresh=True)
def new_codes() -> Any:
    """Make new recovery codes in place of those before, and show them this once."""
    login = _login()
    if not factors.of(login).any:
        raise errors.Conflict(_("Set up an app or a passkey first."))
    codes = recovery.make(login)
    factors.changed(login=login, what="recovery_made", keep_digest=entrance.signed_in().digest)
    return _page(login, codes=codes)


@pages.post("/account/passkeys/options")
@doors.open_to("person", fresh=True)
def passkey_options() -> Response:
    """Say what kind of passkey the device shall make."""
    rates.require(f"passkey:{entrance.signed_in().login_id}", "30/minute")
    options, kept[TICKET] = passkeys.begin_making(_login())
    return jsonify(options)


@pages.post("/account/passkeys")
@doors.open_to("person", fresh=True)
def add_passkey() -> Any:
    """Keep the passkey the device made."""
    login, form = _login(), request.form
    try:
        ticket, credential = kept.pop(TICKET, None), form.get("credential", "")
        passkeys.finish_making(login, ticket=ticket, credential=credential, name=form.get("name", ""))
    except errors.Refusal as refusal:
        return _page(login, refusal)
    return _added(login, by="passkey")


@pages.post("/account/passkeys/<passkey_id>/name")
@doors.open_to("person", fresh=True)
def rename_passkey(passkey_id: str) -> Any:
    """Call a passkey something else."""
    passkeys.rename(_login(), passkey_id, name=request.form.get("name", ""))
    frame.toast(_("Saved."))
    return frame.go(url_for("factors.show"))


@pages.post("/account/passkeys/<passkey_id>/remove")
@doors.open_to("person", fresh=True)
def remove_passkey(passkey_id: str) -> Any:
    """Forget a passkey."""
    login = _login()
    passkeys.remove(login, passkey_id)
    return _removed(login, _("This passkey no longer opens anything."))


def _login() -> Any:
    return factors.held(entrance.signed_in().login_id)


def _added(login: Any, *, by: str) -> Any:
    """Note a new factor: other browsers are out, this one counts as having shown it, and codes are shown the first time."""
    who, codes = entrance.signed_in(), []
    factors.changed(login=login, what="added", keep_digest=who.digest)
    sessions.confirm(digest=who.digest, by=by, second_factor=True)
    if not recovery.left(login):
        codes = recovery.make(login)
    frame.toast(_("Your second factor is set up. All other browsers were signed out."))
    return _page(login, codes=codes)


def _removed(login: Any, sentence: str) -> Response:
    factors.changed(login=login, what="removed", keep_digest=entrance.signed_in().digest)
    if not factors.of(login).any:
        recovery.forget(login)
    frame.toast(sentence)
    return frame.go(url_for("factors.show"))


def _page(login: Any, refusal: errors.Refusal | None = None, codes: list[str] | None = None) -> Any:
    fields = refusal.fields if refusal else {}
    pending = bool(login.totp_sealed) and login.totp_confirmed_at is None
    page = render_template(
        "account/second_factor.html", has=factors.of(login), keys=[_described(key) for key in passkeys.of(login)],
        errors=fields, refused=_(refusal.message) if refusal and not fields else None, codes=codes or [],
        pending={"picture": totp.picture(login), "secret": totp.secret(login)} if pending else None,
        next=entrance.safe_next(request.values.get("next")) if request.values.get("next") else "",
        place=passkeys.place(), email=login.email,
    )  # fmt: skip
    if refusal is not None:
        work.forget()
    response = make_response(page, refusal.status if refusal else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


def _described(key: Any) -> dict[str, Any]:
    names = ("id", "name", "created_at", "last_used_at")
    return {name: getattr(key, name) for name in names}
