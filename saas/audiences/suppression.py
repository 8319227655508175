"""Addresses that must not be written to: bounced, complained, unsubscribed from all, or put here by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert

from saas.audiences.events import AddressSuppressed
from saas.audiences.models import Suppression
from saas.customers import erased
from saas.kit import clock, errors, identifiers, scope, text
from saas.kit.db import db
from saas.kit.events import announce
from saas.tenancy import audit

REASONS = ("bounce", "complaint", "unsubscribed", "manual")


class UnknownReason(errors.Invalid):
    """An address is suppressed for a bounce, a complaint, an unsubscription or by hand."""


def suppress(email: str, reason: str, *, detail: str = "", at: datetime | None = None) -> bool:
    """Have nobody write to an address any more; tells whether that is news. Raises NotAnEmail or UnknownReason."""
    if reason not in REASONS:
        raise UnknownReason
    norm = text.email(email)
    row = {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "email_norm": norm, "reason": reason, "detail": detail[:500],
           "at": at or clock.now()}  # fmt: skip
    statement = (
        insert(Suppression).values(row).on_conflict_do_nothing(index_elements=["tenant_id", "email_norm", "reason"])
    )
    news = db.session.execute(statement.returning(Suppression.id)).first() is not None
    if news:
        audit.record(
            action="suppressions.added",
            kind="address",
            record_id=erased.digest(
                norm
            ),  # the trace is never changed, so it names no address; what it tells can be emptied
            after={"email": norm, "reason": reason, "detail": detail[:500]},
        )
        announce(AddressSuppressed(email_norm=norm, reason=reason))
    return news


def release(email: str) -> bool:
    """Allow writing to an address again; a complaint is never released. Tells whether that changed anything."""
    norm = text.email(email)
    gone = db.session.execute(
        delete(Suppression)
        .where(Suppression.email_norm == norm, Suppression.reason != "complaint")
        .returning(Suppression.id)
    ).all()
    if gone:
        audit.record(
            action="suppressions.released", kind="address", record_id=erased.digest(norm), after={"email": norm}
        )
    return bool(gone)


def reasons_for(emails: Iterable[str]) -> dict[str, str]:
    """Return, of these normalised addresses, those that are suppressed with the weightiest reason."""
    wanted = list(dict.fromkeys(emails))
    if not wanted:
        return {}
    query = select(Suppression.email_norm, Suppression.reason).where(Suppression.email_norm.in_(wanted))
    weight = {reason: place for place, reason in enumerate(("manual", "unsubscribed", "bounce", "complaint"))}
    found: dict[str, str] = {}
    for norm, reason in db.session.execute(query):
        if norm not in found or weight[reason] > weight[found[norm]]:
            found[norm] = reason
    return found


def listed() -> Select:
    """Return a select of all suppressed addresses."""
    return select(Suppression)


NEWEST = ((Suppression.at, "desc"), (Suppression.id, "desc"))
