"""POST /collect: what the tracker on a shop's pages tells. No login, any origin; the site key says whose it is."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, request

from saas import config
from saas.commerce import batches, browsing, robots
from saas.kit import doors, rates
from saas.kit.text import gettext as _
from saas.tenancy import site_keys

door = Blueprint("collector", __name__)


@door.post("/collect")
@doors.open_to("anyone", unit=False)
def collect() -> Response:
    """Take a batch of events: 202 with what was accepted and what was refused; what is accepted is on disk."""
    request.max_content_length = batches.MOST_BYTES
    batch = batches.read(request.get_data(cache=False))
    place = site_keys.find(batch.site_key)
    if robot := robots.named(request.headers.get("User-Agent", "")):
        return _answer(0, batches.refuse_all(batch, _("This browser says it is a robot (%(name)s).", name=robot)))
    rates.require(f"collect:{batch.site_key}", f"{config.get().collect_per_minute}/minute", cost=len(batch.events))
    accepted, refused = browsing.take(batch, tenant_id=place.tenant_id, shop_id=place.subject_id)
    return _answer(accepted, refused)


def _answer(accepted: int, refused: list[dict[str, Any]]) -> Response:
    return Response(orjson.dumps({"accepted": accepted, "refused": refused}), 202, mimetype="application/json")


@door.after_request
def open_to_any_origin(response: Response) -> Response:
    """Let a page of any shop read the answer; there are no cookies in it to protect."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "content-type"
        response.headers["Access-Control-Max-Age"] = "86400"
    return response
