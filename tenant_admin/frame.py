"""The frame around every page of the staff's door: templates, language, security headers, messages.

`init(app)` knows nothing of rooms or logins. The entrance says who is there by setting `g.viewer`; without it the frame
shows a guest. A page is written as a template that extends base.html and is made of `ui` components.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flask import (
    Flask,
    Response,
    current_app,
    flash,
    g,
    get_flashed_messages,
    redirect,
    request,
    send_from_directory,
    url_for,
)
from flask_babel import Babel, get_locale
from jinja2 import ChoiceLoader, FileSystemLoader

from tenant_admin import formats, headers, markup, navigation, phrases

HERE = Path(__file__).parent
LOCALES = {"en": "English", "zh_Hans": "简体中文"}
THEMES = ("auto", "light", "dark")
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Viewer:
    """Who looks at the page, as far as the frame cares; rights None means everything may be shown."""

    name: str
    email: str = ""
    company: str = ""
    locale: str | None = None
    zone: str | None = None
    rights: frozenset[str] | None = None
    menu: tuple[tuple[str, str, str], ...] = ()  # (label, address, icon) of entries in the me menu
    sign_out_url: str | None = None


@dataclass(frozen=True)
class Frame:
    """What init() was told."""

    image_sources: Sequence[str]
    form_targets: Sequence[str]
    remember_locale: Callable[[str], None] | None = None
    search_url: str = "/search"
    commands: list[dict] = field(default_factory=list)


def init(
    app: Flask,
    *,
    image_sources: Sequence[str] = (),
    form_targets: Sequence[str] = (),
    remember_locale: Callable[[str], None] | None = None,
    search_url: str = "/search",
) -> Frame:
    """Prepare an application for the staff's pages.

    `image_sources` and `form_targets` are further origins for the content security policy: pictures, and where a form
    may lead, such as a payment page. `remember_locale` is called with the language somebody chose, to keep it with
    their settings. `search_url` answers the search box.
    """
    frame = app.extensions["frame"] = Frame(tuple(image_sources), tuple(form_targets), remember_locale, search_url)
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.add_extension("jinja2.ext.loopcontrols")
    app.jinja_env.add_extension(markup.Stamp)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(HERE / "templates"), *([app.jinja_loader] if app.jinja_loader else [])]
    )
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.globals.update(
        ui=markup.Components(), icon=markup.icon, asset=markup.asset, here=markup.here, script_modules=markup.modules,
        nonce=headers.nonce, navigation=rooms, viewer=viewer, theme=theme, language=language, languages=LOCALES,
        toasts=toasts, script_words=phrases.for_scripts, is_partial=is_partial, frame=frame,
    )  # fmt: skip
    _add_languages(app)
    app.add_url_rule("/static/page/<path:filename>", "frame.static", _static)
    app.before_request(_choose_language)
    app.after_request(_carry_toasts)
    app.after_request(headers.secure)
    return frame


def viewer() -> Viewer | None:
    """Return who looks at this page, as the entrance found out; None for a guest."""
    return g.get("viewer")


def theme() -> str:
    """Return light, dark or auto, as chosen on this browser."""
    chosen = request.cookies.get("theme", "auto")
    return chosen if chosen in THEMES else "auto"


def language() -> str:
    """Return the page's language as HTML wants it (zh-Hans)."""
    return str(get_locale() or "en").replace("_", "-")


def rooms(active: str | None = None) -> list[navigation.Shown]:
    """Return the rooms this viewer may see; the active one is the page's blueprint unless named."""
    who = viewer()
    if who is None:
        return []
    return navigation.shown(app=current_app, active=active or request.blueprint, rights=who.rights)


def is_partial() -> bool:
    """Return whether htmx asks for a part of the page, so that the view may answer with a fragment alone."""
    return request.headers.get("HX-Request-Type") == "partial"


def toast(
    message: str, *, kind: str = "done", undo: str | None = None, url: str | None = None, label: str | None = None
) -> None:
    """Show a short message on the next answer, whether page or fragment.

    `kind` is done, info, warning or error. `undo` is an address that gets a POST when Undo is pressed; `url` with
    `label` adds a link instead.
    """
    flash({"text": str(message), "kind": kind, "undo": undo, "url": url, "label": label}, "toast")


def undo_url(entry_id: object | None) -> str | None:
    """Return the address that takes an entry of the history back, for a toast; None without one."""
    return url_for("undo.entry", entry_id=entry_id) if entry_id else None


def toasts() -> list[dict]:
    """Return the messages that wait, those of a plain flask.flash() too."""
    kinds = {"success": "done", "danger": "error", "error": "error", "warning": "warning"}
    return [
        entry if isinstance(entry, dict) else {"text": str(entry), "kind": kinds.get(category, "info")}
        for category, entry in get_flashed_messages(with_categories=True)
    ]


def go(url: str) -> Response:
    """Send the browser to another page after a change, whether htmx or a plain form asked."""
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Redirect": url})
    return redirect(url, 303)


def _add_languages(app: Flask) -> None:
    translations = str(HERE / "translations")
    known = app.config.get("BABEL_TRANSLATION_DIRECTORIES")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = f"{translations};{known}" if known else translations
    Babel(app, locale_selector=_locale, timezone_selector=_zone)


def _locale() -> str:
    """Choose the language: the member's setting, then the cookie, then what the browser prefers."""
    who = viewer()
    for wish in (who.locale if who else None, request.cookies.get("lang")):
        if wish in LOCALES:
            return wish
    for wish in request.accept_languages.values():
        if wish.lower().startswith("zh"):
            return "zh_Hans"
        if wish.lower().startswith("en"):
            return "en"
    return "en"


def _zone() -> str | None:
    who = viewer()
    return who.zone if who else None


def _static(filename: str) -> Response:
    response = send_from_directory(HERE / "static", filename)
    if request.args.get("v") and request.args["v"] == markup.fingerprint(filename):
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


def _choose_language() -> Response | None:
    """Take ?lang=zh_Hans on any page: keep the choice and show the same page in that language."""
    wish = request.args.get("lang")
    if request.method != "GET" or wish not in LOCALES or request.endpoint in (None, "frame.static"):
        return None
    remember = current_app.extensions["frame"].remember_locale
    if remember is not None:
        remember(wish)
    response = redirect(markup.here(cursor=request.args.get("cursor")), 303)
    response.set_cookie("lang", wish, max_age=YEAR, samesite="Lax", secure=request.is_secure)
    return response


def _carry_toasts(response: Response) -> Response:
    """htmx takes only a part of an answer, so messages travel in a header that the page's script listens to."""
    leaving = "HX-Redirect" in response.headers or 300 <= response.status_code < 400
    if not request.headers.get("HX-Request") or leaving:
        return response
    waiting = toasts()
    if waiting:
        response.headers["HX-Trigger"] = json.dumps({"regulars:toasts": {"items": waiting}})
    return response
