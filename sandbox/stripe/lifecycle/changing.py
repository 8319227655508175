"""Changing a running subscription: plans and quantities with proration, the end of a trial, cancelling, resuming."""

from typing import Any

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import collecting, discounts, ending, invoicing, lines, periods, pricing, subscribing
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

OVER = ("canceled", "incomplete_expired")


def change(world: World, subscription: Document, given: dict[str, Any]) -> Document:
    """This function will do what Stripe's "Update a subscription" does with these parameters."""
    if subscription["status"] in OVER:
        raise errors.Refused(
            "A canceled subscription can only update its cancellation_details and metadata.", code="resource_missing"
        )
    now = world.now(subscription)
    refusal = None
    with events.changing(world, subscription, "customer.subscription.updated"):
        subscribing.apply_plain(world, subscription, given)
        merge_metadata(subscription, given.get("metadata"))
        if "pause_collection" in given:
            subscription["pause_collection"] = given["pause_collection"] and {
                "resumes_at": None, **given["pause_collection"],
            }  # fmt: skip
        if "discounts" in given:
            replace_discounts(world, subscription, given["discounts"] or [])
        reset = change_items(world, subscription, given, now=given.get("proration_date") or now)
        add_extras(world, subscription, given)
        bill_all = reset or end_trial_early(world, subscription, given, now=now)
        if given.get("billing_cycle_anchor") == "now" and not bill_all:
            restart_period(world, subscription, now=now)
            bill_all = True
        if any(name in given for name in ("cancel_at_period_end", "cancel_at", "cancellation_details")):
            subscribing.plan_end(subscription, {**given, "_now": now})
        elif subscription["cancel_at_period_end"]:
            subscription["cancel_at"] = subscribing.period_end(subscription)
        if bill_all or given.get("proration_behavior") == "always_invoice" or given.get("add_invoice_items"):
            refusal = bill(world, subscription, everything=bill_all)
    if refusal and given.get("payment_behavior") == "error_if_incomplete":
        refusal.keeps = False
        raise refusal
    return subscription


def bill(world: World, subscription: Document, *, everything: bool) -> errors.Refused | None:
    """This function will invoice at once and try the card; it gives the refusal, if any."""
    invoice = invoicing.bill_now(world, subscription=subscription, reason="subscription_update", periods_too=everything)
    return collecting.advance(world, invoice) if invoice else None


def replace_discounts(world: World, subscription: Document, wanted: list[dict[str, Any]]) -> None:
    """This function will give a subscription exactly these discounts."""
    kept = {one["discount"] for one in wanted if one.get("discount")}
    for identifier in [one for one in subscription["discounts"] if one not in kept]:
        subscription["discounts"].remove(identifier)
        events.emit(world, "customer.discount.deleted", world.one("discount", identifier))
    customer = world.customer_of(subscription)
    for one in wanted:
        if one.get("discount") in subscription["discounts"]:
            continue
        made = discounts.give(world, chosen=one, customer=customer, subscription=subscription["id"])
        subscription["discounts"].append(made["id"])


def add_extras(world: World, subscription: Document, given: dict[str, Any]) -> None:
    """This function will add things bought once along with a change."""
    for extra in given.get("add_invoice_items") or []:
        price, quantity = pricing.one_time(world, extra, param="add_invoice_items[0]")
        lines.one_time_item(
            world, customer=world.customer_of(subscription), price=price, quantity=quantity, subscription=subscription
        )


def worth(world: World, subscription: Document) -> int:
    """This function will give what one period costs."""
    return sum(
        lines.price_amount(world.one("price", item["price"]), item["quantity"])
        for item in subscription["items"]["data"]
    )


def change_items(world: World, subscription: Document, given: dict[str, Any], *, now: int) -> bool:
    """This function will change, add and take away items, leaving prorations behind; True when a new period began."""
    if not given.get("items"):
        return False
    items = subscription["items"]["data"]
    before = {item["id"]: (item["price"], item["quantity"]) for item in items}
    cost = worth(world, subscription)
    old_rhythm = world.one("price", items[0]["price"])["recurring"]
    removed = [
        item for place, wanted in enumerate(given["items"]) if (item := change_item(world, subscription, wanted, place))
    ]
    if not items:
        raise errors.Refused("A subscription must have at least one active plan.", param="items")
    _, rhythm = pricing.agree([world.one("price", item["price"]) for item in items])
    faster = (rhythm["interval"], rhythm["interval_count"]) != (old_rhythm["interval"], old_rhythm["interval_count"])
    trial = subscription["status"] == "trialing"
    prorate = (given.get("proration_behavior") or "create_prorations") != "none" and not trial
    reset = not trial and (faster or (cost == 0 and worth(world, subscription) > 0))
    if prorate:
        for item in [*items, *removed]:
            prorate_item(
                world, subscription, item, before.get(item["id"]), gone=item in removed, credit_only=reset, now=now
            )
    fresh = [item for item in items if item["id"] not in before]
    if fresh:
        start, end = (items[0]["current_period_start"], items[0]["current_period_end"])
        for item in fresh:
            item |= {"current_period_start": start, "current_period_end": end}
    if reset:
        restart_period(world, subscription, now=now)
    return reset


