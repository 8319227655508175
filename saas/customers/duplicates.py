"""Customers who may be one person: found while somebody types, kept up as customers change, and looked through in a queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, case, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from saas.customers import evidence, likeness
from saas.customers.evidence import Judged
from saas.customers.likeness import Person
from saas.customers.models import Customer, CustomerKey, DuplicatePair, Facts
from saas.kit import clock, errors, identifiers, scope
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.tenancy import audit, tenants

MOST_TOGETHER = 40
"""A key under which more meet says too little: a firm's address, a very common name."""
COLUMNS = (
    Customer.id, Customer.email_norm, Customer.phone, Customer.first_name, Customer.last_name, Customer.company, Customer.address,
    Customer.postcode, Customer.city, Customer.country,
)  # fmt: skip
ORDER = ((DuplicatePair.score, "desc"), (DuplicatePair.id, "desc"))
Pair = tuple[UUID, UUID]


class NoSuchPair(errors.NotFound):
    """There is no such pair."""


@dataclass(frozen=True)
class Similar:
    """A customer who may be the one that is being typed in."""

    customer: Customer
    score: float
    reasons: tuple[str, ...]


def region() -> str:
    """Return the country that numbers without a prefix belong to: the company's."""
    return tenants.settings().country.strip().upper()[:2]


def people(ids: Iterable[UUID], where: str) -> dict[UUID, Person]:
    """Return customers ready to be compared, by id."""
    query = select(*COLUMNS).where(Customer.id == func.any(literal(list(ids), ARRAY(Uuid))))
    return {row.id: likeness.person(row._mapping, region=where) for row in db.session.execute(query)}


def similar(item: Mapping[str, Any], *, but: UUID | None = None, most: int = 5) -> list[Similar]:
    """Return customers who may be whom an item in the API's shape means, the likeliest first; for forms, imports, the API."""
    where = region()
    wanted = likeness.person(
        {name: str(value) for name, value in item.items() if value is not None and not isinstance(value, (dict, list))},
        region=where,
    )
    ids = set(_meeting(likeness.keys(wanted))) - {but}
    if not ids:
        return []
    judged = [(known.id, evidence.judge(wanted, known)) for known in people(ids, where).values()]
    found = sorted((one for one in judged if one[1].score >= evidence.SHOWN), key=lambda one: -one[1].score)[:most]
    customers = {
        c.id: c for c in db.session.scalars(select(Customer).where(Customer.id.in_([key for key, _j in found])))
    }
    return [Similar(customers[key], said.score, said.reasons) for key, said in found if key in customers]


def _meeting(keys: Iterable[int]) -> list[UUID]:
    """Return whom one meets under keys, of each key at most as many as still say something."""
    found: list[UUID] = []
    for key in keys:
        query = select(CustomerKey.id).where(CustomerKey.key == key).limit(MOST_TOGETHER + 1)
        together = list(db.session.scalars(query))
        found += together if len(together) <= MOST_TOGETHER else []
    return found


def renew_keys(customer_ids: Sequence[UUID]) -> dict[UUID, Person]:
    """Write anew under which keys customers meet others; returns them, ready to be compared."""
    known = people(customer_ids, region())
    db.session.execute(
        delete(CustomerKey).where(CustomerKey.id.in_(list(customer_ids))).execution_options(synchronize_session=False)
    )
    rows = sorted((key, one.id) for one in known.values() for key in likeness.keys(one))
    if rows:
        pairs = func.unnest(
            literal([key for key, _id in rows], ARRAY(CustomerKey.key.type)),
            literal([one for _key, one in rows], ARRAY(Uuid)),
        )
        own = pairs.table_valued("key", "id").render_derived()
        chosen = select(literal(scope.tenant_id(), CustomerKey.tenant_id.type), own.c.id, own.c.key)
        db.session.execute(
            insert(CustomerKey.__table__).from_select(["tenant_id", "id", "key"], chosen).on_conflict_do_nothing()
        )
    return known


def look_again(customer_ids: Sequence[UUID]) -> int:
    """Renew the keys of customers who changed and look for pairs with them; returns how many there are."""
    known = renew_keys(customer_ids)
    mine = select(CustomerKey.key).where(CustomerKey.id.in_(list(known)))
    groups: dict[int, list[UUID]] = {}
    for key, one in db.session.execute(select(CustomerKey.key, CustomerKey.id).where(CustomerKey.key.in_(mine))):
        groups.setdefault(key, []).append(one)
    wanted = {pair for group in groups.values() for pair in together(group) if pair[0] in known or pair[1] in known}
    others = {one for pair in wanted for one in pair} - set(known)
    found = judged(wanted, known | (people(others, region()) if others else {}))
    named = or_(DuplicatePair.one_id.in_(list(known)), DuplicatePair.other_id.in_(list(known)))
    stale = select(DuplicatePair.id, DuplicatePair.one_id, DuplicatePair.other_id).where(
        named, DuplicatePair.state == "open"
    )
    gone = [row.id for row in db.session.execute(stale) if (row.one_id, row.other_id) not in found]
    db.session.execute(
        delete(DuplicatePair).where(DuplicatePair.id.in_(gone)).execution_options(synchronize_session=False)
    )
    keep(found)
    return len(found)


