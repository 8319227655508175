"""Reading a product or a variant as somebody sent it: cut to what fits, refused with a sentence where it cannot be one.

What is not in an item is not in what is returned either, so that a message changes only what it tells of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from saas.catalog.models import KINDS, STOCK_STATES
from saas.kit import clock, money, text
from saas.kit.text import fold

MOST_VARIANTS, MOST_IMAGES, MOST_OPTIONS, MOST_KEYS = 2048, 50, 20, 200
MOST_MICROS = 9 * 10**18
TEXTS = {"sku": 120, "name": 500, "description": 20_000, "brand": 200}
VARIANT_TEXTS = {"sku": 120, "name": 500, "barcode": 120, "stock_key": 120}
ADDRESSES = ("url", "image_url")
PRICES = {
    "price": "price_micros", "regular_price": "regular_price_micros", "sale_price": "sale_price_micros", "cost": "cost_micros",
}  # fmt: skip
NEVER_EMPTY = ("name",)
"""A product that is told without its name keeps the one it has; what else is told as empty is empty from then on."""
MOMENTS = {"sale_from": "sale_from_at", "sale_to": "sale_to_at"}
KEYS = {"cross_sells": "cross_sell_keys", "up_sells": "up_sell_keys", "grouped": "grouped_keys"}


class BadItem(ValueError):
    """An item cannot be a product; the sentence says why."""


def cleaned(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns an item fills; keys it does not have are left out. Raises BadItem."""
    found: dict[str, Any] = {"external_id": _key(item, "A product needs an external_id.")}
    found |= _texts(item, TEXTS) | _addresses(item, ADDRESSES) | _selling(item)
    if item.get("currency"):
        found["currency"] = text.clean(item["currency"], most=3).upper()
    for name in ("categories", "tags"):
        if item.get(name) is not None:
            found[name] = list(dict.fromkeys(text.clean(str(word), most=120) for word in item[name] if word))[:50]
    for name, column in KEYS.items():
        if item.get(name) is not None:
            found[column] = list(dict.fromkeys(text.clean(str(key), most=200) for key in item[name] if key))[:MOST_KEYS]
    if item.get("images") is not None:
        found["images"] = _images(item["images"])
        if item.get("image_url") is None:
            found["image_url"] = found["images"][0]["url"] if found["images"] else ""
    if item.get("kind") is not None:
        found["kind"] = item["kind"] if item["kind"] in KINDS else "other"
    if "rating" in item:
        found["rating_hundredths"] = _rating(item["rating"])
    if "name" in found:
        found["name_sort"] = fold(found["name"])[:200]
    return found


def variants(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the columns of an item's variants in their order, None where it tells nothing of them. Raises BadItem."""
    if item.get("variants") is None:
        return None
    if len(item["variants"]) > MOST_VARIANTS:
        raise BadItem(f"A product has at most {MOST_VARIANTS} variants.")
    found = [variant(one, position=place) for place, one in enumerate(item["variants"])]
    if len({one["external_id"] for one in found}) != len(found):
        raise BadItem("Two variants have the same external_id.")
    return found


def variant(item: Mapping[str, Any], *, position: int | None = None) -> dict[str, Any]:
    """Return the columns one variant fills. Raises BadItem."""
    found: dict[str, Any] = {"external_id": _key(item, "A variant needs an external_id.")}
    found |= _texts(item, VARIANT_TEXTS) | _addresses(item, ("image_url",)) | _selling(item)
    place = item.get("position") if item.get("position") is not None else position
    if place is not None:
        found["position"] = max(-1_000_000, min(int(place), 1_000_000))
    if item.get("stock_state") is not None:
        found["stock_state"] = item["stock_state"] if item["stock_state"] in STOCK_STATES else ""
    if item.get("options") is not None:
        found["options"] = [
            {"name": text.clean(str(one.get("name") or ""), most=120), "value": text.clean(str(one.get("value") or ""), most=200)}
            for one in list(item["options"])[:MOST_OPTIONS]
        ]  # fmt: skip
    return found


def _key(item: Mapping[str, Any], sentence: str) -> str:
    key = text.clean(str(item.get("external_id") or ""), most=200)
    if not key:
        raise BadItem(sentence)
    return key


def _texts(item: Mapping[str, Any], names: Mapping[str, int]) -> dict[str, Any]:
    told = [name for name in names if name in item and (item[name] is not None or name not in NEVER_EMPTY)]
    return {name: text.clean("" if item[name] is None else str(item[name]), most=names[name]) for name in told}


def _addresses(item: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    return {name: "" if item[name] is None else _address(item[name], name) for name in names if name in item}


def _address(value: Any, name: str) -> str:
    address = text.clean(str(value), most=2000)
    if address and not address.startswith(("https://", "http://")):
        raise BadItem(f"The {name} must begin with https:// or http://.")
    return address


def _selling(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return prices, when they are reduced, stock and whether it is on sale."""
    if item.get("updated_at") is not None and not clock.likely(item["updated_at"]):
        raise BadItem(f"updated_at cannot be right: {item['updated_at'].isoformat()}.")
    found: dict[str, Any] = {}
    for name, column in PRICES.items():
        if item.get(name) is not None:
            found[column] = _micros(item[name])
        elif name in item:
            found[column] = None
    for name, column in MOMENTS.items():
        if name in item:
            found[column] = None if item[name] is None else _utc(item[name])
    if "stock" in item:
        found["stock"] = None if item["stock"] is None else max(-1_000_000_000, min(int(item["stock"]), 1_000_000_000))
    if item.get("active") is not None:
        found["active"] = bool(item["active"])
    return found


def _micros(value: Any) -> int:
    try:
        micros = money.parse_micros(value)
    except money.NotMoney as error:
        raise BadItem(str(error)) from None
    if abs(micros) > MOST_MICROS:
        raise BadItem(f"“{str(value)[:40]}” is not an amount of money.")
    return micros


def _utc(moment: Any) -> datetime:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise BadItem("A sale begins and ends at moments with their zone.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadItem("A sale begins and ends in the years 1 to 9999.") from None


def _images(images: Iterable[Any]) -> list[dict[str, str]]:
    """Return addresses with what the pictures show, each address once; the names stand as PostgreSQL keeps them."""
    found: dict[str, dict[str, str]] = {}
    for one in list(images)[:MOST_IMAGES]:
        address = _address(one.get("url") or "", "url of a picture")
        if address:
            found.setdefault(address, {"alt": text.clean(str(one.get("alt") or ""), most=300), "url": address})
    return list(found.values())


def _rating(value: Any) -> int | None:
    """Return an average of 0 to 5 stars in hundredths; 0 is what shops say when nobody rated."""
    if value in (None, ""):
        return None
    try:
        stars = money.parse_micros(value) // 10_000
    except money.NotMoney:
        raise BadItem("The rating must be a number from 0 to 5.") from None
    if not 0 <= stars <= 500:
        raise BadItem("The rating must be a number from 0 to 5.")
    return stars or None
