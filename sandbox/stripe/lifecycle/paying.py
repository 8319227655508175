"""Asking a bank for money: confirming intents, and what a success and a failure leave behind."""

from sandbox.stripe import answers, errors, events, ids
from sandbox.stripe.lifecycle import balance, cards, methods, returning
from sandbox.stripe.shapes import payments
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

ADVICE = {"insufficient_funds": "try_again_later", "generic": "try_again_later", "processing": "try_again_later"}


def open_intent(
    world: World, *, amount: int, currency: str, customer: Document | None = None, invoice: str | None = None
) -> Document:
    """This function will make a PaymentIntent that waits for a card."""
    intent = payments.payment_intent(
        amount=amount, currency=currency, customer=customer and customer["id"], created=world.now(customer)
    )
    intent["_invoice"] = invoice
    intent["_clock"] = (customer or {}).get("test_clock")
    world.store.add(intent)
    events.emit(world, "payment_intent.created", intent)
    return intent


def confirm(
    world: World,
    *,
    intent: Document,
    method: Document,
    off_session: bool = False,
    authenticated: bool = False,
    return_url: str | None = None,
) -> Document:
    """This function will charge the card.

    It leaves the intent ``succeeded`` (or ``requires_capture``), or ``requires_action`` when the bank wants to see the
    card holder; it raises CardRefused for a decline, which is kept with its failed charge.
    """
    intent["payment_method"] = method["id"]
    if intent["customer"] is None and method["customer"] is None:
        method["_spent"] = intent["setup_future_usage"] is None
    verdict = cards.paying(
        method["card"]["_behaviour"], authenticated=authenticated, off_session=off_session, prepared=method["_prepared"]
    )
    if verdict.kind == "authenticate":
        return ask_for_authentication(world, intent=intent, return_url=return_url)
    charge = payments.charge(intent=intent, method=method, created=world.now(intent), base_url=world.base_url)
    world.store.add(charge)
    intent["latest_charge"], intent["next_action"] = charge["id"], None
    if verdict.kind == "decline":
        raise fail(world, intent=intent, method=method, charge=charge, verdict=verdict)
    if authenticated:
        charge["payment_method_details"]["card"]["three_d_secure"] = {
            "authentication_flow": "challenge", "electronic_commerce_indicator": "05", "exemption_indicator": None,
            "result": "authenticated", "result_reason": None, "transaction_id": ids.make("3ds"), "version": "2.2.0",
        }  # fmt: skip
    if intent["setup_future_usage"] == "off_session":
        method["_prepared"] = True
    return succeed(world, intent=intent, method=method, charge=charge)


