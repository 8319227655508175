"""Which browsers a person has signed in with before: a signed cookie says so, and names nobody.

A sign-in from any other browser is told by mail. The cookie opens nothing; to steal it only spares the thief the mail.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Response, request
from flask_babel import gettext as _

from saas import config
from saas.kit import crypto
from saas.tenancy import logins
from saas.tenancy.events import SignedInElsewhere

COOKIE, PURPOSE = "regulars_known", "known-browser"
YEAR, MOST = 365 * 24 * 3600, 10
BROWSERS = ("Edg/Edge", "OPR/Opera", "Firefox/Firefox", "Chrome/Chrome", "Safari/Safari")
SYSTEMS = ("Android/Android", "iPhone/iPhone", "iPad/iPad", "Windows/Windows", "Mac OS X/macOS", "Linux/Linux")


def greet(login: Any, *, first: bool, tell: bool) -> list[str]:
    """Tell a person by mail when this browser is new to them, and return what `remember` shall keep.

    The very first sign-in of all is not told of, nor one by a link that came by mail.
    """
    known, mark = _known(), _mark(login)
    if mark not in known and tell and not first:
        browser = described(request.headers.get("User-Agent", ""))
        happened = SignedInElsewhere(login_id=str(login.id), browser=browser, address=request.remote_addr or "")
        logins.tell(login.id, happened)
    return [mark, *(held for held in known if held != mark)][:MOST]


def remember(response: Response, marks: list[str]) -> Response:
    """Keep in this browser who has signed in with it."""
    response.set_cookie(
        COOKIE, crypto.sign(PURPOSE, marks), max_age=YEAR, httponly=True, samesite="Lax", path="/",
        secure=config.get().public_url.startswith("https://"),
    )  # fmt: skip
    return response


def described(agent: str) -> str:
    """Return a browser's name for itself as people say it: "Firefox, Linux"."""
    found = []
    for names in (BROWSERS, SYSTEMS):
        pairs = (name.rsplit("/", 1) for name in names)
        found += [said for sign, said in pairs if re.search(rf"\b{re.escape(sign)}", agent)][:1]
    return ", ".join(found) or _("Unknown browser")


def _known() -> list[str]:
    held = crypto.read_signed(PURPOSE, request.cookies.get(COOKIE, ""), max_age=YEAR)
    return [mark for mark in held if isinstance(mark, str)] if isinstance(held, list) else []


def _mark(login: Any) -> str:
    return crypto.mac(PURPOSE, login.id.bytes, length=12).hex()
