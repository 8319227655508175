"""Stripe's invoices to the company: mirrored for the page, with what was given back, disputed, or could not be charged."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from saas.billing import banner, gateway, snapshots
from saas.billing.events import ConfirmationWanted, PaymentFailed
from saas.billing.models import Account, Invoice
from saas.kit import db as kit_db
from saas.kit import errors
from saas.kit.db import db
from saas.kit.events import announce

COPIED = (
    "subscription", "number", "status", "reason", "currency", "total_amount", "due_amount", "attempts", "next_attempt_at",
    "asks_confirmation", "page_url", "pdf_url", "issued_at", "paid_at",
)  # fmt: skip


class NoSuchInvoice(errors.NotFound):
    """There is no such invoice in this company."""


def listed(*, most: int = 24) -> list[Invoice]:
    """Return the newest invoices that were issued."""
    query = select(Invoice).where(Invoice.status != "draft")
    return list(db.session.scalars(query.order_by(Invoice.issued_at.desc(), Invoice.id.desc()).limit(most)))


def one(invoice_id: UUID | str) -> Invoice:
    """Return an invoice of the bound company; raises NoSuchInvoice."""
    return kit_db.one(Invoice, invoice_id, NoSuchInvoice)


def unpaid() -> Invoice | None:
    """Return the invoice that is to be paid now: the oldest open one of a plan that had begun."""
    query = select(Invoice).where(Invoice.status == "open", Invoice.reason != "subscription_create")
    return db.session.scalars(query.order_by(Invoice.issued_at).limit(1)).one_or_none()


def refresh(account: Account, stripe_id: str) -> Invoice | None:
    """Copy an invoice as Stripe has it now; None when it is gone or not this account's."""
    try:
        found = gateway.invoice(stripe_id)
    except gateway.NotAtStripe:
        return None
    if found.customer != account.customer:
        return None
    row = _row(stripe_id)
    if row is None:
        row = Invoice(stripe_id=stripe_id, refunded_amount=0, dispute="", told="")
        db.session.add(row)
    for name in COPIED:
        setattr(row, name, getattr(found, name))
    db.session.flush()
    banner.forget()
    _tell(row, found)
    return row


def _tell(row: Invoice, found: snapshots.Invoice) -> None:
    """Announce a charge that failed, once for each try; the first payment of a plan is settled on its own page."""
    if found.status != "open" or found.attempts == 0 or found.reason == "subscription_create":
        return
    mark = f"{found.attempts}{' asks' if found.asks_confirmation else ''}"
    if row.told != mark:
        row.told = mark
        event = ConfirmationWanted if found.asks_confirmation else PaymentFailed
        announce(event(invoice_id=str(row.id)))


def note_charge(account: Account, charge_id: str, *, dispute: str | None = None) -> None:
    """Note on the invoices a charge paid what of it was given back, and how a dispute about it stands."""
    charge = gateway.charge(charge_id)
    if charge.customer != account.customer or charge.payment_intent is None:
        return
    status = gateway.dispute_status(dispute) if dispute else None
    for stripe_id in gateway.invoices_paid_by(charge.payment_intent):
        row = refresh(account, stripe_id)
        if row is not None:
            row.refunded_amount = charge.refunded_amount
            row.dispute = status or row.dispute


def _row(stripe_id: str) -> Invoice | None:
    return db.session.scalars(select(Invoice).where(Invoice.stripe_id == stripe_id)).one_or_none()
