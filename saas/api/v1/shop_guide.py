"""Connecting a shop for programs: its steps as they stand, trying them, and stopping a shop for a while."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.api.v1.shops import shown
from saas.commerce import connecting, connecting_words, shops
from saas.commerce.schemas import ShopOut
from saas.integrations import deliveries_in
from saas.kit import doors, rates, scope, work

blueprint = Blueprint(
    "api_shop_guide", __name__, description="Connecting a shop step by step, and stopping it for a while"
)


class CheckAsked(shapes.Shape):
    """Which step is tried again, with all after it; left out, those that were not tried yet."""

    again = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(connecting.STEPS))


class CheckOut(Schema):
    """What came of a step: `state` is good, wait or bad, `message` says it in words."""

    step = fields.String(validate=validate.OneOf(connecting.STEPS))
    state = fields.String(validate=validate.OneOf(("good", "wait", "bad")))
    code = fields.String()
    message = fields.String()
    at = fields.AwareDateTime()


class ChecksOut(Schema):
    """The steps that were tried; `next` is the one that can be tried now, `going` whether somebody is trying."""

    steps = fields.List(fields.Nested(CheckOut))
    next = fields.String(allow_none=True)
    going = fields.Boolean()


def _checks(shop: Any) -> dict[str, Any]:
    found = [
        {"step": name, "state": one["state"], "code": one["code"], "message": connecting_words.say(one["code"], one["values"]), "at": connecting.when(one)}
        for name, one in connecting.steps(shop).items()
    ]  # fmt: skip
    return {"steps": found, "next": connecting.next_step(shop), "going": connecting.going(shop)}


@blueprint.route("/shops/<shop_id>/checks")
@blueprint.response(200, ChecksOut)
@doors.open_to("key", "shops.read")
def listed(shop_id: UUID) -> dict[str, Any]:
    """Show the steps in which a shop is connected, as far as they were tried."""
    return _checks(shops.one(shop_id))


@blueprint.route("/shops/<shop_id>/checks", methods=["POST"])
@blueprint.arguments(CheckAsked)
@blueprint.response(200, ChecksOut)
@doors.open_to("key", "shops.edit", unit=False)
def run(asked: dict[str, Any], shop_id: UUID) -> dict[str, Any]:
    """Try the steps of a WooCommerce shop on the shop itself, until one is bad; ask again while `next` names one."""
    rates.require(f"shop-check:{scope.tenant_id()}", "60/minute")
    connecting.run(shop_id, again=asked["again"])
    with work.unit():
        return _checks(shops.one(shop_id))


@blueprint.route("/shops/<shop_id>/pause", methods=["POST"])
@blueprint.response(200, ShopOut)
@doors.open_to("key", "shops.edit")
def pause(shop_id: UUID) -> dict[str, Any]:
    """Stop a shop for a while: what it delivers is kept and waits, and nothing is fetched from it."""
    shops.pause(shop_id)
    return shown(shops.one(shop_id))


@blueprint.route("/shops/<shop_id>/resume", methods=["POST"])
@blueprint.response(200, ShopOut)
@doors.open_to("key", "shops.edit")
def resume(shop_id: UUID) -> dict[str, Any]:
    """Go on with a shop that was stopped: what waited is taken."""
    shop = shops.one(shop_id)
    shops.resume(shop.id)
    deliveries_in.take_waiting(shop.id)
    return shown(shops.one(shop_id))


@blueprint.route("/shops/<shop_id>/restore", methods=["POST"])
@blueprint.response(200, ShopOut)
@doors.open_to("key", "shops.edit")
def restore(shop_id: UUID) -> dict[str, Any]:
    """Connect a shop again that was disconnected in the last thirty days, with the address and the keys it had."""
    return shown(shops.restore(shop_id))
