"""How every refusal and failure is answered: one shape for programs, one page for people.

The body carries neither a nonce nor a request id (they go in headers), so that another tenant's id and a random id get
the same bytes.
"""

from __future__ import annotations

import logging

import orjson
from flask import Flask, Response, g, jsonify, render_template, request
from flask_babel import gettext as _
from jinja2 import TemplateNotFound
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, SecurityError

from saas import config
from saas.kit import errand, errors

log = logging.getLogger("regulars.failures")
JSON_PATHS = (
    "/api/",
    "/collect",
    "/offers",
    "/forms",
    "/watches",
    "/reviews",
    "/hooks/",
    "/healthz",
    "/readyz",
    "/metrics",
)


def init(app: Flask) -> None:
    """Register the handlers, and give each request an id that is logged and answered in a header."""
    app.before_request(_number_request)
    app.after_request(_name_request)
    app.teardown_request(_end_request)
    app.register_error_handler(errors.Refusal, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(IntegrityError, _clash)
    app.register_error_handler(StaleDataError, lambda error: answer(errors.Stale()))
    app.register_error_handler(DataError, lambda error: answer(errors.Invalid(_("A value is out of range."))))
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _number_request() -> None:
    """Under the number the proxy in front gave it, where there is one; else under a new one."""
    rule = request.url_rule.rule if request.url_rule else "nowhere"
    given = request.headers.get(errand.HEADER) if config.get().proxy_hops else None
    g.errand = errand.begin(f"{request.method[:10]} {rule}", given=given)
    g.request_id = errand.request_id()


def _name_request(response: Response) -> Response:
    response.headers[errand.HEADER] = g.get("request_id", "")
    return response


def _end_request(_error: BaseException | None = None) -> None:
    token = g.pop("errand", None)
    if token is not None:
        errand.end(token)


def for_programs() -> bool:
    return request.path.startswith(JSON_PATHS)


def body(refusal: errors.Refusal) -> dict:
    """Return the one error shape of all JSON answers."""
    shape: dict = {"code": refusal.code, "message": refusal.message}
    if refusal.fields:
        shape["fields"] = refusal.fields
    return {"error": shape}


def answer(refusal: errors.Refusal) -> tuple[Response | str, int] | tuple[Response | str, int, dict[str, str]]:
    """Answer a refusal in the shape its door speaks; one that passes by itself says after how many seconds."""
    shown = _shown(refusal)
    seconds = getattr(refusal, "retry_after", None)
    return (*shown, {"Retry-After": str(seconds)}) if seconds else shown


def _shown(refusal: errors.Refusal) -> tuple[Response | str, int]:
    if for_programs():
        return jsonify(body(refusal)), refusal.status
    if isinstance(request.routing_exception, SecurityError):
        return refusal.message, refusal.status  # asked for under a name that is not ours: no page has an address here
    try:
        page = render_template("error.html", error=refusal, partial=request.headers.get("HX-Request") == "true")
        return page, refusal.status
    except TemplateNotFound:
        return refusal.message, refusal.status


def _http(error: HTTPException) -> tuple[Response | str, int] | HTTPException:
    if error.code is None or error.code < 400:
        return error
    refusal = errors.Refusal(error.description or error.name)
    refusal.status, refusal.code = error.code, error.name.lower().replace(" ", "_")
    if error.code == 404:
        refusal = errors.NotFound()
    elif error.code == 413:
        refusal = errors.TooLarge()
    elif error.code == 400 and for_programs():
        return answer(errors.Unreadable(unreadable_at() or error.description))
    messages = (getattr(error, "data", None) or {}).get("messages")
    if messages:
        refusal = errors.Invalid(fields=flat(messages))
        refusal.status = error.code
    return answer(refusal)


def unreadable_at() -> str | None:
    """Return a sentence with the place at which the request's body stops being JSON, or None when it is JSON."""
    try:
        orjson.loads(request.get_data(cache=True).decode())
    except orjson.JSONDecodeError as error:
        return _(
            "The body is not JSON: %(what)s at line %(line)s, column %(column)s.",
            what=error.msg,
            line=error.lineno,
            column=error.colno,
        )
    except UnicodeDecodeError as error:
        return _("The body is not UTF-8 text: byte %(place)s.", place=error.start)
    return None


def flat(messages: object, prefix: str = "") -> dict[str, list[str]]:
    """Return nested marshmallow messages as {"items.3.email": ["..."]}; the place in the request is left out."""
    if not isinstance(messages, dict):
        return {prefix or "body": [str(m) for m in (messages if isinstance(messages, list) else [messages])]}
    found: dict[str, list[str]] = {}
    for key, value in messages.items():
        if not prefix and key in ("json", "query", "form", "headers", "path", "files"):
            found |= flat(value)
        else:
            found |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def _clash(error: IntegrityError) -> tuple[Response | str, int]:
    log.warning(
        "a constraint refused a write: %s", getattr(error.orig, "diag", None) and error.orig.diag.constraint_name
    )
    return answer(errors.Conflict())


def _database_away(error: OperationalError) -> tuple[Response | str, int]:
    log.error("the database did not answer: %s", error.orig)
    return answer(errors.Unavailable())


def _unexpected(error: Exception) -> tuple[Response | str, int]:
    log.exception("unexpected failure")
    refusal = errors.Refusal(_("Something went wrong on our side. It is written down; try again in a moment."))
    refusal.status, refusal.code = 500, "failure"
    return answer(refusal)
