"""What was offered to whom, and what became of it: seen, clicked, put into a cart, bought.

An answer to a shopper waits for nothing: it is gathered in this process for a tenth of a second, appended to a stream in
Valkey, and a job writes the stream to PostgreSQL every ten seconds. What was shown in that tenth is lost when the process is
killed, and what was shown in those seconds when Valkey loses its memory; orders and the shopper's own events are not.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from redis.exceptions import RedisError
from sqlalchemy import Select, delete, select
from sqlalchemy.exc import IntegrityError

from saas.commerce.models import ShopEvent
from saas.kit import clock, errors, identifiers, queries, scope, valkey, work
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.recommend import trial_people
from saas.recommend.models import NO_SOURCE, OfferShown

log = logging.getLogger(__name__)
_waiting: deque[tuple[Any, ...]] = deque(maxlen=100_000)
_ring = threading.Event()
_threads: dict[int, threading.Thread] = {}
STREAM = "offers:shown"
GATHER = 0.1  # seconds in which answers of one process are gathered into one message
MOST_WAITING = 50_000  # messages
BATCH = 200
TOLD_FOR = timedelta(days=7)
SLACK = 300  # seconds by which two clocks may differ
UNSEEN_FOR = timedelta(days=60)


class NoSuchOffer(errors.NotFound):
    """There is no such offer."""


def note(
    *,
    tenant_id: int,
    request_id: UUID | str,
    slot: str,
    visitor: str,
    customer_id: UUID | None,
    source: str,
    items: list[list[str]] | Callable[[], list[list[str]]],
    met: Sequence[str] = (),
) -> None:
    """Keep an answer for the stream; a Valkey that is away loses it, for the shopper must not wait.

    Each item is [offer id, product id, the shop's id, reason code, reason text, algorithm, rule's id, model's version, arm], the
    first shown first. `met` is the trial somebody met by it: [trial's id, arm, their key]; the id alone where it is of that trial,
    and they have not met it by this. What makes the items is called when they are written, so that the shopper does not wait for it.
    """
    _waiting.append((tenant_id, request_id, clock.now(), slot, visitor, customer_id, source, items, met))
    _start()
    if not _ring.is_set():
        _ring.set()


def _start() -> None:
    """Start the thread that appends, once in each process."""
    if _threads.get(os.getpid()) is None:
        thread = _threads[os.getpid()] = threading.Thread(target=_append_on, name="offers-shown", daemon=True)
        thread.start()
        atexit.register(flush)


def _append_on() -> None:
    while True:
        _ring.wait()
        _ring.clear()
        time.sleep(GATHER)
        flush()


def flush() -> None:
    """Append what this process has gathered to the stream, in one message."""
    answers = []
    while _waiting and len(answers) < BATCH:
        *answer, items, met = _waiting.popleft()
        answers.append([*answer, items() if callable(items) else items, met])
    if not answers:
        return
    try:
        valkey.client().xadd(STREAM, {"d": orjson.dumps(answers)}, maxlen=MOST_WAITING, approximate=True)
    except (RedisError, OSError) as error:
        log.warning("what was shown was not noted: %s", error)
    if _waiting:
        flush()


def write_pending() -> int:
    """Write what waits in the stream to PostgreSQL, each company in a unit of work of its own; returns how many answers.

    What was written twice because a worker died in between counts once.
    """
    flush()
    written = 0
    while entries := valkey.client().xrange(STREAM, count=BATCH):
        by_tenant: dict[int, list[dict[str, Any]]] = defaultdict(list)
        people: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for _id, fields in entries:
            for tenant_id, *answer in orjson.loads(fields[b"d"]):
                rows, person = _rows(*answer)
                by_tenant[tenant_id] += rows
                people[tenant_id] += person
                written += 1
        for tenant_id, rows in sorted(by_tenant.items()):
            _write(tenant_id, rows, people[tenant_id])
        valkey.client().xdel(STREAM, *[entry_id for entry_id, _fields in entries])
    return written


def _rows(
    request_id: str, at: str, slot: str, visitor: str, customer_id: str | None, source: str, items: list[list[str]], met: list[str]
) -> tuple[list[dict], list[dict]]:  # fmt: skip
    """Return the rows of an answer, and that of whoever met a trial by it."""
    trial_id = met[0] if met else None
    rows = [
        {"id": offer_id, "request_id": request_id, "at": at, "slot": slot, "position": position, "visitor": visitor,
         "customer_id": customer_id, "source_id": source, "product_id": product_id, "product_key": key, "reason_code": code,
         "reason_text": words, "algorithm": algorithm, "rule_id": rule or None, "model_version": version, "trial_id": trial_id, "arm": arm}
        for position, (offer_id, product_id, key, code, words, algorithm, rule, version, arm) in enumerate(items, 1)
    ]  # fmt: skip
    person = (
        [{"trial_id": trial_id, "arm": met[1], "key": met[2], "visitor": visitor, "customer_id": customer_id, "at": at}]
        if len(met) > 1
        else []
    )
    return rows, person


def _write(tenant_id: int, rows: list[dict[str, Any]], people: list[dict[str, Any]]) -> None:
    try:
        with work.unit(tenant_id=tenant_id):
            values = {"tenant": tenant_id, "rows": orjson.dumps(rows).decode(), "no_rule": NO_SOURCE}
            db.session.execute(queries.load("recommend/queries/shown_write.sql"), values)
            if people:
                trial_people.meet(people)
    except IntegrityError as error:  # the company, or what was offered, was deleted at this very moment
        log.warning("%s offers of tenant %s could not be kept: %s", len(rows), tenant_id, error)


def mark(visitors: Sequence[str]) -> None:
    """Mark the bound tenant's offers that these browsers told of (offer_seen, offer_clicked) in the last seven days."""
    low = identifiers.floor(clock.now() - TOLD_FOR)
    told = db.session.execute(
        select(ShopEvent.visitor, ShopEvent.type, ShopEvent.at, ShopEvent.details["offer"].astext).where(
            ShopEvent.visitor.in_(list(visitors)),
            ShopEvent.type.in_(["offer_seen", "offer_clicked"]),
            ShopEvent.id >= low,
        )
    ).all()
    rows = [
        {"offer": str(offer), "visitor": visitor, "at": at.isoformat(), "clicked": kind == "offer_clicked"}
        for visitor, kind, at, told_of in told
        if (offer := _offer_id(told_of)) is not None
    ]
    _mark_told(rows, low)


def mark_in_mail(offer_ids: Sequence[str], *, at: datetime, clicked: bool) -> None:
    """Mark the bound tenant's offers that somebody saw or clicked in a mail, however long ago it was chosen."""
    rows = [
        {"offer": one_of_them, "visitor": "", "at": at.isoformat(), "clicked": clicked} for one_of_them in offer_ids
    ]
    _mark_told(rows, min((UUID(one_of_them) for one_of_them in offer_ids), default=NO_SOURCE))


def _mark_told(rows: list[dict[str, Any]], low: UUID) -> None:
    """Mark what is told of offers with ids from `low` on, after what waits in the stream where one is not written yet."""
    if not rows:
        return
    wanted = {row["offer"] for row in rows}
    known = set(
        db.session.scalars(
            select(OfferShown.id).where(OfferShown.id.in_([UUID(one) for one in wanted]), OfferShown.id >= low)
        )
    )
    if len(known) < len(wanted):
        _write_first()
    values = {"tenant": scope.tenant_id(), "low": low, "rows": orjson.dumps(rows).decode(), "no_rule": NO_SOURCE}
    db.session.execute(queries.load("recommend/queries/shown_mark.sql"), values)


def mark_carts(visitors: Sequence[str]) -> None:
    """Mark the bound tenant's offers whose product these browsers put into a cart after seeing them, in the last seven days."""
    values = {
        "tenant": scope.tenant_id(), "visitors": list(visitors), "low": identifiers.floor(clock.now() - TOLD_FOR), "slack": SLACK,
        "days": TOLD_FOR.days, "no_rule": NO_SOURCE,
    }  # fmt: skip
    db.session.execute(queries.load("recommend/queries/shown_cart.sql"), values)


def _offer_id(told: str | None) -> UUID | None:
    """Browsers may tell anything."""
    try:
        return UUID(told or "")
    except ValueError:
        return None


def _write_first() -> None:
    """Somebody may click sooner than the stream is written."""
    try:
        write_pending()
    except (RedisError, OSError) as error:
        log.warning("the stream of offers shown cannot be read: %s", error)


def one(offer_id: UUID | str) -> OfferShown:
    """Return an offer that was shown; raises NoSuchOffer."""
    return kit_db.one(OfferShown, offer_id, NoSuchOffer)


def query(*, slot: str | None = None, visitor: str | None = None, customer_id: UUID | None = None) -> Select:
    """Return a select of offers shown, of a place, browser or customer or of all."""
    found = select(OfferShown)
    if slot:
        found = found.where(OfferShown.slot == slot)
    if visitor:
        found = found.where(OfferShown.visitor == visitor)
    if customer_id:
        found = found.where(OfferShown.customer_id == customer_id)
    return found


ORDER = ((OfferShown.id, "desc"),)


def tidy(*, most: int = 20_000) -> int:
    """Throw away the bound tenant's old offers that nobody saw; their number stays in the counts. Returns how many."""
    old = select(OfferShown.id).where(
        OfferShown.id < identifiers.floor(clock.now() - UNSEEN_FOR),
        OfferShown.seen_at.is_(None),
        OfferShown.bought_at.is_(None),
    )
    gone = delete(OfferShown).where(OfferShown.id.in_(old.limit(most))).execution_options(synchronize_session=False)
    return db.session.execute(gone).rowcount
