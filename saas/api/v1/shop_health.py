"""How well a shop speaks with us, for programs, and having it compared now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.api.v1.shops import shown
from saas.commerce import backfill, shops, watching
from saas.commerce.schemas import ShopOut
from saas.integrations import deliveries_in
from saas.kit import doors
from saas.tenancy import tenants

blueprint = Blueprint("api_shop_health", __name__, description="How well a shop speaks with us")


class TopicHealth(Schema):
    """What was told about one thing in thirty days; `latest` is by how many seconds the latest missed change was late."""

    topic = fields.String()
    expected = fields.Integer()
    seen = fields.Integer()
    late = fields.Integer()
    missed = fields.Integer()
    repaired = fields.Integer()
    latest = fields.Integer()
    last_at = fields.AwareDateTime(allow_none=True)


class DayHealth(Schema):
    """What the shop's server told on one day."""

    on = fields.Date()
    seen = fields.Integer()
    late = fields.Integer()
    missed = fields.Integer()


class AlarmOut(Schema):
    """A time in which something was not well: silent, undelivered, webhooks, keys or away."""

    id = fields.UUID()
    kind = fields.String()
    topic = fields.String()
    began_at = fields.AwareDateTime()
    noticed_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    seen = fields.Integer()
    expected = fields.Float()
    chance = fields.Float()
    said = fields.String()


class ComparisonOut(Schema):
    """What a comparison found, by topic, and what was deleted in the shop."""

    began_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime()
    deep = fields.Boolean()
    expected = fields.Integer()
    came = fields.Integer()
    missed = fields.Integer()
    repaired = fields.Integer()
    late = fields.Integer()
    found = fields.Dict()
    gone = fields.Dict()
    webhooks = fields.Dict()


class HealthOut(Schema):
    """A shop's health."""

    topics = fields.List(fields.Nested(TopicHealth))
    days = fields.List(fields.Nested(DayHealth))
    pages = fields.Dict()
    webhooks = fields.Dict()
    compared_at = fields.AwareDateTime(allow_none=True)
    next_at = fields.AwareDateTime(allow_none=True)
    comparisons = fields.List(fields.Nested(ComparisonOut))
    alarms = fields.List(fields.Nested(AlarmOut))
    fetching = fields.Dict(allow_none=True)
    deliveries = fields.Dict(keys=fields.String(), values=fields.Integer())


@blueprint.route("/shops/<shop_id>/health")
@blueprint.response(200, HealthOut)
@doors.open_to("key", "shops.read")
def health(shop_id: UUID) -> dict[str, Any]:
    """Show what a shop should have told in thirty days and did, what comparing repaired, and when it was silent."""
    shop = shops.one(shop_id)
    return watching.health(shop, zone=tenants.settings().zone) | {"deliveries": deliveries_in.counts(shop.id)}


@blueprint.route("/shops/<shop_id>/reconcile", methods=["POST"])
@blueprint.response(202, ShopOut)
@doors.open_to("key", "shops.edit")
def reconcile(shop_id: UUID) -> dict[str, Any]:
    """Compare with a shop now and repair what differs, in the background. 422 when there are no keys to read it with."""
    backfill.compare(shop_id)
    return shown(shops.one(shop_id))


@blueprint.route("/shops/<shop_id>/stop-fetching", methods=["POST"])
@blueprint.response(200, ShopOut)
@doors.open_to("key", "shops.edit")
def stop_fetching(shop_id: UUID) -> dict[str, Any]:
    """Stop fetching a shop's past; what came stays. 409 when nothing is being fetched."""
    backfill.cancel(shop_id)
    return shown(shops.one(shop_id))
