"""Starting a subscription: its items, its trial or first invoice, and the first try at the card."""

from typing import Any

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import collecting, discounts, invoicing, lines, methods, periods, pricing
from sandbox.stripe.shapes import billing
from sandbox.stripe.store import Document
from sandbox.stripe.world import DAY, World

PLAIN = ("collection_method", "days_until_due", "description", "payment_settings", "trial_settings", "automatic_tax",
         "invoice_settings", "on_behalf_of")  # fmt: skip


def start(world: World, *, customer: Document, given: dict[str, Any], authenticated: bool = False) -> Document:
    """This function will make a subscription; ``given`` are the parameters of Stripe's "Create a subscription"."""
    chosen = [pricing.recurring(world, item, param=f"items[{place}]") for place, item in enumerate(given["items"])]
    currency, recurring = pricing.agree([price for price, _ in chosen])
    now = world.now(customer)
    subscription = billing.subscription(customer=customer, currency=currency, created=now)
    world.store.add(subscription)
    apply_plain(world, subscription, given)
    subscription["metadata"] = {key: value for key, value in (given.get("metadata") or {}).items() if value}
    for (price, quantity), item in zip(chosen, given["items"], strict=True):
        add_item(world, subscription, price=price, quantity=quantity, metadata=item.get("metadata"))
    for wanted in given.get("discounts") or []:
        made = discounts.give(world, chosen=wanted, customer=customer, subscription=subscription["id"])
        subscription["discounts"].append(made["id"])
    set_periods(world, subscription, given, recurring=recurring, now=now)
    for extra in given.get("add_invoice_items") or []:
        price, quantity = pricing.one_time(world, extra, param="add_invoice_items[0]")
        lines.one_time_item(world, customer=customer, price=price, quantity=quantity, subscription=subscription)
    plan_end(subscription, given)
    invoice = first_invoice(world, subscription, customer, given)
    behaviour = given.get("payment_behavior") or "allow_incomplete"
    prepaid = invoice["amount_due"] == 0 or subscription["collection_method"] == "send_invoice"
    if subscription["status"] != "trialing":
        subscription["status"] = "active" if prepaid else "incomplete"
    if not prepaid and behaviour in ("allow_incomplete", "error_if_incomplete"):
        refuse_without_card(world, subscription, customer)
    events.emit(world, "customer.subscription.created", subscription)
    invoicing.announce(world, invoice)
    if not prepaid and behaviour == "default_incomplete":
        invoicing.finalize(world, invoice)
        return subscription
    refusal = collecting.advance(world, invoice, authenticated=authenticated)
    if refusal and behaviour == "error_if_incomplete":
        refusal.keeps = False
        raise refusal
    return subscription


def apply_plain(world: World, subscription: Document, given: dict[str, Any]) -> None:
    """This function will take over the settings that decide nothing at once."""
    for name in PLAIN:
        if name in given:
            value = given[name]
            both_objects = isinstance(value, dict) and isinstance(subscription[name], dict)
            subscription[name] = {**subscription[name], **value} if both_objects else value
    if subscription["automatic_tax"]["enabled"]:
        subscription["automatic_tax"]["liability"] = {"type": "self"}
    if "default_payment_method" in given:
        method = given["default_payment_method"] and world.one(
            "payment_method", given["default_payment_method"], param="default_payment_method"
        )
        if method and method["customer"] != subscription["customer"]:
            raise errors.Refused(
                f"The customer does not have a payment method with the ID {method['id']}. "
                "The payment method must be attached to the customer.",
                code="resource_missing",
                param="default_payment_method",
            )
        subscription["default_payment_method"] = method and method["id"]


def add_item(
    world: World, subscription: Document, *, price: Document, quantity: int, metadata: dict[str, str] | None = None
) -> Document:
    """This function will put one more item onto a subscription."""
    item = billing.subscription_item(
        subscription=subscription, price=price["id"], quantity=quantity, created=world.now(subscription)
    )
    item["metadata"] = {key: value for key, value in (metadata or {}).items() if value}
    subscription["items"]["data"].append(item)
    return item


def roll(subscription: Document, *, start: int, end: int) -> None:
    """This function will set the current period of every item."""
    for item in subscription["items"]["data"]:
        item |= {"current_period_start": start, "current_period_end": end}


