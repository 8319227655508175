"""Visits: a browser's stays in a shop, each made of events less than 30 minutes apart.

Visits are never counted up. The stretch of time in which events are new is cut into visits again, together with the
visits it touches, and they replace what was there; so the order in which events come does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from saas.catalog import products
from saas.commerce.models import Visit, Visitor
from saas.commerce.windows import window
from saas.customers import facts, joins, timeline
from saas.kit import identifiers, queries, scope
from saas.kit.db import db

GAP = timedelta(minutes=30)
MOST_TOLD = 500


def renew(row: Visitor, since: datetime, until: datetime) -> tuple[set[UUID], set[UUID]]:
    """Cut a browser's events from `since` to `until` into visits again; returns the customers and the shops of them."""
    parts = joins.of(row.visitor)
    touched, found = _cut_again(row.visitor, parts, since, until)
    row.weight = sum(visit["events_count"] for visit in found)
    fresh = _put(row.visitor, parts, touched, found)
    customers = {visit["customer_id"] for visit in fresh} | {visit.customer_id for visit in touched}
    return customers - {None}, {visit["source_id"] for visit in fresh}


def _cut_again(
    visitor: str, parts: joins.Parts, since: datetime, until: datetime
) -> tuple[Sequence[Visit], Sequence[Any]]:
    """Return the visits that a stretch of time touches, and what they are by the events in it."""
    touched = list(db.session.scalars(
        select(Visit).where(Visit.visitor == visitor, Visit.ended_at > since - GAP, Visit.began_at < until + GAP)
    ))  # fmt: skip
    since, until = min([since, *(v.began_at for v in touched)]), max([until, *(v.ended_at for v in touched)])
    asked = window(visitor, since, until) | {"cuts": parts.cuts}
    return touched, db.session.execute(queries.load("commerce/queries/visits.sql"), asked).mappings().all()


def _put(visitor: str, parts: joins.Parts, touched: Sequence[Visit], found: Sequence[Any]) -> list[dict[str, Any]]:
    fresh = [_row(visitor, visit, parts) for visit in found]
    _replace(touched, fresh)
    _tell(fresh, touched)
    return fresh


def cut(row: Visitor, parts: joins.Parts) -> None:
    """Cut visits where a browser went from one person to another in the middle of them, and join again what was cut where it
    did not. Visits whose events are not kept any more stay as they are.
    """
    edges = select(Visit.began_at).where(Visit.visitor == row.visitor).order_by(Visit.began_at)
    begun = list(db.session.scalars(edges))
    inside = select(Visit.id).where(Visit.visitor == row.visitor)
    wrong = [
        one
        for one in parts.cuts
        if db.session.scalar(inside.where(Visit.began_at <= one, Visit.ended_at > one).limit(1))
    ]
    near = select(Visit).where(Visit.visitor == row.visitor).order_by(Visit.began_at)
    last: datetime | None = None
    for visit in db.session.scalars(near) if len(begun) > 1 else ():
        split = last is not None and visit.began_at - last < GAP
        if split and last is not None and not any(last <= one < visit.began_at for one in parts.cuts):
            wrong.append(last)
        last = visit.ended_at
    for moment in wrong:
        touched, found = _cut_again(row.visitor, parts, moment, moment)
        if sum(one["events_count"] for one in found) >= sum(one.events_count for one in touched):
            _put(row.visitor, parts, touched, found)


def _row(visitor: str, visit: Any, parts: joins.Parts) -> dict[str, Any]:
    return {
        **visit, "tenant_id": scope.tenant_id(), "id": identifiers.at(visit["began_at"], visitor), "visitor": visitor,
        "customer_id": parts.owner(visit["began_at"]), "referrer": visit["referrer"][:2000], "landing": visit["landing"][:2000],
    }  # fmt: skip


def give(visitor: str, parts: joins.Parts) -> set[UUID]:
    """Give a browser's visits to whose they are; returns the customers who got or lost some."""
    touched: set[UUID] = set()
    changed = []
    for visit in db.session.scalars(select(Visit).where(Visit.visitor == visitor).order_by(Visit.began_at)):
        whose = parts.owner(visit.began_at)
        if whose != visit.customer_id:
            touched |= {one for one in (whose, visit.customer_id) if one is not None}
            visit.customer_id = whose
            changed.append(visit)
    db.session.flush()
    columns = [column.key for column in Visit.__table__.columns]
    timeline.remove_many([("visit", visit.began_at, visitor) for visit in changed if visit.customer_id is None])
    _tell([{name: getattr(visit, name) for name in columns} for visit in changed if visit.customer_id is not None], [])
    return touched


def _replace(touched: Sequence[Visit], fresh: Sequence[dict[str, Any]]) -> None:
    gone = {visit.id for visit in touched} - {visit["id"] for visit in fresh}
    if gone:
        db.session.execute(delete(Visit).where(Visit.id.in_(gone)).execution_options(synchronize_session=False))
    if fresh:
        statement = insert(Visit)
        renewed = {name: statement.excluded[name] for name in fresh[0] if name not in ("tenant_id", "id")}
        db.session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=renewed), fresh)


def _tell(fresh: Sequence[dict[str, Any]], touched: Sequence[Visit]) -> None:
    """Put visits of known customers into their timelines, and take out those that turned out to be part of another."""
    gone = {(visit.began_at, visit.visitor) for visit in touched} - {
        (visit["began_at"], visit["visitor"]) for visit in fresh
    }
    timeline.remove_many([("visit", began_at, visitor) for began_at, visitor in gone])
    told = [visit for visit in fresh if visit["customer_id"] is not None][-MOST_TOLD:]
    if told:
        names = products.by_external({key for visit in told for key in visit["products"][:3]})
        timeline.add_many([_entry(visit, names) for visit in told])


def _entry(visit: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    looked = [{"product": key, "name": names[key].name if key in names else key} for key in visit["products"][:3]]
    more = len(visit["products"]) - 1
    title = "Visited the shop"
    if looked:
        title = f"Looked at {looked[0]['name']}" + (f" and {more} more" if more > 0 else "")
    minutes = round((visit["ended_at"] - visit["began_at"]).total_seconds() / 60)
    details = {"events": visit["events_count"], "views": visit["views_count"], "minutes": minutes, "products": looked,
               "more": max(len(visit["products"]) - 3, 0), "referrer": visit["referrer"], "landing": visit["landing"]}  # fmt: skip
    return {"customer_id": visit["customer_id"], "kind": "visit", "at": visit["began_at"], "title": title, "key": visit["visitor"],
            "details": details}  # fmt: skip


def count(customer_ids: Iterable[UUID]) -> None:
    """Count customers' visits anew and push the figures down to their facts."""
    held = facts.hold(customer_ids)
    if not held:
        return
    query = select(
        Visit.customer_id, func.count(), func.coalesce(func.sum(Visit.views_count), 0), func.min(Visit.began_at), func.max(Visit.ended_at)
    ).where(Visit.customer_id.in_(held)).group_by(Visit.customer_id)  # fmt: skip
    figures = {customer: rest for customer, *rest in db.session.execute(query)}
    facts.note_visits([
        dict(zip(("customer_id", *facts.VISITED), (customer, *figures.get(customer, (0, 0, None, None))), strict=True)) for customer in held
    ])  # fmt: skip
