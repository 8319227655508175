"""What customers' timelines say of their payments: one that failed, and a dispute with how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from saas.commerce.payment_models import Dispute, Payment
from saas.customers import timeline
from saas.kit import money
from saas.kit.db import db


def tell(payments: Sequence[Payment]) -> None:
    """Put failed payments and disputes into the timelines of whose they are; one that went through after all goes out again."""
    failed = [one for one in payments if one.state == "failed" and one.customer_id]
    mended = [one for one in payments if one.state != "failed" or not one.customer_id]
    timeline.remove_many([("payment", one.at, str(one.id)) for one in mended])
    timeline.add_many([_payment_entry(one) for one in failed])
    whose = {one.id: one for one in payments if one.customer_id}
    # their payments were written past the rows in memory
    query = select(Dispute).where(Dispute.payment_id.in_(list(whose))).execution_options(populate_existing=True)
    found = db.session.scalars(query) if whose else ()
    timeline.add_many([_dispute_entry(one, whose[one.payment_id]) for one in found])


def _link(payment: Payment) -> str:
    return f"/orders/{payment.order_id}" if payment.order_id else f"/payments/{payment.id}"


def _payment_entry(payment: Payment) -> dict[str, Any]:
    amount = money.amount_text(payment.amount, payment.currency)
    details = {
        "payment_id": str(payment.id),
        "amount": amount,
        "currency": payment.currency,
        "failure": payment.failure,
    }
    return {"customer_id": payment.customer_id, "kind": "payment", "at": payment.at, "title": f"A payment of {amount} {payment.currency} failed",
            "key": str(payment.id), "link": _link(payment), "details": details}  # fmt: skip


def _dispute_entry(dispute: Dispute, payment: Payment) -> dict[str, Any]:
    amount = money.amount_text(dispute.amount, dispute.currency)
    details = {
        "dispute_id": str(dispute.id),
        "amount": amount,
        "currency": dispute.currency,
        "state": dispute.state,
        "reason": dispute.reason,
    }
    return {"customer_id": payment.customer_id, "kind": "dispute", "at": dispute.opened_at, "title": f"A dispute about {amount} {dispute.currency}",
            "key": str(dispute.id), "link": _link(payment), "details": details}  # fmt: skip
