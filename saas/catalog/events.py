"""What happens to products."""

from __future__ import annotations

from saas.kit.events import event


@event
class ProductsChanged:
    """Products were created, changed, sold out or came back; at most 500 ids an event."""

    product_ids: list[str]
