"""The consent ledger: who agreed to what, when, where and to which words. The newest entry counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from saas.customers import timeline
from saas.customers.models import Consent, Customer
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.text import gettext as _

Change = tuple[UUID, str, datetime | None]
"""A customer, the state (granted, withdrawn), and when they said so (None: now)."""


def grant(
    *,
    customer_id: UUID,
    channel: str = "email",
    source: str,
    at: datetime | None = None,
    proof: dict[str, Any] | None = None,
) -> bool:
    """Record that a customer agreed; tells whether that is news."""
    return record_many([(customer_id, "granted", at)], channel=channel, source=source, proof=proof) == 1


def withdraw(
    *,
    customer_id: UUID,
    channel: str = "email",
    source: str,
    at: datetime | None = None,
    proof: dict[str, Any] | None = None,
) -> bool:
    """Record that a customer no longer agrees; tells whether that is news."""
    return record_many([(customer_id, "withdrawn", at)], channel=channel, source=source, proof=proof) == 1


def record_many(
    changes: Sequence[Change], *, channel: str = "email", source: str, proof: dict[str, Any] | None = None
) -> int:
    """Record what customers said and return how many were news. What is older than the newest entry changes nothing.

    Of two statements of one moment the withdrawal counts. The state is also kept with the profile, where lists and
    segments read it.
    """
    now = clock.now()
    wanted: dict[UUID, tuple[datetime, str]] = {}
    for customer, state, at in changes:
        said = (at or now, state)
        wanted[customer] = max(wanted.get(customer, said), said)
    if not wanted:
        return 0
    held = _newest(list(wanted), channel)
    news = {
        customer: said for customer, said in wanted.items()
        if customer in held and said[1] != held[customer][1] and said > held[customer]
    }  # fmt: skip
    if not news:
        return 0
    for state in {state for _at, state in news.values()}:
        ids = [customer for customer, (_at, wish) in news.items() if wish == state]
        db.session.execute(update(Customer).where(Customer.id.in_(ids)).values(email_consent=state))
    db.session.execute(insert(Consent), [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": customer, "channel": channel, "state": state,
         "at": at, "source": source, "proof": proof or {}}
        for customer, (at, state) in news.items()
    ])  # fmt: skip
    titles = {"granted": _("Agreed to receive mails"), "withdrawn": _("No longer wants mails")}
    timeline.add_many([
        {"customer_id": customer, "kind": "consent", "at": at, "title": titles[state], "key": f"{customer}:{channel}:{state}",
         "details": {"source": source, "state": state}}
        for customer, (at, state) in news.items()
    ])  # fmt: skip
    return len(news)


def append(*, customer_id: UUID, state: str, source: str, at: datetime, proof: dict[str, Any], channel: str = "email") -> UUID:  # fmt: skip
    """Add an entry that speaks for itself, news or not, and return its id; what is kept with the profile is the caller's."""
    entry_id = identifiers.new()
    db.session.execute(insert(Consent), [
        {"tenant_id": scope.tenant_id(), "id": entry_id, "customer_id": customer_id, "channel": channel, "state": state,
         "at": at, "source": source, "proof": proof}
    ])  # fmt: skip
    return entry_id


def _newest(customer_ids: list[UUID], channel: str) -> dict[UUID, tuple[datetime, str]]:
    """Lock the customers and return when each last said something, and what."""
    locked = select(Customer.id).where(Customer.id.in_(customer_ids)).order_by(Customer.id).with_for_update()
    never = (datetime.min.replace(tzinfo=UTC), "unknown")
    held = dict.fromkeys(db.session.scalars(locked), never)
    query = (
        select(Consent.customer_id, Consent.at, Consent.state)
        .where(Consent.customer_id.in_(list(held)), Consent.channel == channel)
        .ext(distinct_on(Consent.customer_id))
        .order_by(Consent.customer_id, Consent.at.desc(), Consent.state.desc())
    )
    return held | {customer: (at, state) for customer, at, state in db.session.execute(query)}


def history(customer_id: UUID) -> list[Consent]:
    """Return a customer's entries, newest first."""
    return list(
        db.session.scalars(select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.id.desc()))
    )
