"""What a shop's page may send about a browser: read by hand, because this is the busiest door of the house.

A batch that is wrong as a whole raises; an event that is wrong is refused with its reason and keeps no other out. What is
too long for its column is cut, what is missing or of the wrong kind is refused, what is not known here is kept beside.

A browser whose clock is wrong says when it sends (`sent_at`), and its events are moved by what it is wrong by.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from saas.kit import errors, identifiers, money
from saas.kit.text import gettext as _

MOST_BYTES, MOST_EVENTS, MOST_ITEMS, MOST_PROPERTIES = 512 * 1024, 100, 200, 4096
OLDEST = timedelta(days=30)
SLIP = timedelta(seconds=90)
"""What a clock may be wrong by, or a batch under way, before the events' times are corrected."""
DAY = timedelta(days=1)
VOUCHED_FOR = {"analytics": True, "marketing": False}
"""What holds where the sender says nothing of consent: a server that sends events answers for them itself."""
TRACKER = re.compile(r"[A-Za-z0-9._-]{1,20}")
VISITOR = re.compile(r"[A-Za-z0-9_-]{1,64}")
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that may be looked at: whose page, which browser, what it agreed to, and its events as they were sent."""

    site_key: str
    visitor: str
    analytics: bool
    marketing: bool
    events: list[Any]
    sent_at: datetime | None = None
    tracker: str = ""
    """Which tracker sent it, as it calls itself; only shown."""


class BadEvent(ValueError):
    """An event cannot be stored; the sentence says why."""


def read(raw: bytes) -> Batch:
    """Return the batch in a request's body; raises errors.Unreadable with the place or errors.Invalid with the fields."""
    try:
        # PostgreSQL takes no NUL, and a page that sends one means nothing by it.
        body = orjson.loads(NUL.sub(rb"\1", raw) if b"\\u0000" in raw else raw)
    except orjson.JSONDecodeError as error:
        raise errors.Unreadable(
            _(
                "The body is not JSON: %(what)s at line %(line)s, column %(column)s.",
                what=error.msg,
                line=error.lineno,
                column=error.colno,
            )
        ) from None
    if not isinstance(body, dict):
        raise errors.Invalid(fields={"body": [_("Must be an object.")]})
    consent, events, visitor = body.get("consent", VOUCHED_FOR), body.get("events"), body.get("visitor")
    wrong: dict[str, list[str]] = {}
    if not isinstance(body.get("site_key"), str):
        wrong["site_key"] = [_("Must be the shop's site key.")]
    if not isinstance(visitor, str) or not VISITOR.fullmatch(visitor):
        wrong["visitor"] = [_("Must be 1 to 64 letters, digits, “_” or “-”.")]
    if not isinstance(consent, dict) or not isinstance(consent.get("analytics"), bool):
        wrong["consent.analytics"] = [_("Must be true or false: what the visitor agreed to.")]
    elif not isinstance(consent.get("marketing", False), bool):
        wrong["consent.marketing"] = [_("Must be true or false: what the visitor agreed to.")]
    if not isinstance(events, list) or not 1 <= len(events) <= MOST_EVENTS:
        wrong["events"] = [_("Must be a list of 1 to 100 events.")]
    sent_at = None
    try:
        sent_at = None if body.get("sent_at") is None else _moment(body["sent_at"])
    except BadEvent as error:
        wrong["sent_at"] = [str(error)]
    if wrong:
        raise errors.Invalid(fields=wrong)
    tracker = body.get("tracker")
    named = tracker if isinstance(tracker, str) and TRACKER.fullmatch(tracker) else ""
    return Batch(
        body["site_key"], visitor, consent["analytics"], consent.get("marketing", False), events, sent_at, named
    )


