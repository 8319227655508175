"""Products, prices, coupons and promotion codes as they are when new; plans are prices seen from the old side."""

from decimal import Decimal
from typing import Any

from sandbox.stripe import answers, ids
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def product(*, name: str, created: int) -> Document:
    """This function will make something to sell."""
    return {
        "id": ids.make("prod", 14),
        "object": "product",
        "active": True,
        "created": created,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": created,
        "url": None,
    }


def price(
    *, product: str, currency: str, unit_amount_decimal: str, recurring: dict[str, Any] | None, created: int
) -> Document:
    """This function will make what a product costs, once or every so often."""
    amount = Decimal(unit_amount_decimal)
    return {
        "id": ids.make("price"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": recurring
        and {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count") or 1,
            "meter": None,
            "trial_period_days": recurring.get("trial_period_days"),
            "usage_type": "licensed",
        },
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": int(amount) if amount == int(amount) else None,
        "unit_amount_decimal": unit_amount_decimal,
    }


def plan(price: Document) -> Document:
    """This function will show a recurring price as the plan that subscription items still carry."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": "licensed",
    }


def coupon(*, identifier: str, created: int) -> Document:
    """This function will make a discount that nobody has yet."""
    return {
        "id": identifier,
        "object": "coupon",
        "amount_off": None,
        "created": created,
        "currency": None,
        "duration": "once",
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": None,
        "percent_off": None,
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
    }


def promotion_code(*, coupon: str, code: str, created: int) -> Document:
    """This function will make the word that a person types to get a coupon."""
    return {
        "id": ids.make("promo"),
        "object": "promotion_code",
        "active": True,
        "code": code,
        "created": created,
        "customer": None,
        "customer_account": None,
        "expires_at": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "promotion": {"coupon": coupon, "type": "coupon"},
        "restrictions": {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None},
        "times_redeemed": 0,
    }


def discount(
    *,
    coupon: str,
    customer: str | None,
    start: int,
    end: int | None,
    subscription: str | None,
    promotion_code: str | None,
) -> Document:
    """This function will make a coupon applied to somebody."""
    return {
        "id": ids.make("di"),
        "object": "discount",
        "checkout_session": None,
        "customer": customer,
        "customer_account": None,
        "end": end,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": promotion_code,
        "source": {"coupon": coupon, "type": "coupon"},
        "start": start,
        "subscription": subscription,
        "subscription_item": None,
    }


def coupon_valid(world: World, coupon: Document) -> bool:
    """This function will tell whether a coupon may still be given out."""
    used_up = coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]
    return not (
        coupon.get("_gone") or used_up or (coupon["redeem_by"] is not None and coupon["redeem_by"] <= world.now())
    )


@answers.dresses("coupon")
def show_coupon(world: World, shown: Document) -> None:
    """This function will say whether it is valid now."""
    shown["valid"] = coupon_valid(world, shown)


@answers.includes("coupon", "applies_to")
def show_applies_to(world: World, coupon: Document) -> dict[str, Any] | None:
    """This function will name the products a coupon is for."""
    return {"products": coupon["_products"]} if coupon.get("_products") else None


@answers.dresses("promotion_code")
def show_promotion_code(world: World, shown: Document) -> None:
    """This function will say whether the word works now."""
    coupon = world.store.get("coupon", shown["promotion"]["coupon"])
    spent = shown["max_redemptions"] is not None and shown["times_redeemed"] >= shown["max_redemptions"]
    expired = shown["expires_at"] is not None and shown["expires_at"] <= world.now()
    shown["active"] = bool(shown["active"] and coupon and coupon_valid(world, coupon) and not spent and not expired)
