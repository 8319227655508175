"""Places for programs: what is wanted for each, and what it would show somebody."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from saas.api import entrance
from saas.api.v1.recommendations import OffersQuery, answered_offers
from saas.customers import profiles
from saas.kit import doors, scope
from saas.recommend import offers, reasons, slots
from saas.recommend.slot_schemas import (
    OfferSlotChange,
    OfferSlotIn,
    OfferSlotOut,
    OfferSlotsOut,
    PreviewOut,
    left_out_plain,
    slot_plain,
)

blueprint = Blueprint("api_offer_slots", __name__, description="Where offers stand, and what is wanted there")


class PreviewQuery(OffersQuery):
    """For whom a place is tried."""

    class Meta:
        exclude = ("slot", "record")


def version(row: Any) -> str:
    return entrance.etag(row.key, row.updated_at)


def answered(row: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return slot_plain(row), 200, {"ETag": f'"{version(row)}"'}


@blueprint.route("/recommendations/slots")
class Slots(MethodView):
    @blueprint.response(200, OfferSlotsOut)
    @doors.open_to("key", "offers.read")
    def get(self) -> dict[str, Any]:
        """List all places: the built-in ones first, then the company's own, the oldest first."""
        return {"items": [slot_plain(row) for row in slots.listed()]}

    @blueprint.arguments(OfferSlotIn)
    @blueprint.response(201, OfferSlotOut)
    @doors.open_to("key", "offers.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a place; a shop's page shows it by its key within two seconds."""
        return slot_plain(slots.create(**item))


@blueprint.route("/recommendations/slots/<slot_key>")
class OneSlot(MethodView):
    @blueprint.response(200, OfferSlotOut)
    @doors.open_to("key", "offers.read")
    def get(self, slot_key: str) -> Any:
        """Show a place; the ETag is its version."""
        return answered(slots.one(slot_key))

    @blueprint.arguments(OfferSlotChange)
    @blueprint.response(200, OfferSlotOut)
    @doors.open_to("key", "offers.edit")
    def patch(self, item: dict[str, Any], slot_key: str) -> Any:
        """Change the given settings; with If-Match only while nobody changed the place meanwhile (412)."""
        entrance.require_match(version(slots.one(slot_key, lock=True)))
        return answered(slots.change(slot_key, **item))

    @blueprint.response(204)
    @doors.open_to("key", "offers.edit")
    def delete(self, slot_key: str) -> None:
        """Delete a place of the company's own; a built-in one is as it came again."""
        entrance.require_match(version(slots.one(slot_key, lock=True)))
        slots.delete(slot_key)


@blueprint.route("/recommendations/slots/<slot_key>/preview")
class SlotPreview(MethodView):
    @blueprint.arguments(PreviewQuery, location="query")
    @blueprint.response(200, PreviewOut)
    @doors.open_to("key", "offers.read")
    def get(self, query: dict[str, Any], slot_key: str) -> dict[str, Any]:
        """Tell what a place would show a customer or visitor, by which engine, and what it leaves out and why; nothing is kept."""
        placed = slots.compact(slots.one(slot_key))
        customer_id = profiles.one(query["customer_id"]).id if query["customer_id"] else None
        tried = offers.preview(
            tenant_id=scope.tenant_id(), placed=placed, visitor=query["visitor"], product=query["product"], cart=query["cart"],
            customer_id=customer_id, limit=query["limit"], language=reasons.language_of(query["language"]), bought=query["bought"],
            query=query["query"],
        )  # fmt: skip
        left_out = [left_out_plain(one) for one in tried.left_out]
        return answered_offers(slot_key, tried.chosen) | {"left_out": left_out}
