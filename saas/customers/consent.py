"""The consent ledger: who agreed to what, when, where and to which words. The newest entry counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from saas.customers import timeline
from saas.customers.models import Consent, Customer
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.text import gettext as _


def grant(*, customer_id: UUID, channel: str = "email", source: str, at: datetime | None = None, proof: dict[str, Any] | None = None) -> bool:
    """Record that a customer agreed; tells whether that is news."""
    return record_many([(customer_id, "granted")], channel=channel, source=source, at=at, proof=proof) == 1


def withdraw(*, customer_id: UUID, channel: str = "email", source: str, at: datetime | None = None, proof: dict[str, Any] | None = None) -> bool:
    """Record that a customer no longer agrees; tells whether that is news."""
    return record_many([(customer_id, "withdrawn")], channel=channel, source=source, at=at, proof=proof) == 1


def record_many(
    changes: Sequence[tuple[UUID, str]], *, channel: str = "email", source: str, at: datetime | None = None,
    proof: dict[str, Any] | None = None,
) -> int:  # fmt: skip
    """Record (customer, state) where the state is another than now, and return how many were news.

    The e-mail state is also kept with the profile, where lists and segments read it.
    """
    wanted = dict(changes)
    if not wanted:
        return 0
    query = select(Customer.id, Customer.email_consent).where(Customer.id.in_(wanted)).with_for_update()
    held = dict(db.session.execute(query.order_by(Customer.id)).all())
    news = {customer: state for customer, state in wanted.items() if customer in held and held[customer] != state}
    moment = at or clock.now()
    for state in set(news.values()):
        ids = [customer for customer, wish in news.items() if wish == state]
        db.session.execute(update(Customer).where(Customer.id.in_(ids)).values(email_consent=state))
    if news:
        db.session.execute(insert(Consent), [
            {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": customer, "channel": channel, "state": state,
             "at": moment, "source": source, "proof": proof or {}}
            for customer, state in news.items()
        ])  # fmt: skip
        titles = {"granted": _("Agreed to receive mails"), "withdrawn": _("No longer wants mails"), "unknown": _("Consent was reset")}
        timeline.add_many([
            {"customer_id": customer, "kind": "consent", "at": moment, "title": titles[state], "key": f"{customer}:{channel}:{state}",
             "details": {"source": source, "state": state}}
            for customer, state in news.items()
        ])  # fmt: skip
    return len(news)


def history(customer_id: UUID) -> list[Consent]:
    """Return a customer's entries, newest first."""
    return list(db.session.scalars(select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.id.desc())))
