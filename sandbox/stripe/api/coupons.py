"""Coupons and the promotion codes that people type to get them."""

import secrets
from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.routes import route
from sandbox.stripe.shapes import catalog
from sandbox.stripe.world import World

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def spoken(length: int) -> str:
    """This function will make a word that can be read aloud."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@route(
    "POST",
    "/coupons",
    takes={
        "amount_off": params.whole,
        "applies_to": params.free,
        "currency": params.text,
        "id": params.text,
        "duration": params.choice("forever", "once", "repeating"),
        "duration_in_months": params.integer,
        "max_redemptions": params.integer,
        "metadata": params.mapping,
        "name": params.text,
        "percent_off": params.decimal,
        "redeem_by": params.integer,
    },
)
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will make a coupon of a percentage or an amount."""
    if (given.get("amount_off") is None) == (given.get("percent_off") is None):
        raise errors.Refused(
            "You must pass either `percent_off` or `amount_off` and no both.", code="parameter_missing"
        )
    if given.get("amount_off") is not None and not given.get("currency"):
        raise errors.Refused(
            "You must pass currency when passing amount_off", code="parameter_missing", param="currency"
        )
    if given.get("duration") == "repeating" and not given.get("duration_in_months"):
        raise errors.Refused(
            "Missing required param: duration_in_months.", code="parameter_missing", param="duration_in_months"
        )
    if given.get("id") and world.store.any(given["id"]):
        raise errors.Refused("Coupon already exists.", code="resource_already_exists", param="id")
    coupon = catalog.coupon(identifier=given.get("id") or spoken(8), created=world.now())
    names = ("amount_off", "currency", "duration", "duration_in_months", "max_redemptions", "name", "redeem_by")
    coupon |= {name: given[name] for name in names if given.get(name) is not None}
    if given.get("percent_off"):
        coupon["percent_off"] = float(given["percent_off"])
        if not 0 < coupon["percent_off"] <= 100:
            raise errors.Refused("Invalid percent_off: must be above 0 and at most 100.", param="percent_off")
    coupon["_products"] = (given.get("applies_to") or {}).get("products")
    params.merge_metadata(coupon, given.get("metadata"))
    world.store.add(coupon)
    events.emit(world, "coupon.created", coupon)
    return answers.present(world, coupon, given.get("expand") or [])


@route("GET", "/coupons/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a coupon."""
    coupon = world.one("coupon", identifier)
    if coupon.get("_gone"):
        raise errors.missing("coupon", identifier)
    return answers.present(world, coupon, given.get("expand") or [])


@route("POST", "/coupons/<identifier>", takes={"metadata": params.mapping, "name": params.text})
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will rename a coupon."""
    coupon = world.one("coupon", identifier)
    with events.changing(world, coupon, "coupon.updated"):
        params.merge_metadata(coupon, given.get("metadata"))
        coupon["name"] = given.get("name", coupon["name"])
    return answers.present(world, coupon, given.get("expand") or [])


@route("DELETE", "/coupons/<identifier>")
def delete(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will give a coupon out no more; who has it keeps it."""
    coupon = world.one("coupon", identifier)
    events.emit(world, "coupon.deleted", coupon)
    coupon["_gone"] = True
    return {"id": identifier, "object": "coupon", "deleted": True}


@route("GET", "/coupons", paged=True, takes={"created": params.span})
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list coupons."""
    found = [
        one
        for one in world.store.find("coupon")
        if not one.get("_gone") and answers.within(one["created"], given.get("created"))
    ]
    return answers.page(world, found, given, "/coupons")


@route(
    "POST",
    "/promotion_codes",
    required=("promotion",),
    takes={
        "promotion": params.shape(
            {"coupon": params.text, "type": params.choice("coupon")}, required=("coupon", "type")
        ),
        "active": params.boolean,
        "code": params.text,
        "customer": params.text,
        "expires_at": params.integer,
        "max_redemptions": params.integer,
        "metadata": params.mapping,
        "restrictions": params.free,
    },
)
def create_code(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will make a code for a coupon; two that work may not read alike."""
    coupon = world.one("coupon", given["promotion"]["coupon"], param="promotion[coupon]")
    code = given.get("code") or spoken(8)
    if any(one["code"].lower() == code.lower() and one["active"] for one in world.store.find("promotion_code")):
        raise errors.Refused("An active promotion code with `code: " + code + "` already exists.", param="code")
    made = catalog.promotion_code(coupon=coupon["id"], code=code, created=world.now())
    if given.get("customer"):
        made["customer"] = world.one("customer", given["customer"], param="customer")["id"]
    made |= {name: given[name] for name in ("active", "expires_at", "max_redemptions") if given.get(name) is not None}
    made["restrictions"] |= given.get("restrictions") or {}
    params.merge_metadata(made, given.get("metadata"))
    world.store.add(made)
    events.emit(world, "promotion_code.created", made)
    return answers.present(world, made, given.get("expand") or [])


@route("GET", "/promotion_codes/<identifier>")
def retrieve_code(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a promotion code."""
    return answers.present(world, world.one("promotion_code", identifier), given.get("expand") or [])


@route("POST", "/promotion_codes/<identifier>", takes={"active": params.boolean, "metadata": params.mapping})
def update_code(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will switch a code on or off."""
    code = world.one("promotion_code", identifier)
    with events.changing(world, code, "promotion_code.updated"):
        params.merge_metadata(code, given.get("metadata"))
        code["active"] = given.get("active", code["active"])
    return answers.present(world, code, given.get("expand") or [])


@route(
    "GET",
    "/promotion_codes",
    paged=True,
    takes={
        "active": params.boolean,
        "code": params.text,
        "coupon": params.text,
        "customer": params.text,
        "created": params.span,
    },
)
def list_codes(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list promotion codes; the code itself is compared without case."""
    found = [
        one
        for one in world.store.find("promotion_code")
        if given.get("active") in (None, one["active"])
        and (not given.get("code") or one["code"].lower() == given["code"].lower())
        and given.get("coupon") in (None, one["promotion"]["coupon"])
        and given.get("customer") in (None, one["customer"])
        and answers.within(one["created"], given.get("created"))
    ]
    return answers.page(world, found, given, "/promotion_codes")
