"""What it means that a price or a stock moved: a row of the prices' history and an event, and only when it really did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from saas.catalog.events import PriceChanged, StockChanged
from saas.catalog.models import Product, ProductPrice
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce

AT_ONCE = 500


@dataclass
class Moves:
    """What moved while products were written; the first old value and the last new one of each thing."""

    prices: dict[tuple[UUID, UUID | None], list[Any]] = field(default_factory=dict)
    stocks: dict[tuple[UUID, UUID | None], list[Any]] = field(default_factory=dict)

    def note(
        self, product: Product, newer: Mapping[str, Any], *, held: Any, at: datetime, variant_id: UUID | None = None
    ) -> None:
        """Note what is about to be written over what is held, of a thing that was known before."""
        for name, moved in (("price_micros", self.prices), ("stock", self.stocks)):
            if name in newer:
                row = moved.setdefault((product.id, variant_id), [getattr(held, name), None, at, product.currency])
                row[1], row[2] = newer[name], min(at, clock.now())

    def tell(self) -> None:
        """Write the history of prices and announce what moved."""
        prices = [(key, row) for key, row in self.prices.items() if row[0] != row[1]]
        stocks = [(key, row) for key, row in self.stocks.items() if row[0] != row[1]]
        if prices:
            db.session.execute(insert(ProductPrice), [
                {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "product_id": product, "variant_id": variant, "at": at,
                 "old_micros": old, "new_micros": new, "currency": currency}
                for (product, variant), (old, new, at, currency) in prices
            ])  # fmt: skip
        told = [PriceChanged(**_told(*key, *row[:2])) for key, row in prices]
        told += [StockChanged(**_told(*key, *row[:2])) for key, row in stocks]
        for start in range(0, len(told), AT_ONCE):
            announce(*told[start : start + AT_ONCE])


def _told(product: UUID, variant: UUID | None, old: int | None, new: int | None) -> dict[str, Any]:
    return {"product_id": str(product), "variant_id": variant and str(variant), "old": old, "new": new}


def prices_of(product_id: UUID, *, limit: int = 200) -> Sequence[ProductPrice]:
    """Return the last changes of a product's prices and of its variants', oldest first."""
    query = select(ProductPrice).where(ProductPrice.product_id == product_id)
    newest = db.session.scalars(query.order_by(ProductPrice.at.desc(), ProductPrice.id.desc()).limit(limit))
    return list(newest)[::-1]
