"""Who is in a mailing, decided once: everybody of the segment gets a row: queued, held out, or skipped and why.

`forecast` counts what `freeze_some` will write; both ask the same SQL. A person is held out by a hash of their id and
the mailing's, so that the choice is random, the same whenever it is asked, and different from mailing to mailing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Text,
    Uuid,
    and_,
    case,
    cast,
    column,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from saas.audiences import segments
from saas.audiences.models import Suppression
from saas.commerce import disputes
from saas.customers import consent, preferences, purposes
from saas.customers.models import Customer
from saas.kit import identifiers, scope
from saas.kit.db import db
from saas.marketing import mail_coupons, mailings
from saas.marketing.models import Mailing, MailingRecipient
from saas.tenancy import limits

BATCH = 5000
LARGEST = 2**63 - 1
NO_ADDRESS, NO_CONSENT, WITHDRAWN, OVER_LIMIT, SUPPRESSED = (
    "no_address",
    "no_consent",
    "withdrawn",
    "over_limit",
    "suppressed:",
)
PAUSED, LESS_OFTEN = "paused", "less_often"
DISPUTED = "disputed"
HELD_OUT = "held_out"
WEIGHTS = ("complaint", "bounce", "unsubscribed", "manual")


def _reason(
    mailing_id: UUID,
    holdout_percent: int,
    said: ColumnElement[str] | None,
    purpose: str,
    *,
    without_disputed: bool,
) -> ColumnElement[str]:
    """Why a customer gets no mail; empty for those who get one.

    `said` is their newest word about the mail's purpose, None for news and offers: who wants none of these gets no mail of
    any purpose.
    """
    wish = Customer.email_consent if said is None else func.coalesce(said, "unknown")
    held = [
        (
            select(1).where(Suppression.email_norm == Customer.email_norm, Suppression.reason == reason).exists(),
            SUPPRESSED + reason,
        )
        for reason in WEIGHTS
    ]
    chance = (
        cast(func.hashtextextended(func.concat(cast(Customer.id, Text), str(mailing_id)), 0), BigInteger).op("&")(
            LARGEST
        )
        % 1000
    )
    return case(
        (func.coalesce(Customer.email_norm, "") == "", NO_ADDRESS),
        *held,
        (or_(Customer.email_consent == "withdrawn", wish == "withdrawn"), WITHDRAWN),
        (wish != "granted", NO_CONSENT),
        *_wishes(mailing_id, purpose),
        *([(disputes.is_open(Customer.id), DISPUTED)] if without_disputed else []),
        (chance < holdout_percent * 10, HELD_OUT),
        else_="",
    )


def _wishes(mailing_id: UUID, purpose: str) -> list[tuple[ColumnElement[bool], str]]:
    """What customers chose of how often: those who pause, and those who had a mail of this purpose too lately for the next.

    Two mailings at the same moment are no way around it, for this is asked again just before each mail leaves.
    """
    if not preferences.in_use():
        return []
    rhythm = preferences.newest_rhythm(Customer.id, purpose=purpose)
    lately = [
        and_(rhythm == name, _written_since(mailing_id, purpose, apart)) for name, apart in preferences.APART.items()
    ]
    return [(preferences.is_paused(Customer.id), PAUSED), (or_(*lately), LESS_OFTEN)]


def _written_since(mailing_id: UUID, purpose: str, apart: timedelta) -> ColumnElement[bool]:
    earlier = select(1).select_from(MailingRecipient).join(Mailing, Mailing.id == MailingRecipient.mailing_id)
    return earlier.where(
        MailingRecipient.customer_id == Customer.id, MailingRecipient.mailing_id != mailing_id,
        MailingRecipient.sent_at > func.now() - apart, Mailing.purpose == purpose,
    ).correlate(Customer).exists()  # fmt: skip


def forecast(
    definition: dict[str, Any],
    *,
    mailing_id: UUID,
    holdout_percent: int,
    purpose: str = purposes.MAIN,
    without_disputed: bool = False,
) -> dict[str, Any]:
    """Return how many of a segment would get the mail, be held out, and be skipped for which reason."""
    said = None if purpose == purposes.MAIN else consent.newest(channel="email", purpose=purpose).subquery()
    newest = None if said is None else said.c.state
    reason = _reason(mailing_id, holdout_percent, newest, purpose, without_disputed=without_disputed).label("reason")
    judged = select(reason).select_from(Customer).where(Customer.id.in_(segments.query(definition)))
    if said is not None:
        judged = judged.outerjoin(said, said.c.customer_id == Customer.id)
    inside = judged.subquery()
    counted = dict(db.session.execute(select(inside.c.reason, func.count()).group_by(inside.c.reason)).all())
    queued, held_out = counted.pop("", 0), counted.pop(HELD_OUT, 0)
    return {
        "audience": queued + held_out + sum(counted.values()),
        "queued": queued,
        "held_out": held_out,
        "skipped": counted,
    }


def changed_their_minds(mailing_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return which of these customers may not be written to any more, and why: they said so after the mailing was frozen."""
    mailing = mailings.one(mailing_id)
    purpose, apart = mailing.purpose, mailing.without_disputed
    said = None if purpose == purposes.MAIN else consent.newest_of(Customer.id, channel="email", purpose=purpose)
    judged = select(Customer.id, _reason(mailing_id, 0, said, purpose, without_disputed=apart)).where(
        Customer.id.in_(customer_ids)
    )
    return {customer: why for customer, why in db.session.execute(judged) if why and why != NO_ADDRESS}


