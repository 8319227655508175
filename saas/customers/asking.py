"""Double opt-in: who says yes somewhere is asked once more by mail, and only the click there counts.

The click proves that the address is theirs, so the ledger gets everything: the words, where and when they said yes, the mail,
and where and when they confirmed. A question waits two weeks; nobody is asked for the same thing more than three times a month.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.customers.events import ConsentAsked
from saas.customers.models import ConsentRequest, Customer
from saas.customers.purposes import Purpose
from saas.kit import clock, crypto, errors, identifiers
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce

WAITS, AGAIN, MONTH, MOST_A_MONTH = timedelta(days=14), timedelta(hours=24), timedelta(days=30), 3
TOKEN = "consent"


class NoSuchRequest(errors.NotFound):
    """This link was not made by us, or what it asked about is gone."""

    code, message = "link_not_found", "This link is not valid. Perhaps it was cut off when it was copied."


class TooLate(errors.Refusal):
    """The question waited too long."""

    status, code, message = 410, "too_late", "This question is too old to be answered. Please sign up once more."


def ask_many(
    customer_ids: Sequence[UUID],
    *,
    purpose: Purpose,
    source: str,
    proof: dict[str, Any],
    wording: str = "",
    language: str = "",
) -> int:
    """Ask customers by mail whether they agree; returns how many are asked, for some have no address or were asked already.

    `wording` and `language` are what they were shown, where that is not the purpose's own in the customer's language.
    """
    now = clock.now()
    lately = (
        select(ConsentRequest.customer_id, func.count().label("times"), func.max(ConsentRequest.asked_at).label("last"))
        .where(
            ConsentRequest.purpose == purpose.key,
            ConsentRequest.asked_at > now - MONTH,
            ConsentRequest.customer_id.in_(customer_ids),
        )
        .group_by(ConsentRequest.customer_id)
    )
    asked = {row.customer_id: (row.times, row.last) for row in db.session.execute(lately)}
    query = select(Customer).where(Customer.id.in_(customer_ids), Customer.email_norm.is_not(None))
    made = []
    for customer in db.session.scalars(query):
        times, last = asked.get(customer.id, (0, None))
        if times >= MOST_A_MONTH or (last is not None and last > now - AGAIN):
            continue
        made.append(
            ConsentRequest(
                id=identifiers.new(), customer_id=customer.id, email=customer.email or "", purpose=purpose.key, language=language or customer.language,
                wording=wording or purpose.words(customer.language), source=source, proof=proof, asked_at=now,
            )
        )  # fmt: skip
    db.session.add_all(made)
    db.session.flush()
    announce(*[ConsentAsked(request_id=str(request.id)) for request in made])
    return len(made)


def token(request: ConsentRequest) -> str:
    """Return what the link in the mail carries."""
    return crypto.sign(TOKEN, [request.tenant_id, request.id.hex])


def read(given: str) -> tuple[int, UUID]:
    """Return the tenant and the question of a token; raises NoSuchRequest. An old one is still read, to say that it is old."""
    held = crypto.read_signed(TOKEN, given, max_age=int(timedelta(days=3650).total_seconds()))
    try:
        tenant_id, request_id = held
        return int(tenant_id), UUID(hex=request_id)
    except (TypeError, ValueError):
        raise NoSuchRequest from None


def one(request_id: UUID | str, *, lock: bool = False) -> ConsentRequest:
    """Return a question; raises NoSuchRequest."""
    return kit_db.one(ConsentRequest, request_id, NoSuchRequest, lock=lock)


def open_now(request: ConsentRequest) -> bool:
    """Tell whether a question can still be answered."""
    return request.confirmed_at is None and clock.now() < request.asked_at + WAITS


def waiting_for(customer_id: UUID) -> list[ConsentRequest]:
    """Return the questions a customer has not answered yet, newest first."""
    query = select(ConsentRequest).where(
        ConsentRequest.customer_id == customer_id,
        ConsentRequest.confirmed_at.is_(None),
        ConsentRequest.asked_at > clock.now() - WAITS,
    )
    return list(db.session.scalars(query.order_by(ConsentRequest.asked_at.desc())))
