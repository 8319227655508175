"""What was heard from each shop, counted by the hour: what it delivered by topic, and what its pages told by type.

A delivery is counted in the transaction that takes it up: its shop has one line for the hour, and who waits for an answer at the
door must not queue for it. What pages tell is counted by the way in Valkey and carried over every few minutes, so that no shopper
waits for it; should Valkey be lost, some minutes of these figures are, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError, ResponseError
from sqlalchemy import Date, cast, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce.health_models import ShopHour
from saas.kit import clock, identifiers, scope, valkey
from saas.kit.db import db

LATE = timedelta(minutes=15)
KEPT = timedelta(days=120)
WAITING, TTL = "heard", 3 * 86_400
MOST_REASON = 80
EVENT, REFUSED, TRACKER = "event.", "refused.", "tracker."
SHOP_TOPICS = ("order.", "product.", "customer.")
ACTS = {"create": "created", "update": "updated", "updated": "updated", "created": "created", "delete": "deleted", "deleted": "deleted"}  # fmt: skip


def topic_name(topic: str) -> str:
    """Return a topic as all kinds of shop call it here: order.created for WooCommerce's order.created and Shopify's orders/create."""
    noun, mark, act = topic.partition("/") if "/" in topic else topic.partition(".")
    if not mark:
        return topic[:60].lower()
    noun = noun.rstrip("s") if "/" in topic else noun
    return f"{noun}.{ACTS.get(act, act)}"[:60].lower()


def note_deliveries(heard: Iterable[tuple[UUID, str, datetime, datetime | None]]) -> None:
    """Count deliveries: of which shop, their topic, when they came, and when what they tell of changed; where that was long
    before they are late."""
    counted: dict[tuple[UUID, str, datetime], list[int]] = {}
    for shop_id, topic, came_at, changed_at in heard:
        sums = counted.setdefault((shop_id, topic_name(topic), _hour(came_at)), [0, 0])
        sums[0] += 1
        sums[1] += int(changed_at is not None and came_at - changed_at > LATE)
    _add([
        {"shop_id": shop_id, "topic": topic, "at": at, "seen": seen, "late": late, "missed": 0}
        for (shop_id, topic, at), (seen, late) in sorted(counted.items())
    ])  # fmt: skip


def add_missed(shop_id: UUID, missed: Iterable[tuple[str, datetime]]) -> None:
    """Count changes (topic, moment) that never were told."""
    counted: dict[tuple[str, datetime], int] = {}
    for topic, moment in missed:
        key = topic, _hour(moment)
        counted[key] = counted.get(key, 0) + 1
    _add([
        {"shop_id": shop_id, "topic": topic, "at": at, "seen": 0, "late": 0, "missed": number} for (topic, at), number in sorted(counted.items())
    ])  # fmt: skip


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _add(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert(ShopHour)
    summed = {name: ShopHour.__table__.c[name] + statement.excluded[name] for name in ("seen", "late", "missed")}
    values = [{"tenant_id": scope.tenant_id(), "id": identifiers.new(), **row} for row in rows]
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id", "shop_id", "topic", "at"], set_=summed), values
    )


def note_events(
    pipe: Any, tenant_id: int, shop_id: UUID, types: Mapping[str, int], *, refused: Mapping[str, int] = {}, version: str = ""
) -> None:  # fmt: skip
    """Count what a page told, in a pipeline that is on its way anyhow."""
    hour, key = int(_hour(clock.now()).timestamp()), f"{WAITING}:{tenant_id}"
    told = {f"{EVENT}{name}": number for name, number in types.items()}
    told |= {f"{REFUSED}{reason[:MOST_REASON]}": number for reason, number in refused.items()}
    if version:
        told[f"{TRACKER}{version}"] = sum(types.values()) or 1
    for topic, number in told.items():
        pipe.hincrby(key, f"{shop_id}|{hour}|{topic}", number)
    pipe.expire(key, TTL)
    pipe.sadd(WAITING, tenant_id)


def note_refused(tenant_id: int, shop_id: UUID, refused: Mapping[str, int]) -> None:
    """Count what was turned away when nothing else was told."""
    try:
        with valkey.quick().pipeline(transaction=False) as pipe:
            note_events(pipe, tenant_id, shop_id, {}, refused=refused)
            pipe.execute()
    except (RedisError, OSError):
        pass  # figures only


def companies_heard() -> list[int]:
    """Return the companies whose pages told something that was not carried over yet."""
    return sorted(int(one) for one in valkey.client().smembers(WAITING))


def carry_over() -> int:
    """Add what pages told to the bound company's hours, and return how many rows that were."""
    tenant_id, client = scope.tenant_id(), valkey.client()
    key, moving = f"{WAITING}:{tenant_id}", f"{WAITING}-moving:{tenant_id}"
    client.srem(WAITING, tenant_id)
    if not client.exists(moving):
        try:
            client.rename(key, moving)
        except ResponseError:
            return 0  # nothing waits
    else:
        client.sadd(WAITING, tenant_id)  # somebody died over it; what came since waits for the next time
    rows = []
    for field, number in client.hgetall(moving).items():
        shop_id, hour, topic = field.decode().split("|", 2)
        at = datetime.fromtimestamp(int(hour), UTC)
        rows.append({"shop_id": UUID(shop_id), "topic": topic, "at": at, "seen": int(number), "late": 0, "missed": 0})
    known = _known({row["shop_id"] for row in rows})
    rows = sorted(
        (row for row in rows if row["shop_id"] in known), key=lambda row: (row["shop_id"], row["topic"], row["at"])
    )
    _add(rows)
    db.session.flush()
    client.delete(moving)
    return len(rows)


