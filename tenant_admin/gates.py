"""What stands between a signed-in person and a company's pages: the company's own rules for signing in.

Whoever lacks a second factor is led to setting one up, and whoever came by password to the company's own sign-in.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, flash, request, url_for
from flask_babel import gettext as _

from saas.kit import errors, scope, work
from saas.tenancy import audit, sessions
from tenant_admin import frame

BREAK_GLASS = "break_glass"


class SecondFactorFirst(errors.Forbidden):
    """The company, or the platform, lets nobody in who has no second factor; the door leads to setting one up."""

    code = "second_factor_first"
    message = "Set up a second factor first."


class OwnSignInFirst(errors.Forbidden):
    """The company lets people in through its own sign-in only; the door leads there."""

    code = "own_sign_in_first"
    message = "Your company lets people in through its own sign-in only."


def install(app: Flask) -> None:
    """Have refused requests led where they can be mended."""
    app.register_error_handler(SecondFactorFirst, _to_second_factor)
    app.register_error_handler(OwnSignInFirst, _to_own_sign_in)


def check(who: sessions.SignedIn, acting: Any) -> None:
    """Raise SecondFactorFirst or OwnSignInFirst unless the person came in the way the company asks for.

    An owner may break the glass: with password and second factor they come in though the company's own sign-in is the
    only way, and that is written down.
    """
    rules = acting.rules
    if rules.only_sso and who.confined_to is None:
        if acting.role != "owner" or not (who.second_factor and who.has_factor):
            raise OwnSignInFirst(_(OwnSignInFirst.message))
        if who.method != BREAK_GLASS:
            _note_break(who, acting)
    if rules.lacks_factor(who) and rules.second_factor_now():
        raise SecondFactorFirst(_(SecondFactorFirst.message))


def deadline(who: sessions.SignedIn, acting: Any) -> Any:
    """Return the moment from which this person needs a second factor that they do not have yet, or None."""
    return acting.rules.second_factor_from if acting and acting.rules.lacks_factor(who) else None


def _note_break(who: sessions.SignedIn, acting: Any) -> None:
    actor = scope.Actor("member", str(acting.id), who.name or who.email)
    with work.unit(tenant_id=who.tenant_id, actor=actor):
        audit.record(action="sign_in.glass_broken", kind="member", record_id=acting.id)
        sessions.mark(digest=who.digest, method=BREAK_GLASS)


def _to_second_factor(error: SecondFactorFirst) -> Any:
    flash(_("Your company asks everybody for a second factor. It takes a minute to set one up."), "info")
    return _lead("factors.show")


def _to_own_sign_in(error: OwnSignInFirst) -> Any:
    return _lead("sso.lead")


def _lead(endpoint: str) -> Any:
    looked = request.method == "GET" and request.headers.get("HX-Request") != "true"
    return frame.go(url_for(endpoint, next=request.full_path.rstrip("?") if looked else None))
