"""Deliveries of shops: stored once before anything else, then taken; what cannot be understood waits with its reason.

Nothing is lost: the body is kept as it came, so a delivery that failed can be replayed after the reason is mended.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from saas.commerce import connecting, connectors, hearing, orders, reconciling, shops, unread
from saas.commerce.connectors.delivery import BadSignature, Unmappable, read
from saas.commerce.connectors.past import TROUBLE, Origin, Outcome, said
from saas.commerce.models import Shop
from saas.commerce.refusal_words import Reason
from saas.integrations.events import DeliveryReceived
from saas.integrations.models import DeliveryIn, Refused
from saas.kit import clock, errors, identifiers, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.tenancy import tenants

log = logging.getLogger("regulars.deliveries")
MOST_BYTES = 4 * 1024 * 1024
MOST_AT_ONCE = 5000
TABLE = DeliveryIn.__table__
STORE = insert(TABLE).on_conflict_do_nothing(index_elements=["tenant_id", "shop_id", "key"]).returning(TABLE.c.id)
"""Made once: making it takes longer than the database takes to do it."""


class NoSuchDelivery(errors.NotFound):
    """There is no such delivery."""


class LargeDelivery(errors.TooLarge):
    """The body has more bytes than a delivery may have."""

    message = f"The delivery is larger than {MOST_BYTES // 1024 // 1024} MB."


class UnreadableDelivery(errors.Unreadable):
    """The body is genuine and is not a JSON object."""


def receive(*, shop_id: UUID, kind: str, headers: Mapping[str, str], raw: bytes, removed: bool = False) -> bool:
    """Verify and store a delivery; False when it was stored before or is only a ping.

    With `removed` the shop may have been disconnected since. Raises BadSignature, UnreadableDelivery, or NoSuchShop when the
    address belongs to another kind of shop.
    """
    shop = shops.one(shop_id, removed=removed)
    if shop.kind != kind:
        raise shops.NoSuchShop
    connector = connectors.KINDS[kind]
    given = {name.lower(): value for name, value in headers.items()}
    delivery = connector.verified(given, raw, connector.signing_secrets(shop))
    if delivery is None:
        connecting.note_ping(shop, agent=given.get("user-agent", ""))
        return False
    try:
        body = read(raw)
    except orjson.JSONDecodeError as error:
        raise UnreadableDelivery(f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise UnreadableDelivery("The body is not a JSON object.")
    delivery = connector.topic_of(delivery, body)
    topic = text.clean(delivery.topic)
    connecting.note_signed(shop, topic=topic)
    if topic == "ping":
        return False
    row = {
        "tenant_id": scope.tenant_id(), "id": identifiers.new(), "shop_id": shop_id, "key": delivery.key, "topic": topic,
        "resource": text.clean(delivery.resource), "body": raw, "state": "waiting", "reason": "", "attempts": 0,
    }  # fmt: skip
    delivery_id = db.session.execute(STORE, row).scalar_one_or_none()
    if delivery_id is None:
        return False
    announce(DeliveryReceived(delivery_ids=[str(delivery_id)], heard=[str(delivery_id)]))
    return True


def refuse(*, shop_id: UUID, reason: str, topic: str = "", address: str = "") -> None:
    """Write down that something was turned away at a shop's address, in a unit of work of its own."""
    log.warning("refused a delivery for shop %s: %s", shop_id, reason)
    if topic and reason == BadSignature.message:
        reconciling.note_badly_signed(shops.one(shop_id, lock=True))
    db.session.add(
        Refused(
            shop_id=shop_id,
            reason=text.clean(reason, most=500),
            topic=text.clean(topic, most=100),
            address=address[:100],
        )
    )


def take(delivery_id: UUID | str) -> DeliveryIn:
    """Take a stored delivery; one that cannot be understood is marked failed with the reason and nothing else changes."""
    delivery = kit_db.one(DeliveryIn, delivery_id, NoSuchDelivery, lock=True)
    shop = shops.one(delivery.shop_id, removed=True)
    if _to_be_taken(delivery, shop):
        _take_one(delivery, shop)
    return delivery


def take_many(delivery_ids: Iterable[UUID | str], *, heard: Iterable[UUID | str] = ()) -> None:
    """Take stored deliveries as if one came after the other; the orders among a shop's are recorded together. Those that were
    `heard` just now are counted, also where a paused shop's wait on."""
    wanted = [UUID(str(one)) for one in delivery_ids]
    query = (
        select(DeliveryIn)
        .where(DeliveryIn.id.in_(wanted))
        .order_by(DeliveryIn.shop_id, DeliveryIn.id)
        .with_for_update()
    )
    found, news = list(db.session.scalars(query)), {str(one) for one in heard}
    hearing.note_deliveries(
        (one.shop_id, one.topic, one.received_at, told_at(one.body)) for one in found if str(one.id) in news
    )
    for shop_id, held in itertools.groupby(found, key=lambda delivery: delivery.shop_id):
        shop = shops.one(shop_id, removed=True)
        fresh = [delivery for delivery in held if _to_be_taken(delivery, shop)]
        for delivery in _orders_together(fresh, shop):
            _take_one(delivery, shop)


