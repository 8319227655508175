"""The Billing Portal: what a customer may do alone, as far as its configuration lets them."""

from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import changing, invoicing, methods, paying, subscribing
from sandbox.stripe.pages import blueprint, gone, the_world, typed
from sandbox.stripe.shapes import payments
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

Answer = str | Response | tuple[str, int]
OVER = ("canceled", "incomplete_expired", "incomplete")


class Visit:
    """One request inside the portal: whose it is and what they may do."""

    def __init__(self, world: World, session: Document):
        self.world, self.session = world, session
        self.customer = world.one("customer", session["customer"])
        self.features = world.one("billing_portal.configuration", session["configuration"])["features"]
        self.home = f"/p/session/{session['_secret']}"

    def may(self, feature: str) -> bool:
        """This function will tell whether the configuration has a feature on."""
        return bool(self.features[feature]["enabled"])

    def subscriptions(self) -> list[Document]:
        """This function will give what the customer subscribes to."""
        return [
            one
            for one in self.world.store.find("subscription", customer=self.customer["id"])
            if one["status"] not in OVER
        ]

    def subscription(self, identifier: str) -> Document | None:
        """This function will give one of the customer's own subscriptions."""
        return next((one for one in self.subscriptions() if one["id"] == identifier), None)

    def prices(self, subscription: Document) -> list[Document]:
        """This function will give the plans one may change to: those configured, or every recurring price there is."""
        configured = self.features["subscription_update"].get("products") or []
        named = [price for product in configured for price in product["prices"]]
        found = [self.world.one("price", one) for one in named] or list(
            self.world.store.find("price", type="recurring", currency=subscription["currency"])
        )
        return sorted((one for one in found if one["active"]), key=lambda one: (one["unit_amount"] or 0, one["_seq"]))

    def draw(self, template: str, *, status: int = 200, **values: Any) -> Answer:
        """This function will draw a page of the portal."""
        business = self.world.one("billing_portal.configuration", self.session["configuration"])["business_profile"]
        page = render_template(template, visit=self, customer=self.customer, headline=business["headline"], **values)
        return page, status


def enter(secret: str) -> Visit | None:
    """This function will let in whoever has the right address."""
    world = the_world()
    session = world.store.first("billing_portal.session", _secret=secret)
    customer = session and world.store.get("customer", session["customer"])
    return Visit(world, session) if session and customer and not customer.get("deleted") else None


@blueprint.get("/p/session/<secret>")
def show_portal(secret: str) -> Answer:
    """This function will show plans, cards, details and invoices."""
    with the_world().turn():
        visit = enter(secret)
        if visit is None:
            return gone("This link to the billing page is no longer valid. Please open it again from the shop.")
        store, customer = visit.world.store, visit.customer
        items = {
            one["id"]: [(item, visit.world.one("price", item["price"])) for item in one["items"]["data"]]
            for one in visit.subscriptions()
        }
        return visit.draw(
            "portal.html",
            items=items,
            ends={one["id"]: subscribing.period_end(one) for one in visit.subscriptions()},
            cards=list(store.find("payment_method", customer=customer["id"])),
            default=methods.chosen(visit.world, *visit.subscriptions(), customer),
            invoices=sorted(
                (one for one in store.find("invoice", customer=customer["id"]) if one["status"] != "draft"),
                key=lambda one: (one["created"], one["_seq"]), reverse=True,
            )[:24],
            failed=request.args.get("redirect_status") == "failed",
        )  # fmt: skip


@blueprint.get("/p/session/<secret>/flow")
def show_flow(secret: str) -> Answer:
    """This function will lead straight to the task the link was made for."""
    with the_world().turn():
        visit = enter(secret)
        if visit is None or not visit.session["flow"]:
            return gone()
        flow = visit.session["flow"]
        kind = flow["type"]
        if kind == "payment_method_update":
            return redirect(f"{visit.home}/card")
        target = f"{visit.home}/subscriptions/{flow[kind]['subscription']}"
        if kind == "subscription_update_confirm":
            price = (flow[kind].get("items") or [{}])[0].get("price")
            return redirect(f"{target}/update?price={price}")
        return redirect(f"{target}/{kind.removeprefix('subscription_')}")


def after(visit: Visit) -> Response:
    """This function will lead on when a task is done: to the address the link named, or to the portal's first page."""
    completion = (visit.session["flow"] or {}).get("after_completion") or {}
    if completion.get("type") == "redirect":
        return redirect(completion["redirect"]["return_url"], code=303)
    return redirect(visit.home, code=303)


@blueprint.get("/p/session/<secret>/card")
def show_card_form(secret: str) -> Answer:
    """This function will ask for a new card."""
    with the_world().turn():
        visit = enter(secret)
        if visit is None or not visit.may("payment_method_update"):
            return gone()
        return visit.draw("portal_card.html", form={}, wrong={}, countries=typed.COUNTRIES)


@blueprint.post("/p/session/<secret>/card")
def save_card(secret: str) -> Answer:
    """This function will keep a new card and charge it from now on; the bank may ask first."""
    try:
        with the_world().turn():
            visit = enter(secret)
            if visit is None or not visit.may("payment_method_update"):
                return gone()
            world, customer = visit.world, visit.customer
            method = typed.card(world, request.form, owner=customer, email=customer["email"])
            intent = payments.setup_intent(customer=customer["id"], created=world.now(customer))
            intent |= {"_make_default": True, "_clock": customer["test_clock"]}
            world.store.add(intent)
            events.emit(world, "setup_intent.created", intent)
            paying.set_up(world, intent=intent, method=method, return_url=world.base_url + visit.home)
            if intent["status"] == "requires_action":
                return redirect(intent["next_action"]["redirect_to_url"]["url"], code=303)
            methods.set_default(world, method=method, customer=customer)
            return after(visit)
    except errors.Refused as problem:
        wrong = typed.blame(problem)
    with the_world().turn():
        return enter(secret).draw(
            "portal_card.html", form=request.form, wrong=wrong, countries=typed.COUNTRIES, status=402
        )


@blueprint.post("/p/session/<secret>/cards/<method>/<act>")
def change_card(secret: str, method: str, act: str) -> Answer:
    """This function will make a card the default, or take it away."""
    with the_world().turn():
        visit = enter(secret)
        found = visit and visit.world.store.get("payment_method", method)
        if not found or found["customer"] != visit.customer["id"] or not visit.may("payment_method_update"):
            return gone()
        if act == "default":
            methods.set_default(visit.world, method=found, customer=visit.customer)
        elif act == "remove":
            methods.detach(visit.world, method=found)
        return redirect(visit.home, code=303)


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


@blueprint.get("/p/session/<secret>/details")
@blueprint.post("/p/session/<secret>/details")
def change_details(secret: str) -> Answer:
    """This function will show name and address for mail, and keep what was changed."""
    with the_world().turn():
        visit = enter(secret)
        if visit is None or not visit.may("customer_update"):
            return gone()
        allowed = visit.features["customer_update"]["allowed_updates"]
        if request.method == "GET":
            return visit.draw("portal_details.html", allowed=allowed)
        with events.changing(visit.world, visit.customer, "customer.updated"):
            for name in ("name", "email", "phone"):
                if name in allowed and name in request.form:
                    visit.customer[name] = request.form[name].strip() or None
        return redirect(visit.home, code=303)
