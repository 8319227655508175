"""What all pages of a shopper's own place share: whose shop it is, who is there, in which language, and how it is answered.

Nothing here is kept by a browser or a proxy, found by a search engine, or told to another site. The pages need no script, and
their policy allows none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _

from saas import config
from saas.customers import passes, portal_settings, profiles
from saas.kit import addresses, crypto, errors, scope, work
from saas.marketing import landing, letters, links, responses
from saas.tenancy import site_keys, tenants

SHOPPER = scope.Actor("shopper", "portal")
COOKIE = "regulars_my"
TONGUES = {"en": "English", "zh_Hans": "简体中文"}
PLAIN = "#0f766e"


class Foreign(errors.Forbidden):
    """The form was not sent from one of these pages."""

    code, message = (
        "foreign_form",
        "This form is too old or was sent from another site. Load the page again and repeat it.",
    )


class Closed(errors.NotFound):
    """The company has no such page, or has closed it."""


@dataclass
class Here:
    """Whose page it is and who looks at it: the `customer` is known by a browser's pass, or by the `token` of a mail alone."""

    company: str
    settings: portal_settings.Settings
    zone: str
    languages: list[str]
    site: str
    customer: Any = None
    held: Any = None
    token: str = ""
    tab: str = ""

    @property
    def locale(self) -> str:
        """Their own choice on this browser, else their profile's language, else the browser's, else the company's."""
        wishes = [request.cookies.get("lang", ""), self.customer.language if self.customer else "", *request.accept_languages.values(), *self.languages]  # fmt: skip
        return next((near for wish in wishes if (near := _near(wish))), "en")

    @property
    def color(self) -> str:
        return self.settings.color or PLAIN

    @property
    def on_color(self) -> str:
        """Black or white, whichever is read better on the company's colour."""
        return "#000000" if _brightness(self.color) > 0.179 else "#ffffff"

    def form_token(self) -> str:
        return passes.form_token(self.held) if self.held is not None else ""

    def url(self, endpoint: str, **values: Any) -> str:
        return url_for(endpoint, site=self.site, **values)

    def said(self, words: dict[str, str]) -> str:
        """Return what the company wrote for this place, in the shopper's language."""
        return portal_settings.in_language(words, self.locale)

    def day(self, value: datetime | None) -> str:
        return format_date(value.astimezone(ZoneInfo(self.zone)), "medium", locale=get_locale()) if value else "–"

    def when(self, value: datetime | None) -> str:
        return format_datetime(value.astimezone(ZoneInfo(self.zone)), "medium", locale=get_locale()) if value else "–"


def _near(wish: str) -> str:
    short = wish.lower()[:2]
    return {"zh": "zh_Hans", "en": "en"}.get(short, "")


def _brightness(color: str) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


View = Callable[..., ResponseReturnValue]


def page(*, tab: str = "", guests: bool = False) -> Callable[[View], View]:
    """Wrap a view of `/my/<site>/…`: it gets a Here in place of the site. Without `guests` whoever is not signed in is led to
    where a link is asked for."""

    def wrap(view: View) -> View:
        @wraps(view)
        def inner(site: str, **values: Any) -> ResponseReturnValue:
            tenant_id = _tenant(site)
            with work.unit(tenant_id=tenant_id, actor=SHOPPER):
                here = _here(tab)
                if site != here.site and request.method == "GET":
                    return sealed(make_response(redirect(_same_page(here, values), 303)))
                here.held, here.customer = passes.of_cookie(request.cookies.get(COOKIE)) or (None, None)
                return _answered(here, lambda: _guarded(here, view, values, guests=guests))

        return inner

    return wrap


def of_mail(view: View) -> View:
    """Wrap a view of `/m/p/<token>`: the token of a mail opens the preferences of whoever it went to, and nothing else."""

    @wraps(view)
    def inner(token: str, **values: Any) -> ResponseReturnValue:
        opened = landing.read(token, links.PREFERENCES)
        with work.unit(tenant_id=opened.tenant_id, actor=SHOPPER):
            here = _here("preferences")
            here.customer, here.token = profiles.one(responses.customer_of(opened)), token
            if request.method == "POST":
                _refuse_foreign()
            return _answered(here, lambda: view(here, **values))

    return inner


def _tenant(site: str) -> int:
    try:
        return site_keys.find(site).tenant_id
    except site_keys.UnknownSiteKey:
        raise Closed from None


def _here(tab: str) -> Here:
    settings, own = tenants.settings(), portal_settings.current()
    if not own.enabled:
        raise Closed
    return Here(
        letters.company_name(), own, settings.zone or "UTC", list(settings.languages), settings.site_key, tab=tab
    )


def _same_page(here: Here, values: dict[str, Any]) -> str:
    """Where a page is that was asked for by the key of a shop: the browser is open under the company's."""
    asked = request.query_string.decode("ascii", "ignore")
    return here.url(str(request.endpoint), **values) + (f"?{asked}" if asked else "")


def _guarded(here: Here, view: View, values: dict[str, Any], *, guests: bool) -> ResponseReturnValue:
    if here.customer is None and not guests:
        if request.method != "GET":
            raise Foreign(_(Foreign.message))
        return redirect(here.url("portal.begin"), 303)
    if request.method == "POST":
        _refuse_foreign()
        if here.held is not None and not crypto.same(here.form_token(), request.form.get("form_token", "")):
            raise Foreign(_(Foreign.message))
    return view(here, **values)


def _refuse_foreign() -> None:
    origin = request.headers.get("Origin", "null")
    other = origin != "null" and addresses.split(origin).netloc != request.host
    if other or request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Foreign(_(Foreign.message))


def _answered(here: Here, view: Callable[[], ResponseReturnValue]) -> Response:
    """Answer in the shopper's language; what is refused is told on a page of the same look, and nothing of it is kept."""
    with force_locale(here.locale):
        try:
            answer = make_response(view())
        except errors.Refusal as refusal:
            work.forget()
            answer = make_response(show(here, "refused", refusal=refusal), refusal.status)
    return sealed(answer)


def sealed(answer: Response) -> Response:
    """Say to browsers and search engines that this is nobody else's business."""
    headers = answer.headers
    headers["Cache-Control"] = "private, no-store"
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def show(here: Here, template: str, **values: Any) -> Response:
    """Render a page."""
    nonce = current_app.jinja_env.globals["nonce"]()
    answer = make_response(render_template(f"portal/{template}.html", here=here, tongues=TONGUES, **values))
    pictures = "" if config.get().production else " http://127.0.0.1:* http://localhost:*"
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src https: data:{pictures}; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return answer


def proof() -> dict[str, Any]:
    """Return how we know what is said on this page."""
    browser = (request.headers.get("User-Agent") or "")[:200]
    return {"place": request.path.split("/")[1], "address": request.remote_addr or "", "browser": browser}
