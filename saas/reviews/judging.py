"""Looking at reviews: publishing, holding back, declining with a reason, and answering; each can be undone.

There is no reason that says "bad stars": the law (the EU's directive 2019/2161, the FTC's rule 16 CFR 465) forbids keeping bad
reviews back, and how many of each star were declined is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.kit import clock, errors, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.reviews import summaries, writing
from saas.reviews.models import Review
from saas.tenancy import audit

REASONS = ("spam", "not_genuine", "insult", "personal_data", "off_topic", "unlawful", "wish", "other")
DECIDED = ("published", "waiting", "declined")
MOST = 200


class BadDecision(errors.Invalid):
    """A state there is not, or a reason is missing."""


class Withdrawn(errors.Conflict):
    """Whoever wrote it took it back; it is theirs to bring it back."""

    code, message = "withdrawn", "Whoever wrote this took it back."


def decide(ids: Sequence[UUID | str], *, state: str, reason: str = "", words: str = "") -> int:
    """Publish reviews, hold them back or decline them; returns how many that changed. Raises BadDecision, NoSuchReview or Withdrawn.

    To decline there must be one of REASONS, and for `other` words; whoever wrote it reads them.
    """
    said = text.clean(words, most=1000)
    problems: dict[str, list[str]] = {}
    if state not in DECIDED:
        problems["state"] = [_("Choose one of the values.")]
    if state == "declined" and reason not in REASONS:
        problems["reason"] = [_("Say why. That the stars are few is no reason.")]
    if state == "declined" and reason == "other" and len(said) < 5:
        problems["words"] = [_("Say why in words; whoever wrote it reads them.")]
    if problems:
        raise BadDecision(fields=problems)
    wanted = list(dict.fromkeys(str(one) for one in ids))[:MOST]
    found = [writing.one(one, lock=True) for one in sorted(wanted)]
    if len(found) == 1 and found[0].state == "withdrawn":
        raise Withdrawn(_(Withdrawn.message))
    changed = 0
    for review in found:
        before = held(review)
        if review.state == "withdrawn":
            continue
        after = {
            "state": state,
            "reason": reason if state == "declined" else "",
            "words": said if state == "declined" else "",
        }
        if before == after:
            continue
        _put(review, after)
        audit.record(action="reviews.decided", kind="review", record_id=review.id, before=before, after=after)
        changed += 1
    return changed


def held(review: Review) -> dict[str, str]:
    """Return how a review stands, for the history."""
    return {"state": review.state, "reason": review.reason, "words": review.words}


def put_back(record_id: str, values: Mapping[str, Any]) -> None:
    """Undo a decision."""
    review = writing.one(record_id, lock=True)
    before = held(review)
    after = before | {name: str(value or "") for name, value in values.items() if name in before}
    _put(review, after)
    audit.record(action="reviews.decided", kind="review", record_id=review.id, before=before, after=after)


def _put(review: Review, after: Mapping[str, str]) -> None:
    review.state, review.reason, review.words = after["state"], after["reason"], after["words"]
    review.decided_at = clock.now()
    if review.state == "published":
        review.held = []
    db.session.flush()
    writing.note_published(review)
    summaries.forget(review.product_id)


def answer(review_id: UUID | str, words: str) -> Review:
    """Answer a review; the answer stands beneath it. No words take it away. Raises NoSuchReview."""
    review = writing.one(review_id, lock=True)
    before, said = review.answer, text.clean(words, most=2000)
    if said != before:
        review.answer, review.answered_at = said, clock.now() if said else None
        db.session.flush()
        audit.record(action="reviews.answered", kind="review", record_id=review.id, before={"answer": before}, after={"answer": said})  # fmt: skip
        summaries.forget(review.product_id, counted=False)
    return review


def put_answer(record_id: str, values: Mapping[str, Any]) -> None:
    """Undo an answer."""
    answer(record_id, str(values.get("answer") or ""))


def reported_again(review: Review) -> None:
    """A review that several visitors reported waits until somebody looks; one that was looked at before stays."""
    if review.state == "published" and review.decided_at is None:
        review.state, review.held = "waiting", ["reported"]
        db.session.flush()
        summaries.forget(review.product_id)


def waiting() -> int:
    """Return how many reviews wait to be looked at, up to a thousand."""
    query = select(Review.id).where(Review.state == "waiting").limit(1000)
    return len(db.session.scalars(query).all())
