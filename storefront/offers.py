"""GET /offers: what a widget, or a shop's server, shows to a shopper. No login, any origin; the site key says whose it is.

A hot path: when warm it asks no database, so it opens no unit of work (see saas.recommend.offers).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState

from saas.kit import doors, errors, figures, rates, text
from saas.kit.text import gettext as _
from saas.recommend import offers, reasons
from saas.tenancy import directory, site_keys

door = Blueprint("offers", __name__)
VISITOR = re.compile(r"[A-Za-z0-9_-]{1,64}")
A_MINUTE = 60_000  # answers for one site key
TOGETHER = 50  # answers that are counted together, which spares Valkey
HEADERS = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
ALL_HEADERS = (
    ("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*"), ("X-Content-Type-Options", "nosniff"), *HEADERS.items(),
)  # fmt: skip


class BadQuestion(errors.Invalid):
    """A parameter is out of range; `fields` says which."""


class Meter:
    """Counts the answers of this process by site key and hands them to the shared limit by the fifty, or by the second.

    A site key beyond its limit is refused for a second before the limit is asked again.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._open: dict[str, tuple[int, float]] = {}
        self._shut: dict[str, float] = {}

    def count(self, site_key: str) -> None:
        """Count one more; raises rates.TooOften beyond the limit."""
        now = time.monotonic()
        if self._shut.get(site_key, 0.0) > now:
            raise rates.TooOften
        with self._guard:
            waiting, since = self._open.get(site_key, (0, 0.0))
            waiting += 1
            due = waiting >= TOGETHER or now - since > 1.0
            self._open[site_key] = (0, now) if due else (waiting, since)
        if due and not rates.allow(f"offers:{site_key}", f"{A_MINUTE}/minute", cost=waiting):
            self._shut[site_key] = now + 1.0
            raise rates.TooOften


meter = Meter()


@door.get("/offers")
@doors.open_to("anyone", unit=False)
def show() -> Response:
    """Answer offers for a place, best first, each in stock and with its reason; 401 unknown site key, 422 a bad place."""
    place = site_keys.find(request.args.get("site_key", ""))
    _request_id, body = _answer(request.args, place, request.headers.get("Accept-Language"))
    return Response(body, mimetype="application/json", headers=HEADERS)


def show_at_once(environ: dict[str, Any]) -> tuple[list[tuple[str, str]], bytes] | None:
    """Answer the same before Flask begins, which spares two fifths of the time; what would be refused takes the long way."""
    began = time.perf_counter()
    asked = _read(environ["QUERY_STRING"])
    place = site_keys.remembered(asked.get("site_key", ""))
    if place is None:
        return None
    try:
        request_id, body = _answer(asked, place, environ.get("HTTP_ACCEPT_LANGUAGE"))
    except errors.Refusal:
        return None
    figures.request(route="/offers", method="GET", status=200, seconds=time.perf_counter() - began)
    return [*ALL_HEADERS, ("X-Request-Id", request_id)], body


def _read(query: str) -> dict[str, str]:
    """Read parameters as Flask does: of one given twice the first counts, an empty one is none."""
    if "%" in query or "+" in query:
        return dict(reversed(parse_qsl(query)))
    pairs = (pair.partition("=") for pair in reversed(query.split("&")))
    return {name: value for name, _is, value in pairs if value}


def _answer(asked: Mapping[str, str], place: directory.Place, languages: str | None) -> tuple[str, bytes]:
    """Return the answer's id and body; raises BadQuestion or rates.TooOften."""
    meter.count(asked["site_key"])
    visitor = asked.get("visitor", "")
    if visitor and not VISITOR.fullmatch(visitor):
        raise BadQuestion(fields={"visitor": [_("1 to 64 letters, digits, “_” and “-”.")]})
    slot = asked.get("slot", "home")
    return offers.write(
        tenant_id=place.tenant_id, slot=slot, visitor=visitor, product=text.clean(asked.get("product"), most=200),
        cart_id=text.clean(asked.get("cart"), most=200), limit=_limit(asked["limit"]) if "limit" in asked else None, source=place.subject_id,
        bought=_several(asked.get("bought", "")), query=text.clean(asked.get("query"), most=200),
        language=reasons.language_of(text.clean(asked.get("lang"), most=35) or languages),
    )  # fmt: skip


@door.record_once
def _stand_before_flask(state: BlueprintSetupState) -> None:
    state.app.at_once["/offers"] = show_at_once


def _several(given: str) -> list[str]:
    """Read ids that are separated by commas; more than fifty are more than anybody buys at once."""
    return [one for one in text.clean(given, most=4000).split(",") if one][:50]


def _limit(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > 3:
        raise BadQuestion(fields={"limit": [_("A number from 1 to %(most)s.", most=offers.MOST)]})
    return int(given)


@door.after_request
def open_to_any_origin(response: Response) -> Response:
    """Let a page of any shop read the answer, refusals too; there are no cookies in it to protect."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
