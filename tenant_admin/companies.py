"""Choosing which company to act for, for people who belong to several, and founding one more."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from saas.billing import plans
from saas.kit import doors, errors, rates, work
from saas.tenancy import sessions, signup, tenants
from tenant_admin import entrance, frame

pages = Blueprint("companies", __name__)


@pages.get("/companies")
@doors.open_to("person")
def choose() -> str:
    """Show the companies the person belongs to."""
    return _page()


@pages.post("/companies")
@doors.open_to("person")
def act_for() -> Any:
    """Act for one of them from now on, in this browser."""
    who = entrance.signed_in()
    wanted = request.form.get("company", "")
    may = wanted.isdigit() and sessions.choose_company(digest=who.digest, tenant_id=int(wanted), login_id=who.login_id)
    if not may:
        raise errors.NotFound
    return frame.go(entrance.safe_next(request.form.get("next")))


@pages.post("/companies/new")
@doors.open_to("person")
def found() -> Any:
    """Found one more company and act for it."""
    who = entrance.signed_in()
    if who.confined_to is not None:
        raise errors.Forbidden(_("You came in through your company’s own sign-in, which opens that company only."))
    try:
        rates.require(f"found:{who.login_id}", "5/day")
        name, allowed = request.form.get("name", ""), plans.one("free").limits
        tenant_id = signup.found_another(login_id=who.login_id, company=name, allowed=allowed)
    except errors.Refusal as refusal:
        work.forget()
        return _page(refusal), refusal.status
    sessions.choose_company(digest=who.digest, tenant_id=tenant_id, login_id=who.login_id)
    return frame.go(entrance.safe_next(None))


def _open_to(who: Any) -> list[dict[str, Any]]:
    """Return the companies this browser may act for: only one when its own sign-in opened it."""
    return [home for home in tenants.of_login(who.login_id) if who.confined_to in (None, home["id"])]


def _page(refusal: errors.Refusal | None = None) -> str:
    who = entrance.signed_in()
    named = (refusal.fields.get("company") or [refusal.message]) if refusal else None
    return render_template(
        "signing/companies.html", companies=_open_to(who), confined=who.confined_to is not None, chosen=who.tenant_id, error=named,
        name=request.form.get("name", ""), next=request.values.get("next", ""), who=who,
    )  # fmt: skip
