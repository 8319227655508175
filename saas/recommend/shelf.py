"""Where the models stand: written to PostgreSQL, handed on through Valkey, held in the memory of the web workers.

A worker asks for the versions at most every two seconds and loads what it needs when it is first needed. The least recently
used models give way when the memory is full. With Valkey away or emptied the models come from PostgreSQL, which also fills
Valkey again; with both away what is in memory stays in use, and without any model the caller falls back to popularity.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from redis.exceptions import RedisError
from sqlalchemy import delete, func, select

from saas.kit import clock, identifiers, pool, scope, valkey, work
from saas.kit.db import db
from saas.recommend import archive, places, running_trials
from saas.recommend.again import AgainModel
from saas.recommend.arrivals import ArrivalsModel
from saas.recommend.baskets import BasketModel
from saas.recommend.buyers import BuyerModel
from saas.recommend.carts import CartModel
from saas.recommend.likeness import LikenessModel
from saas.recommend.models import FittedModel
from saas.recommend.popularity import PopularityModel
from saas.recommend.repeats import RepeatModel
from saas.recommend.sessions import SessionModel

log = logging.getLogger(__name__)
READERS: dict[str, Callable[[bytes], Any]] = {
    "sessions": SessionModel.from_bytes,
    "viewed": BasketModel.from_bytes,
    "bought": CartModel.from_bytes,
    "buyers": BuyerModel.from_bytes,
    "popular": PopularityModel.from_bytes,
    "repeats": RepeatModel.from_bytes,
    "alike": LikenessModel.from_bytes,
    "again": AgainModel.from_bytes,
    "arrivals": ArrivalsModel.from_bytes,
    "rules": orjson.loads,
    "slots": places.read,
    "trials": running_trials.read,
}
DECIDED = ("rules", "slots", "trials")
LEARNT = tuple(kind for kind in READERS if kind not in DECIDED)
"""The kinds that are fitted; the others are decided by people."""
SERVING = "SELECT version, blob FROM recommend_models WHERE kind = %s AND serving"
LOOK_EVERY = 2.0
MOST_BYTES = 256 * 1024 * 1024
UNPACKED = 3  # a model in memory is up to this many times its bytes, for the tables that are built beside it
KEPT_FOR = 24 * 3600  # seconds in Valkey after the last fit or load
VERSIONS_FOR = 3600  # then the versions are read from PostgreSQL anew, in case a message was lost
AWAY = (RedisError, OSError, psycopg.Error)
# Versions that are not there are left to the next reader, who writes down all kinds and not this one alone.
ANNOUNCE = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end"


@dataclass
class Held:
    """A model in memory; None where the bytes could not be read by this release."""

    version: str
    model: Any
    size: int


_versions: dict[int, tuple[float, dict[str, str]]] = {}
_at_hand: dict[int, tuple[tuple[float, dict[str, str]], dict[str, Any]]] = {}
"""What was asked for since the last look at the versions, which need not be judged again until the next."""
_stamps: dict[int, int] = defaultdict(itertools.count().__next__)
_held: OrderedDict[tuple[int, str], Held] = OrderedDict()
_guard = threading.Lock()
_loading: dict[tuple[int, str], threading.Lock] = defaultdict(threading.Lock)


def store(kind: str, data: bytes, *, notes: dict[str, Any]) -> str:
    """Put what the bound tenant decided (the rules) in place of what was there, and return its version.

    Fits are kept by `model_versions`, which also decides which of them serves.
    """
    lock(kind)
    version = str(identifiers.new())
    db.session.execute(delete(FittedModel).where(FittedModel.kind == kind))
    db.session.add(
        FittedModel(
            id=identifiers.new(), kind=kind, version=version, fitted_at=clock.now(), blob=data, notes=notes, serving=True, held_back="",
            pinned_at=None,
        )
    )  # fmt: skip
    db.session.flush()
    announce_after_commit(kind, version, data)
    return version


def lock(kind: str) -> None:
    """Keep others from changing which model of a kind serves the bound tenant, until the end of the transaction."""
    name = func.hashtextextended(f"recommend.models.{kind}", scope.tenant_id())
    db.session.execute(select(func.pg_advisory_xact_lock(name)))


def announce_after_commit(kind: str, version: str, data: bytes) -> None:
    """Hand a model that serves from now on to the web workers, once it is written."""
    tenant_id = scope.tenant_id()
    work.after_commit(lambda: _hand_on(tenant_id, kind, version, data, announce=True))


def take_down(kind: str) -> None:
    """Remove the bound tenant's models of a kind."""
    tenant_id = scope.tenant_id()
    if db.session.execute(delete(FittedModel).where(FittedModel.kind == kind)).rowcount:
        work.after_commit(lambda: _take_down(tenant_id, kind))


def _take_down(tenant_id: int, kind: str) -> None:
    valkey.client().hdel(f"model:{tenant_id}:versions", kind)
    valkey.client().delete(f"model:{tenant_id}:{kind}")


def _hand_on(tenant_id: int, kind: str, version: str, data: bytes, *, announce: bool) -> None:
    with valkey.client().pipeline(transaction=True) as together:
        together.set(f"model:{tenant_id}:{kind}", version.encode() + b"\n" + data, ex=KEPT_FOR)
        if announce:
            together.eval(ANNOUNCE, 1, f"model:{tenant_id}:versions", kind, version)
        together.execute()


