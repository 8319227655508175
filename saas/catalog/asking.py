"""Products of which only a part is here: whose shop is to be asked for the rest, and who of us is asking."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from saas.catalog.models import Product
from saas.kit import clock
from saas.kit.db import db


def want(product_ids: Iterable[UUID]) -> None:
    """Have the shop of these products asked for all of them."""
    _keep(clock.now(), Product.id.in_(list(product_ids)))


def due() -> list[tuple[int, UUID]]:
    """Return (tenant, source) that have products to be asked for; in a unit of work over all tenants."""
    query = select(Product.tenant_id, Product.source_id).where(Product.fetch_due_at <= clock.now()).distinct()
    return [(tenant, source) for tenant, source in db.session.execute(query)]


def claim(source_id: UUID, *, lease: timedelta, most: int) -> list[tuple[UUID, str, datetime]]:
    """Return products to be asked for as (id, the shop's id, claimed until), for this caller alone until then."""
    now = clock.now()
    query = select(Product.id, Product.external_id).where(Product.source_id == source_id, Product.fetch_due_at <= now)
    query = query.order_by(Product.fetch_due_at, Product.id).limit(most).with_for_update(skip_locked=True)
    found = db.session.execute(query).all()
    _keep(now + lease, Product.id.in_([product_id for product_id, _key in found]))
    return [(product_id, key, now + lease) for product_id, key in found]


def finish(product_id: UUID, *, claimed: datetime, again: datetime | None = None) -> None:
    """Note that a claimed product is here, or when to ask again; one that was wanted anew meanwhile stays due."""
    _keep(again, Product.id == product_id, Product.fetch_due_at == claimed)


def _keep(moment: datetime | None, *wanted: Any) -> None:
    kept = update(Product).where(*wanted).values(fetch_due_at=moment, updated_at=Product.updated_at)
    db.session.execute(kept.execution_options(synchronize_session=False))  # what a reader sees of it is not changed
