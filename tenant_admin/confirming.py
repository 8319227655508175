"""Showing once more that it is you, before money, keys, exports and deletion, and going on from there.

A page marked `fresh=True` leads here when the last proof is older than ten minutes. A page that was only looked at opens
afterwards by itself; a form that was sent is kept in the page and sent again by one press, passwords and files left out.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, render_template, request, url_for
from flask import session as kept_here
from flask_babel import gettext as _

from saas.kit import addresses, doors, errors, rates, work
from saas.tenancy import factors, passkeys, sessions
from tenant_admin import entrance, frame, sso_sign_in

pages = Blueprint("step_up", __name__)
MOST_KEPT = 20_000  # characters of a form that are worth keeping
NEVER_KEPT = ("password", "secret", "csrf_token", "current", "code", "credential")
KEPT, TICKET = "kept.", "confirm_passkey"


def install(app: Flask) -> None:
    """Have refused requests led here."""
    app.register_error_handler(entrance.ConfirmFirst, lead)


def lead(error: entrance.ConfirmFirst) -> Any:
    """Show the way to the confirmation: a page of its own, keeping what was sent by a form."""
    if request.headers.get("HX-Request") == "true":
        return Response("", 200, {"HX-Redirect": url_for("step_up.show", next=_page_behind())})
    if request.method == "GET":
        return frame.go(url_for("step_up.show", next=request.full_path.rstrip("?")))
    kept = _keepable()
    if kept is None:
        frame.toast(_("Confirm that it is you, then repeat what you were about to do."), kind="info")
        return frame.go(url_for("step_up.show", next=_page_behind()))
    return _page(target=_page_behind(), again=request.full_path.rstrip("?"), kept=kept), 401


@pages.get("/confirm")
@doors.open_to("person")
def show() -> Any:
    """Ask for the password, a code or a passkey."""
    target = entrance.safe_next(request.args.get("next"))
    if entrance.signed_in().fresh(for_person=False) and not request.args.get("again"):
        return frame.go(target)
    return _page(target=target)


@pages.post("/confirm")
@doors.open_to("person")
def confirm() -> Any:
    """Take the password or the code and go on to what was wanted."""
    who, form = entrance.signed_in(), request.form
    target, again, kept = entrance.safe_next(form.get("next")), form.get("again", ""), list(_kept_before())
    try:
        by = _shown(who)
    except errors.Refusal as refusal:
        work.forget()
        return _page(target=target, again=again, kept=kept, refusal=refusal), refusal.status
    sessions.confirm(digest=who.digest, by=by)
    if again:
        return render_template("signing/go_on.html", address=entrance.safe_next(again), back=target, kept=kept)
    return frame.go(target)


@pages.get("/confirm/company")
@doors.open_to("person", unit=False)
def through_company() -> Any:
    """Confirm through the company's own sign-in, for what concerns that company."""
    who = entrance.signed_in()
    target = entrance.safe_next(request.args.get("next"))
    if who.confined_to is None:
        return frame.go(url_for("step_up.show", next=target))
    return sso_sign_in.confirm_through(who, target)


@pages.post("/confirm/options")
@doors.open_to("person")
def options() -> Response:
    """Say which passkeys would do."""
    who = entrance.signed_in()
    rates.require(f"factor:{who.login_id}", "30/5 minute")
    asked, kept_here[TICKET] = passkeys.begin_showing(factors.held(who.login_id))
    return jsonify(asked)


def _shown(who: sessions.SignedIn) -> str:
    """Return by what the person showed that it is them; raises what is wrong with it."""
    form = request.form
    if form.get("credential"):
        login = factors.held(who.login_id)
        passkeys.finish_showing(ticket=kept_here.pop(TICKET, None), credential=form["credential"], login=login)
        return "passkey"
    return factors.confirm(login_id=who.login_id, password=form.get("password", ""), code=form.get("code", ""))


def _page(
    *, target: str, again: str = "", kept: Iterable[tuple[str, str]] = (), refusal: errors.Refusal | None = None
) -> str:
    who = entrance.signed_in()
    return render_template(
        "signing/confirm.html", who=who, target=target, again=again, kept=list(kept), prefix=KEPT,
        refused=_(refusal.message) if refusal else None, place=passkeys.place(), back=target if again else _way_out(target),
    )  # fmt: skip


def _way_out(target: str) -> str:
    """Return where to go without confirming: the page one came from, never the one that leads here again."""
    behind = _page_behind()
    path = addresses.split(behind).path
    return entrance.safe_next(None) if path in (addresses.split(target).path, request.path) else behind


def _page_behind() -> str:
    """Return the page of ours from which a form was sent; home where the browser does not say."""
    referrer = addresses.split(request.referrer)
    here = urllib.parse.urlunsplit(("", "", referrer.path, referrer.query, ""))
    return entrance.safe_next(here if referrer.netloc == request.host else None)


def _keepable() -> list[tuple[str, str]] | None:
    """Return the form's fields without what must not stand in a page; None when it cannot be sent again like this."""
    if request.files or not request.form and request.content_length:
        return None
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in NEVER_KEPT]
    left_out = any(name in NEVER_KEPT and name != "csrf_token" for name in request.form)
    too_much = sum(len(name) + len(value) for name, value in fields) > MOST_KEPT
    return None if left_out or too_much else fields


def _kept_before() -> Iterable[tuple[str, str]]:
    for name, value in request.form.items(multi=True):
        if name.startswith(KEPT):
            yield name.removeprefix(KEPT), value
