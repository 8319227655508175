"""Customers who may be one person: found while somebody types, kept up as customers change, and looked through in a queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, Text, Uuid, case, cast, delete, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.orm import aliased

from saas.customers import evidence, likeness
from saas.customers.evidence import Judged
from saas.customers.likeness import Person
from saas.customers.models import Customer, CustomerKey, DuplicatePair, Facts
from saas.kit import arrays, clock, errors, identifiers, scope
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.tenancy import audit, tenants

MOST_TOGETHER = 40
"""A key under which more meet says too little: a firm's address, a very common name."""
COLUMNS = (
    Customer.id, Customer.email_norm, Customer.phone, Customer.first_name, Customer.last_name, Customer.company, Customer.address,
    Customer.postcode, Customer.city, Customer.country,
)  # fmt: skip
NAMES = tuple(column.key for column in COLUMNS)
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


def people(ids: Sequence[UUID], where: str) -> dict[UUID, Person]:
    """Return customers ready to be compared, by id."""
    rows = db.session.execute(select(*COLUMNS).where(Customer.id == arrays.among(ids)))
    return {row[0]: likeness.person(dict(zip(NAMES, row, strict=True)), region=where) for row in rows}


def similar(item: Mapping[str, Any], *, but: UUID | None = None, most: int = 5) -> list[Similar]:
    """Return customers who may be whom an item in the API's shape means, the likeliest first; for forms, imports, the API."""
    where = region()
    wanted = likeness.person(
        {name: str(value) for name, value in item.items() if value is not None and not isinstance(value, (dict, list))},
        region=where,
    )
    ids = _meeting([wanted])[0] - {but}
    if not ids:
        return []
    judged = [(known.id, evidence.judge(wanted, known)) for known in people(list(ids), where).values()]
    found = sorted((one for one in judged if one[1].score >= evidence.SHOWN), key=lambda one: -one[1].score)[:most]
    customers = {
        c.id: c for c in db.session.scalars(select(Customer).where(Customer.id.in_([key for key, _j in found])))
    }
    return [Similar(customers[key], said.score, said.reasons) for key, said in found if key in customers]


def likeliest(rows: Sequence[Mapping[str, Any]]) -> list[tuple[UUID, Judged] | None]:
    """Return for each of many rows (customers' columns by name) whom of those there are it means most likely; None for nobody."""
    where = region()
    wanted = [likeness.person(row, region=where) for row in rows]
    met = _meeting(wanted)
    ids = set().union(*met)
    there = people(list(ids), where) if ids else {}
    found: list[tuple[UUID, Judged] | None] = []
    for person, near in zip(wanted, met, strict=True):
        said = [(one, evidence.judge(person, there[one])) for one in near if one in there]
        best = max(said, key=lambda pair: (pair[1].score, pair[0]), default=None)
        found.append(best if best is not None and best[1].score >= evidence.SHOWN else None)
    return found


def _meeting(wanted: Sequence[Person]) -> list[set[UUID]]:
    """Return whom each of some people meets under a key, in one statement for all of them."""
    own = [likeness.keys(person) for person in wanted]
    found = {group.key: group for group in _groups(_given(set().union(*own)))}
    return [{one for key in keys if key in found for one, bit in found[key].others if not bit & key} for keys in own]


@dataclass(frozen=True)
class Group:
    """Who meets under a key that was asked for, each with the lowest bit of their own key (`likeness.WHOLE`)."""

    key: int
    others: list[tuple[UUID, int]]


def _given(keys: Iterable[int]) -> Any:
    return select(arrays.table(key=(sorted(keys), BigInteger)).c.key).subquery()


def _groups(asked: Any) -> list[Group]:
    """Return who meets under keys, in one statement; keys under which nobody or too many meet say nothing and are left out."""
    other = aliased(CustomerKey)
    within = other.key.between(_group(asked.c.key), asked.c.key.op("|")(1))
    near = select(other.id, other.key).where(within).limit(MOST_TOGETHER + 1).lateral()
    query = (
        select(asked.c.key, func.array_agg(near.c.id), func.array_agg(near.c.key))
        .group_by(asked.c.key)
        .having(func.count() <= MOST_TOGETHER)
    )
    return [
        Group(key, [(one, its & 1) for one, its in zip(ids, keys, strict=True)])
        for key, ids, keys in db.session.execute(query)
    ]


def _group(key: Any) -> Any:
    return key.op("&")(~1)


def renew_keys(customer_ids: Sequence[UUID]) -> dict[UUID, Person]:
    """Write under which keys customers meet others, where that has changed; returns them, ready to be compared."""
    known = people(customer_ids, region())
    mine = select(CustomerKey.id, func.array_agg(CustomerKey.key)).where(CustomerKey.id == arrays.among(customer_ids))
    held = {one: set(keys) for one, keys in db.session.execute(mine.group_by(CustomerKey.id))}
    stale, fresh = {one: keys for one, keys in held.items() if one not in known}, {}
    for one, person in known.items():
        wanted, has = likeness.keys(person), held.get(one, set())
        if has - wanted:
            stale[one] = has - wanted
        if wanted - has:
            fresh[one] = wanted - has
    if stale:
        gone = delete(CustomerKey).where(tuple_(CustomerKey.id, CustomerKey.key).in_(_keyed(stale)))
        db.session.execute(gone.execution_options(synchronize_session=False))
    if fresh:
        new = _keyed(fresh).subquery()
        rows = select(literal(scope.tenant_id(), BigInteger), new.c.id, new.c.key)
        statement = insert(CustomerKey.__table__).from_select(["tenant_id", "id", "key"], rows)
        db.session.execute(statement.on_conflict_do_nothing())
    return known


