"""Mail designs, campaigns, what was sent to whom, and what came of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Date, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import clock
from saas.kit.db import Stamped, TenantModel, tenant_fk
from saas.marketing.form_trial_models import FormTrial, FormTrialDay  # noqa: F401  all tables of the room are met here

CAMPAIGN_STATES = ("draft", "scheduled", "sending", "paused", "done", "cancelled")
MAILING_STATES = ("sending", "paused", "done", "cancelled")
RECIPIENT_STATES = ("queued", "claimed", "sending", "sent", "skipped", "failed", "unknown", "held_out")
EVENT_KINDS = ("open", "click", "bounce", "complaint", "unsubscribe", "resubscribe")
TOUCHES = ("click", "open")
FORM_KINDS = ("embed", "flyout", "banner", "popup")
FORM_STATES = ("draft", "live", "paused")
WATCH_KINDS = ("stock", "price")
WATCH_STATES = ("asked", "waiting", "due", "told", "ended", "expired")


class MailTemplate(Stamped, TenantModel):
    """A design to begin campaigns with; `version` counts its changes."""

    __tablename__ = "mail_templates"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(Text, default="")
    text_source: Mapped[str] = mapped_column(Text, default="")
    compiled: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    version: Mapped[int] = mapped_column(Integer, default=1)


class Campaign(Stamped, TenantModel):
    """A mail for a segment: what is written, to whom, by whom and when. It is sent once; `trouble` says why it was
    not.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        tenant_fk("segment_id", "segments", ondelete="SET NULL"),
        tenant_fk("template_id", "mail_templates", ondelete="SET NULL"),
        tenant_fk("coupon_id", "coupons", ondelete="SET NULL"),
        CheckConstraint(f"state IN {CAMPAIGN_STATES}", name="state"),
        CheckConstraint("holdout_percent BETWEEN 0 AND 50", name="holdout_percent"),
        Index("ix_campaigns_updated_at", "tenant_id", text("updated_at DESC"), text("id DESC")),
        Index("ix_campaigns_due", "scheduled_at", postgresql_where=text("state = 'scheduled'")),
    )

    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="draft")
    segment_id: Mapped[UUID | None]
    template_id: Mapped[UUID | None]
    coupon_id: Mapped[UUID | None]
    subject: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(Text, default="")
    text_source: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(Text, default="en")
    compiled: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    sender_name: Mapped[str] = mapped_column(Text, default="")
    reply_to: Mapped[str] = mapped_column(Text, default="")
    holdout_percent: Mapped[int] = mapped_column(Integer, default=10)
    purpose: Mapped[str] = mapped_column(Text, default="marketing", server_default="marketing")
    without_disputed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    scheduled_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=1)


