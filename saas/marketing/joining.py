"""What marketing does when two customers become one, and when they are taken apart again.

Who waits in one mailing twice, under two addresses, gets the mail once.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from saas.customers import merging
from saas.kit.db import db
from saas.marketing import pushing
from saas.marketing.models import MailEvent, MailingRecipient

GOING = ("queued", "claimed", "sending", "sent")
MERGED = "merged"


def merged(winner: UUID, loser: UUID) -> None:
    """Skip the second mail of a mailing that has not left yet, and count anew."""
    twice = (
        select(MailingRecipient.mailing_id)
        .where(MailingRecipient.customer_id == winner, MailingRecipient.state.in_(GOING))
        .group_by(MailingRecipient.mailing_id)
        .having(func.count() > 1)
    )
    rows = select(MailingRecipient).where(
        MailingRecipient.customer_id == winner,
        MailingRecipient.mailing_id.in_(twice),
        MailingRecipient.state.in_(GOING),
    )
    by_mailing: dict[UUID, list[MailingRecipient]] = {}
    for row in db.session.scalars(rows.order_by(MailingRecipient.id).with_for_update()):
        by_mailing.setdefault(row.mailing_id, []).append(row)
    for places in by_mailing.values():
        places.sort(key=lambda row: (-GOING.index(row.state), row.place))
        for row in places[1:]:
            if row.state == "queued":
                row.state, row.reason, row.due_at = "skipped", MERGED, None
    db.session.flush()
    pushing.count([winner])


def parted(holder: UUID, back: UUID, since: datetime) -> None:
    """What came back for mails of `back` while they were one is theirs; then count both anew."""
    theirs = select(MailingRecipient.id).where(MailingRecipient.customer_id == back)
    events = update(MailEvent).where(MailEvent.recipient_id.in_(theirs), MailEvent.customer_id == holder)
    db.session.execute(events.values(customer_id=back).execution_options(synchronize_session=False))
    opened = select(MailingRecipient).where(
        MailingRecipient.customer_id == back,
        func.greatest(MailingRecipient.opened_at, MailingRecipient.clicked_at) >= since,
    )
    for row in db.session.scalars(opened.limit(500)):
        for kind, moment in (("mail_opened", row.opened_at), ("mail_clicked", row.clicked_at)):
            if moment is not None and moment >= since:
                pushing.tell(row, kind)
    pushing.count([holder, back])


merging.follow(merging.Follower(merged=merged, parted=parted))
