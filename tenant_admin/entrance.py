"""Who may see a page: the guards of the staff's door.

A person has signed in; a member has also chosen a company and holds a role there. What the role allows is asked once,
here, for every page.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf

from saas import config
from saas.kit import access, addresses, doors, errors, scope, work
from saas.tenancy import limits, logins, members, roles, sessions
from tenant_admin import gates, helping
from tenant_admin.frame import Viewer

COOKIE = "regulars_session"
ALWAYS_WRITABLE = (
    "plan.",
    "settings.",
    "members.",
    "keys.",
    "company.",
    "support.",
    "exports.",
)  # what a company may change while its plan is not paid
csrf = CSRFProtect()


class SignInFirst(errors.NotSignedIn):
    """Nobody is signed in; the door shows the sign-in page and comes back afterwards."""


class ChooseCompany(errors.NotSignedIn):
    """The person is signed in and has not chosen which of their companies to act for."""


class ConfirmFirst(errors.NotSignedIn):
    """What was asked for needs the person to show once more that it is them; the door leads there and back."""

    code = "confirm_first"
    message = "Confirm that it is you first."


class NotStaff(errors.NotFound):
    """A page of the platform's own staff: for everybody else there is nothing here."""


class Forged(errors.Forbidden):
    """The request was not made by one of our own pages."""

    message = "This form is too old or was sent from another site. Go back, load the page again and repeat it."


def install(app: Flask) -> None:
    """Register the guards and how their refusals are answered."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    csrf.init_app(app)
    app.jinja_env.globals["csrf_token"] = generate_csrf
    app.register_error_handler(SignInFirst, _to_sign_in)
    app.register_error_handler(ChooseCompany, _to_choosing)
    app.register_error_handler(helping.HelpOver, helping.answer_over)
    app.jinja_env.globals["support_here"] = helping.here
    doors.guard("person")(admit_person)
    doors.guard("member")(admit_member)
    doors.guard("staff")(admit_staff)


def form_targets(settings: config.Settings) -> Sequence[str]:
    """Return where our forms may lead besides ourselves: the payment pages."""
    return (
        [settings.stripe_api_base]
        if settings.stripe_api_base
        else ["https://checkout.stripe.com", "https://billing.stripe.com"]
    )


def refuse_forged() -> None:
    """Refuse a changing request that did not come from one of our own pages; raises Forged."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.headers.get("Origin", "null")
    foreign = origin != "null" and addresses.split(origin).netloc != request.host
    if foreign or request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forged(_(Forged.message))
    try:
        csrf.protect()
    except CSRFError:
        raise Forged(_(Forged.message)) from None


def signed_in() -> sessions.SignedIn | None:
    """Return who the request's cookie stands for, read once a request."""
    if "signed_in" not in g:
        cookie = request.cookies.get(cookie_name())
        g.signed_in = None
        if cookie:
            with work.unit(tenant_id=None):
                g.signed_in = sessions.read(cookie)
    return g.signed_in


def admit_person(entrance: doors.Entrance) -> doors.Admitted:
    """Admit whoever has signed in; raises SignInFirst. What the page shows of a company is that which they act for."""
    who = signed_in()
    if who is None:
        raise SignInFirst
    acting = None
    if who.tenant_id is not None and who.member_id is not None:
        with work.unit(tenant_id=who.tenant_id):
            acting = members.acting(who.member_id)
    g.viewer = _viewer(who, acting)
    _require_fresh(who, entrance)
    return doors.Admitted(None, scope.Actor("person", str(who.login_id), who.name or who.email))


def admit_member(entrance: doors.Entrance) -> doors.Admitted:
    """Admit a member whose role includes the page's permission.

    Raises SignInFirst, ChooseCompany, MayNot, or ReadOnly while the company's plan is not paid.
    """
    who = signed_in()
    if who is None:
        raise SignInFirst
    if who.support_id is not None:
        g.viewer = _viewer(who, None)
        g.member, admitted = helping.admit(who, entrance)
        g.viewer = _viewer(who, g.member)
        return admitted
    if who.tenant_id is None or who.member_id is None:
        raise ChooseCompany
    with work.unit(tenant_id=who.tenant_id):
        acting = members.acting(who.member_id)
        if acting is None:
            raise ChooseCompany
        g.viewer = _viewer(who, acting)
        gates.check(who, acting)
        with access.bound(acting.access):
            if entrance.permission:
                access.require(entrance.permission)
        open_anyhow = entrance.always or (entrance.permission or "").startswith(ALWAYS_WRITABLE)
        if request.method not in ("GET", "HEAD") and not open_anyhow:
            limits.require_writable()
    _require_fresh(who, entrance)
    g.member, g.factor_due = acting, gates.deadline(who, acting)
    return doors.Admitted(
        who.tenant_id, scope.Actor("member", str(who.member_id), who.name or who.email), acting.access
    )