def get(tenant_id: int, kind: str) -> Any | None:
    """Return a company's model of a kind, None when there is none (yet)."""
    known = _versions.get(tenant_id)
    if known is not None and time.monotonic() - known[0] < LOOK_EVERY:
        at_hand = _at_hand.get(tenant_id)
        if at_hand is not None and at_hand[0] is known and kind in at_hand[1]:
            return at_hand[1][kind]
    wanted = versions(tenant_id).get(kind)
    held = _held.get((tenant_id, kind))
    if wanted is None:
        return _put_at_hand(tenant_id, kind, None)
    if held is not None and held.version == wanted:
        with contextlib.suppress(KeyError):  # another thread needed the room
            _held.move_to_end((tenant_id, kind))
        return _put_at_hand(tenant_id, kind, held.model)
    turn = _loading[tenant_id, kind]
    if held is not None and not turn.acquire(blocking=False):
        return held.model  # somebody fetches the newer one
    if held is None:
        turn.acquire()
    try:
        return _load(tenant_id, kind, wanted)
    finally:
        turn.release()


def _put_at_hand(tenant_id: int, kind: str, model: Any) -> Any:
    known = _versions.get(tenant_id)
    if known is not None:
        at_hand = _at_hand.get(tenant_id)
        if at_hand is None or at_hand[0] is not known:
            at_hand = _at_hand[tenant_id] = known, {}
        at_hand[1][kind] = model
    return model


def versions(tenant_id: int) -> dict[str, str]:
    """Return which version of each kind is the newest, at most two seconds old."""
    known = _versions.get(tenant_id)
    now = time.monotonic()
    if known is not None and now - known[0] < LOOK_EVERY:
        return known[1]
    if known is not None:
        _versions[tenant_id] = (now, known[1])  # the others go on with what is known
    try:
        found = _newest(tenant_id)
    except AWAY:
        found = known[1] if known is not None else {}
    if known is not None and found != known[1]:
        _stamps.pop(tenant_id, None)
    _versions[tenant_id] = (time.monotonic(), found)
    return found


def stamp(tenant_id: int) -> int:
    """Return a number that changes whenever another model or rule is in force, for answers that are kept a moment."""
    versions(tenant_id)
    return _stamps[tenant_id]


def _newest(tenant_id: int) -> dict[str, str]:
    name = f"model:{tenant_id}:versions"
    try:
        found = valkey.client().hgetall(name)
    except (RedisError, OSError):
        return _in_the_ledger(tenant_id)
    if found:
        return {kind.decode(): version.decode() for kind, version in found.items() if kind}
    ledger = _in_the_ledger(tenant_id)
    with valkey.client().pipeline(transaction=True) as together:
        together.hset(name, mapping={"": "asked", **ledger})
        together.expire(name, VERSIONS_FOR)
        together.execute()
    return ledger


def _in_the_ledger(tenant_id: int) -> dict[str, str]:
    with pool.connection(tenant_id=tenant_id) as opened:
        return dict(opened.execute("SELECT kind, version FROM recommend_models WHERE serving").fetchall())


def _load(tenant_id: int, kind: str, wanted: str) -> Any | None:
    held = _held.get((tenant_id, kind))
    if held is not None and held.version == wanted:
        return held.model
    try:
        version, data = _fetch(tenant_id, kind, wanted)
    except AWAY:
        log.warning("no server to read the model %s of tenant %s from", kind, tenant_id)
        return held.model if held is not None else None
    try:
        model = READERS[kind](data)
    except (archive.Unreadable, ValueError):
        model = None
    if version != wanted and tenant_id in _versions:
        _versions[tenant_id][1][kind] = version
    _keep(tenant_id, kind, Held(version, model, len(data) * UNPACKED))
    return model


def _fetch(tenant_id: int, kind: str, wanted: str) -> tuple[str, bytes]:
    """Return the wanted version from Valkey, or what PostgreSQL has, which then is in Valkey again."""
    try:
        found = valkey.client().get(f"model:{tenant_id}:{kind}")
    except (RedisError, OSError):
        found = None
    if found is not None:
        version, _, data = found.partition(b"\n")
        if version.decode() == wanted:
            return wanted, data
    with pool.connection(tenant_id=tenant_id) as opened:
        row = opened.execute(SERVING, [kind]).fetchone()
    if row is None:
        return wanted, b""
    try:
        _hand_on(tenant_id, kind, row[0], bytes(row[1]), announce=row[0] != wanted)
    except (RedisError, OSError):
        pass
    return row[0], bytes(row[1])


def _keep(tenant_id: int, kind: str, fresh: Held) -> None:
    with _guard:
        _held[tenant_id, kind] = fresh
        _held.move_to_end((tenant_id, kind))
        _at_hand.pop(tenant_id, None)
        while len(_held) > 1 and sum(one.size for one in _held.values()) > MOST_BYTES:
            (theirs, _kind), _model = _held.popitem(last=False)
            _at_hand.pop(theirs, None)


def forget() -> None:
    """Empty this process's memory; for tests."""
    with _guard:
        _held.clear()
        _versions.clear()
        _at_hand.clear()
        _stamps.clear()
