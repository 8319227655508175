"""Coming in through one's company: to the provider, back from it, and joining it to an account one has already.

No transaction is open while the provider is asked. What the browser brings back is compared with what this browser took
along, and taken once. The views belong to the blueprint of `signing`.
"""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask import session as kept
from flask_babel import gettext as _

from saas.kit import clock, crypto, doors, errors, rates, work
from saas.tenancy import ceremonies, openid, sessions, sso, sso_people, tenants
from tenant_admin import entrance, frame, signing

STATE, KIND = "sso_state", "sso"
JUST_NOW = 300  # seconds since the provider asked for the password, when we asked it to


@signing.pages.route("/sso", methods=["GET", "POST"])
@doors.open_to("anyone", unit=False)
def by_address() -> Any:
    """Find a person's company by the domain of their address."""
    target, email = request.values.get("next", ""), request.form.get("email", "")
    if request.method == "GET":
        return signing.answer("sso_address", next=target, email="")
    try:
        rates.require(f"sso:{request.remote_addr}", "300/minute")
        code = _code_of(email)
    except errors.Refusal as refusal:
        return signing.answer("sso_address", refusal, next=target, email=email)
    return redirect(url_for("signing.sso_begin", code=code, next=target or None, hint=email), 303)


@signing.pages.get("/sso/<code>")
@doors.open_to("anyone", unit=False)
def sso_begin(code: str) -> Any:
    """Lead somebody to their company's sign-in."""
    tenant_id = _tenant_of(code)
    with work.unit(tenant_id=tenant_id):
        way = sso.way()
    rates.require(f"sso:{request.remote_addr}", "300/minute")
    try:
        return _to_provider(
            way, purpose="enter", target=request.args.get("next", ""), hint=request.args.get("hint", "")
        )
    except errors.Refusal as refusal:
        return _refused(refusal, code)


@signing.pages.get("/sso/return/<code>")
@doors.open_to("anyone", unit=False)
def sso_return(code: str) -> Any:
    """Take what the provider sent back."""
    tenant_id, given = _tenant_of(code), request.args.to_dict()
    rates.require(f"sso:{request.remote_addr}", "300/minute")
    try:
        mine = kept.pop(STATE, "")
        if not given.get("state") or not crypto.same(mine, given["state"]):
            raise ceremonies.Interrupted(_(ceremonies.Interrupted.message))
        begun = ceremonies.end(KIND, mine)
        if begun["tenant_id"] != tenant_id:
            raise ceremonies.Interrupted(_(ceremonies.Interrupted.message))
        with work.unit(tenant_id=tenant_id):
            way = sso.way(enabled=begun["purpose"] != "test")
        claims = _ask(way, begun, given)
    except errors.Refusal as refusal:
        return _refused(refusal, code)
    return {"enter": _enter, "confirm": _confirm, "test": _tell}[begun["purpose"]](way, claims, begun)


@signing.pages.route("/sso/link/<ticket>", methods=["GET", "POST"])
@doors.open_to("anyone")
def sso_link(ticket: str) -> Any:
    """Join one's company's sign-in to the account one has already, after signing in to that."""
    try:
        told = ceremonies.look(sso_people.LINK, ticket)
        with work.acting_for(told["tenant_id"]):
            company = tenants.current().name
        who = entrance.signed_in()
        mine = who is not None and str(who.login_id) == told["login_id"] and who.confined_to is None
        if request.method == "GET" or not mine:
            return signing.answer("sso_link", email=told["email"], company=company, mine=mine, who=who)
        tenant_id, login = sso_people.link(ticket, login_id=who.login_id)
    except errors.Refusal as refusal:
        return _refused(refusal)
    response = signing.enter(login, method=sessions.BY_SSO, confined_to=tenant_id, confirmed=False)
    frame.toast(_("Welcome to %(company)s.", company=company))
    return response


def confirm_through(who: sessions.SignedIn, target: str) -> Response:
    """Lead somebody who came through their company there once more, to show that it is still them."""
    with work.unit(tenant_id=who.confined_to):
        way = sso.way()
    return _to_provider(way, purpose="confirm", target=target, login_id=str(who.login_id), again=True)


def try_out() -> Response:
    """Lead the owner who sets this up to the provider and back to a page that says what came."""
    with work.unit():
        way = sso.way(enabled=False)
    return _to_provider(way, purpose="test")