class Mailing(TenantModel):
    """One send of a campaign with all it needs, so that no later change touches it.

    Its recipients are frozen batch by batch, `frozen_to` being the last customer looked at and `frozen_at` set when all
    were. `reserved` mails are counted against the plan; `held_by` is "plan" while it rests because that is not paid.
    `progress_at` (the database's clock) tells that somebody works on it.
    """

    __tablename__ = "mailings"
    __table_args__ = (
        tenant_fk("campaign_id", "campaigns", ondelete="CASCADE"),
        tenant_fk("coupon_id", "coupons", ondelete="SET NULL"),
        CheckConstraint(f"state IN {MAILING_STATES}", name="state"),
        Index("ix_mailings_campaign_id", "tenant_id", "campaign_id"),
        Index("ix_mailings_open", "progress_at", postgresql_where=text("finished_at IS NULL")),
    )

    campaign_id: Mapped[UUID]
    coupon_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(Text, default="sending")
    name: Mapped[str] = mapped_column(Text)
    compiled: Mapped[dict[str, Any]] = mapped_column(JSONB)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    segment_name: Mapped[str] = mapped_column(Text, default="")
    sender_email: Mapped[str] = mapped_column(Text)
    sender_name: Mapped[str] = mapped_column(Text, default="")
    reply_to: Mapped[str] = mapped_column(Text, default="")
    holdout_percent: Mapped[int] = mapped_column(Integer)
    purpose: Mapped[str] = mapped_column(Text, default="marketing", server_default="marketing")
    without_disputed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    forecast: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    reserved: Mapped[int] = mapped_column(Integer, default=0)
    held_by: Mapped[str] = mapped_column(Text, default="")
    launched_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    frozen_to: Mapped[UUID | None]
    frozen_at: Mapped[datetime | None]
    progress_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class MailingRecipient(TenantModel):
    """One person's place in a mailing: the ledger that a mail is sent once.

    queued -> claimed (a worker has it, nothing has left) -> sending (it may have left) -> sent, failed or unknown.
    `worker` names who has it until `lease_until`; `noted_at` is when it was told to the customer's timeline and facts.
    `place` is 0, and counts on where customers were merged who each were written to. `offers` are those the mail's text tells
    of, `offers_opened` those that its pictures showed when it was opened last (see `open_offers`). `offer_part` is what
    the mail remembers of the trial of offers it takes part in: its id, the arm and whose part it is. `coupon_code_id` is the code
    their mail brings, where the mailing brings one.
    """

    __tablename__ = "mailing_recipients"
    __table_args__ = (
        tenant_fk("mailing_id", "mailings", ondelete="CASCADE"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        UniqueConstraint("tenant_id", "customer_id", "mailing_id", "place"),
        CheckConstraint(f"state IN {RECIPIENT_STATES}", name="state"),
        Index("ix_mailing_recipients_state", "tenant_id", "mailing_id", "state", "id"),
        Index(
            "ix_mailing_recipients_queue",
            "tenant_id",
            "mailing_id",
            "due_at",
            "id",
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_mailing_recipients_held", "lease_until", postgresql_where=text("state IN ('claimed', 'sending')")),
        Index(
            "ix_mailing_recipients_unnoted",
            "tenant_id",
            "id",
            postgresql_where=text("state = 'sent' AND noted_at IS NULL"),
        ),
        Index(
            "ix_mailing_recipients_nobody",
            "tenant_id",
            "id",
            postgresql_where=text("customer_id IS NULL AND email <> ''"),
        ),
        {"info": {"numbered": "place"}},
    )

    mailing_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    place: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    coupon_code_id: Mapped[UUID | None]
    email: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    worker: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    first_try_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    noted_at: Mapped[datetime | None]
    offers: Mapped[list[Any] | None] = mapped_column(JSONB)
    offers_opened: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    offer_part: Mapped[list[Any] | None] = mapped_column(JSONB)
    opened_at: Mapped[datetime | None]
    proxy_opened_at: Mapped[datetime | None]
    clicked_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]
    complained_at: Mapped[datetime | None]


class MailLink(TenantModel):
    """Where link number `number` of a mailing leads; a personal target still holds its Liquid."""

    __tablename__ = "mail_links"
    __table_args__ = (
        tenant_fk("mailing_id", "mailings", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "mailing_id", "number"),
    )

    mailing_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(Integer)
    target: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text, default="")
    personal: Mapped[bool] = mapped_column(Boolean, default=False)


class MailEvent(TenantModel):
    """One thing that came back for a mail. `proxy`: a privacy proxy opened it; `bot`: a scanner clicked."""

    __tablename__ = "mail_events"
    __table_args__ = (
        tenant_fk("mailing_id", "mailings", ondelete="CASCADE"),
        tenant_fk("recipient_id", "mailing_recipients", ondelete="CASCADE"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        CheckConstraint(f"kind IN {EVENT_KINDS}", name="kind"),
        Index("ix_mail_events_mailing_id", "tenant_id", "mailing_id", "kind", "at"),
        Index("ix_mail_events_recipient_id", "tenant_id", "recipient_id"),
        Index("ix_mail_events_customer_id", "tenant_id", "customer_id", "at"),
    )

    mailing_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    link: Mapped[int | None] = mapped_column(Integer)
    proxy: Mapped[bool] = mapped_column(Boolean, default=False)
    bot: Mapped[bool] = mapped_column(Boolean, default=False)
    detail: Mapped[str] = mapped_column(Text, default="")


class Attribution(TenantModel):
    """An order that followed a mail; `amount` is what is left of it after refunds. One order follows one mail."""

    __tablename__ = "attributions"
    __table_args__ = (
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        tenant_fk("recipient_id", "mailing_recipients", ondelete="CASCADE"),
        tenant_fk("mailing_id", "mailings", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "order_id"),
        CheckConstraint(f"kind IN {TOUCHES}", name="kind"),
        Index("ix_attributions_mailing_id", "tenant_id", "mailing_id"),
        Index("ix_attributions_recipient_id", "tenant_id", "recipient_id"),
    )

    order_id: Mapped[UUID]
    mailing_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    touched_at: Mapped[datetime]
    ordered_at: Mapped[datetime]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)


