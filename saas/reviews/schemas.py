"""Reviews as programs see and send them."""

from __future__ import annotations

from typing import Any

from saas.kit import access
from saas.reviews import photos
from saas.reviews.models import Review


def shown(review: Review) -> dict[str, Any]:
    """Return a review as the API shows it, without what the acting one may not see of a customer."""
    hidden = access.hidden("customer")
    return {
        "id": str(review.id), "product_id": review.product_id and str(review.product_id), "product": review.product_key, "product_name": review.product_name,
        "customer_id": review.customer_id and str(review.customer_id), "order_id": review.order_id and str(review.order_id), "external_id": review.external_id,
        "stars": review.stars, "title": review.title, "text": review.body, "name": review.name, "email": "" if "email" in hidden else review.email,
        "language": review.language, "state": review.state, "held": list(review.held or []), "verified": review.verified, "origin": review.origin,
        "reason": review.reason, "words": review.words, "answer": review.answer, "helpful": review.helpful, "reports": review.reports,
        "photo": photos.address(review), "written_at": review.written_at, "edited_at": review.edited_at,
    }  # fmt: skip
