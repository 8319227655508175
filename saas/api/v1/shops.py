"""Shops for programs: connecting one gives the address its webhooks go to and the secret they are signed with."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas import config
from saas.api import entrance, shapes
from saas.commerce import orders, play_money, shops
from saas.commerce.schemas import PlayOrderOut, ShopIn, ShopOut
from saas.kit import access, doors, money, pages

blueprint = Blueprint("api_shops", __name__, description="Connected stores")


class ShopQuery(shapes.ListQuery):
    """Which shops a list shows."""

    kind = fields.String(load_default=None, validate=validate.OneOf(shops.SHOP_KINDS))


class ShopChange(shapes.Shape):
    """What may be changed of a shop."""

    name = fields.String(validate=validate.Length(1, 120))
    url = fields.String(validate=validate.Length(max=500))
    currency = fields.String(validate=validate.Regexp(r"^([A-Za-z]{3})?$"))
    consumer_key = fields.String(validate=validate.Length(max=200))
    consumer_secret = fields.String(validate=validate.Length(max=200))
    client_id = fields.String(validate=validate.Length(max=200))
    client_secret = fields.String(validate=validate.Length(max=200))
    access_token = fields.String(validate=validate.Length(max=200))
    coupons_url = fields.String(
        validate=validate.Length(max=500), metadata={"description": "where a shop of any kind is told codes of coupons"}
    )
    count_tests = fields.Boolean(
        metadata={
            "description": "whether test orders count like any others; those that were counted are cancelled when it is turned off"
        }
    )


def shown(shop: Any, **more: Any) -> dict[str, Any]:
    """Return a shop as plain values, with the address its webhooks go to."""
    names = (
        "id",
        "kind",
        "name",
        "url",
        "currency",
        "site_key",
        "coupons_url",
        "count_tests",
        "state",
        "trouble",
        "backfill",
        "last_delivery_at",
        "reconciled_at",
        "created_at",
        "updated_at",
    )
    found = {name: getattr(shop, name) for name in names}
    return found | {"webhook_url": f"{config.get().public_url}/hooks/{shop.kind}/{shop.hook_token}"} | more


def version(shop: Any) -> str:
    return entrance.etag(
        shop.id, shop.name, shop.url, shop.currency, shop.coupons_url, shop.count_tests, bool(shop.access_sealed)
    )


@blueprint.route("/shops")
class Shops(MethodView):
    @blueprint.arguments(ShopQuery, location="query")
    @blueprint.response(200, shapes.page_of(ShopOut))
    @doors.open_to("key", "shops.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the connected shops."""
        page = pages.page(shops.listed(kind=query.pop("kind")), order=shops.OLDEST, **query)
        return {"items": [shown(shop) for shop in page.items], "next": page.next}

    @blueprint.arguments(ShopIn)
    @blueprint.response(201, ShopOut)
    @doors.open_to("key", "shops.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Connect a shop; the answer alone shows the webhook secret. 402 when the plan has no room."""
        shop, secret = shops.connect(**item)
        return shown(shop, webhook_secret=secret)


@blueprint.route("/shops/<shop_id>")
class OneShop(MethodView):
    @blueprint.response(200, ShopOut)
    @doors.open_to("key", "shops.read")
    def get(self, shop_id: UUID) -> Any:
        """Show a shop."""
        shop = shops.one(shop_id)
        return shown(shop), 200, {"ETag": f'"{version(shop)}"'}

    @blueprint.arguments(ShopChange)
    @blueprint.response(200, ShopOut)
    @doors.open_to("key", "shops.edit")
    def patch(self, item: dict[str, Any], shop_id: UUID) -> Any:
        """Change a shop's name, address, currency or keys."""
        entrance.require_match(version(shops.one(shop_id, lock=True)))
        before = shops.one(shop_id).count_tests
        shop = shops.change(shop_id, **item)
        if shop.count_tests != before:
            orders.count_tests(shop.id, shop.count_tests)
        return shown(shop), 200, {"ETag": f'"{version(shop)}"'}

    @blueprint.response(204)
    @doors.open_to("key", "shops.edit")
    def delete(self, shop_id: UUID) -> None:
        """Disconnect a shop; what came from it stays."""
        shops.remove(shop_id)


@blueprint.route("/shops/<shop_id>/test-orders")
class PlayOrders(MethodView):
    @blueprint.arguments(shapes.ListQuery, location="query")
    @blueprint.response(200, shapes.page_of(PlayOrderOut))
    @doors.open_to("key", "shops.read")
    def get(self, query: dict[str, Any], shop_id: UUID) -> dict[str, Any]:
        """List a shop's orders that were tests, the newest first: left out, unless the shop counts them."""
        page = pages.page(play_money.listed(shops.one(shop_id).id), order=play_money.NEWEST, **query)
        return {"items": [_play_shown(one) for one in page.items], "next": page.next}


def _play_shown(one: Any) -> dict[str, Any]:
    found = {name: getattr(one, name) for name in ("id", "number", "placed_at", "currency", "reason")}
    total = {"total": money.amount_text(one.total_amount, one.currency)} if access.readable("order", "total") else {}
    return found | {"external_id": one.order_key} | total