class Form(Stamped, TenantModel):
    """A form on the pages of the company's shops; `content` is what it asks, says, looks like, and when it is shown."""

    __tablename__ = "forms"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint(f"kind IN {FORM_KINDS}", name="kind"),
        CheckConstraint(f"state IN {FORM_STATES}", name="state"),
    )

    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="draft")
    content: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    version: Mapped[int] = mapped_column(Integer, default=1)


class FormSubmission(TenantModel):
    """What somebody sent by a form, and what became of it.

    `counted`: the browser had agreed to statistics, so that it stands among those who were shown the form. `won`: nobody
    knew this person before. `trial_id` and `arm` are those of the trial it was sent in, if there was one.
    """

    __tablename__ = "form_submissions"
    __table_args__ = (
        tenant_fk("form_id", "forms", ondelete="CASCADE"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        Index(  # what came of a form is counted in it alone
            "ix_form_submissions_sent",
            "tenant_id",
            "form_id",
            text("sent_at DESC"),
            text("id DESC"),
            postgresql_include=["counted", "won", "confirmed_at"],
        ),
        Index("ix_form_submissions_customer_id", "tenant_id", "customer_id"),
    )

    form_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    source_id: Mapped[UUID | None]
    visitor: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, default="")
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    agreed: Mapped[list[str]] = mapped_column(JSONB, default=list)
    proof: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    counted: Mapped[bool] = mapped_column(Boolean, default=False)
    won: Mapped[bool] = mapped_column(Boolean, default=False)
    trial_id: Mapped[UUID | None]
    arm: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]


class FormCount(TenantModel):
    """How often a form was shown and begun on a day, by browsers that agreed to statistics."""

    __tablename__ = "form_counts"
    __table_args__ = (
        tenant_fk("form_id", "forms", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "form_id", "day"),
    )

    form_id: Mapped[UUID]
    day: Mapped[date] = mapped_column(Date)
    shown: Mapped[int] = mapped_column(Integer, default=0)
    started: Mapped[int] = mapped_column(Integer, default=0)


class ProductWatch(TenantModel):
    """Somebody wants to be told when a product is back or costs less: asked -> waiting (they clicked in a mail) -> due -> told.

    `variant` is the shop's id of one variant, empty for the product. `price_micros` is what it cost when they asked.
    """

    __tablename__ = "product_watches"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        tenant_fk("product_id", "products", ondelete="CASCADE"),
        CheckConstraint(f"kind IN {WATCH_KINDS}", name="kind"),
        CheckConstraint(f"state IN {WATCH_STATES}", name="state"),
        Index("ix_product_watches_asked_at", "tenant_id", "asked_at", "id"),
        Index("ix_product_watches_product_id", "tenant_id", "product_id", "kind", "state", "asked_at"),
        Index("ix_product_watches_customer_id", "tenant_id", "customer_id"),
        Index("ix_product_watches_expires_at", "expires_at", postgresql_where=text("state IN ('asked', 'waiting')")),
    )

    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    variant: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="asked")
    email: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, default="")
    visitor: Mapped[str] = mapped_column(Text, default="")
    price_micros: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text, default="")
    proof: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    asked_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class WatchSettings(Stamped, TenantModel):
    """How a company tells people that a product is back or costs less; one row, its id the nil UUID."""

    __tablename__ = "watch_settings"

    content: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
