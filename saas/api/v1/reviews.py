"""Reviews for programs: read, brought in, decided, answered; what a shop that draws its own pages shows, too."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.catalog import products
from saas.kit import access, doors, pages
from saas.reviews import bringing, judging, schemas, settings, summaries, writing
from saas.tenancy import reads

blueprint = Blueprint("api_reviews", __name__, description="What shoppers say of products")


class ReviewQuery(shapes.ListQuery):
    """Which reviews a list shows."""

    state = fields.String(load_default=None, validate=validate.OneOf(summaries.STATES))
    stars = fields.Integer(load_default=None, validate=validate.Range(1, 5))
    product_id = fields.UUID(load_default=None)
    customer_id = fields.UUID(load_default=None)
    verified = fields.Boolean(load_default=None)
    origin = fields.String(load_default=None, validate=validate.OneOf(summaries.FROM))
    reported = fields.Boolean(load_default=False)


class ReviewOut(Schema):
    """A review. `verified`: written by the link that only the buyer has."""

    id = fields.UUID()
    product_id = fields.UUID(allow_none=True)
    product = fields.String(metadata={"description": "the shop's id of the product"})
    product_name = fields.String()
    customer_id = fields.UUID(allow_none=True)
    order_id = fields.UUID(allow_none=True)
    external_id = fields.String()
    stars = fields.Integer()
    title = fields.String()
    text = fields.String()
    name = fields.String(metadata={"description": "the name that is shown"})
    email = fields.String(metadata={"description": "never shown in the shop"})
    language = fields.String()
    state = fields.String(metadata={"description": ", ".join(summaries.STATES)})
    held = fields.List(fields.String(), metadata={"description": "why it waits"})
    verified = fields.Boolean()
    origin = fields.String(metadata={"description": ", ".join(summaries.FROM)})
    reason = fields.String(metadata={"description": "why it was declined: " + ", ".join(judging.REASONS)})
    words = fields.String(metadata={"description": "why it was declined, in words"})
    answer = fields.String(metadata={"description": "the company's answer"})
    helpful = fields.Integer()
    reports = fields.Integer()
    photo = fields.String(metadata={"description": "where its picture is, while it is published"})
    written_at = fields.AwareDateTime()
    edited_at = fields.AwareDateTime(allow_none=True)


class ReviewIn(shapes.Shape):
    """A review that was written elsewhere; the same `external_id` again changes it."""

    external_id = shapes.Text(200, required=True)
    product = shapes.Text(200, required=True, metadata={"description": "the shop's id of the product"})
    stars = fields.Integer(required=True, validate=validate.Range(1, 5))
    title = shapes.Text(500, load_default="")
    text = shapes.Text(20_000, load_default="")
    name = shapes.Text(200, load_default="")
    email = shapes.Text(320, load_default="")
    language = shapes.Text(20, load_default="")
    verified = fields.Boolean(
        load_default=False, metadata={"description": "whether whoever brings it vouches that it was bought"}
    )
    state = fields.String(load_default="published", validate=validate.OneOf(["published", "waiting", "declined"]))
    written_at = fields.AwareDateTime(load_default=None)
    answer = shapes.Text(2000, load_default="")


class Decision(shapes.Shape):
    """What becomes of a review."""

    state = fields.String(required=True, validate=validate.OneOf(judging.DECIDED))
    reason = fields.String(
        load_default="", metadata={"description": "needed to decline: " + ", ".join(judging.REASONS)}
    )
    words = shapes.Text(1000, load_default="", metadata={"description": "needed with the reason `other`"})


class Answer(shapes.Shape):
    """The company's answer; empty takes it away."""

    answer = shapes.Text(2000, required=True)


class Summary(Schema):
    """The sums of a product."""

    count = fields.Integer()
    average = fields.Float(allow_none=True)
    stars = fields.Dict(keys=fields.String(), values=fields.Integer())
    declined = fields.Dict(keys=fields.String(), values=fields.Integer())


class SummaryOut(Summary):
    """The sums of a product and what search engines read."""

    product_id = fields.UUID()
    json_ld = fields.Raw(allow_none=True)


class ReviewSettingsShape(shapes.Shape):
    """How reviews are asked for and judged; what is left out stays."""

    sources = fields.Dict(
        keys=fields.String(),
        metadata={"description": "by shop id (noughts: orders of programs): on, since, delivered_days, shipped_days"},
    )
    remind_days = fields.Integer(validate=validate.Range(0, 60), metadata={"description": "0: no reminder"})
    agreed_only = fields.Boolean(metadata={"description": "ask only who agreed to news and offers"})
    publish = fields.String(validate=validate.OneOf(settings.PUBLISH))
    hold_links = fields.Boolean()
    hold_photos = fields.Boolean()
    bad_words = fields.List(fields.String(validate=validate.Length(max=80)), validate=validate.Length(max=500))
    page = fields.Boolean(metadata={"description": "take reviews on the shop's page from anybody; they always wait"})
    letters = fields.Dict(keys=fields.String(), metadata={"description": "by language: subject and text"})
    offer_stars = fields.Boolean(metadata={"description": "show the average beside products that are offered"})
    offer_stars_from = fields.Integer(
        validate=validate.Range(1, 100), metadata={"description": "from so many published reviews of a product on; 3"}
    )