def change_item(world: World, subscription: Document, wanted: dict[str, Any], place: int) -> Document | None:
    """This function will do what one entry of ``items`` asks for; it gives the item when that was taken away."""
    param, items = f"items[{place}]", subscription["items"]["data"]
    if not wanted.get("id"):
        price, quantity = pricing.recurring(world, wanted, param=param)
        start, end = items[0]["current_period_start"], items[0]["current_period_end"]
        made = subscribing.add_item(
            world, subscription, price=price, quantity=quantity, metadata=wanted.get("metadata")
        )
        made |= {"current_period_start": start, "current_period_end": end}
        return None
    item = next((one for one in items if one["id"] == wanted["id"]), None)
    if item is None:
        raise errors.missing("subscription_item", wanted["id"], param=f"{param}[id]", status=400)
    if wanted.get("deleted"):
        items.remove(item)
        return item
    if wanted.get("price") or wanted.get("price_data"):
        item["price"] = pricing.recurring(world, wanted, param=param)[0]["id"]
    if wanted.get("quantity") is not None:
        item["quantity"] = wanted["quantity"]
    merge_metadata(item, wanted.get("metadata"))
    return None


def prorate_item(
    world: World, subscription: Document, item: Document, old: tuple[str, int] | None, *, gone: bool, credit_only: bool,
    now: int,
) -> None:  # fmt: skip
    """This function will credit the unused time of what was and bill the remaining time of what is."""
    if old == (item["price"], item["quantity"]) and not gone and not credit_only:
        return
    if old:
        price = world.one("price", old[0])
        lines.add_proration(
            world, subscription=subscription, item=item, price=price, quantity=old[1], at=now, credit=True
        )
    if not gone and not credit_only:
        price = world.one("price", item["price"])
        lines.add_proration(
            world, subscription=subscription, item=item, price=price, quantity=item["quantity"], at=now, credit=False
        )


def restart_period(world: World, subscription: Document, *, now: int) -> None:
    """This function will begin a new period now, with its anchor."""
    rhythm = world.one("price", subscription["items"]["data"][0]["price"])["recurring"]
    subscription["billing_cycle_anchor"] = now
    end = periods.add(now, interval=rhythm["interval"], count=rhythm["interval_count"])
    subscribing.roll(subscription, start=now, end=end)


def end_trial_early(world: World, subscription: Document, given: dict[str, Any], *, now: int) -> bool:
    """This function will move or end the trial; True when billing starts with it."""
    if "trial_end" not in given or given["trial_end"] is None:
        return False
    wanted = given["trial_end"]
    if wanted == "now" or wanted <= now:
        if subscription["status"] != "trialing":
            return False
        subscription |= {"status": "active", "trial_end": now}
        restart_period(world, subscription, now=now)
        return True
    subscription |= {
        "status": "trialing", "trial_start": subscription["trial_start"] or now, "trial_end": wanted,
        "billing_cycle_anchor": wanted,
    }  # fmt: skip
    subscribing.roll(subscription, start=now, end=wanted)
    return False


def cancel(
    world: World, subscription: Document, *, details: dict[str, Any] | None, prorate: bool, invoice_now: bool
) -> Document:
    """This function will cancel at once, crediting unused time and billing what is pending when asked to."""
    if subscription["status"] in OVER:
        raise errors.missing("subscription", subscription["id"])
    subscription["cancellation_details"] |= {
        name: (details or {}).get(name) for name in ("comment", "feedback") if (details or {}).get(name)
    }
    if prorate and subscription["status"] != "trialing":
        for item in subscription["items"]["data"]:
            old = (item["price"], item["quantity"])
            prorate_item(world, subscription, item, old, gone=True, credit_only=False, now=world.now(subscription))
    if invoice_now:
        invoice = invoicing.bill_now(world, subscription=subscription, reason="subscription_update", periods_too=False)
        if invoice:
            collecting.advance(world, invoice)
    if subscription["status"] == "incomplete":
        collecting.expire(world, subscription)
        return subscription
    return ending.end(world, subscription, reason="cancellation_requested")


def resume(world: World, subscription: Document) -> Document:
    """This function will wake a paused subscription with a new period, which is billed at once."""
    if subscription["status"] != "paused":
        raise errors.Refused(f"Only paused subscriptions can be resumed; this one is {subscription['status']}.")
    with events.changing(world, subscription, "customer.subscription.updated"):
        subscription["status"] = "active"
        restart_period(world, subscription, now=world.now(subscription))
        bill(world, subscription, everything=True)
    events.emit(world, "customer.subscription.resumed", subscription)
    return subscription
