"""Coupons at work: giving one to somebody, taking it off an invoice, ending it when it is used up."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import periods
from sandbox.stripe.shapes import catalog
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def give(
    world: World, *, chosen: dict[str, Any], customer: Document | None, subscription: str | None = None
) -> Document:
    """This function will make a discount of ``{"coupon": id}`` or ``{"promotion_code": id}``, or refuse a spent one."""
    if chosen.get("discount"):
        return world.one("discount", chosen["discount"], param="discounts[0][discount]")
    promotion = None
    if chosen.get("promotion_code"):
        promotion = world.one("promotion_code", chosen["promotion_code"], param="discounts[0][promotion_code]")
        if not shown_active(world, promotion) or promotion["customer"] not in (None, (customer or {}).get("id")):
            raise errors.Refused("This promotion code cannot be redeemed.", param="discounts[0][promotion_code]")
    coupon = world.one(
        "coupon", promotion["promotion"]["coupon"] if promotion else chosen.get("coupon"), param="discounts[0][coupon]"
    )
    if not catalog.coupon_valid(world, coupon):
        raise errors.Refused(f"Coupon expired: {coupon['id']}", code="coupon_expired", param="discounts[0][coupon]")
    start = world.now(customer)
    months = coupon["duration_in_months"]
    discount = catalog.discount(
        coupon=coupon["id"],
        customer=customer and customer["id"],
        start=start,
        end=periods.add(start, interval="month", count=months) if months else None,
        subscription=subscription,
        promotion_code=promotion and promotion["id"],
    )
    world.store.add(discount)
    coupon["times_redeemed"] += 1
    if promotion:
        promotion["times_redeemed"] += 1
    if customer:
        events.emit(world, "customer.discount.created", discount)
    return discount


def shown_active(world: World, promotion: Document) -> bool:
    """This function will tell whether a promotion code works now."""
    copy = dict(promotion)
    catalog.show_promotion_code(world, copy)
    return copy["active"]


def amount_off(coupon: Document, amount: int) -> int:
    """This function will say how much a coupon takes off an amount."""
    if coupon["percent_off"] is not None:
        part = Decimal(amount) * Decimal(str(coupon["percent_off"])) / 100
        return int(part.quantize(Decimal(1), ROUND_HALF_UP))
    return min(amount, coupon["amount_off"] or 0)


def apply(world: World, invoice: Document) -> None:
    """This function will work out every discount of an invoice, line by line and in all."""
    totals = []
    for line in invoice["lines"]["data"]:
        line["discount_amounts"] = []
    for identifier in invoice["discounts"]:
        discount = world.one("discount", identifier)
        coupon = world.one("coupon", discount["source"]["coupon"])
        open_lines = [line for line in invoice["lines"]["data"] if line["discountable"] and line["amount"] > 0
                      and covers(coupon, line)]  # fmt: skip
        left = None if coupon["percent_off"] is not None else coupon["amount_off"] or 0
        total = 0
        for line in open_lines:
            rest = line["amount"] - sum(part["amount"] for part in line["discount_amounts"])
            taken = amount_off(coupon, rest) if left is None else min(rest, left)
            left = None if left is None else left - taken
            line["discount_amounts"].append({"amount": taken, "discount": identifier})
            total += taken
        totals.append({"amount": total, "discount": identifier})
    invoice["total_discount_amounts"] = totals


def covers(coupon: Document, line: Document) -> bool:
    """This function will tell whether a coupon is for what the line sells."""
    details = line["pricing"]["price_details"]
    return not coupon.get("_products") or bool(details and details["product"] in coupon["_products"])


def current(world: World, customer: Document, subscription: Document | None) -> list[str]:
    """This function will give the discounts that hold now: the subscription's, or else the customer's."""
    held = list((subscription or {}).get("discounts") or [])
    if not held and customer.get("discount"):
        held = [customer["discount"]]
    now = world.now(customer)
    return [one for one in held if (world.one("discount", one)["end"] or now + 1) > now]


def use_up(world: World, invoice: Document, subscription: Document | None) -> None:
    """This function will end the discounts that were for one invoice only, and those whose months are over."""
    customer, now = world.customer_of(invoice), world.now(invoice)
    for identifier in invoice["discounts"]:
        discount = world.one("discount", identifier)
        once = world.one("coupon", discount["source"]["coupon"])["duration"] == "once"
        if not once and (discount["end"] or now + 1) > now:
            continue
        if subscription and identifier in subscription["discounts"]:
            subscription["discounts"].remove(identifier)
        elif customer.get("discount") == identifier:
            customer["discount"] = None
        else:
            continue
        events.emit(world, "customer.discount.deleted", discount)
