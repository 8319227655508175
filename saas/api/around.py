"""What happens around every call of the API: how often, once only where a program asks for it, and only the fields it wants."""

from __future__ import annotations

import time
from typing import Any

import orjson
from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue

from saas.api import history
from saas.kit import doors, errors, rates, scope
from saas.tenancy import repeats

NAME = "Idempotency-Key"
RATE = "6000/minute"
"""What one key may ask; a mass of records goes through the bulk addresses, a thousand a call."""
KEPT_HEADERS = ("Content-Type", "ETag", "Location")


class TooOften(errors.TooMany):
    """A key asked more often than it may."""

    message = (
        "This key asked too often. Wait as long as Retry-After says; the bulk addresses take a thousand records a call."
    )


class UnknownFields(errors.Invalid):
    """The caller asks for fields that this record does not have."""


def install() -> None:
    """Put this around every view that is open to keys."""
    doors.around("key")(answered)


def answered(view: doors.View) -> ResponseReturnValue:
    """Call the view unless the key asks too often or the same was done before; leave out fields that were not asked for."""
    _count()
    response = _once(view)
    goes = history.leaving(current_app.view_functions[request.endpoint or ""], request.method)
    if goes is not None:
        response.headers.update(goes.headers())
    wanted = request.args.get("fields")
    soon = request.method == "GET" and response.status_code == 202
    return _sparse(response, wanted) if wanted and response.status_code < 300 and not soon else response


def _count() -> None:
    standing = rates.standing(f"api:{scope.actor().id}", RATE)
    g.rate = standing
    if not standing.allowed:
        raise TooOften


def rate_headers(response: Response) -> Response:
    """Say in the answer how much a key may still ask (RateLimit fields of the IETF draft, and the older names)."""
    standing: rates.Standing | None = g.get("rate")
    if standing is not None:
        left, seconds = max(0, standing.remaining), max(0, round(standing.resets_at - time.time()))
        response.headers["RateLimit-Policy"] = f'"key";q={standing.most};w={standing.window}'
        response.headers["RateLimit"] = f'"key";r={left};t={seconds}'
        response.headers["X-RateLimit-Limit"] = str(standing.most)
        response.headers["X-RateLimit-Remaining"] = str(left)
        response.headers["X-RateLimit-Reset"] = str(seconds)
        if response.status_code == 429:
            response.headers["Retry-After"] = str(max(1, seconds))
    return response


def _once(view: doors.View) -> Response:
    name = request.headers.get(NAME)
    if name is None or request.method != "POST":
        return current_app.make_response(view())
    whole = repeats.fingerprint(request.path.encode(), request.query_string, request.get_data(cache=True))
    known = repeats.begin(name=name, fingerprint=whole)
    if known is not None:
        return Response(known.body, known.status, {**known.headers, "Idempotency-Replayed": "true"})
    response = current_app.make_response(view())
    if response.status_code < 500 and not response.is_streamed:
        kept = {header: response.headers[header] for header in KEPT_HEADERS if header in response.headers}
        repeats.keep(name=name, status=response.status_code, headers=kept, body=response.get_data())
    return response


def _sparse(response: Response, wanted: str) -> Response:
    """Leave only the fields asked for in each item of a list, or in the one record; raises UnknownFields."""
    if not response.is_json:
        return response
    whole = orjson.loads(response.get_data())
    names = list(dict.fromkeys(name.strip() for name in wanted.split(",") if name.strip()))
    if isinstance(whole, dict) and isinstance(whole.get("items"), list) and "id" not in whole:
        whole["items"] = [_only(item, names) for item in whole["items"]]
    elif isinstance(whole, dict):
        whole = _only(whole, names)
    response.set_data(orjson.dumps(whole))
    return response


def _only(item: Any, names: list[str]) -> Any:
    if not isinstance(item, dict):
        return item
    unknown = [name for name in names if name.partition(".")[0] not in item]
    if unknown:
        raise UnknownFields(fields={"fields": [f"There is no field {unknown[0][:40]}; there are {', '.join(item)}."]})
    found: dict[str, Any] = {}
    for name in names:
        head, _dot, rest = name.partition(".")
        if not rest:
            found[head] = item[head]
        elif isinstance(item[head], dict):
            found.setdefault(head, {})[rest] = item[head].get(rest)
    return found