def _keyed(keys: Mapping[UUID, Iterable[int]]) -> Any:
    """Return a select of customers' keys, one a row; each customer's travel as one text."""
    new = arrays.table(id=(list(keys), Uuid), said=([" ".join(map(str, own)) for own in keys.values()], Text))
    own = func.unnest(cast(func.string_to_array(new.c.said, literal(" ", Text)), ARRAY(BigInteger)))
    return select(new.c.id, own.label("key"))


def look_again(customer_ids: Sequence[UUID]) -> int:
    """Renew the keys of customers who changed and look for pairs with them; returns how many there are."""
    known = renew_keys(customer_ids)
    ids = list(known)
    mine = select(CustomerKey.key).where(CustomerKey.id == arrays.among(ids)).distinct().subquery()
    wanted = {
        pair for found in _groups(mine) for pair in together(found.others) if pair[0] in known or pair[1] in known
    }
    others = {one for pair in wanted for one in pair} - set(known)
    found = judged(wanted, known | (people(list(others), region()) if others else {}))
    named = or_(DuplicatePair.one_id == arrays.among(ids), DuplicatePair.other_id == arrays.among(ids))
    stale = select(DuplicatePair.id, DuplicatePair.one_id, DuplicatePair.other_id).where(
        named, DuplicatePair.state == "open"
    )
    gone = [row.id for row in db.session.execute(stale) if (row.one_id, row.other_id) not in found]
    if gone:
        forgotten = delete(DuplicatePair).where(DuplicatePair.id == arrays.among(gone))
        db.session.execute(forgotten.execution_options(synchronize_session=False))
    keep(found)
    return len(found)


def together(group: Sequence[tuple[UUID, int]]) -> Iterable[Pair]:
    """Return the pairs of those who meet under one key, but not of two who are whole under it (`likeness.WHOLE`)."""
    if len(group) > MOST_TOGETHER:
        return ()
    two = combinations(sorted(group), 2)
    return ((one, other) for (one, bit), (other, its) in two if not bit & its and one != other)


def met(*, after: int, most: int) -> tuple[set[Pair], int | None]:
    """Return the pairs who meet under the next keys (about `most` rows), and the last of these keys; None at the end."""
    until = db.session.scalar(
        select(CustomerKey.key).where(CustomerKey.key > after).order_by(CustomerKey.key).offset(most).limit(1)
    )
    if until is not None:  # a group is looked at whole, however many are in it
        until = (until & ~1) - 1 if (until & ~1) - 1 > after else until | 1
    part = select(CustomerKey.key, CustomerKey.id).where(CustomerKey.key > after)
    part = (part if until is None else part.where(CustomerKey.key <= until)).subquery()
    query = (
        select(func.array_agg(part.c.id), func.array_agg(part.c.key))
        .group_by(_group(part.c.key))
        .having(func.count().between(2, MOST_TOGETHER))
    )
    pairs: set[Pair] = set()
    for ids, keys in db.session.execute(query):
        pairs.update(together([(one, key & 1) for one, key in zip(ids, keys, strict=True)]))
    return pairs, until


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
    if not found:
        return
    pairs, now = sorted(found), clock.now()
    new = arrays.table(
        id=(identifiers.many(len(pairs)), Uuid), one_id=([one for one, _other in pairs], Uuid), other_id=([other for _one, other in pairs], Uuid),
        score=([int(found[pair].score * 1000) for pair in pairs], Integer), evidence=([" ".join(found[pair].reasons) for pair in pairs], Text),
    )  # fmt: skip
    values = {
        "tenant_id": literal(scope.tenant_id(), BigInteger), "id": new.c.id, "one_id": new.c.one_id, "other_id": new.c.other_id, "score": new.c.score,
        "evidence": cast(func.to_json(func.string_to_array(new.c.evidence, literal(" ", Text))), JSONB), "state": literal("open", Text),
        "found_at": literal(now), "decided_by": literal("", Text),
    }  # fmt: skip
    statement = insert(DuplicatePair).from_select(list(values), select(*values.values()), include_defaults=False)
    renewed = {name: statement.excluded[name] for name in ("score", "evidence", "found_at")}
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "one_id", "other_id"],
            set_=renewed,
            where=DuplicatePair.state != "different",
        )
    )


def forget_unfound(since: datetime) -> None:
    """Throw away open pairs that a look at everybody, begun then, has not found again."""
    gone = delete(DuplicatePair).where(DuplicatePair.state == "open", DuplicatePair.found_at < since)
    db.session.execute(gone.execution_options(synchronize_session=False))


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
