"""Money going back: refunds we make, and disputes that a card holder's bank makes."""

from typing import Any

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import balance
from sandbox.stripe.shapes import returns
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def refund(
    world: World, *, charge: Document, amount: int | None = None, reason: str | None = None, metadata: Any = None
) -> Document:
    """This function will give money back; never more than is left of the charge."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    if not charge["captured"] or left <= 0:
        raise errors.Refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount is not None and not 0 < amount <= left:
        raise errors.Refused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount"
        )
    made = returns.refund(
        charge=charge, amount=amount or left, reason=reason, created=world.now(owner_of(world, charge))
    )
    made["metadata"] = {key: value for key, value in (metadata or {}).items() if value}
    world.store.add(made)
    balance.book(world, type="refund", source=made, amount=-made["amount"], identifier=made["balance_transaction"])
    behaviour = (world.store.get("payment_method", charge["payment_method"]) or {}).get("card", {}).get("_behaviour")
    if behaviour == "refund:pending":
        made["status"] = "pending"
    charge["amount_refunded"] += made["amount"]
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    events.emit(world, "charge.refunded", charge)
    events.emit(world, "refund.created", made)
    if behaviour == "refund:fails":
        with events.changing(world, made, "refund.updated"):
            made |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
        events.emit(world, "refund.failed", made)
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False
    return made


def owner_of(world: World, charge: Document) -> Document | None:
    return world.store.get("customer", charge["customer"])


def complain(world: World, *, charge: Document, detail: str) -> Document:
    """This function will open the dispute that a test card brings, or that a person asks for on the home page."""
    inquiry = detail == "inquiry"
    made = returns.dispute(
        charge=charge,
        reason="fraudulent" if inquiry else detail,
        status="warning_needs_response" if inquiry else "needs_response",
        created=world.now(owner_of(world, charge)),
    )
    world.store.add(made)
    charge["disputed"] = True
    events.emit(world, "charge.dispute.created", made)
    if not inquiry:
        balance.book(world, type="adjustment", source=made, amount=-made["amount"], fee=balance.DISPUTE_FEE)
        events.emit(world, "charge.dispute.funds_withdrawn", made)
    return made


def settle_dispute(world: World, *, dispute: Document, status: str) -> Document:
    """This function will close a dispute as ``won``, ``lost`` or ``warning_closed``."""
    with events.changing(world, dispute, "charge.dispute.updated"):
        dispute["status"] = status
    events.emit(world, "charge.dispute.closed", dispute)
    if status == "won":
        balance.book(world, type="adjustment", source=dispute, amount=dispute["amount"])
        events.emit(world, "charge.dispute.funds_reinstated", dispute)
    return dispute
