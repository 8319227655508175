"""Orders that were brought by hand, by file or by a program go to the bin; what a shop sends is deleted in the shop."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from saas.commerce import orders
from saas.commerce.events import OrdersBinned
from saas.commerce.models import NO_SOURCE, Fulfilment, Order, Refund
from saas.customers import timeline
from saas.kit import arrays, errors, search
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, bin

CHUNK = 500


class FromAShop(errors.Conflict):
    """What a shop sold is deleted in the shop."""

    code, message = "from_a_shop", "This order comes from a shop; delete it there."


def delete(order_id: UUID | str) -> None:
    """Put an order into the bin with its lines and refunds; raises NoSuchOrder or FromAShop."""
    order = orders.one(order_id, lock=True)
    if order.source_id != NO_SOURCE:
        raise FromAShop(_(FromAShop.message))
    called = order.number or order.external_id
    audit.record(action="orders.deleted", kind="order", record_id=order.id, before={"name": called})
    forget([order.id])
    bin.put("order", {order.id: called})


def forget(order_ids: Sequence[UUID]) -> None:
    """Take orders that are about to go out of timelines, and have whoever bought them be counted anew."""
    wanted = Order.id == arrays.among(order_ids)
    placed = db.session.execute(select(Order.id, Order.placed_at, Order.customer_id).where(wanted)).all()
    refunds = db.session.execute(select(Refund.id, Refund.at).where(Refund.order_id == arrays.among(order_ids))).all()
    parcels = db.session.execute(
        select(Fulfilment.order_id, Fulfilment.key, Fulfilment.shipped_at, Fulfilment.delivered_at).where(Fulfilment.order_id == arrays.among(order_ids))
    ).all()  # fmt: skip
    began = {order_id: at for order_id, at, _customer in placed}
    timeline.remove_many([
        *(("order", sent or there or began[order_id], f"{order_id}:{key}") for order_id, key, sent, there in parcels),
        *(("order", at, str(order_id)) for order_id, at, _customer in placed), *(("refund", at, str(refund_id)) for refund_id, at in refunds),
    ])  # fmt: skip
    for start in range(0, len(placed), CHUNK):
        some = placed[start : start + CHUNK]
        buyers = sorted({str(customer) for _id, _at, customer in some if customer})
        announce(OrdersBinned(order_ids=[str(order_id) for order_id, _at, _customer in some], customer_ids=buyers))


def back(order_ids: Sequence[UUID]) -> None:
    """Have orders that came back from the bin be found and counted again."""
    search.touch("order", *order_ids)
    buyers = select(Order.customer_id).where(Order.id == arrays.among(order_ids), Order.customer_id.is_not(None))
    orders.tell(order_ids, set(db.session.scalars(buyers)))
