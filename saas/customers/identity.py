"""Who is who: the names a customer goes by, and how a browser becomes one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import insert

from saas.customers.events import VisitorRecognised
from saas.customers.models import NO_SOURCE, Identity
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce

Name = tuple[str, UUID, str]  # kind, source id, value


def find(kind: str, value: str, source_id: UUID = NO_SOURCE) -> UUID | None:
    """Return the customer that a name leads to, or None."""
    return find_many([(kind, source_id, value)]).get((kind, source_id, value))


def find_many(names: Iterable[Name]) -> dict[Name, UUID]:
    """Return the customers that names lead to; names that lead nowhere are left out."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    query = select(Identity.kind, Identity.source_id, Identity.value, Identity.customer_id).where(
        tuple_(Identity.kind, Identity.source_id, Identity.value).in_(wanted)
    )
    return {(kind, source, value): customer for kind, source, value, customer in db.session.execute(query)}


def link(customer_id: UUID, kind: str, value: str, source_id: UUID = NO_SOURCE, *, proven: bool = True) -> UUID:
    """Have a name lead to a customer unless it leads to one already; return the customer it leads to."""
    link_many([(customer_id, kind, source_id, value)], proven=proven)
    return find(kind, value, source_id) or customer_id


def link_many(rows: Sequence[tuple[UUID, str, UUID, str]], *, proven: bool = True) -> None:
    """Have names (customer, kind, source, value) lead to customers; a name that leads somewhere already stays."""
    if not rows:
        return
    now = clock.now()
    values = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": customer, "kind": kind, "source_id": source,
         "value": value, "proven": proven, "created_at": now, "updated_at": now}
        for customer, kind, source, value in rows
    ]  # fmt: skip
    db.session.execute(
        insert(Identity).on_conflict_do_nothing(index_elements=["tenant_id", "kind", "source_id", "value"]), values
    )


def unlink(customer_id: UUID, kind: str, value: str) -> None:
    """Have a name lead nowhere any more, so that it can become somebody else's."""
    db.session.execute(
        delete(Identity).where(Identity.customer_id == customer_id, Identity.kind == kind, Identity.value == value)
    )


def bind_visitor(visitor: str, customer_id: UUID, *, proven: bool) -> bool:
    """Say that a browser is a customer's; tells whether that is news.

    A proven binding (a signature, a link in a mail, an order) replaces another customer's; a claimed one never replaces
    a proven one, so that nobody can take over a browser's history by typing an address.
    """
    statement = insert(Identity).values(
        tenant_id=scope.tenant_id(), id=identifiers.new(), customer_id=customer_id, kind="visitor", source_id=NO_SOURCE,
        value=visitor, proven=proven, created_at=clock.now(), updated_at=clock.now(),
    )  # fmt: skip
    fresh = statement.on_conflict_do_update(
        index_elements=["tenant_id", "kind", "source_id", "value"],
        set_={"customer_id": customer_id, "proven": proven, "updated_at": func.now()},
        where=((Identity.customer_id != customer_id) | (Identity.proven != proven))
        & (true() if proven else Identity.proven.is_(False)),
    )
    news = db.session.execute(fresh.returning(Identity.id)).first() is not None
    if news:
        announce(VisitorRecognised(visitor=visitor, customer_id=str(customer_id), proven=proven))
    return news


def visitor(visitor: str) -> tuple[UUID, bool] | None:
    """Return (customer, proven) of a browser, or None while it is anonymous."""
    query = select(Identity.customer_id, Identity.proven).where(
        Identity.kind == "visitor", Identity.source_id == NO_SOURCE, Identity.value == visitor
    )
    row = db.session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def names_of(customer_id: UUID) -> list[Identity]:
    return list(db.session.scalars(select(Identity).where(Identity.customer_id == customer_id).order_by(Identity.id)))
