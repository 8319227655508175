"""Where pictures in reviews are shown: addresses that only we can make, and only while the review is shown."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from saas import config
from saas.kit import crypto, errors
from saas.kit.db import db
from saas.reviews.models import Review

PATH = "/reviews/photos"


class NoSuchPhoto(errors.NotFound):
    """There is no such picture, or it is not shown."""


def address(review: Review) -> str:
    """Return where the picture of a review is shown; empty where there is none."""
    if not review.photo_mark:
        return ""
    name = f"{review.tenant_id:x}-{review.id.hex}-{review.photo_mark}"
    return f"{config.get().public_url.rstrip('/')}{PATH}/{name}-{_sealed(name)}.jpg"


def read(name: str) -> tuple[int, UUID, str]:
    """Return the company, the review and the mark of an address's last part; raises NoSuchPhoto."""
    parts = name.removesuffix(".jpg").split("-")
    try:
        company, review, mark, seal = parts
        if not crypto.same(seal.encode(), _sealed("-".join(parts[:3])).encode()):
            raise NoSuchPhoto
        return int(company, 16), UUID(hex=review), mark
    except ValueError:
        raise NoSuchPhoto from None


def shown(review_id: UUID, mark: str) -> bytes:
    """Return the picture of a review that is published; raises NoSuchPhoto."""
    query = select(Review.photo).where(Review.id == review_id, Review.photo_mark == mark, Review.state == "published")
    found = db.session.scalar(query)
    if not found:
        raise NoSuchPhoto
    return bytes(found)


def held(review: Review) -> bytes:
    """Return the picture of any review, for whoever looks at it before it is shown; raises NoSuchPhoto."""
    found = db.session.scalar(select(Review.photo).where(Review.id == review.id))
    if not found:
        raise NoSuchPhoto
    return bytes(found)


def _sealed(name: str) -> str:
    return crypto.mac("review-photo", name.encode(), length=8).hex()