def _to_be_taken(delivery: DeliveryIn, shop: Shop) -> bool:
    """What comes while a shop is paused waits, in the state it came in."""
    return delivery.state != "done" and not (shop.state == shops.PAUSED and shop.removed_at is None)


def _orders_together(deliveries: Sequence[DeliveryIn], shop: Shop) -> Sequence[DeliveryIn]:
    """Record the orders among deliveries in one go, and return what is to be taken one by one: all else, and these too where
    it does not go."""
    if len(deliveries) < 2 or shop.removed_at is not None:
        return deliveries
    told = [(delivery, item) for delivery in deliveries if (item := _order_of(shop.kind, delivery)) is not None]
    try:
        with db.session.begin_nested():
            results = orders.record_many([item for _delivery, item in told], shop.id, loud=True) if told else []
            if any(result.status == "failed" for result in results):
                raise Unmappable("One of these is told by itself.")
    except TROUBLE:
        return deliveries
    taken = {delivery.id for delivery, _item in told}
    if taken:
        _note_taken(taken, shop)
    return [delivery for delivery in deliveries if delivery.id not in taken]


def _note_taken(delivery_ids: Collection[UUID], shop: Shop) -> None:
    """Note that deliveries were understood, all by one statement."""
    now = clock.now()
    done = {"state": "done", "reason": "", "taken_at": now, "attempts": DeliveryIn.attempts + 1}
    db.session.execute(update(DeliveryIn).where(DeliveryIn.id.in_(delivery_ids)).values(done))
    shop.last_delivery_at = now
    db.session.flush()


def _order_of(kind: str, delivery: DeliveryIn) -> dict[str, Any] | None:
    """Return the order a delivery tells of and nothing else, or None; why it cannot be read is said where it is taken."""
    try:
        return connectors.KINDS[kind].order_of(read(delivery.body), topic=delivery.topic)
    except TROUBLE:
        return None


def _take_one(delivery: DeliveryIn, shop: Shop) -> None:
    delivery.attempts += 1
    origin = Origin(shop.id, shop.currency or tenants.settings().currency, shop.url)
    try:
        if shop.removed_at is not None and delivery.topic not in getattr(connectors.KINDS[shop.kind], "PRIVACY", ()):
            raise Unmappable(Reason("shop_disconnected"))
        with db.session.begin_nested():
            _take(shop.kind, delivery, origin)
        delivery.state, delivery.reason, delivery.taken_at = "done", "", clock.now()
    except TROUBLE as error:
        delivery.state, delivery.reason = "failed", _kept(said(error))
    shop.last_delivery_at = clock.now()
    db.session.flush()


def _take(kind: str, delivery: DeliveryIn, origin: Origin) -> None:
    """Write what a delivery says; one that was read from the shop's past is written as such."""
    body = read(delivery.body)
    if not delivery.topic.startswith(unread.TOPIC):
        connectors.KINDS[kind].take(body, topic=delivery.topic, origin=origin)
        return
    written = connectors.KINDS[kind].write(delivery.topic.removeprefix(unread.TOPIC), [body], origin)
    if written.unread:
        raise Unmappable(written.unread[0].reason)


def _kept(reason: str) -> str:
    return reason if isinstance(reason, Reason) else text.clean(reason, most=1000)


def told_at(raw: bytes) -> datetime | None:
    """Return when what a delivery tells of changed, where it says so in one of the ways shops do."""
    body = read(raw)
    about = body.get("data") if isinstance(body.get("data"), dict) else body
    when = next((about[name] for name in ("date_modified_gmt", "updated_at") if isinstance(about.get(name), str)), None)
    try:
        found = datetime.fromisoformat(when) if when else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def keep_unread(shop_id: UUID, kind: str, outcomes: Sequence[Outcome]) -> None:
    """Keep things of a shop's past that could not be understood, with their reason; the same thing again renews its line."""
    now = clock.now()
    rows = {
        text.clean(f"{unread.TOPIC}{kind}:{one.body.get('id') or one.reason}", most=300): {
            "tenant_id": scope.tenant_id(), "id": identifiers.new(), "shop_id": shop_id, "topic": f"{unread.TOPIC}{kind}",
            "resource": text.clean(str(one.body.get("id") or ""), most=200), "body": orjson.dumps(one.body), "state": "failed", "reason": _kept(one.reason),
            "attempts": 1, "received_at": now,
        }
        for one in outcomes
    }  # fmt: skip
    if not rows:
        return
    statement = insert(DeliveryIn)
    renewed = {name: statement.excluded[name] for name in ("body", "state", "reason", "received_at")}
    values = [{"key": key, **row} for key, row in sorted(rows.items())]
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id", "shop_id", "key"], set_=renewed), values
    )


unread.keep_with(keep_unread)


