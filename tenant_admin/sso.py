"""Setting up the company's own sign-in: the provider, the domains, a try, and whether it is the only way in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request, url_for
from flask_babel import gettext as _

from saas.kit import doors, errors, http_out, rates, work
from saas.tenancy import logins, openid, roles, sign_in_rules, sso
from tenant_admin import entrance, frame, sso_sign_in
from tenant_admin.settings import render, tabs, typed

pages = Blueprint("sso", __name__)
FIELDS = ("issuer", "client_id", "secret", "newcomer_role")


@pages.get("/settings/sso")
@doors.open_to("member", "company.sign_in")
def index() -> Any:
    """Show the connection, the domains and what is still to do."""
    return _page()


@pages.post("/settings/sso")
@doors.open_to("member", "company.sign_in", fresh=True)
def save() -> Any:
    """Keep the provider and who we are to it."""
    values = typed(FIELDS)
    try:
        sso.save(**values)
    except errors.Refusal as refusal:
        return _page(refusal, values=values)
    frame.toast(_("Saved."))
    return frame.go(url_for("sso.index"))


@pages.post("/settings/sso/test")
@doors.open_to("member", "company.sign_in", unit=False)
def test() -> Any:
    """Ask the provider what it is and say in words what is wrong; no transaction is open meanwhile."""
    rates.require(f"sso-test:{g.member.id}", "20/minute")
    with work.unit():
        way = sso.way(enabled=False)
    try:
        provider = openid.discover(way.issuer)
        openid.keys_of(provider)
        found = (True, _("The provider answers, and its description and keys are in order. Now try signing in."))
    except (openid.BadProvider, openid.BadToken, http_out.Unreachable) as wrong:
        found = (False, _(wrong.message))
    with work.unit():
        return _page(found=found)


@pages.post("/settings/sso/try")
@doors.open_to("member", "company.sign_in", fresh=True, unit=False)
def try_out() -> Any:
    """Go to the provider and back to a page that says what it told of us."""
    rates.require(f"sso-test:{g.member.id}", "20/minute")
    try:
        return sso_sign_in.try_out()
    except (openid.BadProvider, http_out.Unreachable) as wrong:
        with work.unit():
            return _page(found=(False, _(wrong.message)))


@pages.post("/settings/sso/switch")
@doors.open_to("member", "company.sign_in", fresh=True)
def switch() -> Any:
    """Open or close this way in, and say whether it is the only one."""
    try:
        sso.switch(bool(request.form.get("enabled")))
        if request.form.get("enabled"):
            sso.require_only(bool(request.form.get("only")), by=entrance.signed_in())
    except errors.Refusal as refusal:
        return _page(refusal)
    frame.toast(_("Saved."))
    return frame.go(url_for("sso.index"))


@pages.post("/settings/sso/remove")
@doors.open_to("member", "company.sign_in", fresh=True)
def remove() -> Any:
    """Forget the connection."""
    sso.remove()
    frame.toast(_("Your own sign-in is removed."))
    return frame.go(url_for("sso.index"))


@pages.post("/settings/sso/domains")
@doors.open_to("member", "company.sign_in", fresh=True)
def add_domain() -> Any:
    """Note a domain and show how to prove it."""
    try:
        sso.add_domain(request.form.get("domain", ""))
    except errors.Refusal as refusal:
        return _page(refusal)
    return frame.go(url_for("sso.index") + "#domains")


@pages.post("/settings/sso/domains/<domain_id>/check")
@doors.open_to("member", "company.sign_in", fresh=True, unit=False)
def check_domain(domain_id: str) -> Any:
    """Ask DNS for the entry; no transaction is open meanwhile."""
    with work.unit():
        name, value = sso.entry(sso.one_domain(domain_id))
    rates.require(f"dns:{g.member.id}", "20/minute")
    said = sso.look_up(name, value)
    with work.unit():
        if sso.prove_by_dns(domain_id, said):
            frame.toast(_("The domain is proven."))
            return frame.go(url_for("sso.index") + "#domains")
        sentences = {"unanswered": _("DNS did not answer. Try again in a moment."),
                     "missing": _("DNS does not have the entry yet. It can take an hour until it is seen everywhere.")}  # fmt: skip
        return _page(errors.Conflict(sentences.get(said, "")))


@pages.post("/settings/sso/domains/<domain_id>/mine")
@doors.open_to("member", "company.sign_in", fresh=True)
def prove_by_address(domain_id: str) -> Any:
    """Let the owner's own confirmed address prove its domain."""
    try:
        sso.prove_by_address(domain_id, login=logins.one(entrance.signed_in().login_id))
    except errors.Conflict as refusal:
        return _page(refusal)
    frame.toast(_("The domain is proven."))
    return frame.go(url_for("sso.index") + "#domains")


@pages.post("/settings/sso/domains/<domain_id>/remove")
@doors.open_to("member", "company.sign_in", fresh=True)
def remove_domain(domain_id: str) -> Response:
    """Stop speaking for a domain."""
    sso.remove_domain(domain_id)
    return frame.go(url_for("sso.index") + "#domains")


@pages.get("/settings/sso/lead")
@doors.open_to("person")
def lead() -> Any:
    """Lead somebody who came by password to the sign-in of the company they chose."""
    who = entrance.signed_in()
    with work.unit(tenant_id=who.tenant_id):
        held = sso.current() if who.tenant_id is not None else None
    if held is None or not held.enabled:
        return frame.go(url_for("companies.choose"))
    return frame.go(url_for("signing.sso_begin", code=held.code, next=request.args.get("next")))


def _page(
    refusal: errors.Refusal | None = None, values: dict[str, Any] | None = None, found: tuple[bool, str] | None = None
) -> Any:
    held = sso.current()
    stored = {name: getattr(held, name, "") if held else "" for name in FIELDS if name != "secret"}
    who = entrance.signed_in()
    return render(
        "sso", refusal, values=values or stored, held=held, found=found, tabs=tabs("sign_in.index"),
        redirect=sso.redirect(held.code) if held else "", start=sso.start_address(held.code) if held else "",
        domains=[_shown(item) for item in sso.domains()], only=sign_in_rules.current().only_sso,
        roles=[(role.key, role.name) for role in roles.described() if role.key not in ("owner", "admin")],
        my_domain=who.email.rpartition("@")[2].lower() if who.verified else "", has_secret=bool(held and held.secret_sealed),
    )  # fmt: skip


def _shown(held: Any) -> dict[str, Any]:
    name, value = sso.entry(held)
    return {"id": held.id, "domain": held.domain, "proven_at": held.proven_at, "by": held.proven_by, "name": name, "value": value}  # fmt: skip
