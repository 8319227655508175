"""The shops' forms: what there is to show, what was shown, and what somebody sends. No login, any origin, no cookie."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, Response, request

from saas.kit import doors, errors, rates, scope, work
from saas.kit.text import gettext as _
from saas.marketing import form_intake, form_reports, form_shop, form_visitors, forms, watching
from saas.tenancy import directory, site_keys

door = Blueprint("forms_shop", __name__)
SHOPPER = scope.Actor("shopper", "form")
MOST_BYTES = 32 * 1024
AN_ADDRESS, A_SITE = "20/minute", "6000/minute"


class NotReadable(errors.Invalid):
    """The body is no JSON object."""


@door.get("/forms")
@doors.open_to("anyone", unit=False)
def show() -> Response:
    """Answer the forms that are shown in this company's shops; 304 while the browser's are the newest."""
    place = site_keys.find(request.args.get("site_key", ""))
    mark, body = form_shop.told(place.tenant_id)
    answer = Response(body, mimetype="application/json")
    answer.headers["Cache-Control"] = f"public, max-age={form_shop.KEPT_FOR}"
    answer.set_etag(mark)
    return answer.make_conditional(request)


@door.get("/forms/me")
@doors.open_to("anyone", unit=False)
def me() -> Response:
    """Tell whether a browser is proven to be a customer's, whether they have subscribed, and which variants of forms that are tried
    are theirs; asked only after consent."""
    place = site_keys.find(request.args.get("site_key", ""))
    rates.require(f"forms-me:{request.remote_addr}", "60/minute")
    with work.unit(tenant_id=place.tenant_id, actor=SHOPPER):
        visitor = form_intake.visitor(request.args.get("visitor"))
        told = form_visitors.standing(visitor) | form_shop.given(place.tenant_id, visitor)
    return Response(orjson.dumps(told), mimetype="application/json", headers={"Cache-Control": "no-store"})


@door.post("/forms/told")
@doors.open_to("anyone", unit=False)
def hear() -> Response:
    """Count that a form was shown or begun; nothing else is kept of it."""
    place, given = _read()
    try:
        form_id = UUID(str(given.get("form")))
    except ValueError:
        raise forms.NoSuchForm from None
    if given.get("what") not in form_reports.WHAT:
        raise NotReadable(fields={"what": [_("Choose one of the values.")]})
    form_reports.note(place.tenant_id, form_id, given["what"], met=str(given.get("arm") or ""))
    return _answer({"state": "taken"})


@door.post("/forms/<form_id>")
@doors.open_to("anyone", unit=False)
def take(form_id: str) -> Response:
    """Take what somebody sends: 202 with the same words whether they are known or not, 422 with what is missing."""
    place, given = _read()
    with work.unit(tenant_id=place.tenant_id, actor=SHOPPER):
        return _answer(form_intake.receive(form_id, given, _sender(place)))


@door.post("/watches")
@doors.open_to("anyone", unit=False)
def watch() -> Response:
    """Take the wish to be told when a product is back or costs less: 202, or 422 with what is missing."""
    place, given = _read()
    with work.unit(tenant_id=place.tenant_id, actor=SHOPPER):
        return _answer(watching.ask(given, _sender(place), tenant_id=place.tenant_id))


def _read() -> tuple[directory.Place, dict[str, Any]]:
    request.max_content_length = MOST_BYTES
    try:
        given = orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise NotReadable(_("The body must be a JSON object."))
    place = site_keys.find(str(given.get("site_key") or ""))
    rates.require(f"forms-from:{request.remote_addr}", AN_ADDRESS)
    rates.require(f"forms-to:{place.tenant_id}", A_SITE)
    return place, given


def _sender(place: directory.Place) -> form_intake.Sender:
    return form_intake.Sender(request.remote_addr or "", request.headers.get("User-Agent", ""), place.subject_id)


def _answer(told: dict[str, str]) -> Response:
    return Response(orjson.dumps(told), 202, mimetype="application/json", headers={"Cache-Control": "no-store"})


@door.after_request
def open_to_any_origin(response: Response) -> Response:
    """Let a page of any shop read the answer; there are no cookies in it to protect."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