def one(delivery_id: UUID | str, *, shop_id: UUID) -> DeliveryIn:
    """Return a delivery of a shop; raises NoSuchDelivery."""
    found = kit_db.one(DeliveryIn, delivery_id, NoSuchDelivery)
    if found.shop_id != shop_id:
        raise NoSuchDelivery
    return found


def readable(delivery: DeliveryIn) -> str:
    """Return a delivery's body as indented JSON, at most 20,000 characters of it."""
    return orjson.dumps(read(delivery.body), option=orjson.OPT_INDENT_2).decode()[:20_000]


def replay(delivery_id: UUID | str) -> DeliveryIn:
    """Try a failed delivery again; raises NoSuchDelivery."""
    return take(delivery_id)


def take_waiting(shop_id: UUID | str) -> int:
    """Have what waited while a shop was paused taken in the background; returns how many are begun with."""
    waiting = select(DeliveryIn.id).where(DeliveryIn.shop_id == shop_id, DeliveryIn.state == "waiting")
    found = list(db.session.scalars(waiting.order_by(DeliveryIn.received_at, DeliveryIn.id).limit(MOST_AT_ONCE)))
    _announce(found)
    return len(found)


def kinds_seen(shop_id: UUID) -> dict[str, tuple[int, datetime]]:
    """Return of which kinds (order, product, customer ...) a shop delivered something that was taken: how many, and when first."""
    kind = func.split_part(DeliveryIn.topic, ".", 1)
    query = select(kind, func.count(), func.min(DeliveryIn.received_at)).where(
        DeliveryIn.shop_id == shop_id, DeliveryIn.state == "done"
    )
    return {name: (number, first) for name, number, first in db.session.execute(query.group_by(kind))}


def replay_all_failed(shop_id: UUID | str) -> int:
    """Have all failed deliveries of a shop tried again in the background; returns how many."""
    shop = shops.one(shop_id)
    failed = list(
        db.session.scalars(
            select(DeliveryIn.id).where(DeliveryIn.shop_id == shop.id, DeliveryIn.state == "failed").limit(5000)
        )
    )
    _announce(failed)
    return len(failed)


def _announce(delivery_ids: Sequence[UUID]) -> None:
    """Each by itself, so that it is tried again by itself."""
    announce(*[DeliveryReceived(delivery_ids=[str(one)]) for one in delivery_ids])


def of_shop(shop_id: UUID, *, state: str | None = None) -> Select:
    """Return a select of a shop's deliveries."""
    query = select(DeliveryIn).where(DeliveryIn.shop_id == shop_id)
    return query.where(DeliveryIn.state == state) if state else query


def newest_failed(shop_id: UUID, *, most: int) -> list[DeliveryIn]:
    """Return the newest deliveries of a shop that could not be understood."""
    query = of_shop(shop_id, state="failed").order_by(DeliveryIn.received_at.desc(), DeliveryIn.id.desc())
    return list(db.session.scalars(query.limit(most)))


NEWEST = ((DeliveryIn.received_at, "desc"), (DeliveryIn.id, "desc"))


def counts(shop_id: UUID) -> dict[str, int]:
    """Return how many deliveries of a shop are waiting, done and failed."""
    query = select(DeliveryIn.state, func.count()).where(DeliveryIn.shop_id == shop_id).group_by(DeliveryIn.state)
    return {"waiting": 0, "done": 0, "failed": 0} | dict(db.session.execute(query).all())


def failed_by_shop() -> dict[UUID, int]:
    """Return how many deliveries could not be understood, of each shop that has such."""
    query = select(DeliveryIn.shop_id, func.count()).where(DeliveryIn.state == "failed").group_by(DeliveryIn.shop_id)
    return dict(db.session.execute(query).all())


def refused_lately(shop_id: UUID) -> list[Refused]:
    """Return what was turned away in the last seven days, newest first, at most twenty."""
    since = clock.now() - timedelta(days=7)
    query = select(Refused).where(Refused.shop_id == shop_id, Refused.refused_at > since)
    return list(db.session.scalars(query.order_by(Refused.refused_at.desc()).limit(20)))


def forget_shop(shop_id: UUID) -> None:
    """Throw away everything a shop delivered, and what was refused of it."""
    for model in (DeliveryIn, Refused):
        db.session.execute(delete(model).where(model.shop_id == shop_id).execution_options(synchronize_session=False))


def tidy(*, most: int = 20_000) -> int:
    """Throw away bodies of deliveries that were understood more than thirty days ago, at most so many; returns how many.

    Runs in a unit of work over all tenants. What was not understood stays until it is.
    """
    old = (
        select(DeliveryIn.tenant_id, DeliveryIn.id)
        .where(DeliveryIn.state == "done", DeliveryIn.received_at < clock.now() - timedelta(days=30))
        .limit(most)
    )
    gone = delete(DeliveryIn).where(tuple_(DeliveryIn.tenant_id, DeliveryIn.id).in_(old)).returning(DeliveryIn.id)
    return len(db.session.execute(gone.execution_options(synchronize_session=False)).all())
