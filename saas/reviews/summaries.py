"""What is shown of a product's reviews: the average, how many of each star, how many were not published, and the reviews themselves.

The first page is kept ready in Valkey for a minute and made anew after every change, for every view of a product asks for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from redis.exceptions import RedisError
from sqlalchemy import Select, func, or_, select

from saas.catalog import products
from saas.catalog.models import Product
from saas.kit import pages, scope, valkey, work
from saas.kit.db import db
from saas.kit.events import announce
from saas.reviews import photos
from saas.reviews.events import ReviewsCounted
from saas.reviews.models import ORIGINS, REVIEW_STATES, Review

log = logging.getLogger(__name__)
STATES, FROM = REVIEW_STATES, ORIGINS
KEPT_FOR = 60
TOGETHER = 500  # products that are looked at again at once
A_PAGE = 10
STARS = (5, 4, 3, 2, 1)
SORTS: dict[str, pages.Order] = {
    "newest": ((Review.written_at, "desc"), (Review.id, "desc")),
    "helpful": ((Review.helpful, "desc"), (Review.written_at, "desc"), (Review.id, "desc")),
    "highest": ((Review.stars, "desc"), (Review.written_at, "desc"), (Review.id, "desc")),
    "lowest": ((Review.stars, "asc"), (Review.written_at, "asc"), (Review.id, "asc")),
}
AWAY = (RedisError, OSError)


def find(key: str, source_id: UUID | None) -> Product | None:
    """Return the product that a shop's page names by the shop's id: of that shop first, else of any."""
    if not key:
        return None
    found = products.by_external([key], source_id) if source_id else {}
    return (found or products.by_external([key])).get(key)


def counted(product_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return for each product how many reviews of each star are shown and were declined, and the average of those shown."""
    query = (
        select(Review.product_id, Review.state, Review.stars, func.count())
        .where(Review.product_id.in_(product_ids), Review.state.in_(("published", "declined")))
        .group_by(Review.product_id, Review.state, Review.stars)
    )
    found: dict[UUID, dict[str, Any]] = {}
    for product_id, state, stars, many in db.session.execute(query):
        row = found.setdefault(product_id, _empty())
        row["stars" if state == "published" else "declined"][str(stars)] = many
    for row in found.values():
        row["count"] = sum(row["stars"].values())
        total = sum(int(stars) * many for stars, many in row["stars"].items())
        row["average"] = round(total / row["count"], 2) if row["count"] else None
    return {product_id: found.get(product_id) or _empty() for product_id in product_ids}


def _empty() -> dict[str, Any]:
    return {
        "count": 0,
        "average": None,
        "stars": {str(one): 0 for one in STARS},
        "declined": {str(one): 0 for one in STARS},
    }


def declined_by_star() -> dict[str, dict[str, int]]:
    """Return over all products how many reviews of each star are published, wait and were declined."""
    query = select(Review.state, Review.stars, func.count()).group_by(Review.state, Review.stars)
    found = {state: {str(one): 0 for one in STARS} for state in ("published", "waiting", "declined")}
    for state, stars, many in db.session.execute(query):
        if state in found:
            found[state][str(stars)] = many
    return found


def shown(
    product: Product, *, sort: str = "newest", stars: int | None = None, cursor: str | None = None, limit: int = A_PAGE
) -> dict[str, Any]:
    """Return what a shop's page shows of a product; raises BadCursor."""
    query = select(Review).where(Review.product_id == product.id, Review.state == "published")
    if stars:
        query = query.where(Review.stars == stars)
    page = pages.page(query, order=SORTS[sort], cursor=cursor, limit=limit)
    summary = counted([product.id])[product.id]
    return {
        "product": {"id": product.external_id, "name": product.name}, "summary": summary, "items": [public(one) for one in page.items], "next": page.next,
        "json_ld": json_ld(product, summary, page.items),
    }  # fmt: skip


def public(review: Review) -> dict[str, Any]:
    """Return a review as everybody may read it."""
    return {
        "id": str(review.id), "stars": review.stars, "title": review.title, "text": review.body, "name": review.name, "verified": review.verified,
        "language": review.language, "written_at": review.written_at.isoformat(), "edited": review.edited_at is not None, "helpful": review.helpful,
        "photo": photos.address(review), "answer": review.answer,
    }  # fmt: skip


