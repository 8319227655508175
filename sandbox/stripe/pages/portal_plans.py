"""The portal's plans: another one, none, or the same one after all."""

from typing import Any

from flask import redirect, request

from sandbox.stripe.lifecycle import changing, invoicing, subscribing
from sandbox.stripe.pages import blueprint, gone, the_world
from sandbox.stripe.pages.portal import Answer, Visit, after, enter
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


@blueprint.get("/p/session/<secret>/subscriptions/<identifier>/update")
def show_plans(secret: str, identifier: str) -> Answer:
    """This function will show the plans there are and, once one is chosen, what the change costs today."""
    world = the_world()
    with world.turn():
        visit = enter(secret)
        subscription = visit and visit.subscription(identifier)
        if not subscription or not visit.may("subscription_update"):
            return gone()
        prices, chosen = visit.prices(subscription), request.args.get("price")
        item = subscription["items"]["data"][0]
        values = {"subscription": subscription, "prices": prices, "current": item["price"], "chosen": None,
                  "quantity": item["quantity"], "period_end": item["current_period_end"]}  # fmt: skip
        if chosen not in {one["id"] for one in prices}:
            return visit.draw("portal_update.html", **values)
        values |= {
            "chosen": world.one("price", chosen),
            "quantity": int(request.args.get("quantity") or item["quantity"]),
        }
    return visit.draw("portal_update.html", **values, due=preview(world, visit, identifier, values))


def preview(world: World, visit: Visit, identifier: str, values: dict[str, Any]) -> int | None:
    """This function will try the change, note what is due today and undo it."""
    due: int | None = None
    with world.lock:
        try:
            with world.turn():
                subscription = world.one("subscription", identifier)
                before = subscription["latest_invoice"]
                change_plan(visit, subscription, price=values["chosen"]["id"], quantity=values["quantity"])
                if subscription["latest_invoice"] != before:
                    due = world.one("invoice", subscription["latest_invoice"])["total"]
                raise Looked
        except Looked:
            pass
    return due


class Looked(Exception):
    """Undoes a change that was only tried."""


def change_plan(visit: Visit, subscription: Document, *, price: str, quantity: int) -> None:
    """This function will change the plan with the proration the portal is configured for."""
    feature = visit.features["subscription_update"]
    given: dict[str, Any] = {
        "items": [{"id": subscription["items"]["data"][0]["id"], "price": price, "quantity": quantity}],
        "proration_behavior": feature["proration_behavior"],
    }
    if subscription["status"] == "trialing" and feature["trial_update_behavior"] == "end_trial":
        given["trial_end"] = "now"
    if subscription["cancel_at_period_end"]:
        given["cancel_at_period_end"] = False
    changing.change(visit.world, subscription, given)


@blueprint.post("/p/session/<secret>/subscriptions/<identifier>/update")
def choose_plan(secret: str, identifier: str) -> Answer:
    """This function will change the plan; a payment that did not go through leads to its invoice."""
    with the_world().turn():
        visit = enter(secret)
        subscription = visit and visit.subscription(identifier)
        if not subscription or not visit.may("subscription_update"):
            return gone()
        price = request.form.get("price")
        if price not in {one["id"] for one in visit.prices(subscription)}:
            return gone("This plan is not offered.")
        change_plan(visit, subscription, price=price, quantity=max(1, int(request.form.get("quantity") or 1)))
        invoice = visit.world.store.get("invoice", subscription["latest_invoice"])
        if invoice and invoice["status"] == "open" and invoicing.intent_of(visit.world, invoice):
            return redirect(invoice["hosted_invoice_url"], code=303)
        return after(visit)


@blueprint.get("/p/session/<secret>/subscriptions/<identifier>/cancel")
def show_cancel(secret: str, identifier: str) -> Answer:
    """This function will ask once more, naming the day."""
    with the_world().turn():
        visit = enter(secret)
        subscription = visit and visit.subscription(identifier)
        if not subscription or not visit.may("subscription_cancel"):
            return gone()
        return visit.draw(
            "portal_cancel.html",
            subscription=subscription,
            feature=visit.features["subscription_cancel"],
            period_end=subscribing.period_end(subscription),
        )


@blueprint.post("/p/session/<secret>/subscriptions/<identifier>/cancel")
def cancel_plan(secret: str, identifier: str) -> Answer:
    """This function will cancel, at the period's end or at once as configured."""
    with the_world().turn():
        visit = enter(secret)
        subscription = visit and visit.subscription(identifier)
        if not subscription or not visit.may("subscription_cancel"):
            return gone()
        feature = visit.features["subscription_cancel"]
        details = {"feedback": request.form.get("feedback") or None, "comment": request.form.get("comment") or None}
        if feature["mode"] == "immediately":
            prorate = feature["proration_behavior"] != "none"
            changing.cancel(visit.world, subscription, details=details, prorate=prorate, invoice_now=prorate)
        else:
            changing.change(visit.world, subscription, {"cancel_at_period_end": True, "cancellation_details": details})
        return after(visit)


@blueprint.post("/p/session/<secret>/subscriptions/<identifier>/renew")
def renew_plan(secret: str, identifier: str) -> Answer:
    """This function will take a planned cancellation back."""
    with the_world().turn():
        visit = enter(secret)
        subscription = visit and visit.subscription(identifier)
        if not subscription:
            return gone()
        changing.change(visit.world, subscription, {"cancel_at_period_end": False})
        return redirect(visit.home, code=303)
