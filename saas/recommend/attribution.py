"""Which orders followed from which offers: the same product, shown at most seven days before, and seen or clicked by then.

It is worked out anew each time an order comes or changes, so a cancelled order takes its success back and the order in which
things arrive does not matter. Both numbers are kept: after a click, and after the eye alone, which proves less.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from saas.commerce.models import COUNTED, Order
from saas.kit import clock, identifiers, queries, scope
from saas.kit.db import db
from saas.recommend.models import OfferShown

DAYS = 7
SLACK = 300  # seconds by which a shop's and a browser's clock may differ
AGAIN_FOR = timedelta(days=2)


def attribute(order_ids: Sequence[str | UUID]) -> int:
    """Tie the bound tenant's orders to the offers they followed from; returns how many offers were bought."""
    ids = [UUID(str(order_id)) for order_id in order_ids]
    oldest = db.session.scalar(select(func.min(Order.placed_at)).where(Order.id.in_(ids)))
    if oldest is None:
        return 0
    low = identifiers.floor(oldest - timedelta(days=DAYS))
    found = db.session.execute(
        queries.load("recommend/queries/attribution.sql"),
        {"order_ids": ids, "counted": list(COUNTED), "days": DAYS, "slack": SLACK, "low": low},
    ).all()
    won = {row.offer_id: row for row in found}
    lost = update(OfferShown).where(OfferShown.bought_order_id.in_(ids), OfferShown.id.not_in(list(won)))
    db.session.execute(
        lost.values(
            bought_at=None, bought_order_id=None, bought_after="", bought_micros=0, bought_currency=""
        ).execution_options(synchronize_session=False)
    )
    if won:
        db.session.execute(update(OfferShown), [
            {"tenant_id": scope.tenant_id(), "id": offer_id, "bought_at": row.placed_at, "bought_order_id": row.order_id,
             "bought_after": row.after, "bought_micros": int(row.micros), "bought_currency": row.currency}
            for offer_id, row in sorted(won.items())
        ])  # fmt: skip
    return len(won)


def attribute_recent() -> int:
    """Do the last two days' orders again, since a browser may tell of a click after the shop told of the order."""
    query = select(Order.id).where(Order.placed_at >= clock.now() - AGAIN_FOR).order_by(Order.id)
    ids = list(db.session.scalars(query))
    return sum(attribute(ids[start : start + 500]) for start in range(0, len(ids), 500))


def of_order(order_id: UUID) -> list[OfferShown]:
    """Return the offers an order followed from, those that were clicked first."""
    query = (
        select(OfferShown)
        .where(OfferShown.bought_order_id == order_id)
        .order_by(OfferShown.clicked_at.desc().nulls_last(), OfferShown.id)
    )
    return list(db.session.scalars(query.limit(20)))
