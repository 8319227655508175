"""Whose a browser is, and how we know: every piece of evidence is kept, and what follows from it is worked out anew.

Whose a moment of a browser's time is depends on the joins that count and on nothing else, so the order in which they were
heard, merged or taken back makes no difference:

- what is proven counts before what is only claimed; where anything is proven, claims count nothing;
- who is the first has the browser's whole past; whoever shows themselves next has it from then on, and the half hour before,
  as far as the other did not show themselves in it: several people may share a computer, one after the other.

A parting says that a browser is not somebody's. What spoke for it until then does not count, a later claim does not count
either, and later proof does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Text, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.customers.events import VisitorsRecognised
from saas.customers.models import NO_SOURCE, Identity, Join, Parting, VisitorPart
from saas.kit import access, arrays, clock, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce

EVER, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
BEFORE = timedelta(minutes=30)
"""What was looked at so shortly before somebody showed who they are was them, unless the one before was there meanwhile."""
TOLD = 50
"""Browsers that one event tells of: what follows holds them all, so they are few."""
BY_EVENTS = ("signature", "mail_link", "claim")
"""Ways that are read from a browser's own events, and read anew whenever late ones come."""
WHOLE = "whose a browser is depends on everybody who used it, whoever sees them"


@dataclass(frozen=True)
class Evidence:
    """What speaks for a join: how, when, where, and what it is (the order, the form, the event)."""

    way: str
    at: datetime
    ref: str = ""
    last_at: datetime | None = None
    shop_id: UUID = NO_SOURCE
    url: str = ""


@dataclass(frozen=True)
class Told:
    """That a browser is a customer's, with the evidence; `self_id` is who that is at bottom, where the customer is several."""

    visitor: str
    customer_id: UUID
    self_id: UUID
    proven: bool
    evidence: Evidence
    name_id: UUID | None = None
    """The name (identity) by which they were found."""


@dataclass
class Part:
    """A stretch of a browser's time that is one customer's."""

    customer_id: UUID
    self_id: UUID
    proven: bool
    since_at: datetime = EVER
    until_at: datetime = NEVER


@dataclass
class Parts:
    """All stretches of one browser, in their order."""

    held: list[Part] = field(default_factory=list)

    def owner(self, moment: datetime) -> UUID | None:
        """Return whose a moment is."""
        return next((part.customer_id for part in self.held if part.since_at < moment <= part.until_at), None)

    @property
    def last(self) -> Part | None:
        return self.held[-1] if self.held else None

    @property
    def cuts(self) -> list[datetime]:
        """Return the moments at which the browser went from one to another."""
        return [part.since_at for part in self.held[1:]]


def note(told: Sequence[Told]) -> list[str]:
    """Keep evidence and return the browsers that are somebody else's by it. What was told before stays as it is."""
    if not told:
        return []
    with access.lifted(reason=WHOLE):
        _write(told)
        return derive({one.visitor for one in told})


def replace(visitor: str, since: datetime, told: Sequence[Told]) -> list[str]:
    """Have what a browser's own events say from `since` on be exactly this; returns the browser when it is somebody else's now."""
    with access.lifted(reason=WHOLE):
        stale = delete(Join).where(
            Join.visitor == visitor,
            Join.way.in_(BY_EVENTS),
            Join.last_at >= since,
            Join.ref.not_in([one.evidence.ref for one in told]),
        )
        db.session.execute(stale.execution_options(synchronize_session=False))
        _write(told)
        return derive([visitor])


def _write(told: Sequence[Told]) -> None:
    parted = _partings({one.visitor for one in told})
    rows = {}
    for one in told:
        seen = one.evidence
        last_at = seen.last_at or seen.at
        rows[one.visitor, seen.way, seen.ref] = {
            "tenant_id": scope.tenant_id(), "id": identifiers.at(seen.at, one.visitor, seen.way, seen.ref), "customer_id": one.customer_id,
            "self_id": one.self_id, "visitor": one.visitor, "way": seen.way, "proven": one.proven, "at": seen.at, "last_at": last_at,
            "shop_id": seen.shop_id, "url": seen.url[:2000], "ref": seen.ref, "made_by": scope.actor().name if seen.way in ("member", "program") else "",
            "parting_id": _barred(parted.get((one.visitor, one.self_id), ()), proven=one.proven, last_at=last_at), "name_id": one.name_id,
        }  # fmt: skip
    if not rows:
        return
    statement = insert(Join)
    new = statement.excluded
    same = (Join.self_id == new.self_id) & (Join.customer_id == new.customer_id)
    changed = (Join.at != new.at) | (Join.last_at != new.last_at) | ~same | (Join.proven != new.proven)
    renewed = {
        name: new[name]
        for name in ("customer_id", "self_id", "proven", "at", "last_at", "url", "parting_id", "name_id")
    }
    fresh = statement.on_conflict_do_update(
        index_elements=["tenant_id", "visitor", "way", "ref"], set_=renewed, where=changed
    )
    db.session.execute(fresh.execution_options(render_nulls=True), [rows[key] for key in sorted(rows)])


