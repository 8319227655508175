"""What templates are made of: icons, addresses of files, the `ui` components, and the stamp on every htmx element.

The stamp: the hx-csp extension lets an element act only when it carries the page's nonce, so HTML that slipped in from
data can never send a request. Templates need not write it; a Jinja extension adds it to each tag that has an hx-
attribute in the *source* of a template, which data never reaches.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from flask import current_app, g, request, url_for
from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup

from saas.kit import addresses

STATIC = Path(__file__).parent / "static"
COMPONENTS = ("page", "lists", "forms", "cards", "charts", "people", "work", "overlays")
_hashes: dict[Path, tuple[float, str]] = {}


class NoComponent(Exception):
    """A template asked for a component that no file defines."""


def fingerprint(name: str) -> str:
    """Return a short hash of a static file's content, or an empty text when the file is not there (yet)."""
    path = STATIC / name
    try:
        changed = path.stat().st_mtime
    except FileNotFoundError:
        return ""
    known = _hashes.get(path)
    if known is None or known[0] != changed:
        known = _hashes[path] = (changed, hashlib.sha256(path.read_bytes()).hexdigest()[:12])
    return known[1]


def asset(name: str) -> str:
    """Return the address of a static file of the staff's pages, with the hash of its content."""
    # a page asks for the sprite a hundred times
    known = g.setdefault("assets", {})
    if name not in known:
        known[name] = url_for("frame.static", filename=name, v=fingerprint(name) or None)
    return known[name]


def icon(name: str, size: int = 20, label: str | None = None) -> Markup:
    """Return an icon from the sprite; it is hidden from screen readers unless it has a label."""
    spoken = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(
        '<svg class="icon icon-{size}" width="{size}" height="{size}" {spoken}><use href="{url}#{name}"/></svg>'
    ).format(size=size, spoken=spoken, url=asset("vendor/icons.svg"), name=name)


def modules() -> dict[str, str]:
    """Return the import map of our script modules: regulars/<name> -> address."""
    return {f"regulars/{path.stem}": asset(f"js/{path.name}") for path in sorted((STATIC / "js").glob("*.js"))}


def here(**changes: object) -> str:
    """Return this page's address with some query arguments changed; None takes one away. The cursor starts anew."""
    if request.url_rule is None or "GET" not in request.url_rule.methods:
        # nothing was found, or a form was sent to an address that cannot be shown: stay where the person came from
        back = addresses.split(request.referrer)
        return back.path if back.netloc == request.host and back.path else "/"
    arguments = {**request.args.to_dict(flat=False), **(request.view_args or {})}
    arguments.pop("cursor", None)
    arguments.pop("lang", None)
    for name, value in changes.items():
        if value is None or value == "":
            arguments.pop(name, None)
        else:
            arguments[name] = value
    return url_for(request.endpoint, **arguments)


class Components:
    """All macros of templates/components under one name, so that a page needs no import: `ui.card(...)`."""

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        environment = current_app.jinja_env
        known = environment.__dict__.setdefault("regulars_components", {})
        if name in known and not environment.auto_reload:
            return known[name]
        for file in COMPONENTS:
            macro = getattr(environment.get_template(f"components/{file}.html").module, name, None)
            if macro is not None:
                known[name] = macro
                return macro
        raise NoComponent(f"There is no component called {name}.")


class Stamp(Extension):
    """Adds the page's nonce to every tag of a template that has an htmx attribute."""

    HTMX = re.compile(r"\s(?:data-)?hx-[a-z]")
    TAG = re.compile(r"<[a-zA-Z][\w-]*")
    CLOSERS = {"{{": "}}", "{%": "%}", "{#": "#}"}

    def __init__(self, environment: Environment):
        super().__init__(environment)

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        if "hx-" not in source or not (name or "").endswith(".html"):
            return source
        parts, done = [], 0
        for tag in self.TAG.finditer(source):
            if tag.start() < done:
                continue
            end = self._end(source, tag.end())
            inside = source[tag.end() : end]
            if self.HTMX.search(inside) and "hx-nonce" not in inside:
                parts += [source[done : tag.end()], ' hx-nonce="{{ nonce() }}"', inside]
                done = end
        return "".join(parts) + source[done:]

    def _end(self, source: str, at: int) -> int:
        """Return where the tag ends, skipping quoted texts and what belongs to Jinja."""
        quote = ""
        while at < len(source):
            closer = self.CLOSERS.get(source[at : at + 2])
            if closer:
                found = source.find(closer, at + 2)
                at = len(source) if found < 0 else found + 2
                continue
            letter = source[at]
            if quote:
                quote = "" if letter == quote else quote
            elif letter in "\"'":
                quote = letter
            elif letter == ">":
                return at
            at += 1
        return at