class Fetch(shapes.Shape):
    """Whose reviews are fetched."""

    shop_id = fields.UUID(required=True)


class FetchOut(Schema):
    """How far the fetching is."""

    due_at = fields.AwareDateTime()
    done_at = fields.AwareDateTime(allow_none=True)
    page = fields.Integer()
    trouble = fields.String()


@blueprint.route("/reviews")
@blueprint.arguments(ReviewQuery, location="query")
@blueprint.response(200, shapes.page_of(ReviewOut))
@doors.open_to("key", "products.read")
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """List reviews, newest first."""
    cursor, limit = query.pop("cursor"), query.pop("limit")
    page = pages.page(summaries.listed(**query), order=summaries.NEWEST, cursor=cursor, limit=limit)
    reads.note(kind="review", count=len(page.items))
    return {"items": [_shown(one) for one in page.items], "next": page.next}


@blueprint.route("/reviews/<review_id>")
@blueprint.response(200, ReviewOut)
@doors.open_to("key", "products.read")
def one(review_id: UUID) -> dict[str, Any]:
    """Show one of them."""
    found = writing.one(review_id)
    reads.note(kind="review", count=1)
    return _shown(found)


@blueprint.route("/reviews/bulk", methods=["POST"])
@blueprint.arguments(shapes.bulk_of(ReviewIn))
@blueprint.response(200, shapes.BulkAnswer)
@doors.open_to("key", "products.edit")
def bulk(body: dict[str, Any]) -> dict[str, Any]:
    """Bring in reviews that were written elsewhere, up to 1,000; nothing is announced of them."""
    source_id = shapes.source_of(body)
    good, places, failed = shapes.load_each(ReviewIn(), body["items"])
    results = bringing.bring_many(good, source_id, origin="api")
    return shapes.merged(len(body["items"]), results, places, failed)


@blueprint.route("/reviews/<review_id>/decision", methods=["POST"])
@blueprint.arguments(Decision)
@blueprint.response(200, ReviewOut)
@doors.open_to("key", "products.edit")
def decide(item: dict[str, Any], review_id: UUID) -> dict[str, Any]:
    """Publish a review, hold it back or decline it; that its stars are few is no reason."""
    judging.decide([review_id], **item)
    return _shown(writing.one(review_id))


@blueprint.route("/reviews/<review_id>/answer", methods=["PUT"])
@blueprint.arguments(Answer)
@blueprint.response(200, ReviewOut)
@doors.open_to("key", "products.edit")
def answer(item: dict[str, Any], review_id: UUID) -> dict[str, Any]:
    """Answer a review; the answer stands beneath it in the shop."""
    return _shown(judging.answer(review_id, item["answer"]))


@blueprint.route("/products/<product_id>/reviews")
@blueprint.response(200, SummaryOut)
@doors.open_to("key", "products.read")
def summary(product_id: UUID) -> dict[str, Any]:
    """Tell the sums of a product and what search engines read of it, for shops that draw their own pages."""
    product = products.one(product_id)
    shown = summaries.shown(product)
    return {"product_id": product.id, "json_ld": shown["json_ld"], **shown["summary"]}


@blueprint.route("/reviews/fetch", methods=["POST"])
@blueprint.arguments(Fetch)
@blueprint.response(202, FetchOut)
@doors.open_to("key", "shops.edit")
def fetch(item: dict[str, Any]) -> dict[str, Any]:
    """Fetch the reviews that a WooCommerce store has, and compare with it every day from then on."""
    content = bringing.fetch(item["shop_id"]).content
    return {name: bringing.moment(content.get(name)) for name in ("due_at", "done_at")} | {
        "page": content["page"],
        "trouble": content["trouble"],
    }


@blueprint.route("/reviews/settings")
class Settings(MethodView):
    @blueprint.response(200, ReviewSettingsShape)
    @doors.open_to("key", "campaigns.read")
    def get(self) -> dict[str, Any]:
        """Show how reviews are asked for and judged."""
        return settings.held()

    @blueprint.arguments(ReviewSettingsShape)
    @blueprint.response(200, ReviewSettingsShape)
    @doors.open_to("key", "campaigns.edit")
    def patch(self, item: dict[str, Any]) -> dict[str, Any]:
        """Change how reviews are asked for and judged; a shop that is switched on is asked about from now on."""
        return settings.change(**item)


def _shown(review: Any) -> dict[str, Any]:
    return access.blanked("order", schemas.shown(review), customer_id="customer_id")
