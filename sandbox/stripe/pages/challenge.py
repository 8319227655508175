"""The bank's page: "is it really you?" with two answers, for Checkout, for invoices and for saved cards."""

import hmac
from urllib.parse import urlencode

from flask import redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from sandbox.stripe import errors
from sandbox.stripe.lifecycle import checkout, collecting, methods, paying
from sandbox.stripe.pages import blueprint, gone, the_world
from sandbox.stripe.pages.checkout import Answer, back_to, draw
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

FAILED = "We are unable to authenticate your payment method. Please choose a different payment method and try again."


def waiting(world: World, identifier: str) -> Document | None:
    """This function will give the session or intent that waits for its holder, if the caller may see it."""
    document = world.store.any(identifier)
    if document is None:
        return None
    if document["object"] == "checkout.session":
        return document if document.get("_pending") and document["status"] == "open" else None
    if document["object"] not in ("payment_intent", "setup_intent") or document["status"] != "requires_action":
        return None
    known = hmac.compare_digest(request.values.get("client_secret", ""), document["client_secret"])
    return document if known else None


@blueprint.get("/challenge/<identifier>")
def show_challenge(identifier: str) -> Answer:
    """This function will show the question."""
    world = the_world()
    with world.turn():
        document = waiting(world, identifier)
        if document is None:
            return gone("There is nothing to confirm here.")
        named = (
            document["_pending"]["method"] if document["object"] == "checkout.session" else document["payment_method"]
        )
        amount = document.get("amount_total") if document["object"] == "checkout.session" else document.get("amount")
        card = world.one("payment_method", named)["card"]
        return render_template("challenge.html", card=card, amount=amount, currency=document.get("currency"))


@blueprint.post("/challenge/<identifier>")
def answer_challenge(identifier: str) -> Answer:
    """This function will go on with the answer given."""
    world, passed = the_world(), request.form.get("answer") == "complete"
    with world.turn():
        document = waiting(world, identifier)
        if document is None:
            return gone("There is nothing to confirm here.")
        session = document["object"] == "checkout.session"
    return (answer_checkout if session else answer_intent)(world, identifier, passed)


def answer_checkout(world: World, identifier: str, passed: bool) -> Answer:
    """This function will finish the Checkout page, or go back to it with the reason."""
    message = FAILED
    if passed:
        try:
            with world.turn():
                session = world.one("checkout.session", identifier)
                pending = session["_pending"]
                checkout.pay(
                    world, session=session, method=world.one("payment_method", pending["method"]),
                    details=pending["details"], authenticated=True,
                )  # fmt: skip
                return redirect(back_to(session, "success_url") or "/", code=303)
        except errors.Refused as refusal:
            message = refusal.message
    with world.turn():
        session = world.one("checkout.session", identifier)
        details = session.pop("_pending")["details"]
        form = MultiDict({name: value for name, value in details.items() if value})
        return draw(world, session, form=form, wrong={"": message}, status=402)


def answer_intent(world: World, identifier: str, passed: bool) -> Response:
    """This function will finish a payment or a saved card and lead back to where it began."""
    try:
        with world.turn():
            intent = world.store.any(identifier)
            back = intent.get("_return_url") or page_of(world, intent)
            if not passed:
                raise paying.refuse_authentication(world, intent=intent)
            method = world.one("payment_method", intent["payment_method"])
            if intent["object"] == "setup_intent":
                paying.set_up(world, intent=intent, method=method, authenticated=True)
                if intent.get("_make_default"):
                    methods.set_default(world, method=method, customer=world.customer_of(intent))
            else:
                paying.confirm(world, intent=intent, method=method, authenticated=True)
                collecting.after_intent(world, intent)
    except errors.CardRefused:
        pass
    name = "setup_intent" if identifier.startswith("seti_") else "payment_intent"
    with world.turn():
        intent = world.store.any(identifier)
        told = {name: identifier, f"{name}_client_secret": intent["client_secret"],
                "redirect_status": "succeeded" if intent["status"] == "succeeded" else "failed"}  # fmt: skip
    return redirect(back + ("&" if "?" in back else "?") + urlencode(told), code=303)


def page_of(world: World, intent: Document) -> str:
    """This function will give where a person goes after an intent that named no address: its invoice."""
    invoice = world.store.get("invoice", intent.get("_invoice"))
    return (invoice or {}).get("hosted_invoice_url") or "/"
