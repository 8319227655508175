"""Shopify's products and variants in our shape.

A delivery names no collections, and of a product with more than a hundred variants only the first hundred; whatever is not
in it is asked for afterwards (`fetching`). What a variant costs without the reduction is its compare-at price.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saas.catalog import asking, products, variants
from saas.commerce.connectors import shopify_documents as documents
from saas.commerce.connectors import shopify_shapes
from saas.commerce.connectors.delivery import Body, filled, moment, must, plain
from saas.commerce.connectors.past import Origin
from saas.commerce.connectors.shopify_orders import amount

ONLY_ONE = "Default Title"
MOST_PAGES = 21


def take(body: Body, origin: Origin) -> None:
    """Write a delivery about a product. The categories of one that is known stay: what is delivered names no collections."""
    item = product_item(body, origin)
    if products.by_external([item["external_id"]], origin.source_id):
        del item["categories"]
    else:
        item["fetch"] = True
    must(products.upsert_many([item], origin.source_id))


def take_level(body: Body, origin: Origin) -> None:
    """A stock that moved at one of the shop's places: how much there is in all, the shop is asked."""
    counted = variants.by_stock_key(str(body.get("inventory_item_id") or ""), origin.source_id)
    asking.want({one.product_id for one in counted})


def product_item(body: Body, origin: Origin) -> dict[str, Any]:
    """Return a Shopify product in our shape: at the price of its cheapest variant, with the stock of all."""
    told = [variant_item(one, body) for one in body.get("variants") or []]
    pictures = body.get("images") or [one for one in [body.get("image")] if one]
    priced = [one for one in told if one.get("price")]
    cheapest = min(priced, key=lambda one: amount(one["price"]), default={})
    category = (body.get("category") or {}).get("name")
    words = [body.get("product_type"), category, *(body.get("collections") or [])]
    found = filled(
        external_id=str(body["id"]), name=body.get("title"), currency=origin.currency, updated_at=moment(body, "updated_at", "created_at"),
        url=f"{origin.url}/products/{body['handle']}" if origin.url and body.get("handle") else None,
    ) | {
        "categories": list(dict.fromkeys(word for word in words if word)), "tags": _words(body.get("tags") or ""),
        "images": [{"url": one["src"], "alt": one.get("alt") or ""} for one in pictures if one.get("src")],
        "regular_price": cheapest.get("regular_price"), "sale_price": cheapest.get("sale_price"), "kind": _kind(body, told),
        "stock": _stock(body.get("variants") or []),
        "active": str(body.get("status") or "active").lower() == "active" and bool(body.get("published_at")),
    }  # fmt: skip
    if told:
        found |= {"sku": next((one["sku"] for one in told if one["sku"]), ""), "price": cheapest.get("price")}
    for name, ours in (("body_html", "description"), ("vendor", "brand")):
        if name in body:
            found[ours] = plain(body[name] or "") if name == "body_html" else body[name] or ""
    if "cost" in cheapest:
        found["cost"] = cheapest["cost"]
    if len(body.get("variant_gids") or ()) > len(told):
        return found | {"fetch": True}
    return found | {"variants": told}


def variant_item(body: Body, product: Body) -> dict[str, Any]:
    """Return a variant in our shape; its product names its options and its pictures."""
    options = body.get("selected_options") or [
        {"name": str(one.get("name") or ""), "value": str(body.get(f"option{place}") or "")}
        for place, one in enumerate(product.get("options") or [], 1)
    ]
    if [one["value"] for one in options] == [ONLY_ONE] or body.get("title") == ONLY_ONE:
        options = []
    price, before = body.get("price") or None, body.get("compare_at_price") or None
    reduced = price is not None and before is not None and amount(before) > amount(price)
    picture = next(
        (one.get("src") for one in product.get("images") or [] if one.get("id") and one["id"] == body.get("image_id")),
        None,
    )
    found = filled(
        external_id=str(body["id"]), position=body.get("position"), stock_key=str(body.get("inventory_item_id") or ""), updated_at=moment(body, "updated_at"),
    ) | {"price": price}  # fmt: skip
    if "image_id" in body:
        found["image_url"] = picture or ""
    if "cost" in body:
        found["cost"] = body["cost"]
    return found | {
        "sku": body.get("sku") or "", "name": "" if body.get("title") == ONLY_ONE else body.get("title") or "",
        "options": [{"name": str(one["name"]), "value": str(one["value"])} for one in options if one.get("value")],
        "regular_price": before if reduced else price, "sale_price": price if reduced else None, "barcode": str(body.get("barcode") or ""),
        "stock": _stock([body]), "stock_state": _state(body),
    }  # fmt: skip


def _kind(body: Body, told: Sequence[Body]) -> str:
    if body.get("gift_card"):
        return "gift"
    return "variable" if len(told) > 1 or any(one["options"] for one in told) else "simple"


def _stock(told: Sequence[Body]) -> int | None:
    """Return how many can be sold, None where a variant is not counted or is sold beyond its stock."""
    counted = [one for one in told if one.get("inventory_management") and one.get("inventory_policy") != "continue"]
    if not told or len(counted) < len(told):
        return None
    return sum(max(int(one.get("inventory_quantity") or 0), 0) for one in counted)


def _state(body: Body) -> str:
    if not body.get("inventory_management"):
        return "in_stock"
    if int(body.get("inventory_quantity") or 0) > 0:
        return "in_stock"
    return "on_backorder" if body.get("inventory_policy") == "continue" else "out_of_stock"


def _words(tags: Any) -> list[str]:
    found = tags if isinstance(tags, list) else str(tags).split(",")
    return [word for tag in found if (word := str(tag).strip())]


def whole(past: Any, key: str) -> Body | None:
    """Return a product with all its variants as the shop has them now, in the shape of its past; None when it has none.

    Not called inside a transaction; raises StoreRefused or StoreBusy.
    """
    found, children, after = None, [], None
    for _page in range(MOST_PAGES):
        node = past.api.ask(documents.PRODUCT, id=f"gid://shopify/Product/{key}", after=after).get("product")
        if node is None:
            return None
        if found is None:
            found, children = node, [*node.pop("media")["nodes"], *node.pop("collections")["nodes"]]
        page = node.pop("variants")
        children += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    return {**(found or {}), "__children": children}


def read(node: Body, origin: Origin) -> dict[str, Any]:
    """Return a product of the shop's past in our shape."""
    return product_item(shopify_shapes.product(node), origin)
