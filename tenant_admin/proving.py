"""The links we mail: a new password, a confirmed address, an invitation.

A link is only shown by a GET, for mail scanners follow links; a POST uses it. The views belong to the blueprint of
`signing`.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask import session as kept
from flask_babel import get_locale
from flask_babel import gettext as _

from saas.kit import doors, errors, rates, work
from saas.tenancy import founding, logins, members, passwords, proofs, signup
from tenant_admin import entrance, frame, signing


@signing.pages.route("/reset/<token>", methods=["GET", "POST"])
@doors.open_to("anyone")
def reset(token: str) -> Any:
    """Choose a new password with a link from a mail; every session of before ends."""
    try:
        login = proofs.login_of("reset", token)
    except proofs.DeadLink as dead:
        return signing.answer("dead_link", dead, wish="reset")
    if request.method == "GET":
        return signing.answer("reset", email=login.email, shortest=passwords.SHORTEST)
    try:
        passwords.set_new(login=login, password=request.form.get("password", ""))
    except errors.Refusal as refusal:
        return signing.answer("reset", refusal, email=login.email, shortest=passwords.SHORTEST)
    logins.verify(login)
    response = signing.enter(login)
    frame.toast(_("Your new password is set. All other browsers were signed out."))
    return response


@signing.pages.route("/verify/<token>", methods=["GET", "POST"])
@doors.open_to("anyone")
def verify(token: str) -> Any:
    """Confirm an address. Another browser than the one that signed up asks for the password.

    Whoever signed up with somebody else's address must not have it confirmed by its owner's careless click.
    """
    try:
        login = proofs.login_of("verify", token)
    except proofs.DeadLink as dead:
        return signing.answer("dead_link", dead, wish="verify", signed_in=entrance.signed_in())
    who = entrance.signed_in()
    same_browser = (who is not None and who.login_id == login.id) or kept.get(signing.JOINED) == str(login.id)
    if request.method == "GET":
        return signing.answer("verify", email=login.email, ask_password=not same_browser)
    try:
        if not same_browser:
            password, address = request.form.get("password", ""), request.remote_addr or ""
            login = logins.check(email=login.email, password=password, address=address)
    except errors.Refusal as refusal:
        return signing.answer("verify", refusal, email=login.email, ask_password=True)
    logins.verify(login)
    response = signing.enter(login)
    frame.toast(_("Thank you, your address is confirmed."))
    return response


@signing.pages.post("/verify-again")
@doors.open_to("person")
def verify_again() -> Response:
    """Have the link that confirms the address sent once more."""
    who = entrance.signed_in()
    rates.require(f"verify:{who.login_id}", "5/hour")
    signup.want_verification(who.login_id)
    frame.toast(_("We sent the link to %(email)s.", email=who.email))
    return frame.go(entrance.safe_next(request.values.get("next")))


@signing.pages.route("/invitations/<token>", methods=["GET", "POST"])
@doors.open_to("anyone")
def accept(token: str) -> Any:
    """Join a company: with a new login, or after signing in with the one the address has."""
    try:
        invited = proofs.invitation(token)
    except proofs.DeadLink as dead:
        return signing.answer("dead_link", dead, wish="invite")
    who = entrance.signed_in()
    values = {"invited": invited, "who": who, "shortest": passwords.SHORTEST, "address": request.path}
    login = invited.login
    mine = who is not None and login is not None and who.login_id == login.id and who.confined_to is None
    if request.method == "GET" or (login is not None and not mine):
        return signing.answer("accept", **values, mine=mine)
    try:
        if login is None:
            login = founding.new_login(
                email=invited.email, password=request.form.get("password", ""), name=request.form.get("name", ""),
                language=str(get_locale()), verified=True,
            )  # fmt: skip
        with work.acting_for(invited.tenant_id):
            members.join(invited.member_id, login)
    except errors.Refusal as refusal:
        return signing.answer("accept", refusal, **values, mine=mine)
    shown = mine and who.second_factor
    response = signing.enter(login, tenant_id=invited.tenant_id, second_factor=shown)
    frame.toast(_("Welcome to %(company)s.", company=invited.company))
    return response
