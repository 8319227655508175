"""GET /offers: what a widget, or a shop's server, shows to a shopper. No login, any origin; the site key says whose it is.

A hot path: when warm it asks no database, so it opens no unit of work (see saas.recommend.offers).
"""

from __future__ import annotations

import re
import threading
import time

import orjson
from flask import Blueprint, Response, request

from saas.kit import doors, errors, rates, text
from saas.kit.text import gettext as _
from saas.recommend import offers, reasons
from saas.tenancy import site_keys

door = Blueprint("offers", __name__)
VISITOR = re.compile(r"[A-Za-z0-9_-]{1,64}")
A_MINUTE = 60_000  # answers for one site key
AT_ONCE = 50  # answers that are counted together, which spares Valkey


class BadQuestion(errors.Invalid):
    """A parameter is out of range; `fields` says which."""


class Meter:
    """Counts the answers of this process by site key and hands them to the shared limit by the fifty, or by the second."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._open: dict[str, tuple[int, float]] = {}

    def count(self, site_key: str) -> None:
        """Count one more; raises rates.TooOften beyond the limit."""
        now = time.monotonic()
        with self._guard:
            waiting, since = self._open.get(site_key, (0, 0.0))
            waiting += 1
            due = waiting >= AT_ONCE or now - since > 1.0
            self._open[site_key] = (0, now) if due else (waiting, since)
        if due:
            rates.require(f"offers:{site_key}", f"{A_MINUTE}/minute", cost=waiting)


meter = Meter()


@door.get("/offers")
@doors.open_to("anyone", unit=False)
def show() -> Response:
    """Answer offers for a place, best first, each in stock and with its reason; 401 unknown site key, 422 a bad place."""
    asked = request.args
    place = site_keys.find(asked.get("site_key", ""))
    meter.count(asked["site_key"])
    visitor = asked.get("visitor", "")
    if visitor and not VISITOR.fullmatch(visitor):
        raise BadQuestion(fields={"visitor": [_("1 to 64 letters, digits, “_” and “-”.")]})
    slot = asked.get("slot", "home")
    chosen = offers.choose(
        tenant_id=place.tenant_id, slot=slot, visitor=visitor, product=text.clean(asked.get("product"), most=200),
        cart_id=text.clean(asked.get("cart"), most=200), limit=_limit(asked.get("limit", "4")), source=place.subject_id,
        language=reasons.language_of(request.headers.get("Accept-Language")),
    )  # fmt: skip
    body = {"slot": slot, "request": str(chosen.request_id), "items": [offer.plain() for offer in chosen.items]}
    return Response(orjson.dumps(body), mimetype="application/json", headers={"Cache-Control": "no-store", "Vary": "Accept-Language"})


def _limit(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > 3:
        raise BadQuestion(fields={"limit": [_("A number from 1 to %(most)s.", most=offers.MOST)]})
    return int(given)


@door.after_request
def open_to_any_origin(response: Response) -> Response:
    """Let a page of any shop read the answer; there are no cookies in it to protect."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
