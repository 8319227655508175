"""WooCommerce's products and variations in our shape.

A variable product's delivery holds only the ids of its variations, so its shop is asked for them afterwards (`fetching`). A
variation that is saved is delivered as a product of the type “variation” that names its parent. WooCommerce says “” where
something is empty, 0.00 stars where nobody rated, and a price that is reduced beside the one that is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from saas.catalog import products
from saas.commerce.connectors.delivery import Body, Unmappable, filled, moment, must, plain
from saas.commerce.connectors.past import KeysRefused, Origin, StoreBusy, StoreRefused
from saas.commerce.refusal_words import Reason
from saas.kit import clock

KINDS = {"simple": "simple", "variable": "variable", "grouped": "grouped", "external": "external", "gift-card": "gift", "gift_card": "gift",
         "pw-gift-card": "gift", "variable-subscription": "variable"}  # fmt: skip
STATES = {"instock": "in_stock", "outofstock": "out_of_stock", "onbackorder": "on_backorder"}
PER_PAGE, MOST_PAGES = 100, 21


def take(body: Body, origin: Origin) -> None:
    """Write a delivery about a product, or about one variation of a product; raises Unmappable."""
    if body.get("type") != "variation":
        must(products.upsert_many([product_item(body, origin.currency)], origin.source_id))
        return
    parent = str(body.get("parent_id") or "")
    if not parent or parent == "0":
        raise Unmappable(Reason("variation_alone"))
    try:
        known = products.upsert_variant(variant_item(body), product_key=parent, source_id=origin.source_id)
    except products.BadItem as error:
        raise Unmappable(str(error)) from None
    if not known:
        raise Unmappable(Reason("variation_early", product=parent[:40]))


def product_item(body: Body, currency: str) -> dict[str, Any]:
    """Return a WooCommerce product in our shape; the shop's currency is not in it."""
    if body.get("type") == "variation":
        raise Unmappable(Reason("variation_within"))
    images = _images(body.get("images") or [])
    changed = moment(body, "date_modified_gmt", "date_modified", "date_created_gmt", "date_created")
    item = filled(
        external_id=str(body["id"]), name=body.get("name"), url=body.get("permalink"), currency=currency, updated_at=changed,
    )  # fmt: skip
    if "sku" in body:
        item["sku"] = body["sku"] or ""
    if "short_description" in body or "description" in body:
        item["description"] = plain(body.get("short_description") or body.get("description") or "")
    item |= _selling(body) | {
        "kind": KINDS.get(str(body.get("type") or "simple"), "other"), "images": images,
        "categories": _names(body.get("categories")), "tags": _names(body.get("tags")),
        "cross_sells": _ids(body.get("cross_sell_ids")), "up_sells": _ids(body.get("upsell_ids")), "grouped": _ids(body.get("grouped_products")),
        "active": body.get("status") == "publish" and body.get("catalog_visibility") != "hidden",
    }  # fmt: skip
    if "average_rating" in body:
        item["rating"] = body["average_rating"] or None
    if "brands" in body:
        item["brand"] = ", ".join(_names(body["brands"]))
    if "__variations" in body:
        item |= {
            "variants": [variant_item(one) for one in body["__variations"]],
            "variants_at": body["__asked_at"],
        }
    elif item["kind"] == "variable" and body.get("variations"):
        item["fetch"] = True
    elif item["kind"] == "variable":
        item["variants"] = []
    return item


def variant_item(body: Body) -> dict[str, Any]:
    """Return a variation in our shape."""
    options = [
        {"name": str(one.get("name") or ""), "value": str(one.get("option") or "")}
        for one in body.get("attributes") or []
    ]
    pictures = [body["image"]] if isinstance(body.get("image"), dict) else body.get("images") or []
    image = next((one["src"] for one in pictures if one.get("src")), "")
    item = filled(
        external_id=str(body["id"]), position=body.get("menu_order"),
        updated_at=moment(body, "date_modified_gmt", "date_modified", "date_created_gmt", "date_created"),
    )  # fmt: skip
    return item | _selling(body) | {
        "sku": body.get("sku") or "", "name": " / ".join(one["value"] for one in options if one["value"]), "options": options,
        "image_url": image, "barcode": str(body.get("global_unique_id") or ""), "active": body.get("status") == "publish",
        "stock_state": STATES.get(str(body.get("stock_status") or ""), ""),
    }  # fmt: skip


def _selling(body: Body) -> dict[str, Any]:
    """Return what products and variations have in common; an empty price is told as none, so that it goes away."""
    found: dict[str, Any] = {"stock": _stock(body)}
    for name in ("price", "regular_price", "sale_price"):
        if name in body:
            found[name] = body[name] or None
    for name, ours in (("date_on_sale_from", "sale_from"), ("date_on_sale_to", "sale_to")):
        if name in body or f"{name}_gmt" in body:
            found[ours] = moment(body, f"{name}_gmt", name)
    cost = body.get("cost_of_goods_sold")
    if isinstance(cost, dict) and "total_value" in cost:
        found["cost"] = cost["total_value"]
    return found


def _stock(body: Body) -> int | None:
    """Return how many can be sold; None where nobody counts, where its product counts for all, or where more are sold than there are."""
    if body.get("stock_status") == "outofstock":
        return 0
    if body.get("manage_stock") == "parent" or body.get("backorders", "no") != "no":
        return None
    count = body.get("stock_quantity")
    return None if count is None else int(float(count))


def _images(images: Iterable[Body]) -> list[dict[str, str]]:
    return [{"url": str(one["src"]), "alt": str(one.get("alt") or "")} for one in images if one.get("src")]


def _names(things: Iterable[Body] | None) -> list[str]:
    return [str(one.get("name") or "") for one in things or []]


def _ids(ids: Iterable[Any] | None) -> list[str]:
    return [str(one) for one in ids or []]


def whole(past: Any, key: str) -> Body | None:
    """Return a product with all its variations as the store has them now, or None when it has none; raises StoreRefused or StoreBusy.

    Not called inside a transaction.
    """
    asked_at = clock.now()
    try:
        body, _pages = past.store.call("GET", f"/products/{key}")
    except (KeysRefused, StoreBusy):
        raise
    except StoreRefused:
        if past.absent("products", [key]):
            return None
        raise
    if not isinstance(body, dict) or body.get("type") == "variation":
        return None
    if KINDS.get(str(body.get("type"))) != "variable":
        return body
    found: list[Body] = []
    for number in range(1, MOST_PAGES + 1):
        page, pages = past.store.call(
            "GET", f"/products/{key}/variations", params={"per_page": PER_PAGE, "page": number}
        )
        if not isinstance(page, list):
            raise StoreRefused("The store answered with something else than a list of variations.")
        found += [one for one in page if isinstance(one, dict) and "id" in one]
        if number >= pages:
            break
    return {**body, "__variations": found, "__asked_at": asked_at}