def freeze_some(mailing_id: UUID, *, most: int = BATCH) -> bool:
    """Write the next recipients of a mailing; tells whether there may be more. One unit of work."""
    mailing = mailings.one(mailing_id, lock=True)
    if mailing.frozen_at is not None or mailing.state == "cancelled":
        return False
    ids = _next(mailing, most)
    if ids:
        written = _write(mailing, ids)
        mailing.frozen_to = ids[-1]
        _keep_within_plan(mailing)
        mail_coupons.give_frozen(mailing, written)
    if len(ids) < most:
        mailing.frozen_at = func.now()
        _give_back(mailing)
    mailing.progress_at = func.now()
    db.session.flush()
    return len(ids) == most


def _next(mailing: Mailing, most: int) -> list[UUID]:
    query = segments.query(mailing.definition).order_by(Customer.id).limit(most)
    if mailing.frozen_to is not None:
        query = query.where(Customer.id > mailing.frozen_to)
    return list(db.session.scalars(query))


def _write(mailing: Mailing, ids: list[UUID]) -> list[UUID]:
    """Write these people's places; returns their ids (some may not have come to be)."""
    many, places = ARRAY(Uuid()), [identifiers.new() for _ in ids]
    pairs = func.unnest(literal(ids, type_=many), literal(places, type_=many))
    own = pairs.table_valued(column("customer_id", Uuid()), column("id", Uuid()), name="own").render_derived()
    judged = (
        select(
            own.c.id,
            Customer.id.label("customer_id"),
            Customer.email,
            _reason(
                mailing.id,
                mailing.holdout_percent,
                _said(mailing.purpose),
                mailing.purpose,
                without_disputed=mailing.without_disputed,
            ).label("reason"),
        )
        .join_from(Customer, own, own.c.customer_id == Customer.id)
        .where(~_has_place(mailing.id))  # who was merged meanwhile with somebody who has one
        .subquery()
    )
    state = case((judged.c.reason == "", "queued"), (judged.c.reason == HELD_OUT, HELD_OUT), else_="skipped")
    rows = select(
        literal(scope.tenant_id(), BigInteger),
        judged.c.id,
        literal(mailing.id),
        judged.c.customer_id,
        func.coalesce(judged.c.email, ""),
        state,
        case((judged.c.reason == HELD_OUT, ""), else_=judged.c.reason),
        case((judged.c.reason == "", func.now()), else_=null()),
    )
    columns = ["tenant_id", "id", "mailing_id", "customer_id", "email", "state", "reason", "due_at"]
    db.session.execute(insert(MailingRecipient.__table__).from_select(columns, rows))
    return places


def _said(purpose: str) -> ColumnElement[str] | None:
    """What a customer last said about a purpose, looked up one by one: a batch asks about few of all who ever spoke."""
    return None if purpose == purposes.MAIN else consent.newest_of(Customer.id, channel="email", purpose=purpose)


def _has_place(mailing_id: UUID) -> ColumnElement[bool]:
    return (
        select(1)
        .where(MailingRecipient.customer_id == Customer.id, MailingRecipient.mailing_id == mailing_id)
        .correlate(Customer)
        .exists()
    )


def queued(mailing_id: UUID) -> int:
    """Return how many of a mailing were not skipped or held out, whatever became of them since."""
    gone = MailingRecipient.state.in_(("skipped", "held_out"))
    return (
        db.session.scalar(
            select(func.count()).select_from(MailingRecipient).where(MailingRecipient.mailing_id == mailing_id, ~gone)
        )
        or 0
    )


def _keep_within_plan(mailing: Mailing) -> None:
    """The segment may have grown since the launch: reserve more, and skip those whom the plan has no room for."""
    over = queued(mailing.id) - mailing.reserved
    if over <= 0:
        return
    most = limits.most("mails_month")
    granted = over if most is None else max(0, min(over, most - limits.used("mails_month")))
    if granted:
        limits.count("mails_month", by=granted)
        mailing.reserved += granted
    if over > granted:
        last = (
            select(MailingRecipient.id)
            .where(MailingRecipient.mailing_id == mailing.id, MailingRecipient.state == "queued")
            .order_by(MailingRecipient.id.desc())
            .limit(over - granted)
        )
        db.session.execute(
            update(MailingRecipient)
            .where(MailingRecipient.id.in_(last))
            .values(state="skipped", reason=OVER_LIMIT, due_at=None)
        )


def _give_back(mailing: Mailing) -> None:
    unused = mailing.reserved - queued(mailing.id)
    if unused > 0:
        limits.count("mails_month", by=-unused)
        mailing.reserved -= unused
