"""Looking after a shop for programs: fetching its past, a new secret, and what it delivered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.api.v1.shops import shown
from saas.commerce import backfill, shops
from saas.commerce.schemas import ShopOut
from saas.integrations import deliveries_in
from saas.kit import doors, pages

blueprint = Blueprint("api_shop_work", __name__, description="Fetching a shop's past, and what it delivered")
STATES = ("waiting", "done", "failed")


class DeliveryQuery(shapes.ListQuery):
    """Which deliveries a list shows."""

    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class DeliveryOut(Schema):
    """Something a shop told; `reason` says why it could not be understood."""

    id = fields.UUID()
    topic = fields.String()
    resource = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    reason = fields.String()
    attempts = fields.Integer()
    received_at = fields.AwareDateTime()
    taken_at = fields.AwareDateTime(allow_none=True)


class WholeDelivery(DeliveryOut):
    """A delivery with its body as readable JSON, at most 20,000 characters of it."""

    body = fields.String()


class DeliveriesReplayed(Schema):
    """How many are tried again."""

    count = fields.Integer()


def _plain(delivery: Any) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in DeliveryOut().fields}


@blueprint.route("/shops/<shop_id>/fetch", methods=["POST"])
@blueprint.response(202, ShopOut)
@doors.open_to("key", "shops.edit")
def fetch(shop_id: UUID) -> dict[str, Any]:
    """Begin to fetch a shop's products, customers and orders of the past; `backfill` of the shop says how far it is."""
    shop = shops.one(shop_id)
    backfill.ask(shop.id)
    return shown(shop)


@blueprint.route("/shops/<shop_id>/secret", methods=["POST"])
@blueprint.response(200, ShopOut)
@doors.open_to("key", "shops.edit")
def renew(shop_id: UUID) -> dict[str, Any]:
    """Give a shop a new webhook secret, shown this once; the one before works until the next renewal."""
    secret = shops.renew_secret(shops.one(shop_id).id)
    return shown(shops.one(shop_id), webhook_secret=secret)


@blueprint.route("/shops/<shop_id>/deliveries")
@blueprint.arguments(DeliveryQuery, location="query")
@blueprint.response(200, shapes.page_of(DeliveryOut))
@doors.open_to("key", "shops.read")
def listed(query: dict[str, Any], shop_id: UUID) -> dict[str, Any]:
    """List what a shop delivered, the newest first."""
    page = pages.page(
        deliveries_in.of_shop(shops.one(shop_id).id, state=query["state"]), order=deliveries_in.NEWEST, cursor=query["cursor"], limit=query["limit"],
    )  # fmt: skip
    return {"items": [_plain(one) for one in page.items], "next": page.next}


@blueprint.route("/shops/<shop_id>/deliveries/<delivery_id>")
@blueprint.response(200, WholeDelivery)
@doors.open_to("key", "shops.read")
def show(shop_id: UUID, delivery_id: UUID) -> dict[str, Any]:
    """Show a delivery with what it said."""
    found = deliveries_in.one(delivery_id, shop_id=shops.one(shop_id).id)
    return _plain(found) | {"body": deliveries_in.readable(found)}


@blueprint.route("/shops/<shop_id>/deliveries/<delivery_id>/replay", methods=["POST"])
@blueprint.response(200, DeliveryOut)
@doors.open_to("key", "shops.edit")
def replay(shop_id: UUID, delivery_id: UUID) -> dict[str, Any]:
    """Try to understand a delivery again, now."""
    found = deliveries_in.one(delivery_id, shop_id=shops.one(shop_id).id)
    return _plain(deliveries_in.replay(found.id))


@blueprint.route("/shops/<shop_id>/deliveries/replay", methods=["POST"])
@blueprint.response(202, DeliveriesReplayed)
@doors.open_to("key", "shops.edit")
def replay_all(shop_id: UUID) -> dict[str, Any]:
    """Have all deliveries that were not understood tried again, in the background."""
    return {"count": deliveries_in.replay_all_failed(shops.one(shop_id).id)}
