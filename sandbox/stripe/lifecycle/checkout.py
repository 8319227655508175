"""Finishing a Checkout page: from a typed card to a subscription, a payment or a saved card."""

from typing import Any

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import cards, discounts, methods, paying, subscribing
from sandbox.stripe.shapes import billing, pages
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def due_today(session: Document) -> int:
    """This function will give what is to be paid now: nothing at the start of a trial."""
    return session["amount_total"] or 0


def needs_card(session: Document) -> bool:
    """This function will tell whether the page asks for a card at all."""
    return not (session["payment_method_collection"] == "if_required" and due_today(session) == 0)


def pay(
    world: World, *, session: Document, method: Document | None, details: dict[str, Any], authenticated: bool = False
) -> str:
    """This function will finish the session and answer ``done``, or ``challenge`` when the bank asks first.

    It raises CardRefused when the card is declined; the page stays open for another one.
    """
    if session["status"] != "open":
        raise errors.Refused("This Checkout Session is no longer open.", code="checkout_session_not_open")
    if method and ask(session, method, authenticated=authenticated).kind == "authenticate":
        session["_pending"] = {"method": method["id"], "details": details}
        return "challenge"
    finish = {"subscription": subscribe, "payment": charge, "setup": save}[session["mode"]]
    customer = whoever(world, session, details)
    finish(world, session, customer, method, authenticated)
    close(world, session, customer, details)
    return "done"


def ask(session: Document, method: Document, *, authenticated: bool) -> cards.Verdict:
    """This function will ask the bank before anything is written down; in payment mode the intent asks itself."""
    behaviour = method["card"]["_behaviour"]
    if session["mode"] == "setup" or due_today(session) == 0:
        verdict = cards.setting_up(behaviour, authenticated=authenticated)
    else:
        verdict = cards.paying(behaviour, authenticated=authenticated, off_session=False, prepared=False)
    if verdict.kind == "decline" and session["mode"] == "subscription":
        raise verdict.refusal()
    return verdict


def whoever(world: World, session: Document, details: dict[str, Any]) -> Document | None:
    """This function will give the customer of a session, making one where the mode needs it."""
    if session["customer"]:
        customer = world.one("customer", session["customer"])
        update = session.get("_customer_update") or {}
        with events.changing(world, customer, "customer.updated"):
            if update.get("name") == "auto" and details.get("name"):
                customer["name"] = details["name"]
            if update.get("address") == "auto" and details.get("country"):
                customer["address"] = address(details)
            if not customer["email"] and details.get("email"):
                customer["email"] = details["email"]
        return customer
    if session["mode"] == "payment" and session["customer_creation"] != "always":
        return None
    customer = world.store.add(billing.customer(created=world.now()))
    customer |= {"email": details.get("email"), "name": details.get("name"), "address": address(details)}
    events.emit(world, "customer.created", customer)
    session["customer"] = customer["id"]
    return customer


def address(details: dict[str, Any]) -> dict[str, Any]:
    """This function will give the address as far as the page asked for it."""
    return {**dict.fromkeys(("city", "line1", "line2", "postal_code", "state")), "country": details.get("country")}


def subscribe(
    world: World, session: Document, customer: Document, method: Document | None, authenticated: bool
) -> None:
    """This function will start the subscription with the card just typed as its own."""
    if method:
        methods.attach(world, method=method, customer=customer, checked=True)
        method["_prepared"] = True
    data = session["_subscription_data"]
    prices = [(line, world.one("price", line["price"])) for line in session["_lines"]]
    given = {
        **data,
        "items": [
            {"price": price["id"], "quantity": line["quantity"], "metadata": line["metadata"]}
            for line, price in prices
            if price["type"] == "recurring"
        ],
        "add_invoice_items": [
            {"price": price["id"], "quantity": line["quantity"]}
            for line, price in prices
            if price["type"] == "one_time"
        ],
        "discounts": [
            {"promotion_code": one["promotion_code"]} if one["promotion_code"] else {"coupon": one["coupon"]}
            for one in session["discounts"]
        ],
        "automatic_tax": {"enabled": session["automatic_tax"]["enabled"]},
        "payment_behavior": "error_if_incomplete",
    }
    if method:
        given["default_payment_method"] = method["id"]
    subscription = subscribing.start(world, customer=customer, given=given, authenticated=authenticated)
    session |= {"subscription": subscription["id"], "invoice": subscription["latest_invoice"]}
    session["payment_status"] = "paid" if due_today(session) else "no_payment_required"


