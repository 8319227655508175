"""Addresses of people who were erased: kept as keyed digests alone, so that nobody can read them and we know them again.

Whoever was erased is never written to because a list is imported again or a shop sends what it still has. Only they
themselves can agree anew, or a colleague who says how they know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from saas.customers.models import Customer, ErasedAddress
from saas.kit import clock, crypto, identifiers, scope
from saas.kit.db import db

THEMSELVES = {"form", "link", "preferences", "double_opt_in"}
"""Sources in which the person speaks."""


def digest(email_norm: str) -> str:
    """Return what is kept of an address; another company's digest of the same address is another."""
    return crypto.mac(f"erased address of {scope.tenant_id()}", email_norm.encode()).hex()


def remember(emails: Iterable[str], *, erasure_id: UUID, reasons: dict[str, str]) -> int:
    """Keep the digests of addresses, each with the reason for which it was not to be written to before, if any."""
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "digest": digest(norm), "erasure_id": erasure_id, "reason": reasons.get(norm, ""),
         "erased_at": clock.now()}
        for norm in sorted(set(emails))
    ]  # fmt: skip
    if rows:
        statement = insert(ErasedAddress)
        renewed = {name: statement.excluded[name] for name in ("erasure_id", "erased_at")}
        db.session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "digest"], set_=renewed), rows)
    return len(rows)


def known(emails: Iterable[str]) -> set[str]:
    """Return which of these addresses were somebody's who was erased."""
    wanted = {digest(norm): norm for norm in emails if norm}
    if not wanted or db.session.scalar(select(ErasedAddress.id).limit(1)) is None:
        return set()
    return {
        wanted[found]
        for found in db.session.scalars(select(ErasedAddress.digest).where(ErasedAddress.digest.in_(wanted)))
    }


def barred(customer_ids: Sequence[UUID], *, source: str, reasoned: bool) -> set[UUID]:
    """Return the customers in whose name this source cannot agree to mails, for their address was erased before."""
    if (
        not customer_ids
        or source in THEMSELVES
        or reasoned
        or db.session.scalar(select(ErasedAddress.id).limit(1)) is None
    ):
        return set()
    mine = dict(db.session.execute(select(Customer.id, Customer.email_norm).where(Customer.id.in_(customer_ids))).all())
    held = known(norm for norm in mine.values() if norm)
    return {customer for customer, norm in mine.items() if norm in held}
