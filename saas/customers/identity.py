"""Who is who: the names a customer goes by, and how a browser becomes one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, Uuid, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.customers import facts, joins
from saas.customers.models import NO_SOURCE, Identity
from saas.kit import arrays, clock, identifiers, scope
from saas.kit.db import db

Name = tuple[str, UUID, str]  # kind, source id, value


@dataclass(frozen=True)
class Known:
    """What is known of a name: its own id, the customer it leads to, whose it was before a merge, and whether it was taken off
    somebody (`apart`): then it says more than the names that come with it."""

    id: UUID
    customer_id: UUID
    origin_id: UUID | None
    apart: bool


def leading(names: Sequence[Name], known: Mapping[Name, Known]) -> Name | None:
    """Return the name by which something belongs to a customer: the first that was taken off somebody, else the first known.

    Somebody decided whose a name is that was taken off; what it comes with may be the very mistake (an order under another's
    account)."""
    found = [name for name in names if name in known]
    return next((name for name in found if known[name].apart), found[0] if found else None)


def find(kind: str, value: str, source_id: UUID = NO_SOURCE) -> UUID | None:
    """Return the customer that a name leads to, or None."""
    return find_many([(kind, source_id, value)]).get((kind, source_id, value))


def hold(names: Iterable[Name]) -> dict[Name, Known]:
    """Return what is known of names, their customers held, so that nobody merges or deletes them meanwhile.

    Of whom was merged while we waited the names are looked up again: they lead to somebody else by now.
    """
    wanted, found = list(names), {}
    for _try in range(3):
        found = look(wanted)
        whose = {known.customer_id for known in found.values()}
        if len(facts.hold(whose)) == len(whose):
            break
    return found


def find_many(names: Iterable[Name]) -> dict[Name, UUID]:
    """Return the customers that names lead to; names that lead nowhere are left out."""
    return {name: known.customer_id for name, known in look(names).items()}


def look(names: Iterable[Name]) -> dict[Name, Known]:
    """Return what is known of names; those that lead nowhere are left out."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    new = arrays.table(
        kind=([kind for kind, _source, _value in wanted], Text), source_id=([source for _kind, source, _value in wanted], Uuid),
        value=([value for _kind, _source, value in wanted], Text),
    )  # fmt: skip
    columns = (
        Identity.kind, Identity.source_id, Identity.value, Identity.id, Identity.customer_id, Identity.origin_id, Identity.parting_id,
    )  # fmt: skip
    query = select(*columns).where(
        Identity.kind == new.c.kind, Identity.source_id == new.c.source_id, Identity.value == new.c.value
    )
    return {
        (kind, source, value): Known(row_id, customer, origin, parting is not None)
        for kind, source, value, row_id, customer, origin, parting in db.session.execute(arrays.each(new, query))
    }


def give(names: Collection[Name], *, holder: UUID, to: UUID) -> None:
    """Have names that lead to one customer lead to another."""
    for kind, source, value in names:
        theirs = update(Identity).where(
            Identity.kind == kind, Identity.source_id == source, Identity.value == value, Identity.customer_id == holder
        )
        db.session.execute(theirs.values(customer_id=to).execution_options(synchronize_session=False))


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
    rows = sorted(rows, key=lambda row: row[1:])  # two who write the same names never wait for each other crosswise
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
