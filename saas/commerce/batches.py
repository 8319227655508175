"""What a shop's page may send about a browser: read by hand, because this is the busiest door of the house.

A batch that is wrong as a whole raises; an event that is wrong is refused with its reason and keeps no other out. What is
too long for its column is cut, what is missing or of the wrong kind is refused.
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
VOUCHED_FOR = {"analytics": True, "marketing": False}
"""What holds where the sender says nothing of consent: a server that sends events answers for them itself."""
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
    if wrong:
        raise errors.Invalid(fields=wrong)
    return Batch(body["site_key"], visitor, consent["analytics"], consent.get("marketing", False), events)


def rows(batch: Batch, *, source_id: UUID, now: datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the batch's events as rows of shop_events, and those that are refused as {"index", "id", "reason"}."""
    taken, refused = [], []
    names, oldest = (str(source_id), batch.visitor), now - OLDEST
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    for index, event in enumerate(batch.events):
        try:
            taken.append(_row(event, names, now, oldest, tomorrow))
        except BadEvent as error:
            told = event.get("id") if isinstance(event, dict) else None
            refused.append({"index": index, "id": told[:64] if isinstance(told, str) else None, "reason": str(error)})
    return taken, refused


def refuse_all(batch: Batch, reason: str) -> list[dict[str, Any]]:
    """Return every event of a batch as refused for one reason."""
    told = [event.get("id") if isinstance(event, dict) else None for event in batch.events]
    return [
        {"index": index, "id": one if isinstance(one, str) else None, "reason": reason}
        for index, one in enumerate(told)
    ]


def _row(event: Any, names: tuple[str, str], now: datetime, oldest: datetime, tomorrow: datetime) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise BadEvent(_("An event must be an object."))
    key, kind, said = event.get("id"), event.get("type"), event.get("at")
    if not isinstance(key, str) or not 0 < len(key) <= 64:
        raise BadEvent(_("The id must be a text of 1 to 64 characters."))
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadEvent(_("The type must be one of %(types)s.", types=", ".join(KINDS)))
    at = _moment(said)
    if at < oldest:
        raise BadEvent(_("This is older than 30 days."))
    # The id keeps the time the browser claims (to the end of today), so that a clock that is ahead does not make the
    # same event two when it is sent again; what is counted happened now at the latest.
    event_id = identifiers.at(min(at, tomorrow), *names, key)
    details: dict[str, Any] = {}
    for name, most in TEXTS:
        value = event.get(name)
        if value is not None:
            details[name] = _text(value, name, most)
    url = details.pop("url", None)
    product = KINDS[kind](event, details)
    if event.get("properties") is not None:
        details["properties"] = _properties(event["properties"])
    return {
        "id": event_id,
        "type": kind,
        "at": min(at, now),
        "product": product,
        "url": url,
        "details": details or None,
    }


TEXTS = (("url", 2000), ("referrer", 2000), ("title", 500))


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
        raise BadEvent(_("“properties” are longer than 4,096 bytes."))
    return value


def _page(event: dict[str, Any], details: dict[str, Any]) -> str | None:
    return None if event.get("product") is None else _key(event["product"], "product")


def _product(event: dict[str, Any], details: dict[str, Any]) -> str:
    return _key(event.get("product"), "product")


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


KINDS: dict[str, Callable[[dict[str, Any], dict[str, Any]], str | None]] = {
    "page_viewed": _page, "product_viewed": _product, "search_submitted": _search, "cart_updated": _cart,
    "checkout_started": _cart, "identified": _identity, "offer_seen": _offer, "offer_clicked": _offer,
}  # fmt: skip
"""The types of events, each with what it must carry; answers the product it is about."""
