"""A shopper's own reviews: what they said and how it stands, what they can still judge, and whether they want to be asked.

Writing and changing is the form behind the mail's link; being signed in proves the same, so it is opened with a link made here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from saas.catalog import products
from saas.commerce import finding, fulfilments, orders
from saas.kit import clock, doors, scope
from saas.reviews import asking, links, writing
from storefront import portal_frame, review_words
from storefront.portal_frame import Here, show

door = Blueprint("portal_reviews", __name__, template_folder="templates")
MOST_ORDERS = 10
ON_ITS_WAY = timedelta(days=14)
"""How long what was paid is taken to be on its way where the shop tells of no parcel."""


@door.get("/my/<site>/reviews")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="reviews")
def index(here: Here) -> ResponseReturnValue:
    """Show what they said, and what of their last orders they can judge."""
    said = writing.of_customer(here.customer.id)
    return show(
        here, "reviews", said=[_said(one) for one in said], orders=_open_orders(here, said), stopped=asking.stopped(here.customer.id),
        note=_("Saved.") if request.args.get("noted") else "",
    )  # fmt: skip


@door.post("/my/<site>/reviews/mails")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="reviews")
def mails(here: Here) -> ResponseReturnValue:
    """End the mails that ask, or have them again."""
    wanted = asking.again if request.form.get("act") == "again" else asking.stop
    wanted(here.customer.id, proof=portal_frame.proof())
    return redirect(here.url("portal_reviews.index", noted="1"), 303)


@door.post("/my/<site>/reviews/<review_id>/withdraw")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="reviews")
def withdraw(here: Here, review_id: str) -> ResponseReturnValue:
    """Take one back."""
    writing.withdraw(review_id, customer_id=here.customer.id)
    return redirect(here.url("portal_reviews.index", noted="1"), 303)


def _said(review: Any) -> dict[str, Any]:
    link = (
        url_for("review_links.show", token=links.made(scope.tenant_id(), review.order_id), item=review.product_id)
        if review.order_id and review.product_id and review.verified
        else ""
    )
    reason = review_words.reasons().get(review.reason, "")
    return {
        "id": review.id, "name": review.product_name, "stars": review.stars, "title": review.title, "body": review.body, "at": review.written_at,
        "state": review_words.states()[review.state], "why": ": ".join(filter(None, (reason, review.words))), "link": link, "answer": review.answer,
        "withdrawn": review.state == "withdrawn",
    }  # fmt: skip


def _open_orders(here: Here, said: list[Any]) -> list[dict[str, Any]]:
    """The last orders that have something not judged yet; what of it went back is told by the form.

    What was paid lately and of which no parcel was told of is still on its way: nobody can judge it yet.
    """
    page, lately = finding.listed(customer_id=here.customer.id, limit=MOST_ORDERS), clock.now() - ON_ITS_WAY
    paid = [order for order in page.items if order.status in asking.ASKABLE]
    fresh = [order.id for order in paid if order.status == "paid" and order.placed_at > lately]
    sent = {one.order_id for one in fulfilments.of(fresh) if one.shipped_at or one.state == "delivered"}
    placed = {order.id: order for order in paid if order.id not in fresh or order.id in sent}
    judged = {one.product_id for one in said}
    lines = [one for one in orders.lines_of(list(placed)) if one.product_id not in {None, *judged} and one.quantity > 0]
    names, things = products.many([line.product_id for line in lines]), {}
    for line in lines:
        things.setdefault(line.order_id, {})[line.product_id] = names[line.product_id].name
    return [
        {"number": order.number, "at": order.placed_at, "things": ", ".join(things[key].values()),
         "link": url_for("review_links.show", token=links.made(scope.tenant_id(), key))}
        for key, order in placed.items() if key in things
    ]  # fmt: skip
