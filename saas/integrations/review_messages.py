"""What webhooks are told of reviews: the review as the API shows it."""

from __future__ import annotations

from saas.integrations import messages
from saas.reviews import schemas, writing


def tell(topic: str, review_id: str) -> int:
    """Write a message about a review for every webhook that wants it; returns how many messages."""
    try:
        review = writing.one(review_id)
    except writing.NoSuchReview:
        return 0
    return messages.tell(topic, {"ids": [str(review.id)], "items": [schemas.shown(review)]})
