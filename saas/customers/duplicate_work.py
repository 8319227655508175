"""Long work with duplicates: looking through the whole base, and merging all pairs that are all but certain.

The scan goes twice over the base, each time in order and a bounded part in memory: first every customer's keys are written
where they changed, then the keys are read in order, and who meets under one is compared. It can be stopped and goes on where
it was. Once everybody was looked through, only who changed since needs to be.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.customers import duplicates, likeness, merge_tree, merging, unmerging
from saas.customers.models import Customer, CustomerMerge
from saas.kit import access, errors
from saas.kit.db import db
from saas.kit.text import later as _l
from saas.tenancy import operations
from saas.tenancy.models import Operation

PART = 4_000
KEYS = 40_000
SCAN, MERGE = "customers.find_duplicates", "customers.merge_duplicates"
NIL = "00000000-0000-0000-0000-000000000000"
FIRST = -(2**63)


def scan(*, since: datetime | None = None) -> Any:
    """Begin to look for duplicates in the whole base, or among those who changed since; one at a time. Returns the operation."""
    under_way = operations.going(SCAN)
    if under_way:
        return under_way[0]
    query = select(func.count()).select_from(Customer)
    many = db.session.scalar(query if since is None else query.where(Customer.updated_at >= since)) or 0
    params = {"since": since.isoformat() if since else None, "customers": many} | _manner()
    return operations.start(kind=SCAN, params=params, total=many * (1 if since else 2), title="")


def scan_news() -> Any:
    """Begin to look among those who changed since the last scan, or in the whole base where there was none like it."""
    return scan(since=_known_until())


def _manner() -> dict[str, Any]:
    """Return by which rules the acting person looks, and whether at everybody."""
    return {"rules": likeness.RULES, "limited": access.current().limited}


def _known_until() -> datetime | None:
    """Return when the newest scan began that went by the rules of now and saw as much as the acting person does."""
    query = select(Operation.started_at).where(Operation.kind == SCAN, Operation.state == "done")
    alike = query.where(Operation.params.contains(_manner()))
    return (
        None if access.current().limited else db.session.scalars(alike.order_by(Operation.id.desc()).limit(1)).first()
    )


def latest() -> Any:
    """Return the newest scan there was, or None."""
    return db.session.scalars(
        select(Operation).where(Operation.kind == SCAN).order_by(Operation.id.desc()).limit(1)
    ).one_or_none()


def scanned() -> list[tuple[int, datetime]]:
    """Return the companies that were scanned, each with when its last scan began; asked over all companies."""
    query = select(Operation.tenant_id, func.max(Operation.started_at)).where(
        Operation.kind == SCAN, Operation.state == "done"
    )
    return [(tenant_id, since) for tenant_id, since in db.session.execute(query.group_by(Operation.tenant_id)) if since]


def scan_changed(since: datetime) -> None:
    """Look among customers who changed since then, if there are any; at everybody when the rules are others now."""
    if _known_until() is None:
        scan()
    elif db.session.scalar(select(Customer.id).where(Customer.updated_at >= since).limit(1)) is not None:
        scan(since=since)


@operations.kind(SCAN, permission="customers.edit", title=_l("Looking for duplicates"))
def step(operation: Any) -> bool:
    """Do one part of the scan."""
    cursor = operation.cursor or {}
    if operation.params.get("since"):
        return _step_changed(operation, cursor, datetime.fromisoformat(operation.params["since"]))
    if cursor.get("phase", "keys") == "keys":
        return _step_keys(operation, cursor)
    return _step_pairs(operation, cursor)


def _next(last: str, since: datetime | None = None) -> list[UUID]:
    query = select(Customer.id).where(Customer.id > UUID(last)).order_by(Customer.id).limit(PART)
    return list(db.session.scalars(query if since is None else query.where(Customer.updated_at >= since)))


def _step_changed(operation: Any, cursor: dict[str, Any], since: datetime) -> bool:
    ids = _next(cursor.get("last", NIL), since)
    if not ids:
        return False
    found = duplicates.look_again(ids)
    operation.cursor = {"last": str(ids[-1])}
    _tell(operation, found)
    operation.done += len(ids)
    return len(ids) == PART


def _step_keys(operation: Any, cursor: dict[str, Any]) -> bool:
    ids = _next(cursor.get("last", NIL))
    if ids:
        duplicates.renew_keys(ids)
        operation.done += len(ids)
    more = len(ids) == PART
    operation.cursor = {"phase": "keys", "last": str(ids[-1])} if more else {"phase": "pairs", "after": FIRST}
    return True


def _step_pairs(operation: Any, cursor: dict[str, Any]) -> bool:
    pairs, reached = duplicates.met(after=cursor["after"], most=KEYS)
    if pairs:
        known = duplicates.people(list({one for pair in pairs for one in pair}), duplicates.region())
        found = duplicates.judged(pairs, known)
        duplicates.keep(found)
        _tell(operation, len(found))
    many = operation.params["customers"]
    if reached is None:
        if not operation.params.get("limited"):  # who sees only some has not found the others' pairs
            duplicates.forget_unfound(operation.started_at)
        operation.done = max(operation.done, 2 * many)
        return False
    operation.cursor = {"phase": "pairs", "after": reached}
    operation.done = max(operation.done, many + int(many * (reached - FIRST) / 2**64))
    return True


def _tell(operation: Any, found: int) -> None:
    operation.report = {**(operation.report or {}), "compared": (operation.report or {}).get("compared", 0) + found}


def merge_safe() -> Any:
    """Begin to merge all pairs that are all but certain; can be undone as a whole. Returns the operation."""
    under_way = operations.going(MERGE)
    return (
        under_way[0]
        if under_way
        else operations.start(kind=MERGE, params={}, total=duplicates.counts()["safe"], title="")
    )


def _apart(operation: Any) -> bool:
    """Undo one part of a merge of many, the newest first."""
    query = select(CustomerMerge.id).where(CustomerMerge.batch == operation.id, CustomerMerge.undone_at.is_(None))
    ids = list(db.session.scalars(query.order_by(CustomerMerge.id.desc()).limit(10)))
    for merge_id in ids:
        try:
            unmerging.unmerge(merge_id)
        except errors.Conflict as error:
            merge_tree.one(merge_id).batch = None
            operations.note_failed(operation, [(0, {"merge": str(merge_id)}, error.message)])
    operation.undone += len(ids)
    return len(ids) == 10


@operations.kind(MERGE, permission="customers.delete", title=_l("Merging certain duplicates"), undo=_apart)
def merge_step(operation: Any) -> bool:
    """Merge the next pairs that are all but certain, the likeliest first."""
    safe = (
        duplicates.queue().where(duplicates.is_safe()).order_by(*(column.desc() for column, _way in duplicates.ORDER))
    )
    pairs = [(pair.id, pair.one_id, pair.other_id) for pair in db.session.scalars(safe.limit(10))]
    for pair_id, *ids in pairs:
        known = duplicates.known(ids)
        if len(known) < 2:
            continue  # one of them was merged with the pair before
        winner, loser = duplicates.winner_of(known)
        names = {"winner": known[winner][0].name, "loser": known[loser][0].name}
        try:
            with db.session.begin_nested():
                merging.merge(winner_id=winner, loser_id=loser, batch=operation.id)
            operation.done += 1
        except errors.Refusal as error:
            duplicates.decide(pair_id, "skipped")
            operations.note_failed(operation, [(operation.done, names, error.message)])
    return len(pairs) == 10
