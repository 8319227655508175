"""How what was done to products is undone, and how those made by hand go to the bin and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.catalog import products
from saas.catalog.events import ProductsChanged
from saas.catalog.items import PRICES
from saas.kit import money, records, search
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.tenancy import bin, undoing


def held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    """Return what a product's fields hold now, named as the history names them. Raises NoSuchProduct."""
    product = products.one(record_id, lock=True)
    own = product.custom
    return {
        name: own.get(name.removeprefix(records.CUSTOM)) if name.startswith(records.CUSTOM) else getattr(product, name, None)
        for name in names
    }  # fmt: skip


def change(record_id: str, values: dict[str, Any]) -> None:
    """Change a product's fields, named as the history names them; prices are kept there in millionths."""
    for name, column in PRICES.items():
        if column in values:
            micros = values.pop(column)
            values[name] = None if micros is None else money.micros_text(micros)
    products.change(record_id, **records.kind("product").arguments(values))


undoing.register_edit("products.edited", kind="product", permission="products.edit", read=held, write=change)
undoing.register_bin("product", "products", permission="products.edit", delete=products.delete)


def _tell(ids: Sequence[UUID]) -> None:
    search.touch("product", *ids)
    announce(ProductsChanged(product_ids=[str(one) for one in ids]))


def _taken(clashes: Sequence[Any]) -> str:
    return _("Another product has this id by now.")


bin.register(
    bin.Kind(
        "product",
        "products",
        "products.edit",
        "products.restored",
        label=_l("Product"),
        gone=_tell,
        back=_tell,
        taken=_taken,
    )
)
