"""Signing in with more than a password: the second step after it, and passkeys that need none.

Between the two steps a browser holds a half session, which stands for nobody. A new session begins when the factor is
shown. The views belong to the blueprint of `signing`.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, redirect, request, url_for
from flask import session as kept
from flask_babel import gettext as _

from saas.kit import doors, errors, rates
from saas.tenancy import factors, passkeys, sessions
from tenant_admin import entrance, frame, signing

TICKET = "passkey"


@signing.pages.route("/sign-in/second", methods=["GET", "POST"])
@doors.open_to("anyone")
def second() -> Any:
    """Ask whoever knew the password for a code or a passkey."""
    login, target = _half(), request.values.get("next", "")
    if login is None:
        return redirect(url_for("signing.sign_in", next=target or None), 303)
    if request.method == "GET":
        return _page(login, target)
    try:
        by = _shown(login)
    except errors.Refusal as refusal:
        return _page(login, target, refusal)
    if by == "recovery":
        left = factors.of(login).recovery_left
        frame_words = _("You signed in with a recovery code. You have %(left)s left.", left=left)
        return _enter(login, target, by, frame_words)
    return _enter(login, target, by)


@signing.pages.post("/sign-in/second/options")
@doors.open_to("anyone")
def second_options() -> Response:
    """Say which passkeys would do for the second step."""
    login = _half()
    if login is None:
        raise errors.NotSignedIn
    rates.require(f"factor:{login.id}", "30/5 minute")
    options, kept[TICKET] = passkeys.begin_showing(login)
    return jsonify(options)


@signing.pages.post("/sign-in/passkey/options")
@doors.open_to("anyone", unit=False)
def passkey_options() -> Response:
    """Ask for any passkey the device has for us; the same for everybody."""
    rates.require(f"passkey:{request.remote_addr}", "60/minute")
    options, kept[TICKET] = passkeys.begin_showing()
    return jsonify(options)


@signing.pages.post("/sign-in/passkey")
@doors.open_to("anyone")
def with_passkey() -> Any:
    """Sign in with a passkey alone, which verified its person."""
    target = request.form.get("next", "")
    try:
        rates.require(f"login:address:{request.remote_addr}", "30/minute")
        login = passkeys.finish_showing(ticket=kept.pop(TICKET, None), credential=request.form.get("credential", ""))
    except errors.Refusal as refusal:
        return signing.answer("sign_in", refusal, next=target, email="")
    return signing.enter(login, target, method="passkey", second_factor=True, tell=True)


def _half() -> Any:
    cookie = request.cookies.get(entrance.cookie_name())
    return sessions.read_half(cookie) if cookie else None


def _shown(login: Any) -> str:
    credential = request.form.get("credential")
    if credential:
        rates.require(f"factor:{login.id}", "30/5 minute")
        passkeys.finish_showing(ticket=kept.pop(TICKET, None), credential=credential, login=login)
        return "passkey"
    return factors.take_code(login, request.form.get("code", ""))


def _enter(login: Any, target: str, by: str, words: str = "") -> Response:
    sessions.close_half(request.cookies.get(entrance.cookie_name(), ""))
    answer = signing.enter(login, target, method=by, second_factor=True, tell=True)
    if words:
        frame.toast(words, kind="warning")
    return answer


def _page(login: Any, target: str, refusal: errors.Refusal | None = None) -> Any:
    return signing.answer("second", refusal, next=target, has=factors.of(login), place=passkeys.place())