def together(group: Sequence[UUID]) -> Iterable[Pair]:
    """Return the pairs of those who meet under one key; none where it says too little."""
    return combinations(sorted(group), 2) if 1 < len(group) <= MOST_TOGETHER else ()


def judged(pairs: Iterable[Pair], known: Mapping[UUID, Person]) -> dict[Pair, Judged]:
    """Return of pairs those that are likely enough to be looked at."""
    found = {}
    for one, other in pairs:
        if one in known and other in known:
            said = evidence.judge(known[one], known[other])
            if said.score >= evidence.SHOWN:
                found[one, other] = said
    return found


def keep(found: Mapping[Pair, Judged]) -> None:
    """Write pairs down. What somebody decided about a pair stays."""
    now = clock.now()
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "one_id": one, "other_id": other, "score": int(said.score * 1000),
         "evidence": [*said.reasons], "state": "open", "found_at": now, "decided_by": ""}
        for (one, other), said in sorted(found.items())
    ]  # fmt: skip
    for start in range(0, len(rows), 1000):
        statement = insert(DuplicatePair)
        renewed = {name: statement.excluded[name] for name in ("score", "evidence")}
        db.session.execute(
            statement.on_conflict_do_update(index_elements=["tenant_id", "one_id", "other_id"], set_=renewed, where=DuplicatePair.state != "different"),
            rows[start : start + 1000],
        )  # fmt: skip


def queue(*, state: str = "open", at_least: float = 0) -> Any:
    """Return a select of the pairs to be looked at; ORDER is the likeliest first."""
    return select(DuplicatePair).where(DuplicatePair.state == state, DuplicatePair.score >= int(at_least * 1000))


def one(pair_id: UUID | str, *, lock: bool = False) -> DuplicatePair:
    """Return a pair; raises NoSuchPair."""
    return kit_db.one(DuplicatePair, pair_id, NoSuchPair, lock=lock)


def counts() -> dict[str, int]:
    """Return how many pairs there are by state, and under "safe" how many of the open ones are all but certain."""
    query = select(DuplicatePair.state, func.count(), func.sum(case((is_safe(), 1), else_=0))).group_by(
        DuplicatePair.state
    )
    found = {state: (many, int(safe or 0)) for state, many, safe in db.session.execute(query)}
    return {state: found.get(state, (0, 0))[0] for state in ("open", "skipped", "different")} | {
        "safe": found.get("open", (0, 0))[1]
    }


def is_safe() -> Any:
    """Return the condition of a pair that may be merged unseen, as `evidence.Judged.safe` says it."""
    strong = [DuplicatePair.evidence.contains([reason]) for reason in sorted(evidence.STRONG)]
    named = [DuplicatePair.evidence.contains([reason]) for reason in sorted(evidence.NAMED)]
    return (DuplicatePair.score >= int(evidence.SAFE * 1000)) & or_(*strong) & or_(*named)


def decide(pair_id: UUID | str, state: str) -> DuplicatePair:
    """Put a pair off (skipped), say that these are two people (different), or put it back (open). Raises NoSuchPair."""
    pair = one(pair_id, lock=True)
    before = pair.state
    pair.state, pair.decided_at, pair.decided_by = state, clock.now(), scope.actor().name
    if state == "different":
        audit.record(
            action="customers.told_apart",
            kind="customer",
            record_id=pair.one_id,
            before={"state": before},
            after={"other": str(pair.other_id)},
        )
    db.session.flush()
    return pair


def known(ids: Iterable[UUID]) -> dict[UUID, tuple[Customer, Facts | None]]:
    """Return customers with their figures, by id."""
    query = select(Customer, Facts).outerjoin(
        Facts, (Facts.tenant_id == Customer.tenant_id) & (Facts.id == Customer.id)
    )
    return {
        customer.id: (customer, figures)
        for customer, figures in db.session.execute(query.where(Customer.id.in_(set(ids))))
    }


def winner_of(two: Mapping[UUID, tuple[Customer, Facts | None]]) -> tuple[UUID, UUID]:
    """Return (winner, loser) as one would choose: who bought more stays, else who is better known, else who came first."""

    def weight(key: UUID) -> tuple[Any, ...]:
        customer, figures = two[key]
        filled = sum(
            bool(getattr(customer, name))
            for name in ("email", "phone", "first_name", "last_name", "address", "company")
        )
        return (figures.orders_count if figures else 0, filled, -customer.created_at.timestamp())

    winner, loser = sorted(two, key=weight, reverse=True)
    return winner, loser


def of_customer(customer_id: UUID) -> list[DuplicatePair]:
    """Return the open pairs of a customer, the likeliest first."""
    named = or_(DuplicatePair.one_id == customer_id, DuplicatePair.other_id == customer_id)
    query = select(DuplicatePair).where(named, DuplicatePair.state == "open").order_by(DuplicatePair.score.desc())
    return list(db.session.scalars(query.limit(10)))


def reopen_skipped() -> int:
    """Put all skipped pairs back into the queue; returns how many."""
    again = update(DuplicatePair).where(DuplicatePair.state == "skipped").values(state="open", decided_at=None)
    return db.session.execute(again.execution_options(synchronize_session=False)).rowcount
