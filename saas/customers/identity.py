"""Who is who: the names a customer goes by, and how a browser becomes one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import insert

from saas.customers import facts
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
    return {name: customer for name, (customer, _origin) in look(names).items()}


def find_held(names: Iterable[Name]) -> dict[Name, UUID]:
    """Return the customers that names lead to as `find_many` does, held, so that nobody merges or deletes them meanwhile.

    Of whom was merged while we waited the names are looked up again: they lead to somebody else by now.
    """
    wanted, found = list(names), {}
    for _try in range(3):
        found = find_many(wanted)
        if len(facts.hold(found.values())) == len(set(found.values())):
            break
    return found


def origins(names: Iterable[Name]) -> dict[Name, UUID]:
    """Return, of names that lead to a merged customer, whose they were before."""
    return {name: origin for name, (_customer, origin) in look(names).items() if origin is not None}


def look(names: Iterable[Name]) -> dict[Name, tuple[UUID, UUID | None]]:
    """Return the customers that names lead to, each with whose name it was before they were merged (None: their own)."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    columns = (Identity.kind, Identity.source_id, Identity.value, Identity.customer_id, Identity.origin_id)
    query = select(*columns).where(tuple_(Identity.kind, Identity.source_id, Identity.value).in_(wanted))
    return {
        (kind, source, value): (customer, origin) for kind, source, value, customer, origin in db.session.execute(query)
    }


def link(customer_id: UUID, kind: str, value: str, source_id: UUID = NO_SOURCE, *, proven: bool = True) -> UUID:
    """Have a name lead to a customer unless it leads to one already; return the customer it leads to."""
    link_many([(customer_id, kind, source_id, value)], proven=proven)
    return find(kind, value, source_id) or customer_id


def link_many(
    rows: Sequence[tuple[UUID, str, UUID, str]], *, proven: bool = True, origins: Mapping[UUID, UUID] | None = None
) -> None:
    """Have names (customer, kind, source, value) lead to customers; a name that leads somewhere already stays.

    `origins` says of merged customers by which of their former selves they came just now: new names are that one's.
    """
    if not rows:
        return
    now = clock.now()
    values = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": customer, "kind": kind, "source_id": source,
         "value": value, "proven": proven, "origin_id": (origins or {}).get(customer), "created_at": now, "updated_at": now}
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


def bind_visitor(visitor: str, customer_id: UUID, *, proven: bool, origin_id: UUID | None = None) -> bool:
    """Say that a browser is a customer's; tells whether that is news.

    A proven binding (a signature, a link in a mail, an order) replaces another customer's; a claimed one never replaces
    a proven one, so that nobody can take over a browser's history by typing an address. `origin_id` says by which former
    self of a merged customer they came.
    """
    statement = insert(Identity).values(
        tenant_id=scope.tenant_id(), id=identifiers.new(), customer_id=customer_id, kind="visitor", source_id=NO_SOURCE,
        value=visitor, proven=proven, origin_id=origin_id, created_at=clock.now(), updated_at=clock.now(),
    )  # fmt: skip
    fresh = statement.on_conflict_do_update(
        index_elements=["tenant_id", "kind", "source_id", "value"],
        set_={"customer_id": customer_id, "proven": proven, "origin_id": origin_id, "updated_at": func.now()},
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
