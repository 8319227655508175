"""Tells customers' timelines and facts what mails they got, opened and clicked, for lists, segments and offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from saas.customers import facts, timeline
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing.models import MailEvent, Mailing, MailingRecipient

BATCH = 500


def note_sent(*, most: int = BATCH) -> int:
    """Tell of mails that were sent and not told of yet; returns how many. One unit of work."""
    query = (
        select(
            MailingRecipient.id,
            MailingRecipient.customer_id,
            MailingRecipient.mailing_id,
            MailingRecipient.sent_at,
            Mailing.name,
            Mailing.campaign_id,
        )
        .join(Mailing, (Mailing.tenant_id == MailingRecipient.tenant_id) & (Mailing.id == MailingRecipient.mailing_id))
        .where(MailingRecipient.state == "sent", MailingRecipient.noted_at.is_(None))
        .order_by(MailingRecipient.id)
        .limit(most)
        .with_for_update(of=MailingRecipient, skip_locked=True)
    )
    rows = list(db.session.execute(query))
    told = [row for row in rows if row.customer_id is not None]
    held = set(facts.hold({row.customer_id for row in told}))
    timeline.add_many(
        [
            {
                "customer_id": row.customer_id,
                "kind": "mail_sent",
                "at": row.sent_at,
                "title": _("Got the mail “%(name)s”", name=row.name),
                "link": f"/campaigns/{row.campaign_id}",
                "key": str(row.id),
                "details": {"mailing_id": str(row.mailing_id)},
            }
            for row in told
            if row.customer_id in held
        ]
    )
    if rows:
        noted = (
            update(MailingRecipient)
            .where(MailingRecipient.id.in_([row.id for row in rows]))
            .values(noted_at=func.now())
        )
        db.session.execute(noted.execution_options(synchronize_session=False))
        count(sorted(held))
    return len(rows)


def tell(recipient: MailingRecipient, kind: str) -> None:
    """Tell a customer's timeline that they opened or clicked a mail."""
    mailing = db.session.execute(
        select(Mailing.name, Mailing.campaign_id).where(Mailing.id == recipient.mailing_id)
    ).one()
    titles = {
        "mail_opened": _("Opened “%(name)s”", name=mailing.name),
        "mail_clicked": _("Clicked in “%(name)s”", name=mailing.name),
    }
    at = recipient.clicked_at if kind == "mail_clicked" else recipient.opened_at
    timeline.add(
        customer_id=recipient.customer_id,
        kind=kind,
        at=at,
        title=titles[kind],
        key=str(recipient.id),
        link=f"/campaigns/{mailing.campaign_id}",
        details={"mailing_id": str(recipient.mailing_id)},
    )


def count(customer_ids: Sequence[UUID]) -> None:
    """Count anew what mails customers got, opened and clicked, and write it to their facts."""
    held = facts.hold(customer_ids)
    if not held:
        return
    got, last, none = MailingRecipient, _last_answers(held), (0, 0, 0, None)
    query = (
        select(
            got.customer_id,
            func.count(got.sent_at),
            func.count(got.opened_at),
            func.count(got.clicked_at),
            func.max(got.sent_at),
        )
        .where(got.customer_id.in_(held))
        .group_by(got.customer_id)
    )
    found = {customer: figures for customer, *figures in db.session.execute(query)}
    counted = [(customer, *found.get(customer, none)) for customer in held]
    facts.note_mails(
        [
            {
                "customer_id": customer,
                "mails_sent": sent,
                "mails_opened": opened,
                "mails_clicked": clicked,
                "last_mail_at": at,
                "last_open_at": last.get((customer, "open")),
                "last_click_at": last.get((customer, "click")),
            }
            for customer, sent, opened, clicked, at in counted
        ]
    )


def _last_answers(customer_ids: Sequence[UUID]) -> dict[tuple[UUID, str], Any]:
    query = (
        select(MailEvent.customer_id, MailEvent.kind, func.max(MailEvent.at))
        .where(
            MailEvent.customer_id.in_(customer_ids),
            MailEvent.kind.in_(("open", "click")),
            ~MailEvent.proxy,
            ~MailEvent.bot,
        )
        .group_by(MailEvent.customer_id, MailEvent.kind)
    )
    return {(customer, kind): at for customer, kind, at in db.session.execute(query)}
