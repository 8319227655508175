"""Customers, subscriptions and their items as they are when new."""

from typing import Any

from sandbox.stripe import answers, ids
from sandbox.stripe.shapes import catalog
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def customer(*, created: int) -> Document:
    """This function will make somebody who may pay."""
    return {
        "id": ids.make("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": ids.make("", 8).strip("_").upper(),
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }  # fmt: skip


@answers.dresses("customer")
def show_customer(world: World, shown: Document) -> None:
    """This function will show the customer's own discount in full."""
    discount = world.store.get("discount", shown["discount"])
    shown["discount"] = discount and answers.present(world, discount)


@answers.includes("customer", "subscriptions")
def show_subscriptions(world: World, customer: Document) -> dict[str, Any]:
    """This function will list what the customer subscribes to and has not cancelled."""
    alive = [one for one in world.store.find("subscription", customer=customer["id"])
             if one["status"] not in ("canceled", "incomplete_expired")]  # fmt: skip
    return answers.sub_list(world, reversed(alive), f"/v1/customers/{customer['id']}/subscriptions")


@answers.includes("customer", "tax")
def show_tax(world: World, customer: Document) -> dict[str, Any]:
    """This function will say that no tax is worked out here."""
    return {"automatic_tax": "not_collecting", "ip_address": None, "location": None, "provider": "stripe"}


@answers.includes("customer", "tax_ids")
@answers.includes("customer", "sources")
def show_none(world: World, customer: Document) -> dict[str, Any]:
    """This function will list nothing: neither tax ids nor old-style sources are kept here."""
    return answers.sub_list(world, [], f"/v1/customers/{customer['id']}/sources")


def subscription(*, customer: Document, currency: str, created: int) -> Document:
    """This function will make a subscription that has no items yet."""
    return {
        "id": ids.make("sub"),
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": created,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": created,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "custom_fields": None, "description": None, "footer": None,
                             "issuer": {"type": "self"}},
        "items": {"object": "list", "data": [], "has_more": False, "url": ""},
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {"payment_method_options": None, "payment_method_types": None,
                             "save_default_payment_method": "off"},
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": created,
        "status": "incomplete",
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }  # fmt: skip


def subscription_item(*, subscription: Document, price: str, quantity: int, created: int) -> Document:
    """This function will make one thing subscribed to; its period lies on the item in this API version."""
    return {
        "id": ids.make("si", 14),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": created,
        "current_period_end": created,
        "current_period_start": created,
        "discounts": [],
        "metadata": {},
        "price": price,
        "quantity": quantity,
        "subscription": subscription["id"],
        "tax_rates": [],
    }


@answers.dresses("subscription")
def show_subscription(world: World, shown: Document) -> None:
    """This function will show each item with its price."""
    shown["items"]["url"] = f"/v1/subscription_items?subscription={shown['id']}"
    for item in shown["items"]["data"]:
        show_item(world, item)


@answers.dresses("subscription_item")
def show_item(world: World, shown: Document) -> None:
    """This function will put the price, and the plan it once was, into the item."""
    price = world.store.get("price", shown["price"])
    if price:
        shown["price"], shown["plan"] = answers.present(world, price), catalog.plan(price)
