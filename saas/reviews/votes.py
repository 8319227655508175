"""What visitors say of reviews: that one helped, or that it should not be there. A browser counts once, whatever it clicks."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from saas.kit import clock, crypto, identifiers, scope, text
from saas.kit.db import db
from saas.reviews import judging, summaries, writing
from saas.reviews.models import Review, ReviewVote

ENOUGH = 3
"""So many browsers must report a review before it waits; one alone could take away what it does not like."""


def helpful(review_id: UUID | str, *, browser: str, yes: bool = True) -> int:
    """Count that a review helped a browser, or take that back; returns how many it helped. Raises NoSuchReview."""
    review = _shown(review_id)
    if yes:
        _count(review.id, "helpful", browser)
    else:
        mine = delete(ReviewVote).where(ReviewVote.review_id == review.id, ReviewVote.kind == "helpful", ReviewVote.voter == _voter(browser))  # fmt: skip
        db.session.execute(mine.execution_options(synchronize_session=False))
    review.helpful = _many(review.id, "helpful")
    db.session.flush()
    summaries.forget(review.product_id, counted=False)
    return review.helpful


def report(review_id: UUID | str, *, browser: str, why: str = "") -> None:
    """Note that somebody thinks a review should not be there; several of them have it wait, unless it was looked at. Raises
    NoSuchReview."""
    review = _shown(review_id)
    _count(review.id, "report", browser, why=text.clean(why, most=500))
    review.reports = _many(review.id, "report")
    db.session.flush()
    if review.reports >= ENOUGH:
        judging.reported_again(review)


def reports_of(review_id: UUID) -> list[ReviewVote]:
    """Return who reported a review and why, the newest first."""
    query = select(ReviewVote).where(ReviewVote.review_id == review_id, ReviewVote.kind == "report")
    return list(db.session.scalars(query.order_by(ReviewVote.at.desc(), ReviewVote.id.desc()).limit(50)))


def _shown(review_id: UUID | str) -> Review:
    review = writing.one(review_id, lock=True)
    if review.state != "published":
        raise writing.NoSuchReview
    return review


def _count(review_id: UUID, kind: str, browser: str, *, why: str = "") -> None:
    row = {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "review_id": review_id, "kind": kind, "voter": _voter(browser), "why": why, "at": clock.now()}  # fmt: skip
    db.session.execute(
        insert(ReviewVote)
        .values(row)
        .on_conflict_do_nothing(index_elements=["tenant_id", "review_id", "kind", "voter"])
    )


def _voter(browser: str) -> str:
    return crypto.mac("review-vote", browser.encode(), length=16).hex()


def _many(review_id: UUID, kind: str) -> int:
    query = (
        select(func.count()).select_from(ReviewVote).where(ReviewVote.review_id == review_id, ReviewVote.kind == kind)
    )
    return db.session.scalar(query) or 0
