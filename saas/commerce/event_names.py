"""What a shop calls what happens in it: names of its own events, as it really sent them."""

from __future__ import annotations

from sqlalchemy import select

from saas.commerce.batches import KINDS
from saas.commerce.models import ShopEvent
from saas.kit.db import db

LOOKED_AT = 20_000
"""So many of the newest events are looked at: names that have not come for so long are not proposed."""
MOST = 50


def known() -> list[str]:
    """Return the names of the shop's own events among the newest, in the order of the alphabet."""
    newest = select(ShopEvent.type).order_by(ShopEvent.id.desc()).limit(LOOKED_AT).subquery()
    query = select(newest.c.type).where(newest.c.type.not_in(list(KINDS))).distinct()
    return sorted(db.session.scalars(query))[:MOST]
