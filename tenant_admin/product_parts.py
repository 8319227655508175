"""What the products' pages show of a product beside its sales: variants, what goes with it, and its price over time."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import g
from flask_babel import gettext as _

from saas.catalog import finding, moving
from saas.catalog import variants as of_products
from saas.kit import access, clock, money
from tenant_admin.markup import here

LIMIT, MOST_SHOWN, MOST_CATEGORIES = 25, 12, 30
GOVERNED = {
    "price_micros": "price", "regular_price_micros": "regular_price", "sale_price_micros": "sale_price", "sale_to_at": "sale_price",
    "on_sale": "sale_price", "cost_micros": "cost", "images": "image_url", "picture": "image_url", "stock_state": "stock", "available": "stock",
}  # fmt: skip
VARIANT = ("id", "name", "sku", "options", "price_micros", "regular_price_micros", "on_sale", "cost_micros", "stock", "stock_state", "available",
           "active", "image_url", "barcode")  # fmt: skip


def seen(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a product or a variant with what the reader must not see left empty."""
    return access.blanked("product", values, **{name: field for name, field in GOVERNED.items() if name in values})


def variants(product: Any, cursor: str | None) -> dict[str, Any]:
    """Return a page of a product's variants."""
    page = of_products.of_product(product.id, cursor=cursor, limit=LIMIT)
    rows = [seen({name: getattr(one, name) for name in VARIANT}) for one in page.items]
    for row in rows:
        said = " / ".join(one["value"] for one in row["options"] if one.get("value"))
        row["label"] = row["name"] or said or row["sku"] or _("The only variant")
        row["options"] = ", ".join(f"{one['name']}: {one['value']}" for one in row["options"] if one.get("name"))
    return {"rows": rows, "next": page.next}


def goes_with(product: Any, found: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return what the shop says goes with a product, under headings; what has not arrived is counted."""
    groups = []
    titles = {"cross_sells": _("Offered in the cart"), "up_sells": _("Offered instead"), "grouped": _("Made of")}
    keys = {
        "cross_sells": product.cross_sell_keys,
        "up_sells": product.up_sell_keys,
        "grouped": product.grouped_keys,
    }
    for name, title in titles.items():
        if keys[name]:
            shown = [
                {"id": one.id, "name": one.name or one.external_id, "image": one.picture}
                for one in found[name][:MOST_SHOWN]
            ]
            groups.append(
                {
                    "title": title,
                    "products": shown,
                    "missing": len(keys[name]) - len(found[name]),
                    "total": len(keys[name]),
                }
            )
    return groups


def prices(product: Any) -> dict[str, Any] | None:
    """Return the course of a product's own price as a chart with its finding; None for who must not see prices."""
    if not access.readable("product", "price"):
        return None
    rows = [row for row in moving.prices_of(product.id) if row.variant_id is None and row.new_micros is not None]
    currency, zone = product.currency or g.member.currency, ZoneInfo(g.member.zone)
    points: dict[str, int] = {}
    if rows and rows[0].old_micros is not None:
        points[min(product.created_at, rows[0].at).astimezone(zone).date().isoformat()] = rows[0].old_micros
    for row in rows:
        points[row.at.astimezone(zone).date().isoformat()] = row.new_micros
    if rows and product.price_micros is not None:
        points[clock.now().astimezone(zone).date().isoformat()] = product.price_micros
    days = sorted(points)
    values = [money.from_micros(points[day], currency) for day in days]
    series = [{"name": _("Price"), "values": values}] if len(values) > 1 else []
    chart = {"x": days, "x_name": _("Day"), "y_name": _("Price"), "series": series}
    return {"chart": chart, "unit": f"money:{currency}", "finding": _finding(rows, product.price_micros)}


def _finding(rows: list[Any], now: int | None) -> str:
    if not rows or now is None:
        return _("The price has not changed")
    first = next((row.old_micros for row in rows if row.old_micros), None)
    if not first or first == now:
        return _("The price changed and is what it was")
    share = round(abs(now - first) / first * 100)
    if now < first:
        return _("The price fell by %(share)s%%", share=share)
    return _("The price rose by %(share)s%%", share=share)


def chips(category: str) -> list[dict[str, Any]]:
    """Return the filter on a category as it stands above the list."""
    return (
        [{"sentence": _("in the category %(name)s", name=category), "remove": here(category=None)}] if category else []
    )


def add(category: str) -> list[dict[str, Any]]:
    """Return what the filter menu offers of the categories."""
    if not access.readable("product", "categories"):
        return []
    names = [name for name in finding.categories(limit=MOST_CATEGORIES) if name and name != category]
    return (
        [{"heading": _("Category")}, *[{"label": name, "url": here(category=name)} for name in names]] if names else []
    )