def _partings(visitors: Iterable[str]) -> dict[tuple[str, UUID], list[Parting]]:
    found = select(Parting).where(
        Parting.kind == "visitor", Parting.value == arrays.among(sorted(visitors), Text), Parting.undone_at.is_(None)
    )
    held: dict[tuple[str, UUID], list[Parting]] = defaultdict(list)
    for one in db.session.scalars(found.order_by(Parting.at)):
        held[one.value, one.self_id].append(one)
    return held


def _barred(partings: Sequence[Parting], *, proven: bool, last_at: datetime) -> UUID | None:
    """Return the parting by which evidence does not count: a claim by any, proof by one that came after it."""
    return next((one.id for one in partings if not proven or last_at <= one.at), None)


def derive(visitors: Iterable[str]) -> list[str]:
    """Work out anew whose some browsers' time is; returns those for which that changed, which is announced too."""
    wanted = sorted(set(visitors))
    if not wanted:
        return []
    joined: dict[str, list[Join]] = defaultdict(list)
    counting = select(Join).where(Join.visitor == arrays.among(wanted, Text), Join.parting_id.is_(None))
    for join in db.session.scalars(counting.execution_options(populate_existing=True)):
        joined[join.visitor].append(join)
    stored = of_many(wanted)
    changed = {one: parts_of(joined.get(one, ())) for one in wanted}
    changed = {one: parts for one, parts in changed.items() if parts != stored.get(one, Parts())}
    if changed:
        _store(changed)
        _name(changed)
    news = sorted(changed)
    announce(*[VisitorsRecognised(visitors=news[start : start + TOLD]) for start in range(0, len(news), TOLD)])
    return news


def parts_of(joins: Sequence[Join]) -> Parts:
    """Return whose a browser's time is by the joins that count."""
    best = [one for one in joins if one.proven] or list(joins)
    signs = sorted({(moment, one.id, one.customer_id, one.self_id) for one in best for moment in (one.at, one.last_at)})
    found: list[Part] = []
    last: datetime = EVER
    for moment, _id, customer_id, self_id in signs:
        if not found or found[-1].customer_id != customer_id:
            since = max(last, moment - BEFORE) if found else EVER
            if found:
                found[-1].until_at = since
            found.append(Part(customer_id, self_id, best[0].proven, since_at=since))
        last = moment
    return Parts(found)


def of_many(visitors: Sequence[str]) -> dict[str, Parts]:
    """Return whose the time of browsers is, of those that are anybody's."""
    query = select(VisitorPart).where(VisitorPart.visitor == arrays.among(list(visitors), Text))
    found: dict[str, Parts] = defaultdict(Parts)
    for one in db.session.scalars(query.order_by(VisitorPart.visitor, VisitorPart.place)):
        found[one.visitor].held.append(
            Part(one.customer_id, one.self_id, one.proven, since_at=one.since_at, until_at=one.until_at)
        )
    return found


def of(visitor: str) -> Parts:
    """Return whose a browser's time is."""
    return of_many([visitor]).get(visitor, Parts())


def _store(changed: Mapping[str, Parts]) -> None:
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "visitor": visitor, "place": place, "customer_id": part.customer_id,
         "self_id": part.self_id, "proven": part.proven, "since_at": part.since_at, "until_at": part.until_at}
        for visitor, parts in changed.items() for place, part in enumerate(parts.held)
    ]  # fmt: skip
    beyond = arrays.table(
        visitor=(list(changed), Text), place=([len(parts.held) for parts in changed.values()], Integer)
    )
    gone = delete(VisitorPart).where(VisitorPart.visitor == beyond.c.visitor, VisitorPart.place >= beyond.c.place)
    db.session.execute(gone.execution_options(synchronize_session=False))
    if rows:
        statement = insert(VisitorPart)
        renewed = {
            name: statement.excluded[name] for name in ("customer_id", "self_id", "proven", "since_at", "until_at")
        }
        db.session.execute(
            statement.on_conflict_do_update(index_elements=["tenant_id", "visitor", "place"], set_=renewed), rows
        )
    db.session.expire_all()


def _name(changed: Mapping[str, Parts]) -> None:
    """Have each browser's name lead to whose it is now, or nowhere."""
    gone = [visitor for visitor, parts in changed.items() if parts.last is None]
    mine = (Identity.kind == "visitor", Identity.source_id == NO_SOURCE)
    if gone:
        away = delete(Identity).where(*mine, Identity.value == arrays.among(gone, Text))
        db.session.execute(away.execution_options(synchronize_session=False))
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": part.customer_id, "kind": "visitor", "source_id": NO_SOURCE,
         "value": visitor, "proven": part.proven, "origin_id": part.self_id if part.self_id != part.customer_id else None}
        for visitor, parts in changed.items() if (part := parts.last) is not None
    ]  # fmt: skip
    if rows:
        statement = insert(Identity)
        renewed = {name: statement.excluded[name] for name in ("customer_id", "proven", "origin_id")}
        fresh = statement.on_conflict_do_update(
            index_elements=["tenant_id", "kind", "source_id", "value"], set_=renewed | {"updated_at": func.now()}
        )
        stamped = [row | {"created_at": clock.now(), "updated_at": clock.now()} for row in rows]
        db.session.execute(fresh.execution_options(render_nulls=True), stamped)


