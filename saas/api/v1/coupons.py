"""Coupons for programs: made, given, stopped, their codes and figures; and the codes a shop fetches that is not told them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import entrance, shapes
from saas.commerce import coupon_codes, coupon_numbers, coupon_writing, coupons, shops
from saas.commerce.connectors import generic_coupons
from saas.customers import profiles
from saas.kit import doors, money, pages
from saas.tenancy import reads

blueprint = Blueprint("api_coupons", __name__, description="Coupons, their codes, and the orders these were used in")
STATES = ("open", "given", "used", "waiting", "stopped", "over")


class CouponQuery(shapes.ListQuery):
    """Which coupons a list shows."""

    state = fields.String(validate=validate.OneOf(coupons.STATES))
    shop_id = fields.UUID()


class CouponChange(shapes.Shape):
    """What may be changed of a coupon; all but name and pool only while it has no codes."""

    name = shapes.Text(120)
    pool = fields.Integer(
        validate=validate.Range(0, coupons.MOST_POOL), metadata={"description": "codes kept ready in the shop"}
    )
    kind = fields.String(validate=validate.OneOf(coupons.KINDS))
    percent = fields.String(validate=validate.Length(max=20), metadata={"description": "10 for ten percent"})
    amount = fields.String(validate=validate.Length(max=30), metadata={"description": "5.00 off the goods"})
    least = fields.String(validate=validate.Length(max=30), metadata={"description": "least value of the goods"})
    currency = fields.String(validate=validate.Length(max=3))
    products = fields.List(fields.String(validate=validate.Length(max=200)), metadata={"description": "the shop's ids"})
    categories = fields.List(fields.String(validate=validate.Length(max=200)), metadata={"description": "names"})
    alone = fields.Boolean(metadata={"description": "not together with other codes"})
    starts_at = fields.AwareDateTime(allow_none=True)
    ends_at = fields.AwareDateTime(allow_none=True)
    days = fields.Integer(allow_none=True, metadata={"description": "good for so many days after it is given"})
    uses = fields.Integer(metadata={"description": "how often each code can be used"})
    per_customer = fields.Integer(metadata={"description": "how many codes one person may have"})
    prefix = fields.String(validate=validate.Length(max=60))


class CouponIn(CouponChange):
    """A coupon to be made."""

    name = shapes.Text(120, required=True)
    shop_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(coupons.KINDS))


class CouponOut(Schema):
    """A coupon with its figures; `trouble` says why codes wait."""

    id = fields.UUID()
    name = fields.String()
    state = fields.String()
    shop_id = fields.UUID()
    kind = fields.String()
    percent = fields.String(allow_none=True)
    amount = fields.String(allow_none=True)
    least = fields.String(allow_none=True)
    currency = fields.String()
    products = fields.List(fields.String())
    categories = fields.List(fields.String())
    alone = fields.Boolean()
    starts_at = fields.AwareDateTime(allow_none=True)
    ends_at = fields.AwareDateTime(allow_none=True)
    days = fields.Integer(allow_none=True)
    uses = fields.Integer()
    per_customer = fields.Integer()
    prefix = fields.String()
    pool = fields.Integer()
    trouble = fields.String()
    codes = fields.Integer(metadata={"description": "how many there are"})
    ready = fields.Integer(metadata={"description": "how many the shop has"})
    waiting = fields.Integer(metadata={"description": "how many are on their way to the shop"})
    given = fields.Integer()
    used = fields.Integer()
    orders = fields.Integer()
    money = fields.String(metadata={"description": "what these orders came to, in the coupon's currency"})
    cost = fields.String(metadata={"description": "what the codes took off"})
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class CodeQuery(shapes.ListQuery):
    """Which codes a list shows."""

    state = fields.String(validate=validate.OneOf(STATES))


class CodeOut(Schema):
    """A code; `customer_id` is empty while it is nobody's, and when they are gone."""

    id = fields.UUID()
    coupon_id = fields.UUID()
    code = fields.String()
    state = fields.String(metadata={"description": ", ".join(coupon_codes.STATES)})
    reason = fields.String()
    customer_id = fields.UUID(allow_none=True)
    given_at = fields.AwareDateTime(allow_none=True)
    given_by = fields.String(metadata={"description": ", ".join(coupon_codes.BY)})
    ends_at = fields.AwareDateTime(allow_none=True)
    orders = fields.List(fields.UUID(), metadata={"description": "the orders it was used in"})


class GiveIn(shapes.Shape):
    """To whom a code is given; `key` names the wish, so that asking again gives the same code."""

    customer_id = fields.UUID(required=True)
    key = fields.String(validate=validate.Length(1, 200))


class OpenCode(Schema):
    """A code a shop is to take, with what it gives."""

    id = fields.UUID()
    code = fields.String()
    coupon = fields.Dict()


def _version(coupon: Any) -> str:
    return entrance.etag(coupon.id, coupon.updated_at, coupon.state)