def charge(
    world: World, session: Document, customer: Document | None, method: Document | None, authenticated: bool
) -> None:
    """This function will make a single payment; a declined try stays on the session's intent."""
    if method is None:
        session["payment_status"] = "no_payment_required"
        return
    data = session["_payment_intent_data"]
    intent = world.store.get("payment_intent", session["payment_intent"])
    if intent is None:
        intent = paying.open_intent(world, amount=due_today(session), currency=session["currency"], customer=customer)
        intent |= {
            name: data[name]
            for name in (
                "description",
                "receipt_email",
                "setup_future_usage",
                "capture_method",
                "statement_descriptor",
                "shipping",
            )
            if data.get(name)
        }
        intent["metadata"] = dict(data.get("metadata") or {})
        session["payment_intent"] = intent["id"]
    paying.confirm(world, intent=intent, method=method, authenticated=authenticated)
    if intent["setup_future_usage"] and customer:
        methods.attach(world, method=method, customer=customer, checked=True)
    for one in session["discounts"]:
        discounts.give(
            world,
            chosen={"promotion_code": one["promotion_code"]} if one["promotion_code"] else {"coupon": one["coupon"]},
            customer=None,
        )
    session["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"


def save(world: World, session: Document, customer: Document, method: Document, authenticated: bool) -> None:
    """This function will save a card for later."""
    intent = world.one("setup_intent", session["setup_intent"])
    intent["customer"] = customer["id"]
    paying.set_up(world, intent=intent, method=method, authenticated=authenticated)


def close(world: World, session: Document, customer: Document | None, details: dict[str, Any]) -> None:
    """This function will mark the session complete and tell."""
    session.pop("_pending", None)
    email = details.get("email") or (customer or {}).get("email") or session["customer_email"]
    session |= {
        "status": "complete",
        "url": None,
        "customer_details": {
            "address": address(details),
            "business_name": None,
            "email": email,
            "individual_name": None,
            "name": details.get("name"),
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
    }
    events.emit(world, "checkout.session.completed", session)


def add_promotion(world: World, session: Document, code: str) -> None:
    """This function will take off what a typed promotion code gives, or refuse the code."""
    found = [
        one
        for one in world.store.find("promotion_code")
        if one["code"].lower() == code.strip().lower() and discounts.shown_active(world, one)
    ]
    if not found or found[0]["customer"] not in (None, session["customer"]):
        raise errors.Refused("This code is invalid.", param="promotion_code")
    session["discounts"] = [{"coupon": found[0]["promotion"]["coupon"], "promotion_code": found[0]["id"]}]
    total_up(world, session)


def total_up(world: World, session: Document) -> None:
    """This function will sum a session up; what is subscribed to costs nothing today in a trial."""
    pages.discount_total(world, session)
    if session["mode"] == "subscription" and in_trial(world, session):
        once = [line for line in session["_lines"] if world.one("price", line["price"])["type"] == "one_time"]
        session["amount_subtotal"] = sum(line["amount_subtotal"] for line in once)
        session["amount_total"] = sum(line["amount_total"] for line in once)


def in_trial(world: World, session: Document) -> bool:
    """This function will tell whether the subscription would begin with a trial."""
    data = session["_subscription_data"]
    end = data.get("trial_end")
    return bool(data.get("trial_period_days")) or (isinstance(end, int) and end > world.now(session))