def rows(batch: Batch, *, source_id: UUID, now: datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the batch's events as rows of shop_events, and those that are refused as {"index", "id", "reason"}."""
    taken, refused = [], []
    names, oldest = (str(source_id), batch.visitor), now - OLDEST
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    wrong_by = _wrong_by(batch, now)
    for index, event in enumerate(batch.events):
        try:
            taken.append(_row(event, names, now, oldest, tomorrow, wrong_by))
        except BadEvent as error:
            told = event.get("id") if isinstance(event, dict) else None
            refused.append({"index": index, "id": told[:64] if isinstance(told, str) else None, "reason": str(error)})
    return taken, refused


def _wrong_by(batch: Batch, now: datetime) -> timedelta:
    """What has to be added to the browser's times; nothing while its clock is about right."""
    wrong_by = now - (batch.sent_at or now)
    return wrong_by if abs(wrong_by) > SLIP else timedelta(0)


def refuse_all(batch: Batch, reason: str) -> list[dict[str, Any]]:
    """Return every event of a batch as refused for one reason."""
    told = [event.get("id") if isinstance(event, dict) else None for event in batch.events]
    return [
        {"index": index, "id": one if isinstance(one, str) else None, "reason": reason}
        for index, one in enumerate(told)
    ]


def _row(
    event: Any, names: tuple[str, str], now: datetime, oldest: datetime, tomorrow: datetime, wrong_by: timedelta
) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise BadEvent(_("An event must be an object."))
    key, kind, said = event.get("id"), event.get("type"), event.get("at")
    if not isinstance(key, str) or not 0 < len(key) <= 64:
        raise BadEvent(_("The id must be a text of 1 to 64 characters."))
    if not isinstance(kind, str) or not NAME.fullmatch(kind):
        raise BadEvent(
            _(
                "The type must be one of %(types)s, or a name of your own: up to 50 of a-z, 0-9 and “_”, a letter first.",
                types=", ".join(KINDS),
            )
        )
    claimed = _moment(said)
    try:
        at = claimed + wrong_by
        # The id keeps the time the browser claims (in whole days right, and to the end of today), so that the same event is
        # one when it is sent again however the two ways took; what is counted happened now at the latest.
        event_id = identifiers.at(min(claimed + round(wrong_by / DAY) * DAY, tomorrow), *names, key)
    except OverflowError:
        raise BadEvent(_("This is older than 30 days.")) from None
    if at < oldest:
        raise BadEvent(_("This is older than 30 days."))
    details: dict[str, Any] = {}
    for name, most in TEXTS:
        value = event.get(name)
        if value is not None:
            details[name] = _text(value, name, most)
    url = details.pop("url", None)
    reader, fields = KINDS.get(kind, OWN)
    product = reader(event, details)
    if event.get("properties") is not None:
        details["properties"] = _properties(event["properties"])
    if event.keys() - fields:
        details["extra"] = _properties({name: event[name] for name in event if name not in fields})
    return {
        "id": event_id,
        "type": kind,
        "at": min(at, now),
        "product": product,
        "url": url,
        "details": details or None,
    }


TEXTS = (("url", 2000), ("referrer", 2000), ("title", 500))
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


def _moment(said: Any) -> datetime:
    try:
        at = datetime.fromisoformat(said)
        if at.tzinfo is None:
            raise BadEvent(_("The time needs a zone, such as Z."))
        return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, BadEvent):
            raise
        raise BadEvent(_("The time (“at”) must be ISO 8601, such as 2026-03-04T11:30:00Z.")) from None


def _text(value: Any, name: str, most: int) -> str:
    if not isinstance(value, str):
        raise BadEvent(_("“%(name)s” must be a text.", name=name))
    return value[:most]


