"""Reviews on the shops' pages: read, written by whoever is there, found helpful, reported. No login, any origin, no cookie."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from flask import Blueprint, Response, request

from saas.kit import doors, errors, rates, scope, work
from saas.kit.text import gettext as _
from saas.marketing import form_intake
from saas.reviews import photos, settings, shop_words, summaries, votes, writing
from saas.tenancy import directory, site_keys

door = Blueprint("reviews_shop", __name__)
SHOPPER = scope.Actor("shopper", "review")
MOST_BYTES = 32 * 1024
A_SITE, AN_ADDRESS, WRITTEN = "6000/minute", "30/minute", "5/hour"
KEPT_FOR = 30


class BadQuestion(errors.Invalid):
    """A parameter is out of range; `fields` says which."""


@door.get("/reviews")
@doors.open_to("anyone", unit=False)
def show() -> Response:
    """Answer what is shown of a product: the sums, a page of reviews, and the words of the page's language; 204 where the product is
    not known (yet), which is no error of the shop's page."""
    place = site_keys.find(request.args.get("site_key", ""))
    rates.require(f"reviews:{place.tenant_id}", A_SITE)
    sort, stars, cursor = request.args.get("sort", "newest"), request.args.get("stars", ""), request.args.get("cursor")
    if sort not in summaries.SORTS or stars not in ("", "1", "2", "3", "4", "5"):
        raise BadQuestion(fields={"sort" if sort not in summaries.SORTS else "stars": [_("Choose one of the values.")]})
    with work.unit(tenant_id=place.tenant_id, actor=SHOPPER):
        product = summaries.find(request.args.get("product", ""), place.subject_id)
        if product is None:
            return Response(status=204, headers={"Cache-Control": f"public, max-age={KEPT_FOR}"})
        first = sort == "newest" and not stars and not cursor
        body = summaries.ready(product) if first else orjson.dumps(summaries.shown(product, sort=sort, stars=int(stars) if stars else None, cursor=cursor))  # fmt: skip
        words = {"words": shop_words.of(request.args.get("lang", "")), "write": settings.held()["page"]}
    answer = Response(body[:-1] + b"," + orjson.dumps(words)[1:], mimetype="application/json")
    answer.headers["Cache-Control"] = f"public, max-age={KEPT_FOR}"
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:24])
    return answer.make_conditional(request)


@door.post("/reviews")
@doors.open_to("anyone", unit=False)
def write() -> Response:
    """Take a review of whoever is on the page: 202 with the same words whatever becomes of it, 422 with what is missing."""
    place, given = _read()
    with work.unit(tenant_id=place.tenant_id, actor=SHOPPER):
        if not settings.held()["page"]:
            raise errors.Forbidden(_("Reviews are only taken from who bought here."))
        product = summaries.find(str(given.get("product") or ""), place.subject_id)
        if product is None:
            raise writing.BadReview(fields={"product": [_("There is no such product.")]})
        if form_intake.machine(given) or not rates.allow(
            f"review-from:{place.tenant_id}:{request.remote_addr}", WRITTEN
        ):
            return _answer({"state": "taken"})
        writing.from_page(given, product, language=str(given.get("language") or ""))
    return _answer({"state": "taken"})


@door.post("/reviews/<review_id>/helpful")
@doors.open_to("anyone", unit=False)
def helpful(review_id: str) -> Response:
    """Count that a review helped this browser, once; with `yes` false take that back."""
    place, given = _read()
    with work.unit(tenant_id=place.tenant_id, actor=SHOPPER):
        many = votes.helpful(review_id, browser=_browser(given), yes=given.get("yes") is not False)
    return _answer({"helpful": many}, 200)


@door.post("/reviews/<review_id>/report")
@doors.open_to("anyone", unit=False)
def report(review_id: str) -> Response:
    """Note that somebody thinks a review should not be there."""
    place, given = _read()
    with work.unit(tenant_id=place.tenant_id, actor=SHOPPER):
        votes.report(review_id, browser=_browser(given), why=str(given.get("why") or ""))
    return _answer({"state": "taken"})


@door.get(f"{photos.PATH}/<name>")
@doors.open_to("anyone", unit=False)
def photo(name: str) -> Response:
    """Show the picture of a review while the review is shown."""
    tenant_id, review_id, mark = photos.read(name)
    with work.unit(tenant_id=tenant_id, actor=SHOPPER):
        data = photos.shown(review_id, mark)
    return Response(
        data, content_type="image/jpeg",
        headers={
            "Cache-Control": "public, max-age=3600", "Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )  # fmt: skip


def _browser(given: dict[str, Any]) -> str:
    """Return which browser clicked; of one address only so many are counted a minute, for ids can be made up."""
    rates.require(f"review-votes:{request.remote_addr}", AN_ADDRESS)
    found = form_intake.visitor(given.get("visitor"))
    if not found:
        raise BadQuestion(fields={"visitor": [_("Please fill this in.")]})
    return found


def _read() -> tuple[directory.Place, dict[str, Any]]:
    request.max_content_length = MOST_BYTES
    try:
        given = orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise BadQuestion(_("The body must be a JSON object."))
    place = site_keys.find(str(given.get("site_key") or ""))
    rates.require(f"reviews-from:{request.remote_addr}", AN_ADDRESS)
    return place, given


def _answer(told: dict[str, Any], status: int = 202) -> Response:
    return Response(orjson.dumps(told), status, mimetype="application/json", headers={"Cache-Control": "no-store"})


@door.after_request
def open_to_any_origin(response: Response) -> Response:
    """Let a page of any shop read the answer; there are no cookies in it to protect."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