def json_ld(product: Product, summary: Mapping[str, Any], items: Sequence[Review]) -> dict[str, Any] | None:
    """Return the words of schema.org for search engines; None where there is no review, for an empty rating is an error there."""
    if not summary["count"]:
        return None
    told: dict[str, Any] = {
        "@context": "https://schema.org", "@type": "Product", "name": product.name,
        "aggregateRating": {"@type": "AggregateRating", "ratingValue": summary["average"], "reviewCount": summary["count"], "bestRating": 5, "worstRating": 1},
        "review": [
            {"@type": "Review", "author": {"@type": "Person", "name": one.name or "–"}, "datePublished": one.written_at.date().isoformat(),
             "reviewRating": {"@type": "Rating", "ratingValue": one.stars, "bestRating": 5, "worstRating": 1}, "name": one.title, "reviewBody": one.body}
            for one in items[:5]
        ],
    }  # fmt: skip
    return told | {
        name: value
        for name, value in (("url", product.url), ("image", product.image_url), ("sku", product.sku))
        if value
    }


def _key(tenant_id: int, product_id: UUID) -> str:
    return f"reviews:{tenant_id}:{product_id}"


def ready(product: Product) -> bytes:
    """Return the first page of a product as it is sent, kept ready for a minute while Valkey is there."""
    key = _key(scope.tenant_id(), product.id)
    try:
        held = valkey.quick().get(key)
    except AWAY:
        held = None
    if held is None:
        held = orjson.dumps(shown(product))
        try:
            valkey.quick().set(key, held, ex=KEPT_FOR)
        except AWAY as error:
            log.warning("the reviews of a product are not kept ready: %s", error)
    return bytes(held)


def forget(product_id: UUID | None, *, counted: bool = True) -> None:
    """Have a product's first page made anew, once the change that asks for it is kept; `counted` where its stars may have changed."""
    if product_id is None:
        return
    key = _key(scope.tenant_id(), product_id)
    work.after_commit(lambda: _drop(key))
    if counted:
        announce(ReviewsCounted(product_ids=[str(product_id)]))


def products_of(*, customers: Sequence[UUID], emails: Sequence[str], orders: Sequence[UUID]) -> list[UUID]:
    """Return the products that somebody said something of, by who they are to us, their addresses or what they ordered."""
    theirs = or_(Review.customer_id.in_(customers), func.lower(Review.email).in_(emails), Review.order_id.in_(orders))
    query = select(Review.product_id).where(theirs, Review.product_id.is_not(None)).distinct()
    return list(db.session.scalars(query.order_by(Review.product_id)))


def count_anew() -> None:
    """Have everything that knows the stars of products look at them again."""
    query = select(Review.product_id).where(Review.state == "published", Review.product_id.is_not(None)).distinct()
    ids = [str(one) for one in db.session.scalars(query)]
    announce(*[ReviewsCounted(product_ids=ids[start : start + TOGETHER]) for start in range(0, len(ids), TOGETHER)])


def _drop(key: str) -> None:
    try:
        valkey.quick().delete(key)
    except AWAY:
        pass  # it is over in a minute


def listed(*, state: str | None = None, stars: int | None = None, product_id: UUID | str | None = None, customer_id: UUID | str | None = None,
           verified: bool | None = None, origin: str | None = None, reported: bool = False) -> Select:  # fmt: skip
    """Return a select of reviews for the company's own people and programs."""
    query = select(Review)
    for column, value in ((Review.state, state), (Review.stars, stars), (Review.product_id, product_id), (Review.customer_id, customer_id),
                          (Review.verified, verified), (Review.origin, origin)):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    return query.where(Review.reports > 0) if reported else query


NEWEST = SORTS["newest"]


def counts() -> dict[str, int]:
    """Return how many reviews stand in each state."""
    return dict(db.session.execute(select(Review.state, func.count()).group_by(Review.state)).all())