def _key(value: Any, name: str, most: int = 200) -> str:
    """A shop's own id: some send numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise BadEvent(_("“%(name)s” must be a text of 1 to %(most)s characters.", name=name, most=most))
    return value


def _properties(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadEvent(_("“properties” must be an object."))
    if len(orjson.dumps(value)) > MOST_PROPERTIES:
        raise BadEvent(_("“properties”, and what is not known here, are at most 4,096 bytes long."))
    return value


def _page(event: dict[str, Any], details: dict[str, Any]) -> str | None:
    return None if event.get("product") is None else _key(event["product"], "product")


def _product(event: dict[str, Any], details: dict[str, Any]) -> str:
    return _key(event.get("product"), "product")


def _category(event: dict[str, Any], details: dict[str, Any]) -> None:
    details["category"] = _key(event.get("category"), "category")


def _search(event: dict[str, Any], details: dict[str, Any]) -> None:
    details["query"] = _text(event.get("query"), "query", 500)


def _cart(event: dict[str, Any], details: dict[str, Any]) -> None:
    cart = event.get("cart")
    items = cart.get("items") if isinstance(cart, dict) else None
    if not isinstance(items, list):
        raise BadEvent(_("“cart” must be an object with a list of items."))
    if len(items) > MOST_ITEMS:
        raise BadEvent(_("A cart has at most 200 items."))
    kept: dict[str, Any] = {"items": [_item(item) for item in items]}
    if cart.get("id") not in (None, ""):
        kept["id"] = _key(cart["id"], "cart.id")
    if cart.get("url"):
        kept["url"] = _text(cart["url"], "cart.url", 2000)
    if cart.get("currency"):
        kept["currency"] = _text(cart["currency"], "cart.currency", 3).upper()
    details["cart"] = kept


def _item(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise BadEvent(_("An item of a cart must be an object."))
    quantity = item.get("quantity", 1)
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= 1_000_000:
        raise BadEvent(_("A quantity must be a whole number from 0 to 1,000,000."))
    price = item.get("price")
    try:
        if price is not None and money.parse_micros(price) < 0:
            raise money.NotMoney
    except money.NotMoney:
        raise BadEvent(_("A price must be a decimal text, such as “12.50”.")) from None
    return {
        "product": _key(item.get("product"), "product"),
        "quantity": quantity,
        "price": None if price is None else str(price),
    }


def _identity(event: dict[str, Any], details: dict[str, Any]) -> None:
    identity = event.get("identity")
    if not isinstance(identity, dict):
        raise BadEvent(_("“identity” must be an object."))
    kept = {
        name: _key(identity[name], f"identity.{name}", most)
        for name, most in (("token", 500), ("email", 320), ("external_id", 200), ("signature", 128))
        if identity.get(name) not in (None, "")
    }
    if not kept.keys() & {"token", "email", "external_id"}:
        raise BadEvent(_("“identity” needs a token, an email or an external_id."))
    details["identity"] = kept


def _offer(event: dict[str, Any], details: dict[str, Any]) -> str | None:
    details["offer"] = _key(event.get("offer"), "offer", 64)
    return _page(event, details)


EVERY = frozenset({"id", "type", "at", "url", "referrer", "title", "properties"})
Reader = Callable[[dict[str, Any], dict[str, Any]], str | None]
KINDS: dict[str, tuple[Reader, frozenset[str]]] = {
    "page_viewed": (_page, EVERY | {"product"}), "product_viewed": (_product, EVERY | {"product"}), "category_viewed": (_category, EVERY | {"category"}),
    "search_submitted": (_search, EVERY | {"query"}), "cart_updated": (_cart, EVERY | {"cart"}), "checkout_started": (_cart, EVERY | {"cart"}),
    "identified": (_identity, EVERY | {"identity"}), "offer_seen": (_offer, EVERY | {"product", "offer"}),
    "offer_clicked": (_offer, EVERY | {"product", "offer"}),
}  # fmt: skip
"""The types of events, each with what reads it (answers the product it is about) and the fields it knows; what else
an event carries is kept as `extra`."""
OWN: tuple[Reader, frozenset[str]] = (_page, EVERY | {"product"})
"""Events of the shop's own naming."""
