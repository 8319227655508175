"""What people ask for about their own data on their own page: a copy of it, or to be forgotten. Doing it is a room further up."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from saas.customers import facts
from saas.customers.events import PersonAskedHere
from saas.customers.models import PERSON_WISHES, PersonRequest
from saas.kit import clock, errors, identifiers
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _

AGAIN = timedelta(hours=24)


class NoSuchWish(errors.NotFound):
    """There is no such wish of theirs."""


class AskedLately(errors.Conflict):
    """The same was asked for within a day, and is being done."""

    code = "asked_lately"


def ask(*, customer_id: UUID, what: str, language: str = "") -> PersonRequest:
    """Write down what a customer wants of their data; raises AskedLately."""
    if what not in PERSON_WISHES:
        raise ValueError(what)
    facts.hold([customer_id])  # a second click waits here until the first is written down
    lately = select(PersonRequest.id).where(
        PersonRequest.customer_id == customer_id, PersonRequest.what == what, PersonRequest.asked_at > clock.now() - AGAIN
    )  # fmt: skip
    if db.session.scalar(lately.limit(1)) is not None:
        raise AskedLately(_("You asked for this already; it is being done."))
    made = PersonRequest(
        id=identifiers.new(), customer_id=customer_id, what=what, language=language[:20], asked_at=clock.now()
    )
    db.session.add(made)
    db.session.flush()
    announce(PersonAskedHere(request_id=str(made.id), what=what))
    return made


def one(request_id: UUID | str, *, lock: bool = False) -> PersonRequest:
    """Return a wish; raises NoSuchWish."""
    return kit_db.one(PersonRequest, request_id, NoSuchWish, lock=lock)


def of_customer(customer_id: UUID) -> list[PersonRequest]:
    """Return what a customer asked for, newest first."""
    query = select(PersonRequest).where(PersonRequest.customer_id == customer_id)
    return list(db.session.scalars(query.order_by(PersonRequest.id.desc())))


def of_operation(operation_id: UUID) -> PersonRequest | None:
    """Return the wish that long work is done for, if it is for one."""
    return db.session.scalars(select(PersonRequest).where(PersonRequest.operation_id == operation_id)).one_or_none()