def ask_for_authentication(world: World, *, intent: Document, return_url: str | None) -> Document:
    """This function will leave the intent waiting for its holder at the challenge page."""
    intent["status"] = "requires_action"
    intent["_return_url"] = return_url
    url = f"{world.base_url}/challenge/{intent['id']}?client_secret={intent['client_secret']}"
    if return_url:
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": return_url}}
    else:
        intent["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    name = "setup_intent" if intent["object"] == "setup_intent" else "payment_intent"
    events.emit(world, f"{name}.requires_action", intent)
    return intent


def succeed(world: World, *, intent: Document, method: Document, charge: Document) -> Document:
    """This function will book a charge that went through."""
    later = intent["capture_method"] == "manual"
    charge |= {
        "status": "succeeded",
        "paid": True,
        "captured": not later,
        "amount_captured": 0 if later else intent["amount"],
        "balance_transaction": None if later else balance.book(
            world, type="charge", source=charge, amount=intent["amount"], fee=balance.fee_of(intent["amount"])
        ),
        "outcome": {
            "advice_code": None, "network_advice_code": None, "network_decline_code": None,
            "network_status": "approved_by_network", "reason": None, "risk_level": "normal", "risk_score": 20,
            "seller_message": "Payment complete.", "type": "authorized",
        },
    }  # fmt: skip
    intent["last_payment_error"] = None
    if later:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        events.emit(world, "charge.succeeded", charge)
        events.emit(world, "payment_intent.amount_capturable_updated", intent)
        return intent
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    events.emit(world, "charge.succeeded", charge)
    events.emit(world, "payment_intent.succeeded", intent)
    kind, _, detail = method["card"]["_behaviour"].partition(":")
    if kind == "dispute":
        returning.complain(world, charge=charge, detail=detail)
    return intent


def fail(
    world: World, *, intent: Document, method: Document, charge: Document, verdict: cards.Verdict
) -> errors.CardRefused:
    """This function will book a charge that was declined and give the refusal to raise."""
    refusal = verdict.refusal()
    charge |= {
        "status": "failed",
        "failure_code": refusal.code,
        "failure_message": refusal.message,
        "outcome": {
            "advice_code": ADVICE.get(verdict.decline, "do_not_try_again"), "network_advice_code": None,
            "network_decline_code": None, "network_status": "declined_by_network",
            "reason": refusal.decline_code or refusal.code, "risk_level": "normal", "risk_score": 30,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        },
    }  # fmt: skip
    refusal.details["charge"] = charge["id"]
    describe_failure(world, intent=intent, method=method, refusal=refusal, field="last_payment_error")
    events.emit(world, "charge.failed", charge)
    events.emit(world, "payment_intent.payment_failed", intent)
    refusal.details |= {"payment_intent": answers.present(world, intent)}
    return refusal


def describe_failure(
    world: World, *, intent: Document, method: Document, refusal: errors.CardRefused, field: str
) -> None:
    """This function will send an intent back to where it waits for another card, saying why."""
    refusal.details["payment_method"] = answers.present(world, method)
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent[field] = {**refusal.body()["error"]}


def refuse_authentication(world: World, *, intent: Document) -> errors.CardRefused:
    """This function will book that the holder failed the challenge and give the refusal."""
    setup = intent["object"] == "setup_intent"
    refusal = errors.CardRefused(
        "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        code="setup_intent_authentication_failure" if setup else "payment_intent_authentication_failure",
    )
    method = world.one("payment_method", intent["payment_method"])
    field = "last_setup_error" if setup else "last_payment_error"
    describe_failure(world, intent=intent, method=method, refusal=refusal, field=field)
    events.emit(world, "setup_intent.setup_failed" if setup else "payment_intent.payment_failed", intent)
    return refusal


def capture(world: World, *, intent: Document, amount: int | None = None) -> Document:
    """This function will take the money that was only reserved."""
    if intent["status"] != "requires_capture":
        raise errors.Refused(
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    charge = world.one("charge", intent["latest_charge"])
    taken = intent["amount"] if amount is None else amount
    booked = balance.book(world, type="charge", source=charge, amount=taken, fee=balance.fee_of(taken))
    charge |= {"captured": True, "amount_captured": taken, "balance_transaction": booked}
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": taken}
    events.emit(world, "charge.captured", charge)
    events.emit(world, "payment_intent.succeeded", intent)
    return intent


def set_up(
    world: World, *, intent: Document, method: Document, authenticated: bool = False, return_url: str | None = None
) -> Document:
    """This function will save a card for later through a SetupIntent; declines are raised and kept."""
    intent["payment_method"] = method["id"]
    verdict = cards.setting_up(method["card"]["_behaviour"], authenticated=authenticated)
    if verdict.kind == "authenticate":
        return ask_for_authentication(world, intent=intent, return_url=return_url)
    if verdict.kind == "decline":
        refusal = verdict.refusal()
        describe_failure(world, intent=intent, method=method, refusal=refusal, field="last_setup_error")
        events.emit(world, "setup_intent.setup_failed", intent)
        refusal.details |= {"setup_intent": answers.present(world, intent)}
        raise refusal
    intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    method["_prepared"] = True
    customer = world.store.get("customer", intent["customer"])
    if customer:
        methods.attach(world, method=method, customer=customer, checked=True)
    events.emit(world, "setup_intent.succeeded", intent)
    return intent
