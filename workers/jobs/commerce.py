"""Making sense of what happened in the shops."""

from __future__ import annotations

from saas import config
from saas.commerce import digests, order_effects, searching, sold_products
from saas.kit import partitions, ticks, work


def digest(*, visitors: list[str], **_: object) -> None:
    """Digest what browsers did."""
    for visitor in visitors:
        digests.digest(visitor)


def settle_visitors(*, visitors: list[str], **_: object) -> None:
    """Browsers' past becomes the customers'."""
    digests.recognised(visitors)


def follow_orders(*, order_ids: list[str], customer_ids: list[str], **_: object) -> None:
    """Bring customers' figures, timelines and carts up to date with orders."""
    order_effects.apply(order_ids=order_ids, customer_ids=customer_ids)


def find_orders_again(*, customer_ids: list[str], **_: object) -> None:
    """Have the search know who finds these customers' orders now."""
    searching.touch_of(customer_ids)


def tie_lines(*, product_ids: list[str], **_: object) -> None:
    """Tie lines that were there before their products."""
    sold_products.tie_to_products(product_ids)


def make_months(*, run_at: str, **_: object) -> None:
    """Make the coming months of the table of browsing, and let go of those that are too old to keep."""
    partitions.ensure("shop_events")
    partitions.expire("shop_events", months=config.get().browsing_months)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.commerce.make_months", run_at=run_at)
