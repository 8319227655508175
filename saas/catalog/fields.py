"""The fields of a product, for forms, lists, filters, imports, exports and the API alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from saas.catalog import products
from saas.catalog.models import Product, ProductValue
from saas.kit import records
from saas.kit.records import Field
from saas.kit.text import later as _l

WHAT, SELLING, MORE = _l("What it is"), _l("Selling"), _l("More")


def _own(name: str, label: Any, group: Any, type: str = "text", most: int = 0, **more: Any) -> Field:
    return Field(name, type, label, getattr(Product, name), group=group, most=most, **more)


def _price(name: str, label: Any) -> Field:
    column = getattr(Product, f"{name}_micros")
    return Field(name, "money", label, column, unit="micros", currency=Product.currency, group=SELLING)


FIELDS = (
    _own("name", _l("Name"), WHAT, most=500, sort="name"),
    _own("sku", _l("Article number"), WHAT, most=120),
    _own("external_id", _l("Number in the shop"), WHAT, most=200, required=True),
    _own("description", _l("Description"), WHAT, "long_text", most=20_000, filterable=False),
    _own("categories", _l("Categories"), WHAT, "tags"),
    _own("tags", _l("Tags"), WHAT, "tags"),
    _own("brand", _l("Brand"), WHAT, most=200),
    _price("price", _l("Price")),
    _price("regular_price", _l("Regular price")),
    _price("sale_price", _l("Reduced price")),
    _own("sale_from_at", _l("Reduced from"), SELLING, "moment", editable=False),
    _own("sale_to_at", _l("Reduced until"), SELLING, "moment", editable=False),
    _price("cost", _l("Purchase price")),
    _own("currency", _l("Currency"), SELLING, most=3),
    _own("stock", _l("In stock"), SELLING, "number"),
    _own("active", _l("On sale"), SELLING, "yes_no"),
    _own("url", _l("Address in the shop"), MORE, "link", filterable=False),
    _own("image_url", _l("Address of the picture"), MORE, "link", filterable=False),
    _own("created_at", _l("Known since"), MORE, "moment", editable=False),
    _own("updated_at", _l("Last changed"), MORE, "moment", editable=False),
)

KIND = records.register(
    records.Kind(
        "product",
        _l("Product"),
        _l("Products"),
        "products",
        Product,
        FIELDS,
        one=products.one,
        query=lambda: select(Product),
        create=products.create,
        change=products.change,
        delete=products.delete,
        values=ProductValue,
        title=lambda product: product.name or product.external_id,
    )  # fmt: skip
)
