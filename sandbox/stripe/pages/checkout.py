"""The hosted Checkout page."""

import re

from flask import redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from sandbox.stripe import errors
from sandbox.stripe.lifecycle import checkout
from sandbox.stripe.pages import blueprint, gone, the_world, typed
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

Answer = str | Response | tuple[str, int]


def back_to(session: Document, name: str) -> str | None:
    """This function will give the merchant's address with the session's id put in."""
    address = session[name]
    return address and address.replace("{CHECKOUT_SESSION_ID}", session["id"])


def draw(
    world: World, session: Document, *, form: MultiDict[str, str], wrong: dict[str, str], status: int = 200
) -> Answer:
    """This function will draw the page with what was typed and what was wrong with it."""
    prices = {line["id"]: world.one("price", line["price"]) for line in session["_lines"]}
    products = {identifier: world.one("product", price["product"]) for identifier, price in prices.items()}
    customer = world.store.get("customer", session["customer"])
    recurring = next((price for price in prices.values() if price["recurring"]), None)
    page = render_template(
        "checkout.html",
        session=session,
        prices=prices,
        products=products,
        recurring=recurring,
        trial_days=session["_subscription_data"].get("trial_period_days"),
        total_later=sum(line["amount_total"] for line in session["_lines"] if prices[line["id"]]["recurring"]),
        email=(customer or {}).get("email") or session["customer_email"],
        due=checkout.due_today(session),
        needs_card=checkout.needs_card(session),
        promotions=[world.store.get("promotion_code", one["promotion_code"]) or world.store.get("coupon", one["coupon"])
                    for one in session["discounts"]],
        cancel_url=back_to(session, "cancel_url"),
        countries=typed.COUNTRIES,
        form=form,
        wrong=wrong,
    )  # fmt: skip
    return page, status


@blueprint.get("/c/pay/<identifier>")
def show_checkout(identifier: str) -> Answer:
    """This function will show the page, or where a finished one leads."""
    world = the_world()
    with world.turn():
        session = world.store.get("checkout.session", identifier)
        if session is None or session["status"] == "expired":
            return gone("This Checkout page has expired. Please go back to the shop and start again.")
        if session["status"] == "complete":
            return render_template(
                "message.html", title="You're all done here", sentence="You have already completed this payment.",
                link=back_to(session, "success_url"), label="Continue",
            )  # fmt: skip
        return draw(world, session, form=MultiDict(), wrong={})


@blueprint.post("/c/pay/<identifier>/promotion")
def enter_promotion(identifier: str) -> Answer:
    """This function will take a promotion code, or take it off again."""
    world = the_world()
    with world.turn():
        session = world.store.get("checkout.session", identifier)
        if session is None or session["status"] != "open" or not session["allow_promotion_codes"]:
            return gone()
        try:
            if request.form.get("remove"):
                session["discounts"] = []
                checkout.total_up(world, session)
            else:
                checkout.add_promotion(world, session, request.form.get("promotion", ""))
        except errors.Refused as refusal:
            return draw(world, session, form=request.form, wrong={"promotion": refusal.message}, status=422)
    return redirect(f"/c/pay/{identifier}", code=303)


@blueprint.post("/c/pay/<identifier>/quantity")
def change_quantity(identifier: str) -> Answer:
    """This function will change how many, where the merchant lets people."""
    world = the_world()
    with world.turn():
        session = world.store.get("checkout.session", identifier)
        if session is None or session["status"] != "open":
            return gone()
        for line in session["_lines"]:
            allowed = line["adjustable_quantity"] or {}
            if line["id"] == request.form.get("line") and allowed.get("enabled"):
                wanted = int(request.form.get("quantity") or 1)
                line["quantity"] = max(allowed.get("minimum") or 0, min(wanted, allowed.get("maximum") or 99))
                price = world.one("price", line["price"])
                line["amount_subtotal"] = round(float(price["unit_amount_decimal"]) * line["quantity"])
        checkout.total_up(world, session)
    return redirect(f"/c/pay/{identifier}", code=303)


@blueprint.post("/c/pay/<identifier>")
def submit_checkout(identifier: str) -> Answer:
    """This function will pay with the typed card; a card that is refused keeps the page and what was typed."""
    world = the_world()
    refusal: errors.Refused
    try:
        with world.turn():
            session = world.store.get("checkout.session", identifier)
            if session is None or session["status"] == "expired":
                return gone("This Checkout page has expired. Please go back to the shop and start again.")
            if session["status"] == "complete":
                return redirect(back_to(session, "success_url") or "/", code=303)
            customer = world.store.get("customer", session["customer"])
            email = (customer or {}).get("email") or session["customer_email"] or request.form.get("email", "").strip()
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost", email):
                return draw(
                    world, session, form=request.form, wrong={"email": "Enter a valid email address."}, status=422
                )
            details = {
                "email": email,
                "name": request.form.get("name") or None,
                "country": request.form.get("country") or None,
            }
            method = None
            if checkout.needs_card(session):
                method = typed.card(world, request.form, owner=customer, email=email)
            outcome = checkout.pay(world, session=session, method=method, details=details)
            address = back_to(session, "success_url") if outcome == "done" else f"/challenge/{identifier}"
            return redirect(address or "/", code=303)
    except errors.Refused as problem:
        refusal = problem
    with world.turn():
        session = world.one("checkout.session", identifier)
        return draw(world, session, form=request.form, wrong=typed.blame(refusal), status=402)
