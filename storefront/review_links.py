"""The page behind the stars in a mail: one form for all things of an order. Opening it writes nothing, whatever the link says.

The link is all that is needed and all there is: no sign-in, no cookie, no script. By the same link what was said is changed or
taken back, and the mails are ended.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from saas.commerce import orders
from saas.kit import db as kit_db
from saas.kit import doors, errors, rates, scope, work
from saas.marketing import letters, shopper_words
from saas.reviews import asking, links, writing
from saas.tenancy import tenants
from storefront import review_words

door = Blueprint("review_links", __name__, template_folder="templates")
SHOPPER = scope.Actor("shopper", "review")
OFTEN, MOST_BYTES = "60/minute", 32 * 1024 * 1024


@door.get("/m/r/<token>")
@doors.open_to("anyone", unit=False)
def show(token: str) -> ResponseReturnValue:
    """Show the form with what was said before, or with the star that was clicked chosen; nothing is written."""
    tenant_id, order_id = links.read(token)
    with work.unit(tenant_id=tenant_id):
        return _page(token, order_id)


@door.post("/m/r/<token>")
@doors.open_to("anyone", unit=False)
def take(token: str) -> ResponseReturnValue:
    """Take what they say, all of it or nothing."""
    tenant_id, order_id = links.read(token)
    rates.require(f"review:{order_id}", OFTEN)
    with work.unit(tenant_id=tenant_id, actor=SHOPPER):
        try:
            said = writing.write(_order(order_id).id, _given())
        except (writing.BadReview, writing.NotBought) as refusal:
            work.forget()
            return _page(token, order_id, refusal), refusal.status
        if not said:
            return _page(token, order_id, nothing=True), 422
        return redirect(url_for("review_links.show", token=token, done="1"), 303)


@door.post("/m/r/<token>/withdraw/<review_id>")
@doors.open_to("anyone", unit=False)
def withdraw(token: str, review_id: str) -> ResponseReturnValue:
    """Take back what they said."""
    tenant_id, order_id = links.read(token)
    rates.require(f"review:{order_id}", OFTEN)
    with work.unit(tenant_id=tenant_id, actor=SHOPPER):
        writing.withdraw(review_id, order_id=_order(order_id).id)
    return redirect(url_for("review_links.show", token=token, done="back"), 303)


@door.route("/m/r/<token>/stop", methods=["GET", "POST"])
@doors.open_to("anyone", unit=False)
def stop(token: str) -> ResponseReturnValue:
    """Ask whether no such mails are wanted, and end them with a click, or with the one click of a mail program."""
    tenant_id, order_id = links.read(token)
    with work.unit(tenant_id=tenant_id, actor=SHOPPER):
        order = _order(order_id)
        if request.method == "POST" and order.customer_id is not None:
            proof = {
                "place": "review mail",
                "address": request.remote_addr or "",
                "browser": (request.headers.get("User-Agent") or "")[:200],
            }
            again = request.form.get("act") == "again"
            (asking.again if again else asking.stop)(order.customer_id, proof=proof)
        ended = order.customer_id is not None and asking.stopped(order.customer_id)
        with _tongue(order):
            return _sealed(render_template("mail/review_stop.html", ended=ended, company=letters.company_name()))


def _order(order_id: UUID) -> Any:
    try:
        return orders.one(order_id)
    except orders.NoSuchOrder:
        raise links.NoSuchLink from None


def _given() -> dict[UUID, dict[str, Any]]:
    """Return what the form says of each product on which something was said: its fields end in the product's id."""
    form, found = request.form, {}
    for name in [*form, *request.files]:
        part, _dot, given = name.partition(".")
        product_id = kit_db.uuid(given) if part in ("stars", "title", "body", "photo", "drop") and given else None
        if product_id is None or product_id in found:
            continue
        photo = request.files.get(f"photo.{given}")
        data = photo.stream.read(writing.MOST_PHOTO + 1) if photo is not None and photo.filename else b""
        values = {name: form.get(f"{name}.{given}", "") for name in ("stars", "title", "body")}
        if any(values.values()) or data or form.get(f"drop.{given}"):
            found[product_id] = values | {
                "photo": data, "drop_photo": bool(form.get(f"drop.{given}")), "name": form.get("name", ""), "language": form.get("language", ""),
            }  # fmt: skip
    return found


def _page(
    token: str, order_id: UUID, refusal: errors.Refusal | None = None, *, nothing: bool = False
) -> ResponseReturnValue:
    order = _order(order_id)
    buyer = writing.buyer(order)
    known = writing.items(order)
    wanted, star = request.args.get("item", ""), request.args.get("stars", "")
    done = request.args.get("done", "")
    with _tongue(order):
        rows = [_row(item, wanted, star) for item in known]
        rows.sort(key=lambda row: (row["id"] != wanted, row["review"] is not None))
        name = next((item.review.name for item in known if item.review is not None), writing.shown_name(buyer))
        return _sealed(render_template(
            "mail/review.html", token=token, rows=rows, name=request.form.get("name", name), company=letters.company_name(), order=order, done=done,
            typed=request.form, errors=refusal.fields if refusal else {}, refused=str(refusal.message) if refusal and not refusal.fields else "",
            nothing=nothing, closed=order.status in writing.UNBOUGHT, states=review_words.states(), reasons=review_words.reasons(),
            tongue=shopper_words.tongue(*_wishes(order)), most=writing.MOST,
        ))  # fmt: skip


def _row(item: writing.Item, wanted: str, star: str) -> dict[str, Any]:
    key, review = str(item.product.id), item.review
    chosen = (
        star if key == wanted and star in ("1", "2", "3", "4", "5") else str(review.stars) if review is not None else ""
    )
    return {
        "id": key, "name": item.product.name, "picture": item.product.picture, "review": review, "stars": request.form.get(f"stars.{key}", chosen),
        "returned": item.returned,
    }  # fmt: skip


def _wishes(order: Any) -> list[str]:
    buyer = writing.buyer(order)
    return [request.args.get("lang", ""), buyer.language if buyer else "", *tenants.settings().languages]


def _tongue(order: Any) -> Any:
    return force_locale(shopper_words.tongue(*_wishes(order)))


def _sealed(page: str) -> ResponseReturnValue:
    answer = make_response(page)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
