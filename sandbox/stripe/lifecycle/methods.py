"""Cards on file: making them, giving them to a customer, choosing the one to charge."""

import time
from typing import Any

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import cards
from sandbox.stripe.shapes import payments
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def today(world: World, owner: Document | None = None) -> tuple[int, int]:
    """This function will give (year, month) where the owner lives."""
    moment = time.gmtime(world.now(owner))
    return moment.tm_year, moment.tm_mon


def from_card(
    world: World, *, card: dict[str, Any], details: dict[str, Any] | None = None, owner: Document | None = None
) -> Document:
    """This function will make a payment method of what was typed: number, exp_month, exp_year, cvc, or a token."""
    if token := card.get("token"):
        made = cards.named(token, year=today(world, owner)[0])
        if made is None:
            raise errors.Refused(f"No such token: '{token}'", code="resource_missing", param="card[token]")
    else:
        for name in ("number", "exp_month", "exp_year"):
            if card.get(name) is None:
                raise errors.Refused(
                    f"Missing required param: card[{name}].", code="parameter_missing", param=f"card[{name}]"
                )
        made = cards.read(
            number=card["number"],
            exp_month=card["exp_month"],
            exp_year=card["exp_year"],
            cvc=card.get("cvc"),
            now=today(world, owner),
        )
    return world.store.add(payments.payment_method(card=made, details=details, created=world.now(owner)))


def resolve(world: World, identifier: str, *, param: str = "payment_method", owner: Document | None = None) -> Document:
    """This function will give the method with this id; ``pm_card_visa`` and its kin make a new one each time."""
    made = cards.named(identifier, year=today(world, owner)[0]) if identifier.startswith("pm_card_") else None
    if made:
        return world.store.add(payments.payment_method(card=made, details=None, created=world.now(owner)))
    return world.one("payment_method", identifier, param=param)


def attach(world: World, *, method: Document, customer: Document, checked: bool = False) -> Document:
    """This function will give a card to a customer, unless its bank declines it (``checked``: it was asked before)."""
    if method["customer"] == customer["id"]:
        return method
    if method["customer"]:
        raise errors.Refused(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    if method.get("_spent"):
        raise errors.Refused(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer and may not be used again."
        )
    if not checked:
        verdict = cards.setting_up(method["card"]["_behaviour"], authenticated=True)
        if verdict.kind == "decline":
            refusal = verdict.refusal()
            refusal.keeps = False
            raise refusal
    method["customer"] = customer["id"]
    events.emit(world, "payment_method.attached", method)
    return method


def detach(world: World, *, method: Document) -> Document:
    """This function will take a card from its customer for good, and out of every default it was."""
    customer = world.store.get("customer", method["customer"])
    if customer is None:
        raise errors.Refused(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    with events.changing(world, customer, "customer.updated"):
        if customer["invoice_settings"]["default_payment_method"] == method["id"]:
            customer["invoice_settings"]["default_payment_method"] = None
    for subscription in world.store.find("subscription", customer=customer["id"]):
        with events.changing(world, subscription, "customer.subscription.updated"):
            if subscription["default_payment_method"] == method["id"]:
                subscription["default_payment_method"] = None
    method["customer"], method["_spent"] = None, True
    events.emit(world, "payment_method.detached", method, previous={"customer": customer["id"]})
    return method


def set_default(world: World, *, method: Document, customer: Document) -> None:
    """This function will charge this card from now on, for invoices and for subscriptions that named another one."""
    with events.changing(world, customer, "customer.updated"):
        customer["invoice_settings"]["default_payment_method"] = method["id"]
    for subscription in world.store.find("subscription", customer=customer["id"]):
        if subscription["default_payment_method"] and subscription["status"] not in ("canceled", "incomplete_expired"):
            with events.changing(world, subscription, "customer.subscription.updated"):
                subscription["default_payment_method"] = method["id"]


def chosen(world: World, *documents: Document | None) -> Document | None:
    """This function will give the first default among an invoice, a subscription and a customer."""
    for document in documents:
        named = (document or {}).get("default_payment_method") or ((document or {}).get("invoice_settings") or {}).get(
            "default_payment_method"
        )
        method = world.store.get("payment_method", named)
        if method and method["customer"]:
            return method
    return None
