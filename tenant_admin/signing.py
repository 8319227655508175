"""In and out: signing in and out, signing up, and asking for a new password; `proving` has the links we mail.

Nothing here tells a stranger whether an address is known: the answers are the same to the byte, and what costs time
is done for everybody or by a job. Every sign-in makes a new session.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask import session as kept
from flask_babel import get_locale
from flask_babel import gettext as _
from redis.exceptions import RedisError

from saas.billing import plans
from saas.kit import crypto, doors, errors, queues, rates, work
from saas.tenancy import factors, logins, passkeys, passwords, sending_domain, sessions, signup
from tenant_admin import browsers, entrance, frame

pages = Blueprint("signing", __name__)
WISHES = "workers.jobs.tenancy.take_wish"
JOINED, LETTER = "signed_up_here", "letter_to"
queues.allow([WISHES])


@pages.after_request
def _keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def answer(template: str, refusal: errors.Refusal | None = None, **values: Any) -> Response | tuple[str, int]:
    """Show a page of the entrance, with what was refused and with what was typed; never with a password."""
    fields = refusal.fields if refusal else {}
    typed = {name: value for name, value in request.form.items() if "password" not in name and name != "csrf_token"}
    sentence = _(refusal.message) if refusal and not fields else None
    if refusal is not None:
        work.forget()
    values = {"place": passkeys.place()} | values
    page = render_template(f"signing/{template}.html", errors=fields, refused=sentence, typed=typed, **values)
    return page, refusal.status if refusal else 200


def enter(
    login: Any, target: str | None = None, *, tenant_id: int | None = None, method: str = "password",
    second_factor: bool = False, tell: bool = False, **more: Any,
) -> Response:  # fmt: skip
    """Sign this browser in under a new session, whatever it held before, and go on to a page of ours.

    Who has a second factor and has not shown it is led to that step and is nobody until then. `tell` has the person
    written to when the browser is new to them; `more` goes to the session.
    """
    old = entrance.signed_in()
    if old is not None:
        sessions.close(old.digest)
    kept.clear()
    here = {"address": request.remote_addr or "", "browser": request.headers.get("User-Agent", "")}
    if not second_factor and not more.get("confined_to") and factors.of(login).any:
        token = sessions.begin_half(login=login, **here)
        return entrance.give_cookie(redirect(url_for("signing.second", next=target or None), 303), token)
    marks = browsers.greet(login, first=login.signed_in_at is None, tell=tell)
    token = sessions.begin(login=login, tenant_id=tenant_id, method=method, second_factor=second_factor, **here, **more)
    response = entrance.give_cookie(redirect(entrance.safe_next(target), 303), token)
    return browsers.remember(response, marks)


@pages.route("/sign-in", methods=["GET", "POST"])
@doors.open_to("anyone")
def sign_in() -> Any:
    """Sign in with address and password."""
    target = request.values.get("next", "")
    if request.method == "GET":
        if entrance.signed_in() is not None:
            return redirect(entrance.safe_next(target), 303)
        return answer("sign_in", next=target, email=request.args.get("email", ""))
    email, password = request.form.get("email", ""), request.form.get("password", "")
    try:
        login = logins.check(email=email, password=password, address=request.remote_addr or "")
    except errors.Refusal as refusal:
        return answer("sign_in", refusal, next=target, email=email)
    return enter(login, target, tell=True)


@pages.post("/sign-out")
@doors.open_to("anyone")
def sign_out() -> Response:
    """Sign this browser out."""
    who = entrance.signed_in()
    if who is not None:
        sessions.close(who.digest)
    kept.clear()
    return entrance.take_cookie(frame.go(url_for("signing.sign_in")))


@pages.route("/sign-up", methods=["GET", "POST"])
@doors.open_to("anyone")
def sign_up() -> Any:
    """Found a company and its first member; the same answer whether the address is known or not."""
    shown = {"shortest": passwords.SHORTEST, "plan": plans.one("free")}
    if request.method == "GET":
        return answer("sign_up", **shown)
    email = request.form.get("email", "")
    try:
        rates.require(f"sign-up:{request.remote_addr}", "10/hour")
        done = signup.sign_up(
            company=request.form.get("company", ""), email=email, password=request.form.get("password", ""),
            name=request.form.get("name", ""), language=str(get_locale()), zone=request.form.get("zone", ""),
            allowed=shown["plan"].limits,
        )  # fmt: skip
        if done.known:
            _wish("known", email)
    except errors.Refusal as refusal:
        return answer("sign_up", refusal, **shown)
    kept[JOINED] = str(done.login_id)
    return _to_mailbox(email, "sign_up")


@pages.route("/forgot", methods=["GET", "POST"])
@doors.open_to("anyone", unit=False)
def forgot() -> Any:
    """Have a link for a new password mailed; the same answer whether the address is known or not."""
    if request.method == "GET":
        return answer("forgot", email=request.args.get("email", ""))
    email = request.form.get("email", "").strip()
    try:
        rates.require(f"forgot:{request.remote_addr}", "10/hour")
        rates.require(f"forgot:{crypto.digest(email.lower())}", "5/hour")
        if "@" not in email:
            raise errors.Invalid(fields={"email": [_("This is not an e-mail address.")]})
        _wish("reset", email)
    except errors.Refusal as refusal:
        return answer("forgot", refusal, email=email)
    return _to_mailbox(email, "reset")


@pages.get("/look-into-your-mailbox")
@doors.open_to("anyone", unit=False)
def mailbox() -> Any:
    """Say that a letter is on its way, to whichever address was typed."""
    email, wish = kept.get(LETTER, ("", ""))
    if not email:
        return redirect(url_for("signing.sign_in"), 303)
    return answer("mailbox", email=email, wish=wish, test_mode=sending_domain.test_mode())


def _to_mailbox(email: str, wish: str) -> Response:
    kept[LETTER] = [email.strip()[:320], wish]
    return redirect(url_for("signing.mailbox"), 303)


def _wish(wish: str, email: str) -> None:
    try:
        queues.enqueue("events", WISHES, email=email[:320], wish=wish)
    except (RedisError, OSError):
        raise errors.Unavailable from None
