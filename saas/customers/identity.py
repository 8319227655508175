"""Who is who: the names a customer goes by, and how a browser becomes one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Text, Uuid, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from saas.customers import facts, joins
from saas.customers.models import NO_SOURCE, Identity
from saas.kit import arrays, clock, identifiers, scope
from saas.kit.db import db

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
    new = arrays.table(
        kind=([kind for kind, _source, _value in wanted], Text), source_id=([source for _kind, source, _value in wanted], Uuid),
        value=([value for _kind, _source, value in wanted], Text),
    )  # fmt: skip
    columns = (Identity.kind, Identity.source_id, Identity.value, Identity.customer_id, Identity.origin_id)
    query = select(*columns).where(
        Identity.kind == new.c.kind, Identity.source_id == new.c.source_id, Identity.value == new.c.value
    )
    return {
        (kind, source, value): (customer, origin)
        for kind, source, value, customer, origin in db.session.execute(arrays.each(new, query))
    }


def link(customer_id: UUID, kind: str, value: str, source_id: UUID = NO_SOURCE, *, proven: bool = True) -> UUID:
    """Have a name lead to a customer unless it leads to one already; return the customer it leads to."""
    link_many([(customer_id, kind, source_id, value)], proven=proven)
    return find(kind, value, source_id) or customer_id


def link_many(
    rows: Sequence[tuple[UUID, str, UUID, str]],
    *,
    proven: bool = True,
    origins: Mapping[UUID, UUID] | None = None,
    way: str = "",
) -> None:
    """Have names (customer, kind, source, value) lead to customers; a name that leads somewhere already stays.

    `origins` says of merged customers by which of their former selves they came just now: new names are that one's. `way` says
    how the names came: shop, api, import, tracker, form, member.
    """
    if not rows:
        return
    new = arrays.table(
        id=(identifiers.many(len(rows)), Uuid), customer_id=([one[0] for one in rows], Uuid), kind=([one[1] for one in rows], Text),
        source_id=([one[2] for one in rows], Uuid), value=([one[3] for one in rows], Text),
        origin_id=([(origins or {}).get(one[0]) for one in rows], Uuid),
    )  # fmt: skip
    actor = scope.actor()
    values = {
        "tenant_id": literal(scope.tenant_id(), Identity.tenant_id.type), "id": new.c.id, "customer_id": new.c.customer_id,
        "kind": new.c.kind, "source_id": new.c.source_id, "value": new.c.value, "proven": literal(proven), "origin_id": new.c.origin_id,
        "way": literal(way or actor.kind), "made_by": literal(actor.name[:200] if actor.kind in ("member", "key") else ""),
        "created_at": func.now(), "updated_at": func.now(),
    }  # fmt: skip
    statement = insert(Identity).from_select(list(values), select(*values.values()), include_defaults=False)
    db.session.execute(statement.on_conflict_do_nothing(index_elements=["tenant_id", "kind", "source_id", "value"]))


def unlink(customer_id: UUID, kind: str, value: str) -> None:
    """Have a name lead nowhere any more, so that it can become somebody else's."""
    db.session.execute(
        delete(Identity).where(Identity.customer_id == customer_id, Identity.kind == kind, Identity.value == value)
    )


def bind_visitor(visitor: str, customer_id: UUID, *, proven: bool, evidence: joins.Evidence | None = None) -> bool:
    """Say that a browser is a customer's, and how one knows; tells whether that is news. See `bind_visitors`."""
    told = {visitor: evidence} if evidence is not None else {}
    return bool(bind_visitors({visitor: (customer_id, None)}, proven=proven, evidence=told))


def bind_visitors(
    bound: Mapping[str, tuple[UUID, UUID | None]], *, proven: bool, evidence: Mapping[str, joins.Evidence] | None = None
) -> list[str]:
    """Say of browsers whose they are, as (customer, by which former self of a merged one they came); returns those for
    which that is news.

    What is proven (a signature, a link in a mail, an order) counts before what is claimed, so that nobody can take over a
    browser's history by typing an address. `joins` says what follows where several people are named.
    """
    now, way = clock.now(), "program" if proven else "claim"
    return joins.note([
        joins.Told(
            visitor, customer_id, origin_id or customer_id, proven,
            (evidence or {}).get(visitor) or joins.Evidence(way, now, ref=f"{customer_id}:{now.isoformat()}"),
        )
        for visitor, (customer_id, origin_id) in bound.items()
    ])  # fmt: skip


def visitor(visitor: str) -> tuple[UUID, bool] | None:
    """Return (customer, proven) of a browser, or None while it is anonymous."""
    query = select(Identity.customer_id, Identity.proven).where(
        Identity.kind == "visitor", Identity.source_id == NO_SOURCE, Identity.value == visitor
    )
    row = db.session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def names_of(*customer_ids: UUID) -> list[Identity]:
    return list(
        db.session.scalars(select(Identity).where(Identity.customer_id.in_(customer_ids)).order_by(Identity.id))
    )
