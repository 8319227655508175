"""Recommendations for programs: offers for a customer or visitor, what became of those shown, and the rules they obey."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import entrance, shapes
from saas.customers import profiles
from saas.kit import doors, pages, scope
from saas.recommend import offers, reasons, results, rules, shown
from saas.recommend.places import SLOTS
from saas.recommend.schemas import (
    OfferRuleChange,
    OfferRuleIn,
    OfferRuleOut,
    OfferShownOut,
    OffersOut,
    QualityOut,
    quality_plain,
    rule_plain,
    shown_plain,
)

blueprint = Blueprint("api_recommendations", __name__, description="What to offer whom next, and why")


class OffersQuery(shapes.Shape):
    """For whom and where offers are asked."""

    slot = fields.String(
        load_default="home", validate=validate.Length(1, 40),
        metadata={"description": f"{', '.join(SLOTS)}, or the key of a place of your own"},
    )  # fmt: skip
    customer_id = fields.UUID(
        load_default=None, metadata={"description": "a customer you vouch for: their history is used"}
    )
    visitor = fields.String(load_default="", validate=validate.Regexp(r"^([A-Za-z0-9_-]{1,64})?$"))
    product = fields.String(
        load_default="", validate=validate.Length(max=200), metadata={"description": "beside this product"}
    )
    bought = fields.List(
        fields.String(validate=validate.Length(max=200)), load_default=(), validate=validate.Length(max=50),
        metadata={"description": "thank-you: the products of the order that was just placed"},
    )  # fmt: skip
    query = fields.String(
        load_default="", validate=validate.Length(max=200), metadata={"description": "search: what was searched for"}
    )
    cart = fields.List(
        fields.String(validate=validate.Length(max=200)),
        load_default=list,
        metadata={"description": "products in the cart"},
    )
    limit = fields.Integer(
        load_default=None, validate=validate.Range(1, offers.MOST), metadata={"description": "as many as the place has; else four"}
    )  # fmt: skip
    language = fields.String(load_default="en", validate=validate.Length(max=35))
    record = fields.Boolean(load_default=True, metadata={"description": "false when nobody is going to see them"})


def answered_offers(slot: str, chosen: offers.Chosen) -> dict[str, Any]:
    """Return an answer as programs get it."""
    items = [offer.plain() | {"product_id": offer.product.id, "engine": offer.engine} for offer in chosen.items]
    bundle = {"bundle": chosen.bundle.plain()} if chosen.bundle is not None else {}
    return {"slot": slot, "request": chosen.request_id, "items": items, **bundle}


class ShownQuery(shapes.ListQuery):
    """Which of the offers shown a list has."""

    slot = fields.String(validate=validate.Length(1, 40))
    visitor = fields.String(validate=validate.Length(max=64))
    customer_id = fields.UUID()


class RulesQuery(shapes.ListQuery):
    """Which rules a list shows."""

    kind = fields.String(validate=validate.OneOf(rules.RULE_KINDS))
    slot = fields.String(validate=validate.OneOf(SLOTS))
    active = fields.Boolean()


@blueprint.route("/recommendations")
class Recommendations(MethodView):
    @blueprint.arguments(OffersQuery, location="query")
    @blueprint.response(200, OffersOut)
    @doors.open_to("key", "offers.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Recommend products for a place, best first, each in stock and with its reason."""
        customer_id = profiles.one(query["customer_id"]).id if query["customer_id"] else None
        chosen = offers.choose(
            tenant_id=scope.tenant_id(), slot=query["slot"], visitor=query["visitor"], product=query["product"], cart=query["cart"],
            customer_id=customer_id, limit=query["limit"], language=reasons.language_of(query["language"]), record=query["record"],
            bought=query["bought"], query=query["query"],
        )  # fmt: skip
        return answered_offers(query["slot"], chosen)


@blueprint.route("/recommendations/shown")
class Shown(MethodView):
    @blueprint.arguments(ShownQuery, location="query")
    @blueprint.response(200, shapes.page_of(OfferShownOut))
    @doors.open_to("key", "offers.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List offers that were shown, newest first, with what became of them; the newest come after some seconds."""
        wanted = shown.query(slot=query.get("slot"), visitor=query.get("visitor"), customer_id=query.get("customer_id"))
        page = pages.page(wanted, order=shown.ORDER, cursor=query["cursor"], limit=query["limit"])
        return {"items": [shown_plain(row) for row in page.items], "next": page.next}


@blueprint.route("/recommendations/quality")
class Quality(MethodView):
    @blueprint.response(200, QualityOut)
    @doors.open_to("key", "offers.read")
    def get(self) -> dict[str, Any]:
        """Tell what the offers would have hit in the newest part of the shop's own past, tried anew each day."""
        return quality_plain(results.tried())


@blueprint.route("/recommendations/<offer_id>")
class OneShown(MethodView):
    @blueprint.response(200, OfferShownOut)
    @doors.open_to("key", "offers.read")
    def get(self, offer_id: UUID) -> dict[str, Any]:
        """Show one offer that was shown, and what became of it."""
        return shown_plain(shown.one(offer_id))


def version(rule: Any) -> str:
    return entrance.etag(rule.id, rule.updated_at)


def answered(rule: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return rule_plain(rule), 200, {"ETag": f'"{version(rule)}"'}


@blueprint.route("/recommendations/rules")
class Rules(MethodView):
    @blueprint.arguments(RulesQuery, location="query")
    @blueprint.response(200, shapes.page_of(OfferRuleOut))
    @doors.open_to("key", "offers.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the rules, newest first."""
        wanted = {name: query.get(name) for name in ("kind", "slot", "active")}
        page = pages.page(rules.query(**wanted), order=rules.ORDER, cursor=query["cursor"], limit=query["limit"])
        return {"items": [rule_plain(rule) for rule in page.items], "next": page.next}

    @blueprint.arguments(OfferRuleIn)
    @blueprint.response(201, OfferRuleOut)
    @doors.open_to("key", "offers.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a rule; offers obey it within two seconds."""
        return rule_plain(rules.create(**item))


@blueprint.route("/recommendations/rules/<rule_id>")
class OneRule(MethodView):
    @blueprint.response(200, OfferRuleOut)
    @doors.open_to("key", "offers.read")
    def get(self, rule_id: UUID) -> Any:
        """Show a rule; the ETag is its version."""
        return answered(rules.one(rule_id))

    @blueprint.arguments(OfferRuleChange)
    @blueprint.response(200, OfferRuleOut)
    @doors.open_to("key", "offers.edit")
    def patch(self, item: dict[str, Any], rule_id: UUID) -> Any:
        """Change the given fields; with If-Match only while nobody changed it meanwhile (412)."""
        entrance.require_match(version(rules.one(rule_id, lock=True)))
        return answered(rules.change(rule_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "offers.edit")
    def delete(self, rule_id: UUID) -> None:
        """Delete a rule."""
        entrance.require_match(version(rules.one(rule_id, lock=True)))
        rules.delete(rule_id)