def admit_staff(entrance: doors.Entrance) -> doors.Admitted:
    """Admit the platform's own staff, with no company bound.

    Raises SignInFirst, NotStaff, or SecondFactorFirst: whoever looks after many companies shows more than a password.
    """
    who = signed_in()
    if who is None:
        raise SignInFirst
    g.viewer = _viewer(who, None)
    if not who.staff or who.confined_to is not None:
        raise NotStaff
    if not (who.second_factor and who.has_factor):
        raise gates.SecondFactorFirst
    _require_fresh(who, entrance)
    return doors.Admitted(None, scope.Actor("staff", str(who.login_id), who.name or who.email))


def require_fresh() -> None:
    """Raise ConfirmFirst in a view where only some of what it does needs it: making somebody an owner, say."""
    who = signed_in()
    if who is None or not who.fresh(for_person=False):
        raise ConfirmFirst(_(ConfirmFirst.message))


def _require_fresh(who: sessions.SignedIn, entrance: doors.Entrance) -> None:
    """Raise ConfirmFirst where the page wants to know for sure that it is still the person who signed in."""
    if entrance.fresh and not who.fresh(for_person=entrance.kind != "member"):
        raise ConfirmFirst(_(ConfirmFirst.message))


def _viewer(who: sessions.SignedIn, acting: members.Acting | None) -> Viewer:
    return Viewer(
        name=who.name or who.email, email=who.email, company=acting.company if acting else "",
        locale=who.language or None, zone=who.zone or (acting.zone if acting else None),
        rights=roles.written_out(acting.access.permissions) if acting else frozenset(),
        menu=_menu(), sign_out_url=url_for("signing.sign_out"),
    )  # fmt: skip


def _menu() -> tuple[tuple[str, str, str], ...]:
    # lazy: to translate here would settle the language before the member's own is known
    entries = (
        ("account.show", _l("My account"), "user"),
        ("operations.index", _l("Background work"), "clock"),
        ("companies.choose", _l("Change company"), "building"),
    )
    known = [(label, url_for(endpoint), icon) for endpoint, label, icon in entries if _exists(endpoint)]
    return tuple(known)


def _exists(endpoint: str) -> bool:
    from flask import current_app

    return endpoint in current_app.view_functions


def remember_language(language: str) -> None:
    """Keep the language somebody chose with their login."""
    who = signed_in()
    if who is not None:
        with work.unit(tenant_id=None):
            logins.choose_language(login_id=who.login_id, language=language)


def cookie_name() -> str:
    """Return the session cookie's name; with https the prefix binds it to this very host."""
    return f"__Host-{COOKIE}" if config.get().public_url.startswith("https://") else COOKIE


def give_cookie(response: Response, token: str) -> Response:
    """Put a session's token into the answer as a cookie scripts cannot read."""
    response.set_cookie(
        cookie_name(), token, max_age=int(sessions.ABSOLUTE.total_seconds()), httponly=True, samesite="Lax", path="/",
        secure=config.get().public_url.startswith("https://"),
    )  # fmt: skip
    return response


def take_cookie(response: Response) -> Response:
    response.delete_cookie(cookie_name(), path="/")
    return response


def safe_next(target: str | None) -> str:
    """Return where to go after signing in: a path of ours, never another site."""
    return target if target and _is_our_path(target) else url_for("home.index")


def _is_our_path(target: str) -> bool:
    """Browsers read a backslash as a slash and skip control characters, so neither may stand in it."""
    parts = addresses.split(target)
    plain = parts != addresses.NOWHERE and not any(sign == "\\" or ord(sign) < 33 for sign in target)
    return plain and target.startswith("/") and not target.startswith("//") and not parts.netloc and not parts.scheme


def _to_sign_in(error: SignInFirst) -> Response:
    if _was_looking():
        return _go(url_for("signing.sign_in", next=request.full_path.rstrip("?")))
    flash(_("You were signed out. Sign in to go on."), "info")
    return _go(url_for("signing.sign_in"))


def _to_choosing(error: ChooseCompany) -> Response:
    return _go(url_for("companies.choose", next=request.full_path.rstrip("?") if _was_looking() else None))


def _was_looking() -> bool:
    """Tell whether the request was for a whole page, which can be shown after signing in."""
    return request.method == "GET" and request.headers.get("HX-Request") != "true"


def _go(address: str) -> Response:
    """Send the browser there; htmx is told to load the whole page."""
    if request.headers.get("HX-Request") == "true":
        return Response("", 200, {"HX-Redirect": address})
    return redirect(address, 303)
