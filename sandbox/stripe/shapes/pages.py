"""Checkout and portal sessions as they are when new, and the portal's configuration."""

from typing import Any

from sandbox.stripe import answers, ids
from sandbox.stripe.store import Document
from sandbox.stripe.world import DAY, World


def checkout_session(*, mode: str, created: int, base_url: str) -> Document:
    """This function will make a page to pay on, open for a day."""
    identifier = ids.make("cs_test", 58)
    return {
        "id": identifier,
        "object": "checkout.session",
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": None,
        "client_reference_id": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": created,
        "currency": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_account": None,
        "customer_creation": None,
        "customer_details": None,
        "customer_email": None,
        "discounts": [],
        "expires_at": created + DAY,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "managed_payments": None,
        "metadata": {},
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always" if mode == "subscription" else None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{base_url}/c/pay/{identifier}",
        "wallet_options": None,
        "_clock": None,
        "_lines": [],
        "_subscription_data": {},
        "_payment_intent_data": {},
        "_setup_intent_data": {},
    }


def session_line(world: World, *, price: Document, quantity: int, adjustable: dict[str, Any] | None) -> Document:
    """This function will make one thing on the page."""
    product = world.one("product", price["product"])
    amount = round(float(price["unit_amount_decimal"]) * quantity)
    return {
        "id": ids.make("li"),
        "object": "item",
        "adjustable_quantity": adjustable,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": {},
        "price": price["id"],
        "quantity": quantity,
    }


@answers.dresses("item")
def show_line(world: World, shown: Document) -> None:
    """This function will show a line's price in full."""
    shown["price"] = answers.present(world, world.one("price", shown["price"]))


@answers.includes("checkout.session", "line_items")
def show_lines(world: World, session: Document) -> dict[str, Any]:
    """This function will list what is bought."""
    return answers.sub_list(world, session["_lines"], f"/v1/checkout/sessions/{session['id']}/line_items")


def portal_configuration(*, created: int) -> Document:
    """This function will make the portal's settings with every feature off."""
    return {
        "id": ids.make("bpc"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": created,
        "default_return_url": None,
        "features": {
            "customer_update": {"allowed_updates": [], "enabled": False},
            "invoice_history": {"enabled": False},
            "payment_method_update": {"enabled": False, "payment_method_configuration": None},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": False, "options": []}, "enabled": False, "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
            "subscription_update": {
                "billing_cycle_anchor": None, "default_allowed_updates": [], "enabled": False, "products": [],
                "proration_behavior": "none", "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": False,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "name": None,
        "updated": created,
    }  # fmt: skip


def portal_session(
    *, customer: Document, configuration: Document, return_url: str | None, created: int, base_url: str
) -> Document:
    """This function will make a customer's way into the portal."""
    secret = ids.make("test", 40)
    return {
        "id": ids.make("bps"),
        "object": "billing_portal.session",
        "after_expiration": None,
        "configuration": configuration["id"],
        "created": created,
        "customer": customer["id"],
        "customer_account": None,
        "flow": None,
        "livemode": False,
        "locale": None,
        "on_behalf_of": None,
        "return_url": return_url,
        "url": f"{base_url}/p/session/{secret}",
        "_secret": secret,
    }


def discount_total(world: World, session: Document) -> None:
    """This function will sum a session up, with its discounts taken off line by line."""
    for line in session["_lines"]:
        line["amount_discount"] = 0
    for entry in session["discounts"]:
        coupon = world.one("coupon", entry["coupon"])
        left = coupon["amount_off"] or 0
        for line in session["_lines"]:
            rest = line["amount_subtotal"] - line["amount_discount"]
            if coupon["percent_off"] is not None:
                taken = round(rest * coupon["percent_off"] / 100)
            else:
                taken = min(left, rest)
                left -= taken
            line["amount_discount"] += taken
    for line in session["_lines"]:
        line["amount_total"] = line["amount_subtotal"] - line["amount_discount"]
    off = sum(line["amount_discount"] for line in session["_lines"])
    session["total_details"] = {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0}
    session["amount_subtotal"] = sum(line["amount_subtotal"] for line in session["_lines"])
    session["amount_total"] = session["amount_subtotal"] - off
