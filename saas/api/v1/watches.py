"""Who waits for a product to be back or to cost less, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import shapes
from saas.kit import doors, pages
from saas.marketing import form_schemas, watch_settings, watching
from saas.marketing.form_schemas import DemandsOut, WatchOut
from saas.tenancy import reads

blueprint = Blueprint("api_watches", __name__, description="Who waits for a product to be back or to cost less")


class WatchQuery(shapes.ListQuery):
    """Which wishes a list shows."""

    state = fields.String(load_default=None, validate=validate.OneOf(watching.STATES))
    kind = fields.String(load_default=None, validate=validate.OneOf(watching.KINDS))
    product_id = fields.UUID(load_default=None)


class DemandQuery(shapes.Shape):
    """Which demand is shown."""

    kind = fields.String(load_default=None, validate=validate.OneOf(watching.KINDS))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 200))


class WatchSettingsShape(shapes.Shape):
    """How people are told; what is left out stays."""

    stock = fields.Boolean(metadata={"description": "whether people can ask to be told when something is back"})
    price = fields.Boolean(metadata={"description": "whether people can ask to be told when something costs less"})
    per_item = fields.Integer(
        validate=validate.Range(1, 100), metadata={"description": "people told for each piece that is left"}
    )
    again_hours = fields.Integer(
        validate=validate.Range(1, 720), metadata={"description": "hours before the next are told"}
    )
    expires_days = fields.Integer(validate=validate.Range(1, 730))
    price_percent = fields.Integer(
        validate=validate.Range(0, 90), metadata={"description": "by so much a price must fall"}
    )
    price_amount = fields.String(
        validate=validate.Length(max=20),
        metadata={"description": "or by this amount of the shop's currency; empty: by the percentage"},
    )
    letters = fields.Dict(
        keys=fields.String(), metadata={"description": "by language, then stock or price: subject, text and button"}
    )


@blueprint.route("/watches")
@blueprint.arguments(WatchQuery, location="query")
@blueprint.response(200, shapes.page_of(WatchOut))
@doors.open_to("key", "customers.read")
def index(query: dict[str, Any]) -> dict[str, Any]:
    """List who waits for what, newest first."""
    select = watching.listed(state=query["state"], kind=query["kind"], product_id=query["product_id"])
    page = pages.page(select, order=watching.NEWEST, cursor=query["cursor"], limit=query["limit"])
    reads.note(kind="customer", count=len(page.items))
    return {"items": [form_schemas.watch_shown(watch) for watch in page.items], "next": page.next}


@blueprint.route("/watches/<watch_id>", methods=["DELETE"])
@blueprint.response(204)
@doors.open_to("key", "customers.edit")
def end(watch_id: UUID) -> None:
    """Tell this person no more."""
    watching.end(watch_id)


@blueprint.route("/watches/demand")
@blueprint.arguments(DemandQuery, location="query")
@blueprint.response(200, DemandsOut)
@doors.open_to("key", "products.read")
def demand(query: dict[str, Any]) -> dict[str, Any]:
    """Tell how many wait for each product, the most wanted first."""
    return {"items": watching.demand(kind=query["kind"], limit=query["limit"])}


@blueprint.route("/watches/settings")
class Settings(MethodView):
    @blueprint.response(200, WatchSettingsShape)
    @doors.open_to("key", "campaigns.read")
    def get(self) -> dict[str, Any]:
        """Show how people are told."""
        return watch_settings.held()

    @blueprint.arguments(WatchSettingsShape)
    @blueprint.response(200, WatchSettingsShape)
    @doors.open_to("key", "campaigns.edit")
    def patch(self, item: dict[str, Any]) -> dict[str, Any]:
        """Change how people are told."""
        return watch_settings.change(**item)
