"""Mailings that another mail system sent before a company came here, taken over with what became of them.

Who got one, who was held out, opens, clicks and what bounced stand in the same tables as our own, so that profiles, segments
and the lift know them. Nothing is sent, and nothing counts against the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from saas.audiences import segments, suppression
from saas.commerce.models import Order
from saas.customers import identity, timeline
from saas.customers.models import Customer
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing import attribution, campaigns, mailings, pushing, rendering
from saas.marketing.models import Campaign, MailEvent, Mailing, MailingRecipient
from saas.tenancy import tenants

FOLLOWED_FOR = timedelta(days=8)
BATCH = 500
MOMENTS = ("sent_at", "opened_at", "proxy_opened_at", "clicked_at", "unsubscribed_at", "bounced_at", "complained_at")
EVENTS = (
    ("open", "opened_at", False), ("open", "proxy_opened_at", True), ("click", "clicked_at", False), ("unsubscribe", "unsubscribed_at", False),
    ("bounce", "bounced_at", False), ("complaint", "complained_at", False),
)  # fmt: skip


@dataclass(frozen=True)
class Recipient:
    """Somebody's place in a past mailing, by their id in the shop: held out, or what happened when."""

    customer: str
    held_out: bool = False
    sent_at: datetime | None = None
    opened_at: datetime | None = None
    proxy_opened_at: datetime | None = None
    clicked_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    bounced_at: datetime | None = None
    complained_at: datetime | None = None


def take_over(
    *, name: str, subject: str, source: str, segment_id: UUID | str, sent_at: datetime, holdout_percent: int, source_id: UUID,
    recipients: Sequence[Recipient],
) -> Mailing | None:  # fmt: skip
    """Keep a past mailing with its recipients; None when it is here already. People the shop no longer knows are left out.

    `source_id` is the shop whose ids the recipients go by. Raises BadCampaign or NoSuchSegment.
    """
    known = select(Mailing.id).where(Mailing.name == name, Mailing.launched_at == sent_at)
    if db.session.scalar(known) is not None:
        return None
    with clock.travel(to=sent_at):
        campaign = campaigns.create(
            name=name, subject=subject, source=source, segment_id=segment_id, holdout_percent=holdout_percent
        )
        campaign.state = "done"
        db.session.flush()
    mailing = _mailing(campaign, sent_at, recipients)
    rows = _rows(mailing, recipients, source_id)
    for model, written in ((MailingRecipient, rows), (MailEvent, list(_events(rows)))):
        if written:
            db.session.execute(insert(model), written)
    _tell(mailing, rows)
    _stop_bounced(rows)
    _follow(mailing, [row["customer_id"] for row in rows])
    return mailing


def _mailing(campaign: Campaign, sent_at: datetime, recipients: Sequence[Recipient]) -> Mailing:
    segment, settings = segments.one(campaign.segment_id), tenants.settings()
    held_out = sum(one.held_out for one in recipients)
    ended = max((one.sent_at for one in recipients if one.sent_at), default=sent_at)
    mailing = Mailing(
        id=identifiers.at(sent_at, str(scope.tenant_id()), campaign.name), campaign_id=campaign.id, state="done", name=campaign.name,
        compiled=campaign.compiled, definition=segment.definition, segment_name=segment.name, holdout_percent=campaign.holdout_percent,
        sender_email=settings.sender_email, sender_name=settings.sender_name, reply_to=settings.reply_to,
        forecast={"audience": len(recipients), "queued": len(recipients) - held_out, "held_out": held_out, "skipped": {}},
        launched_at=sent_at, frozen_at=sent_at, progress_at=ended, finished_at=ended,
    )  # fmt: skip
    db.session.add(mailing)
    db.session.flush()
    mailings.add_links(mailing, rendering.Compiled.load(mailing.compiled).links)
    return mailing


def _rows(mailing: Mailing, recipients: Sequence[Recipient], source_id: UUID) -> list[dict[str, Any]]:
    found = identity.find_many(("external", source_id, one.customer) for one in recipients)
    people = {
        one.customer: found[name] for one in recipients if (name := ("external", source_id, one.customer)) in found
    }
    emails = dict(db.session.execute(select(Customer.id, Customer.email).where(Customer.id.in_(people.values()))).all())
    return [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "mailing_id": mailing.id, "customer_id": people[one.customer],
         "email": emails.get(people[one.customer]) or "", "state": "held_out" if one.held_out else "sent", "reason": "",
         **{moment: getattr(one, moment) for moment in MOMENTS}}
        for one in {one.customer: one for one in recipients}.values() if one.customer in people
    ]  # fmt: skip


def _events(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        for kind, moment, proxy in EVENTS:
            if row[moment] is not None:
                yield {"tenant_id": row["tenant_id"], "id": identifiers.new(), "mailing_id": row["mailing_id"], "recipient_id": row["id"],
                       "customer_id": row["customer_id"], "kind": kind, "at": row[moment], "link": 0 if kind == "click" else None,
                       "proxy": proxy, "bot": False, "detail": ""}  # fmt: skip


def _tell(mailing: Mailing, rows: Sequence[dict[str, Any]]) -> None:
    """Tell timelines and facts, as if it had happened here."""
    titles = {"mail_opened": ("opened_at", _("Opened “%(name)s”", name=mailing.name)),
              "mail_clicked": ("clicked_at", _("Clicked in “%(name)s”", name=mailing.name))}  # fmt: skip
    timeline.add_many([
        {"customer_id": row["customer_id"], "kind": kind, "at": row[moment], "title": title, "key": str(row["id"]),
         "link": f"/campaigns/{mailing.campaign_id}", "details": {"mailing_id": str(mailing.id)}}
        for kind, (moment, title) in titles.items() for row in rows if row[moment] is not None
    ])  # fmt: skip
    while pushing.note_sent(most=BATCH) == BATCH:
        pass


def _stop_bounced(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        for reason, moment in (("bounce", "bounced_at"), ("complaint", "complained_at")):
            if row[moment] is not None and row["email"]:
                suppression.suppress(row["email"], reason, at=row[moment])


def _follow(mailing: Mailing, customer_ids: Sequence[UUID]) -> None:
    """Attribute the orders that followed; recipients' orders are all recorded already, or follow when they come."""
    query = select(Order.id).where(
        Order.customer_id.in_(customer_ids),
        Order.placed_at >= mailing.launched_at,
        Order.placed_at < mailing.launched_at + FOLLOWED_FOR,
    )
    orders = list(db.session.scalars(query))
    for start in range(0, len(orders), BATCH):
        attribution.follow(orders[start : start + BATCH])