def _known(shop_ids: set[UUID]) -> set[UUID]:
    from saas.commerce.models import Shop

    return set(db.session.scalars(select(Shop.id).where(Shop.id.in_(shop_ids))))


def days(shop_id: UUID, *, since: datetime, zone: str) -> list[tuple[str, Any, int, int, int]]:
    """Return (topic, day, seen, late, missed) of a shop since a moment, by days of a time zone."""
    day = cast(func.timezone(zone, ShopHour.at), Date)
    query = (
        select(ShopHour.topic, day, func.sum(ShopHour.seen), func.sum(ShopHour.late), func.sum(ShopHour.missed))
        .where(ShopHour.shop_id == shop_id, ShopHour.at >= since)
        .group_by(ShopHour.topic, day)
        .order_by(ShopHour.topic, day)
    )
    return [
        (topic, on, int(seen), int(late), int(missed)) for topic, on, seen, late, missed in db.session.execute(query)
    ]


def last_heard(shop_id: UUID, *, since: datetime) -> dict[str, datetime]:
    """Return the last hour in which each topic was heard since a moment."""
    query = select(ShopHour.topic, func.max(ShopHour.at)).where(ShopHour.shop_id == shop_id, ShopHour.at >= since, ShopHour.seen > 0)  # fmt: skip
    return dict(db.session.execute(query.group_by(ShopHour.topic)).all())


def hours(shop_id: UUID, topics: Sequence[str], *, since: datetime) -> list[tuple[str, datetime, int]]:
    """Return (topic, hour, how much was heard) of a shop since a moment."""
    query = select(ShopHour.topic, ShopHour.at, ShopHour.seen).where(
        ShopHour.shop_id == shop_id, ShopHour.topic.in_(topics), ShopHour.at >= since, ShopHour.seen > 0
    )
    return [(topic, at, seen) for topic, at, seen in db.session.execute(query)]


def tidy(*, most: int = 20_000) -> int:
    """Throw away hours that are older than the page shows, at most so many; returns how many. Runs over all companies."""
    old = select(ShopHour.tenant_id, ShopHour.id).where(ShopHour.at < clock.now() - KEPT).limit(most)
    from sqlalchemy import tuple_

    gone = delete(ShopHour).where(tuple_(ShopHour.tenant_id, ShopHour.id).in_(old)).returning(ShopHour.id)
    return len(db.session.execute(gone.execution_options(synchronize_session=False)).all())
