"""The Billing Portal: what a customer may do alone, as far as its configuration lets them."""

from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.stripe import events
from sandbox.stripe.lifecycle import methods, subscribing
from sandbox.stripe.pages import blueprint, gone, the_world
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
