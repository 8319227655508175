"""The products' pages: what there is with how it sells, one product with its course, and what a company may change itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError

from saas.catalog import finding, products
from saas.catalog.schemas import ProductChange
from saas.commerce import selling, shops
from saas.kit import access, clock, doors, errors, money
from tenant_admin import fields_shown, frame, inline, own_columns, product_parts, selections
from tenant_admin import views as saved

LIMIT, WEEKS = 25, 26
USUAL = "name"
MONTH = timedelta(days=30)
pages = Blueprint("products", __name__)


@pages.get("/products")
@doors.open_to("member", "products.read")
def index():
    """List products with picture, price, stock and what was sold in 30 days."""
    opened = saved.opened("product")
    if opened.leads_to:
        return redirect(opened.leads_to, 303)
    typed, sort = (
        request.args.get("q", "").strip(),
        request.args.get("sort", USUAL if access.readable("product", "name") else "newest"),
    )
    shown, own = request.args.get("show", "on_sale"), own_columns.of("product")
    field = fields_shown.columns("product").get(sort.removeprefix("-"))
    page = finding.listed(
        **selections.products(request.args) | {"where": own.where}, sort=sort if sort in finding.SORTS or (field and field.sortable) else "newest",
        cursor=request.args.get("cursor"), limit=LIMIT,
    )  # fmt: skip
    sales = selling.sold([product.id for product in page.items], since=clock.now() - MONTH)
    category = request.args.get("category", "") if access.readable("product", "categories") else ""
    reduced = finding.reduced_among([product.id for product in page.items])
    return render_template(
        "products/index.html", rows=[_row(product, sales, reduced) | {"cells": own.cells(product)} for product in page.items], next=page.next, q=typed,
        sort=sort, tabs=saved.tabs(opened, _tabs(shown)), filtered=bool(typed or own.where or category) or shown != "on_sale", own=own,
        views=saved.bar(opened), chips=product_parts.chips(category) + own.chips, add=product_parts.add(category) + own.add(),
    )  # fmt: skip


@pages.get("/products/<product_id>")
@doors.open_to("member", "products.read")
def show(product_id: str):
    """Show a product: how it sells week by week, what it is bought with, how many look at it."""
    product = products.one(product_id)
    first = _monday(clock.now().astimezone(ZoneInfo(g.member.zone)).date()) - timedelta(weeks=WEEKS - 1)
    since = datetime.combine(first, datetime.min.time(), ZoneInfo(g.member.zone)).astimezone(UTC)
    weeks = selling.by_week(product.id, since=since, zone=g.member.zone)
    together = selling.bought_with(product.id)
    others, known = products.beside(product, [other for other, _orders in together])
    views, viewers = selling.looked_at(product.external_id, since=clock.now() - MONTH)
    totals = selling.totals(product.id, since=clock.now() - MONTH)
    return render_template(
        "products/show.html", own=inline.own_of("product", product), product=_shown(product), chart=_chart(first, weeks), finding=_finding(first, weeks), totals=totals,
        month={"pieces": totals["lately_pieces"], "micros": totals["lately_micros"] if access.readable("order", "total") else None}, views=views, viewers=viewers, shop=_shop_name(product),
        variants=product_parts.variants(product, request.args.get("cursor")), goes_with=product_parts.goes_with(product, known),
        prices=product_parts.prices(product), together=[{"id": other, "name": others[other].name, "image": others[other].picture, "orders": orders} for other, orders in together if other in others],
    )  # fmt: skip


@pages.route("/products/<product_id>/edit", methods=["GET", "POST"])
@doors.open_to("member", "products.edit")
def edit(product_id: str):
    """Show or take the form of what a company may change; price, stock and addresses of a shop's product are the shop's."""
    product = products.one(product_id)
    own = product.source_id == products.NO_SOURCE
    if request.method == "GET":
        return _form(product, _form_values(product), own=own)
    values = {
        name: request.form.get(name, "").strip() for name in ("name", "categories", "tags", *(OWN if own else ()))
    }
    values["active"] = "1" if request.form.get("active") else ""
    values |= fields_shown.sent("product", request.form)
    barred = access.locked("product")
    try:
        given = _loaded(values, own=own)
        products.change(product_id, **{name: value for name, value in given.items() if name not in barred})
    except (errors.Invalid, errors.Conflict) as error:
        return _form(product, values, own=own, problems=error.fields, general=error.message), 422
    frame.toast(_("Saved"))
    return frame.go(url_for("products.show", product_id=product.id))


OWN = ("price", "currency", "stock", "url", "image_url")


def _loaded(values: dict[str, str], *, own: bool) -> dict[str, Any]:
    given: dict[str, Any] = {"name": values["name"], "active": bool(values["active"])}
    for name in ("categories", "tags"):
        given[name] = [word.strip() for word in values[name].replace("，", ",").split(",") if word.strip()]
    if own:
        given |= {name: values[name] or None for name in ("price", "currency", "stock")} | {
            name: values[name] for name in ("url", "image_url")
        }
    company = {name: value for name, value in values.items() if name.startswith("custom.")}
    try:
        return ProductChange().load(given) | ({"custom": fields_shown.custom("product", company)} if company else {})
    except ValidationError as error:
        messages = {
            name: [str(one) for one in (found if isinstance(found, list) else found.values())]
            for name, found in error.messages.items()
        }
        raise errors.Invalid(fields=messages) from None


def _form_values(product: Any) -> dict[str, str]:
    return {
        "name": product.name, "categories": ", ".join(product.categories), "tags": ", ".join(product.tags), "active": "1" if product.active else "",
        "price": "" if product.price_micros is None else money.micros_text(product.price_micros), "currency": product.currency,
        "stock": "" if product.stock is None else str(product.stock), "url": product.url, "image_url": product.image_url,
    } | fields_shown.held("product", product)  # fmt: skip


def _form(
    product: Any,
    values: dict[str, str],
    *,
    own: bool,
    problems: dict[str, Any] | None = None,
    general: str | None = None,
) -> str:
    return render_template(
        "products/form.html", product=_shown(product), values=values, own=own, problems=problems or {}, general=general, shop=_shop_name(product),
        company=fields_shown.inputs("product", values), labels=fields_shown.labels("product"), locked=access.locked("product"),
    )  # fmt: skip


def _shop_name(product: Any) -> str | None:
    return next((shop.name for shop in shops.all_shops() if shop.id == product.source_id), None)


def _row(product: Any, sales: dict[Any, tuple[int, int]], reduced: set[Any]) -> dict[str, Any]:
    pieces, micros = sales.get(product.id, (0, 0))
    seen = access.readable("product", "sale_price")
    return _shown(product) | {
        "pieces": pieces,
        "micros": micros if access.readable("order", "total") else None,
        "reduced": seen and product.id in reduced,
    }


def _shown(product: Any) -> dict[str, Any]:
    names = (
        "id",
        "external_id",
        "sku",
        "description",
        "url",
        "image_url",
        "price_micros",
        "regular_price_micros",
        "sale_price_micros",
        "sale_to_at",
        "cost_micros",
        "images",
        "brand",
        "kind",
        "rating_hundredths",
        "categories",
        "tags",
        "stock",
        "active",
    )
    return product_parts.seen({name: getattr(product, name) for name in names} | {"on_sale": product.on_sale, "picture": product.picture}) | {
        "name": product.name or product.external_id, "currency": product.currency or g.member.currency,
    }  # fmt: skip


def _tabs(shown: str) -> list[dict[str, Any]]:
    gone = {
        "on_sale": "active",
        "off_sale": "active",
        "sold_out": "stock",
        "reduced": "sale_price",
        "no_picture": "image_url",
    }
    names = (
        ("on_sale", _("On sale")), ("reduced", _("Reduced")), ("sold_out", _("Sold out")), ("no_picture", _("Without a picture")),
        ("off_sale", _("Off sale")), ("all", _("All")),
    )  # fmt: skip
    return [
        {"label": label, "url": url_for("products.index", show=key), "active": key == shown}
        for key, label in names
        if access.readable("product", gone.get(key, ""))
    ]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _chart(first: date, weeks: dict[date, tuple[int, int]]) -> dict[str, Any]:
    days = [first + timedelta(weeks=place) for place in range(WEEKS)]
    values = [weeks.get(day, (0, 0))[0] for day in days] if weeks else []
    return {"x": [day.isoformat() for day in days], "x_name": _("Week"), "y_name": _("Pieces"),
            "series": [{"name": _("Pieces"), "values": values}] if weeks else []}  # fmt: skip


def _finding(first: date, weeks: dict[date, tuple[int, int]]) -> str:
    """Return what the chart says: the last half of the weeks against the first."""
    if not weeks:
        return _("Nothing sold in half a year")
    middle = first + timedelta(weeks=WEEKS // 2)
    before = sum(pieces for day, (pieces, _micros) in weeks.items() if day < middle)
    after = sum(pieces for day, (pieces, _micros) in weeks.items() if day >= middle)
    change = (after - before) / before if before else None
    if change is None or abs(change) > 3 or before + after < 10:
        return _("%(count)s sold in the last three months, %(before)s in the three before", count=after, before=before)
    if abs(change) < 0.1:
        return _("Sells as well as three months ago")
    if change > 0:
        return _("Sells %(share)s%% better than three months ago", share=round(change * 100))
    return _("Sells %(share)s%% less than three months ago", share=round(-change * 100))