# A page leads on, not a redirect: browsers hold the policy for forms (form-action) against every redirect after one.
def _to_provider(
    way: sso.Way, *, purpose: str, target: str = "", hint: str = "", login_id: str = "", again: bool = False
) -> Response:
    provider = openid.discover(way.issuer)
    nonce, verifier = crypto.new_token(), crypto.new_token(64)
    state = ceremonies.begin(
        KIND, tenant_id=way.tenant_id, purpose=purpose, nonce=nonce, verifier=verifier, target=target, issuer=way.issuer,
        login_id=login_id,
    )  # fmt: skip
    kept[STATE] = state
    address = openid.address(
        provider, way.client, state=state, nonce=nonce, verifier=verifier, hint=hint[:320], again=again
    )
    page = render_template("signing/sso_go.html", address=address, company=way.company)
    return Response(page, headers={"Cache-Control": "no-store"})


def _ask(way: sso.Way, begun: dict[str, Any], given: dict[str, str]) -> openid.Claims:
    if way.issuer != begun["issuer"]:
        raise ceremonies.Interrupted(_(ceremonies.Interrupted.message))
    provider = openid.discover(way.issuer)
    code = openid.read_answer(provider, given)
    return openid.exchange(provider, way.client, code=code, verifier=begun["verifier"], nonce=begun["nonce"])


def _enter(way: sso.Way, claims: openid.Claims, begun: dict[str, Any]) -> Any:
    try:
        with work.unit(tenant_id=None):
            with work.acting_for(way.tenant_id):
                sso.note_tested()
                arrived = sso_people.arrive(claims)
            if arrived.login is None:
                return redirect(url_for("signing.sso_link", ticket=arrived.ticket), 303)
            return signing.enter(
                arrived.login, begun["target"], method=sessions.BY_SSO, confined_to=way.tenant_id, tell=True,
                confirmed=_just_now(claims),
            )  # fmt: skip
    except errors.Refusal as refusal:
        return _refused(refusal)


def _confirm(way: sso.Way, claims: openid.Claims, begun: dict[str, Any]) -> Any:
    who = entrance.signed_in()
    try:
        with work.unit(tenant_id=None):
            with work.acting_for(way.tenant_id):
                arrived = sso_people.arrive(claims).login
            mine = who is not None and arrived is not None and str(arrived.id) == begun["login_id"] == str(who.login_id)
            if not mine or not _just_now(claims):
                raise sso_people.NotLetIn(_("Your company’s sign-in did not ask for your password again."))
            sessions.confirm(digest=who.digest, by=sessions.BY_SSO)
    except errors.Refusal as refusal:
        return _refused(refusal)
    return frame.go(entrance.safe_next(begun["target"]))


def _tell(way: sso.Way, claims: openid.Claims, begun: dict[str, Any]) -> Any:
    """Say in words what the provider told of whoever tried it out; nobody is signed in by it."""
    with work.unit(tenant_id=way.tenant_id):
        proven = sso.proven()
        sso.note_tested()
    domain = claims.email.rpartition("@")[2].lower()
    return signing.answer("sso_tried", claims=claims, domain=domain, domain_proven=domain in proven)


def _just_now(claims: openid.Claims) -> bool:
    return claims.authenticated_at is not None and claims.authenticated_at >= clock.now().timestamp() - JUST_NOW


def _tenant_of(code: str) -> int:
    with work.unit(tenant_id=None):
        return sso.tenant_of(code)


def _code_of(email: str) -> str:
    """Return the code of the one company whose sign-in speaks for an address; says what else to do."""
    with work.unit(tenant_id=None):
        owners = sso.tenants_of_domain(email)
    codes = []
    for tenant_id in owners:
        with work.unit(tenant_id=tenant_id):
            held = sso.current()
            codes += [held.code] if held is not None and held.enabled else []
    if len(codes) != 1:
        raise errors.Invalid(fields={"email": [
            _("Several companies use this domain. Open the sign-in address your company gave you.") if codes
            else _("No company signs in through this domain. Sign in with your password.")
        ]})  # fmt: skip
    return codes[0]


def _refused(refusal: errors.Refusal, code: str = "") -> tuple[str, int]:
    work.forget()
    page = render_template("signing/sso_refused.html", refused=_(refusal.message), code=code)
    return page, refusal.status
