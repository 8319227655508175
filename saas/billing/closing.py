"""Closing a company: its owner's wish alone, with thirty days to take it back, and then everything is erased.

Nothing here follows from not paying: a company that owes is read-only and stays for as long as it likes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from saas.billing import banner
from saas.billing.events import CompanyClosed, CompanyReopened
from saas.billing.models import Account, Closing
from saas.kit import clock, errors, scope
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, limits, tenants

THINKING_TIME = timedelta(days=30)


class WrongName(errors.Invalid):
    """The company's name was not typed as it is written."""


class NotClosing(errors.Conflict):
    """The company is not being closed."""

    code = "not_closing"


def current() -> Closing | None:
    """Return the closing that is under way, or None."""
    return db.session.scalars(select(Closing).where(Closing.reopened_at.is_(None))).one_or_none()


def close(*, name: str) -> Closing:
    """Close the bound company: read-only from now on, erased in thirty days. Raises WrongName unless its name is typed.

    Closing it again changes nothing.
    """
    company = tenants.current()
    if " ".join(name.split()) != company.name:
        raise WrongName(fields={"name": [_("Type the company's name exactly as it is written.")]})
    held = current()
    if held is not None:
        return held
    now = clock.now()
    made = Closing(closed_by=scope.actor().name, closed_at=now, erase_at=now + THINKING_TIME)
    db.session.add(made)
    db.session.flush()
    limits.set_state("read_only")
    banner.forget()
    audit.record(
        action="company.closed", kind="tenant", record_id=scope.tenant_id(), after={"erase_at": str(made.erase_at)}
    )
    announce(CompanyClosed(erase_at=made.erase_at.isoformat(), closed_by=made.closed_by))
    return made


def reopen() -> None:
    """Take the closing back; raises NotClosing when there is none, or when the thirty days are over."""
    held = current()
    if held is None or held.erase_at <= clock.now():
        raise NotClosing(_("The company is not being closed."))
    held.reopened_at = clock.now()
    db.session.flush()
    owes = db.session.scalar(select(Account.standing)) == "unpaid"
    limits.set_state("read_only" if owes else "active")
    banner.forget()
    audit.record(action="company.reopened", kind="tenant", record_id=scope.tenant_id())
    announce(CompanyReopened())


def due(now: datetime) -> list[tuple[int, datetime]]:
    """Return the companies of all tenants whose thirty days are over, with when they were closed."""
    query = select(Closing.tenant_id, Closing.closed_at).where(Closing.reopened_at.is_(None), Closing.erase_at <= now)
    return [tuple(row) for row in db.session.execute(query)]