def set_periods(
    world: World, subscription: Document, given: dict[str, Any], *, recurring: dict[str, Any], now: int
) -> None:
    """This function will decide on trial, anchor and first period."""
    trial_end = given.get("trial_end")
    if given.get("trial_period_days"):
        trial_end = now + given["trial_period_days"] * DAY
    if isinstance(trial_end, int) and trial_end > now:
        subscription |= {"status": "trialing", "trial_start": now, "trial_end": trial_end}
        subscription["billing_cycle_anchor"] = trial_end
        roll(subscription, start=now, end=trial_end)
        return
    anchor = given.get("billing_cycle_anchor")
    if isinstance(anchor, int):
        if anchor <= now:
            raise errors.Refused("billing_cycle_anchor must be in the future.", param="billing_cycle_anchor")
        subscription["billing_cycle_anchor"] = anchor
        roll(subscription, start=now, end=anchor)
        return
    end = periods.add(now, interval=recurring["interval"], count=recurring["interval_count"])
    roll(subscription, start=now, end=end)


def first_invoice(world: World, subscription: Document, customer: Document, given: dict[str, Any]) -> Document:
    """This function will draft what is due at the start: nothing in a trial, a part until a later anchor, else all."""
    waiting = invoicing.pending_items(world, customer, currency=subscription["currency"], subscription=subscription)
    invoice = invoicing.draft(
        world, customer=customer, currency=subscription["currency"], reason="subscription_create",
        subscription=subscription,
    )  # fmt: skip
    for item in waiting:
        lines.add_item_line(world, invoice, item)
    trial = subscription["status"] == "trialing"
    partial = subscription["billing_cycle_anchor"] > invoice["created"] and not trial
    if not (partial and given.get("proration_behavior") == "none"):
        lines.add_subscription_lines(world, invoice, subscription, trial=trial)
    if partial:
        shorten(world, invoice, subscription)
    invoicing.total_up(world, invoice)
    return invoice


def shorten(world: World, invoice: Document, subscription: Document) -> None:
    """This function will reduce full-period lines to the stub before the anchor."""
    for line in invoice["lines"]["data"]:
        if line["parent"]["type"] == "subscription_item_details":
            price = world.one("price", line["pricing"]["price_details"]["price"])
            recurring, end = price["recurring"], subscription["billing_cycle_anchor"]
            begin = periods.add(end, interval=recurring["interval"], count=-recurring["interval_count"])
            line["amount"] = line["subtotal"] = periods.share(
                line["amount"], start=min(begin, invoice["created"]), end=end, at=invoice["created"]
            )
            line["parent"]["subscription_item_details"]["proration"] = True


def refuse_without_card(world: World, subscription: Document, customer: Document) -> None:
    """This function will refuse when there is nothing to charge."""
    if methods.chosen(world, subscription, customer) is None:
        raise errors.Refused(
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )


def period_end(subscription: Document) -> int:
    """This function will give the earliest end among the items' periods."""
    return min(item["current_period_end"] for item in subscription["items"]["data"])


def plan_end(subscription: Document, given: dict[str, Any]) -> None:
    """This function will schedule the end, or take the schedule back."""
    details = subscription["cancellation_details"]
    if given.get("cancellation_details"):
        details |= {name: given["cancellation_details"].get(name, details[name]) for name in ("comment", "feedback")}
    now = given.get("_now") or subscription["created"]
    if given.get("cancel_at_period_end") is True:
        subscription |= {"cancel_at_period_end": True, "cancel_at": period_end(subscription), "canceled_at": now}
        details["reason"] = "cancellation_requested"
    elif given.get("cancel_at"):
        at = given["cancel_at"]
        ends = [item["current_period_end"] for item in subscription["items"]["data"]]
        at = min(ends) if at == "min_period_end" else max(ends) if at == "max_period_end" else int(at)
        subscription |= {"cancel_at": at, "canceled_at": now, "cancel_at_period_end": False}
        details["reason"] = "cancellation_requested"
    elif given.get("cancel_at_period_end") is False or ("cancel_at" in given and not given["cancel_at"]):
        subscription |= {"cancel_at_period_end": False, "cancel_at": None, "canceled_at": None}
        details |= {"reason": None, "comment": None, "feedback": None}
