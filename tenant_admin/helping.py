"""The platform's staff inside a company that asked for help: coming in, each page they read, and going out.

Whatever asks a person to confirm that it is them (money, keys, exports, deletion of many) is closed to them, and so is
every address that hands out a file.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from saas.kit import access, doors, errors, scope, work
from saas.tenancy import limits, sessions, support
from tenant_admin import frame

pages = Blueprint("helping", __name__)
FILES = ("export", "download", "files.")


class HelpOver(errors.NotFound):
    """The company's consent has ended while somebody was inside."""


class NotForSupport(errors.Forbidden):
    """No consent covers this."""

    code = "not_for_support"


def admit(who: sessions.SignedIn, entrance: doors.Entrance) -> tuple[Any, doors.Admitted]:
    """Admit a staff member within the consent and write down what they look at; raises HelpOver, MayNot or NotForSupport.

    What is refused is written down too.
    """
    actor = support.actor_of(who)
    with work.unit(tenant_id=who.tenant_id, actor=actor):
        acting = support.acting(who)
        if acting is not None:
            support.note(path=request.full_path.rstrip("?"), method=request.method)
    if acting is None or not (who.second_factor and who.has_factor):
        with work.unit(tenant_id=None):
            support.leave(digest=who.digest)
        raise HelpOver
    with scope.tenant(who.tenant_id), access.bound(acting.access):
        if entrance.permission:
            access.require(entrance.permission)
        if entrance.fresh or any(part in (request.endpoint or "") for part in FILES):
            raise NotForSupport(_("Support does not handle money, keys, people or exports."))
        if request.method not in ("GET", "HEAD"):
            with work.unit():
                limits.require_writable()
    return acting, doors.Admitted(who.tenant_id, actor, acting.access)


def answer_over(error: HelpOver) -> Any:
    """Lead a staff member back to the list of those who ask for help."""
    flash(_("The company’s consent has ended."), "info")
    return frame.go(url_for("helping.index"))


@pages.get("/support")
@doors.open_to("staff", unit=False)
def index() -> str:
    """Show the companies that ask for help now."""
    return render_template("platform/support.html", asking=support.asking())


@pages.post("/support/enter")
@doors.open_to("staff", unit=False, fresh=True)
def enter() -> Response:
    """Come into a company that asked for help; without its consent there is nothing here."""
    wanted = request.form.get("company", "")
    if not wanted.isdigit() or len(wanted) > 18:
        raise support.NoConsent
    support.enter(digest=g.signed_in.digest, tenant_id=int(wanted))
    return redirect("/", 303)


@pages.post("/support/leave")
@doors.open_to("person")
def leave() -> Response:
    """Go out of the company."""
    support.leave(digest=g.signed_in.digest)
    return frame.go(url_for("helping.index"))


def here() -> dict[str, Any] | None:
    """Return what every page says of support: that one is here as support oneself, or that support may come in."""
    member = g.get("member")
    if member is None or member.support_until is None:
        return None
    return {"until": member.support_until, "mine": member.role == support.ROLE, "name": member.name or member.email}
