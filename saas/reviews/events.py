"""What happens with reviews."""

from __future__ import annotations

from saas.kit.events import event


@event
class ReviewDue:
    """The buyer of an order is to be asked what they think of it, or reminded once."""

    request_id: str


@event
class ReviewWritten:
    """Somebody wrote a review; product and customer are empty while they are not known. What a shop had before is not announced."""

    review_id: str
    product_id: str
    customer_id: str
    stars: int
    verified: bool


@event
class ReviewsCounted:
    """How many reviews of a product are shown, or what they give on average, may be another than before."""

    product_ids: list[str]


@event
class ReviewPublished:
    """A review is shown in the shop for the first time."""

    review_id: str
    product_id: str
    customer_id: str
    stars: int
    verified: bool
