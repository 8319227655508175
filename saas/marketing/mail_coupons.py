"""The codes that a mailing brings: one for each of its recipients, given when they are frozen, and the same ever after.

A mail waits for its shop to have its code; the others go on. What was given and never left is taken back when the mailing
is stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, and_, select, update

from saas.commerce import coupon_codes, coupon_shown, coupons
from saas.commerce.coupon_models import Coupon, CouponCode
from saas.kit import arrays
from saas.kit.db import db
from saas.marketing.models import Mailing, MailingRecipient

HAD, STOPPED = "coupon_had", "coupon_stopped"
WAITS, LONGER = "coupon_waits", 20.0


def give_frozen(mailing: Mailing, recipient_ids: Sequence[UUID]) -> None:
    """Give those who were just frozen and will get a mail a code each; who had the coupon as often as one may is skipped."""
    if mailing.coupon_id is None or not recipient_ids:
        return
    mine = and_(MailingRecipient.id == arrays.among(list(recipient_ids)), MailingRecipient.state == "queued")
    people = dict(db.session.execute(select(MailingRecipient.id, MailingRecipient.customer_id).where(mine)).all())
    if not people:
        return
    try:
        codes = coupon_codes.give_many(
            mailing.coupon_id, sorted({one for one in people.values() if one}), by="campaign", given_for=mailing.id
        )
        reason = HAD
    except coupons.Stopped:
        codes, reason = {}, STOPPED
    given = [(place, codes[customer]) for place, customer in people.items() if customer in codes]
    if given:
        new = arrays.table(id=([one for one, _code in given], Uuid), code=([code for _one, code in given], Uuid))
        db.session.execute(
            update(MailingRecipient).where(MailingRecipient.id == new.c.id).values(coupon_code_id=new.c.code)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    without = [place for place, customer in people.items() if customer not in codes]
    if without:
        db.session.execute(
            update(MailingRecipient).where(MailingRecipient.id == arrays.among(without))
            .values(state="skipped", reason=reason, due_at=None).execution_options(synchronize_session=False)
        )  # fmt: skip


def load(recipient_ids: Sequence[UUID]) -> tuple[dict[UUID, dict[str, Any]], set[UUID], set[UUID]]:
    """Return what mails may say of their codes by recipient, those whose shop does not have the code yet, and those whose
    code is good no more."""
    query = (
        select(MailingRecipient.id, CouponCode, Coupon)
        .join(CouponCode, and_(CouponCode.tenant_id == MailingRecipient.tenant_id, CouponCode.id == MailingRecipient.coupon_code_id))
        .join(Coupon, and_(Coupon.tenant_id == CouponCode.tenant_id, Coupon.id == CouponCode.coupon_id))
        .where(MailingRecipient.id == arrays.among(list(recipient_ids)))
    )  # fmt: skip
    ready: dict[UUID, dict[str, Any]] = {}
    waiting: set[UUID] = set()
    gone = set(recipient_ids)
    for recipient, code, coupon in db.session.execute(query):
        if code.state == "ready":
            ready[recipient] = coupon_shown.plain(coupon, code)
        elif code.state == "waiting" and coupon.state == "active":
            waiting.add(recipient)
        else:
            continue
        gone.discard(recipient)
    return ready, waiting, gone


def shown(recipient: MailingRecipient) -> dict[str, Any] | None:
    """Return the code a recipient's mail brought, whatever became of it since."""
    if recipient.coupon_code_id is None:
        return None
    code = coupon_codes.many([recipient.coupon_code_id]).get(recipient.coupon_code_id)
    return coupon_shown.plain(coupons.one(code.coupon_id), code) if code is not None else None


def example(coupon_id: UUID | str | None) -> dict[str, Any]:
    """Return what a preview shows of a coupon; raises NoSuchCoupon."""
    return coupon_shown.plain(coupons.one(coupon_id), None) if coupon_id else dict(coupon_shown.EXAMPLE)


def take_back(mailing: Mailing) -> None:
    """Take back the codes of those whose mail never left, once a mailing was stopped."""
    if mailing.coupon_id is None:
        return
    left = select(MailingRecipient.coupon_code_id).where(
        MailingRecipient.mailing_id == mailing.id, MailingRecipient.state == "skipped", MailingRecipient.coupon_code_id.is_not(None)
    )  # fmt: skip
    mine = select(CouponCode.id).where(CouponCode.given_for == mailing.id, CouponCode.id.in_(left))
    coupon_codes.take_back(list(db.session.scalars(mine)))
