"""What happens to products."""

from __future__ import annotations

from saas.kit.events import event


@event
class ProductsChanged:
    """Products were created, changed, sold out or came back; at most 500 ids an event."""

    product_ids: list[str]


@event
class PriceChanged:
    """What something costs now is another price than before, in millionths; of a variant, or of the product itself where
    `variant_id` is null. A product or variant that is new announces nothing."""

    product_id: str
    variant_id: str | None
    old: int | None
    new: int | None


@event
class StockChanged:
    """How many there are to be sold is another number than before, null where it is not counted; of a variant, or of the
    product itself where `variant_id` is null. A product or variant that is new announces nothing."""

    product_id: str
    variant_id: str | None
    old: int | None
    new: int | None


@event
class PicturesMade:
    """Small pictures of products were made anew; at most 500 ids an event."""

    product_ids: list[str]