def about(customer_id: UUID) -> list[Join]:
    """Return all evidence of a customer's browsers, what does not count too, the newest first."""
    return list(
        db.session.scalars(select(Join).where(Join.customer_id == customer_id).order_by(Join.at.desc(), Join.id))
    )


def before(visitor: str, since: datetime) -> tuple[bool, list[datetime]]:
    """Return whether anything but a browser's events from `since` on proves whose it is, and when it was parted from
    somebody, in order."""
    proof = select(Join.id).where(
        Join.visitor == visitor, Join.proven, Join.parting_id.is_(None), or_(Join.way.not_in(BY_EVENTS), Join.last_at < since)
    )  # fmt: skip
    cuts = select(Parting.at).where(Parting.kind == "visitor", Parting.value == visitor, Parting.undone_at.is_(None))
    return db.session.scalar(proof.limit(1)) is not None, sorted(db.session.scalars(cuts))


def visitors_of(*customer_ids: UUID) -> list[str]:
    """Return the browsers that anything says are these customers'."""
    query = select(Join.visitor).where(Join.customer_id.in_(customer_ids)).distinct()
    return sorted(db.session.scalars(query))


def parted_refs(way: str, visitors: Iterable[str]) -> set[tuple[str, str]]:
    """Return what spoke for joins of browsers (browser, reference) and does not count any more."""
    out = select(Join.visitor, Join.ref).where(
        Join.visitor == arrays.among(sorted(set(visitors)), Text), Join.way == way, Join.parting_id.is_not(None)
    )
    return {(visitor, ref) for visitor, ref in db.session.execute(out)}


def shared(customer_ids: Sequence[UUID]) -> set[str]:
    """Return the browsers of these customers that were somebody else's for a while too: not all that was done there is theirs."""
    mine = select(VisitorPart.visitor).where(VisitorPart.customer_id.in_(customer_ids))
    others = select(VisitorPart.visitor).where(
        VisitorPart.visitor.in_(mine), VisitorPart.customer_id.not_in(customer_ids)
    )
    return set(db.session.scalars(others))


def stretches(customer_ids: Sequence[UUID], visitors: Iterable[str]) -> list[tuple[str, datetime, datetime]]:
    """Return which stretches (browser, since, until) of these browsers are these customers'."""
    query = select(VisitorPart.visitor, VisitorPart.since_at, VisitorPart.until_at).where(
        VisitorPart.customer_id.in_(customer_ids), VisitorPart.visitor == arrays.among(sorted(visitors), Text)
    )
    return [tuple(row) for row in db.session.execute(query)]


def everybody(visitors: Sequence[str]) -> set[UUID]:
    """Return the customers whom anything says browsers are."""
    query = select(Join.customer_id).where(Join.visitor == arrays.among(list(visitors), Text)).distinct()
    return set(db.session.scalars(query))


def give_back(selves: Sequence[UUID], *, back_id: UUID) -> None:
    """Evidence and partings of customers who were merged are theirs again."""
    for model in (Join, Parting):
        theirs = update(model).where(model.self_id.in_(selves), model.customer_id != back_id)
        db.session.execute(theirs.values(customer_id=back_id).execution_options(synchronize_session=False))


def part(customer_id: UUID, visitor: str, *, moved: dict[str, Any]) -> list[Parting]:
    """Say that a browser is not a customer's, whoever of those they were merged of it was; nothing that spoke for it counts."""
    counting = (Join.customer_id == customer_id, Join.visitor == visitor, Join.parting_id.is_(None))
    selves = sorted(db.session.scalars(select(Join.self_id).where(*counting).distinct()))
    now = clock.now()
    made = [
        Parting(id=identifiers.new(), customer_id=customer_id, self_id=one, kind="visitor", value=visitor, at=now, made_by=scope.actor().name, moved=moved)
        for one in selves
    ]  # fmt: skip
    db.session.add_all(made)
    db.session.flush()
    for parting in made:
        out = update(Join).where(*counting, Join.self_id == parting.self_id).values(parting_id=parting.id)
        db.session.execute(out.execution_options(synchronize_session=False))
    derive([visitor])
    return made


def rejoin(parting: Parting) -> None:
    """Take a parting back: what spoke for the join counts again, unless another parting stands."""
    parting.undone_at, parting.undone_by = clock.now(), scope.actor().name
    db.session.flush()
    others = _partings([parting.value]).get((parting.value, parting.self_id), ())
    for join in db.session.scalars(select(Join).where(Join.parting_id == parting.id)):
        join.parting_id = _barred(others, proven=join.proven, last_at=join.last_at)
    db.session.flush()
    derive([parting.value])


def partings_of(customer_id: UUID) -> list[Parting]:
    """Return the partings of a customer that are in force, the newest first."""
    query = select(Parting).where(Parting.customer_id == customer_id, Parting.undone_at.is_(None))
    return list(db.session.scalars(query.order_by(Parting.at.desc(), Parting.id)))
