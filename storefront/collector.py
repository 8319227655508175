"""POST /collect: what the tracker on a shop's pages tells. No login, any origin; the site key says whose it is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from flask import Blueprint, Response, request

from saas import config
from saas.commerce import batches, browsing, hearing, robots
from saas.kit import doors, errors, rates
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
    _require_measure(batch, place)
    accepted, refused = browsing.take(batch, tenant_id=place.tenant_id, shop_id=place.subject_id)
    return _answer(accepted, refused)


class TooMany(errors.TooMany):
    """A browser or a shop's pages sent more than they may; the tracker keeps it and sends it later."""

    def __init__(self, sentence: str, *, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


def _require_measure(batch: batches.Batch, place: Any) -> None:
    """Refuse what goes beyond a minute's measure: a browser's first, so that a mad one does not use up its shop's."""
    settings, many = config.get(), len(batch.events)
    for key, most, sentence in (
        (f"collect:{batch.site_key}:{batch.visitor}", settings.collect_per_visitor, _("One browser sent too many events in a minute.")),
        (f"collect:{batch.site_key}", settings.collect_per_minute, _("The site key sent too many events in a minute.")),
    ):  # fmt: skip
        rate = f"{most}/minute"
        if not rates.allow(key, rate, cost=many):
            hearing.note_refused(place.tenant_id, place.subject_id or browsing.NO_SOURCE, Counter({sentence: many}))
            raise TooMany(sentence, retry_after=rates.wait(key, rate))


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