@blueprint.route("/coupons")
class Coupons(MethodView):
    @blueprint.arguments(CouponQuery, location="query")
    @blueprint.response(200, shapes.page_of(CouponOut))
    @doors.open_to("key", "campaigns.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List coupons, newest first."""
        wanted = {name: query.pop(name) for name in ("state", "shop_id") if name in query}
        page = pages.page(coupons.listed(**wanted), order=coupons.NEWEST, **query)
        figures = coupon_numbers.of([one.id for one in page.items])
        return {"items": [_shown(one, figures[one.id]) for one in page.items], "next": page.next}

    @blueprint.arguments(CouponIn)
    @blueprint.response(201, CouponOut)
    @doors.open_to("key", "campaigns.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a coupon; its pool is brought to the shop at once."""
        return _whole(coupons.create(**item))


@blueprint.route("/coupons/<coupon_id>")
class OneCoupon(MethodView):
    @blueprint.response(200, CouponOut)
    @doors.open_to("key", "campaigns.read")
    def get(self, coupon_id: UUID) -> Any:
        """Show a coupon with its figures."""
        found = coupons.one(coupon_id)
        return _whole(found), 200, {"ETag": f'"{_version(found)}"'}

    @blueprint.arguments(CouponChange)
    @blueprint.response(200, CouponOut)
    @doors.open_to("key", "campaigns.edit")
    def patch(self, item: dict[str, Any], coupon_id: UUID) -> Any:
        """Change a coupon; 409 when its terms stand fast because it has codes."""
        entrance.require_match(_version(coupons.one(coupon_id, lock=True)))
        found = coupons.change(coupon_id, **item)
        return _whole(found), 200, {"ETag": f'"{_version(found)}"'}


@blueprint.route("/coupons/<coupon_id>/stop", methods=["POST"])
@blueprint.response(200, CouponOut)
@doors.open_to("key", "campaigns.edit")
def stop(coupon_id: UUID) -> dict[str, Any]:
    """Give it to nobody any more, and have the shop refuse the codes that were not used."""
    return _whole(coupons.stop(coupon_id))


@blueprint.route("/coupons/<coupon_id>/try-again", methods=["POST"])
@blueprint.response(202)
@doors.open_to("key", "campaigns.edit")
def try_again(coupon_id: UUID) -> None:
    """Go on at once with codes that wait for the shop."""
    coupon_writing.try_again(coupon_id)


@blueprint.route("/coupons/<coupon_id>/give", methods=["POST"])
@blueprint.arguments(GiveIn)
@blueprint.response(200, CodeOut)
@doors.open_to("key", "campaigns.edit")
def give(item: dict[str, Any], coupon_id: UUID) -> dict[str, Any]:
    """Give a customer a code: the one they hold and can still use, or one of their own. The shop has it once it is `ready`."""
    customer = profiles.one(item["customer_id"])
    key = f"program:{item['key']}" if item.get("key") else None
    return _code(coupon_codes.give(coupon_id, customer_id=customer.id, by="program", key=key), [])


@blueprint.route("/coupons/<coupon_id>/codes")
@blueprint.arguments(CodeQuery, location="query")
@blueprint.response(200, shapes.page_of(CodeOut))
@doors.open_to("key", "campaigns.read")
def codes(query: dict[str, Any], coupon_id: UUID) -> dict[str, Any]:
    """List the codes of a coupon, newest first."""
    found = coupons.one(coupon_id)
    page = pages.page(coupon_codes.listed(found.id, shown=query.pop("state", None)), order=coupon_codes.NEWEST, **query)
    reads.note(kind="coupon", count=len(page.items))
    uses = coupon_codes.used_of([one.id for one in page.items])
    return {"items": [_code(one, uses.get(one.id, [])) for one in page.items], "next": page.next}


@blueprint.route("/coupons/<coupon_id>/codes/<code_id>/stop", methods=["POST"])
@blueprint.response(200, CodeOut)
@doors.open_to("key", "campaigns.edit")
def stop_code(coupon_id: UUID, code_id: UUID) -> dict[str, Any]:
    """Have the shop refuse one code from now on."""
    code = coupon_codes.one(code_id)
    if code.coupon_id != coupons.one(coupon_id).id:
        raise coupon_codes.NoSuchCode
    return _code(coupon_codes.stop_one(code.id), coupon_codes.used_of([code.id]).get(code.id, []))


@blueprint.route("/shops/<shop_id>/coupon-codes")
@blueprint.arguments(shapes.ListQuery, location="query")
@blueprint.response(200, shapes.page_of(OpenCode))
@doors.open_to("key", "campaigns.read")
def for_shop(query: dict[str, Any], shop_id: UUID) -> dict[str, Any]:
    """List the codes a shop is to take now, newest first; what is listed no more is to be refused."""
    shop = shops.one(shop_id)
    page = pages.page(coupon_codes.for_shop(shop.id), order=coupon_codes.NEWEST, **query)
    known = {key: coupons.one(key) for key in {one.coupon_id for one in page.items}}
    items = [
        {"id": one.id, "code": one.code, "coupon": generic_coupons.told(coupon_writing.terms(known[one.coupon_id], one.ends_at))}
        for one in page.items
    ]  # fmt: skip
    return {"items": items, "next": page.next}


def _whole(coupon: Any) -> dict[str, Any]:
    return _shown(coupon, coupon_numbers.of([coupon.id])[coupon.id])


def _shown(coupon: Any, figures: coupon_numbers.Numbers) -> dict[str, Any]:
    plain = {
        name: getattr(coupon, name) for name in ("id", "name", "state", "pool", "trouble", "created_at", "updated_at")
    }
    counts = {name: getattr(figures, name) for name in ("ready", "waiting", "given", "used", "orders")}
    sums = {name: money.amount_text(getattr(figures, name), figures.currency) for name in ("money", "cost")}
    return plain | coupons.told(coupon) | counts | sums | {"codes": figures.made}


def _code(code: Any, uses: list[Any]) -> dict[str, Any]:
    names = ("id", "coupon_id", "code", "state", "reason", "customer_id", "given_at", "given_by", "ends_at")
    return {name: getattr(code, name) for name in names} | {"orders": [one.order_id for one in uses if one.counted]}
