"""Customers, the names they go by, what they agreed to, and what the rooms above push down about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import access, record_values
from saas.kit.db import Stamped, TenantModel, tenant_fk
from saas.kit.text import full_name

NO_SOURCE = UUID(int=0)
CONSENT_STATES = ("unknown", "granted", "withdrawn")
IDENTITY_KINDS = ("email", "phone", "external", "visitor")
JOIN_WAYS = ("signature", "mail_link", "claim", "form", "order", "checkout", "member", "program")
PAIR_STATES = ("open", "skipped", "different")
WISHES = ("rhythm", "pause")
PERSON_WISHES = ("data", "erasure")


class Customer(Stamped, TenantModel):
    """A person or firm the company sells to. `source_id` is the shop (or NO_SOURCE) that `external_id` is an id of."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email_norm"),
        CheckConstraint(f"email_consent IN {CONSENT_STATES}", name="email_consent"),
        Index("ix_customers_name_sort", "tenant_id", "name_sort", "id"),
        Index("ix_customers_created_at", "tenant_id", "created_at", "id"),
        Index("ix_customers_phone_norm", "tenant_id", "phone_norm"),
        Index("ix_customers_country", "tenant_id", "country"),
        Index("ix_customers_owner_id", "tenant_id", "owner_id", "created_at", "id"),
        tenant_fk("owner_id", "members", ondelete="SET NULL"),
    )

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    external_id: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    email_norm: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text, default="")
    phone_norm: Mapped[str] = mapped_column(Text, default="")
    first_name: Mapped[str] = mapped_column(Text, default="")
    last_name: Mapped[str] = mapped_column(Text, default="")
    name_sort: Mapped[str] = mapped_column(Text, default="")
    company: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(Text, default="")
    country: Mapped[str] = mapped_column(Text, default="")
    city: Mapped[str] = mapped_column(Text, default="")
    postcode: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    email_consent: Mapped[str] = mapped_column(Text, default="unknown")
    owner_id: Mapped[UUID | None]
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    versions: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")

    @property
    def name(self) -> str:
        """What to call them: their name, else their company, else their address, as far as the reader may see these."""
        hidden = access.hidden("customer")
        first, last, *others = (
            "" if part in hidden else getattr(self, part) or ""
            for part in ("first_name", "last_name", "company", "email", "external_id")
        )
        return full_name(first, last) or next((part for part in others if part), "—")


class CustomerValue(record_values.RecordValue, TenantModel):
    """A customer's value of one of the company's own fields, for finding; `id` is the customer's."""

    __tablename__ = "customer_values"
    __table_args__ = record_values.parts("customer_values", "customers")


class Identity(Stamped, TenantModel):
    """One name a customer goes by: an address, a number, a shop's id, a browser. A name leads to one customer.

    `origin_id` is the customer whose name it was before a merge; empty while it is the customer's own. `way` says how it came
    (shop, api, import, tracker, form, member), `made_by` who wrote it. `parting_id` is the parting by which it was taken off
    somebody: such a name says more than those that come with it.
    """

    __tablename__ = "customer_identities"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "kind", "source_id", "value"),
        CheckConstraint(f"kind IN {IDENTITY_KINDS}", name="kind"),
        Index("ix_customer_identities_customer_id", "tenant_id", "customer_id"),
    )

    customer_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    value: Mapped[str] = mapped_column(Text)
    proven: Mapped[bool] = mapped_column(Boolean, default=True)
    origin_id: Mapped[UUID | None]
    way: Mapped[str] = mapped_column(Text, default="", server_default="")
    made_by: Mapped[str] = mapped_column(Text, default="", server_default="")
    parting_id: Mapped[UUID | None]


class Voice(TenantModel):
    """What was said of a customer under one set of names (`names`: ids of identities): the newest of each field, as
    {column: [version, value]}, and of consent. Kept from the moment on that a customer is spoken of under different names, so
    that each can have again what was said of them alone.
    """

    __tablename__ = "customer_voices"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "customer_id", "names"),
    )

    customer_id: Mapped[UUID]
    names: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    said: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Join(TenantModel):
    """One piece of evidence that a browser is a customer's, from `at` to `last_at`. It is never taken away: `parting_id` is the
    parting by which it does not count.

    `self_id` is the customer it spoke of, whoever holds it after merges (`customer_id`); `ref` names what it is: the order,
    the event, the form; `name_id` is the identity by which an event named them.
    """

    __tablename__ = "customer_joins"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "visitor", "way", "ref"),
        CheckConstraint(f"way IN {JOIN_WAYS}", name="way"),
        Index("ix_customer_joins_customer_id", "tenant_id", "customer_id"),
        Index("ix_customer_joins_self_id", "tenant_id", "self_id"),
    )

    customer_id: Mapped[UUID]
    self_id: Mapped[UUID]
    visitor: Mapped[str] = mapped_column(Text)
    way: Mapped[str] = mapped_column(Text)
    proven: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime]
    last_at: Mapped[datetime]
    shop_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    url: Mapped[str] = mapped_column(Text, default="", server_default="")
    ref: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(Text, default="", server_default="")
    parting_id: Mapped[UUID | None]
    name_id: Mapped[UUID | None]


class Parting(TenantModel):
    """That a name is not a customer's, whatever spoke for it until `at`; `undone_at` takes it back.

    `moved` says how much of what went. A browser goes where it was before; any other name goes `to_id`, who was made by the
    parting (`made`) or known before.
    """

    __tablename__ = "customer_partings"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        CheckConstraint(f"kind IN {IDENTITY_KINDS}", name="kind"),
        Index("ix_customer_partings_customer_id", "tenant_id", "customer_id"),
        Index("ix_customer_partings_value", "tenant_id", "value"),
    )

    customer_id: Mapped[UUID]
    self_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    value: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(Text, default="", server_default="")
    moved: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str] = mapped_column(Text, default="", server_default="")
    to_id: Mapped[UUID | None]
    made: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")


class VisitorPart(TenantModel):
    """The stretch of a browser's time that is a customer's: after `since_at`, until `until_at`. Made of the joins that count."""

    __tablename__ = "visitor_parts"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "visitor", "place"),
        Index("ix_visitor_parts_customer_id", "tenant_id", "customer_id"),
    )

    customer_id: Mapped[UUID]
    self_id: Mapped[UUID]
    visitor: Mapped[str] = mapped_column(Text)
    place: Mapped[int] = mapped_column(Integer)
    proven: Mapped[bool] = mapped_column(Boolean)
    since_at: Mapped[datetime]
    until_at: Mapped[datetime]


class Consent(TenantModel):
    """One entry of the consent ledger: what a customer agreed to or withdrew, with its proof. Never changed. `came_by` are the
    names (identities) of the message that told it."""

    __tablename__ = "consents"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        Index("ix_consents_customer_id", "tenant_id", "customer_id", "channel", "id"),
        Index("ix_consents_purpose", "tenant_id", "channel", "purpose", "customer_id", "at"),
    )

    customer_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text, default="marketing", server_default="marketing")
    state: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(Text, default="")
    proof: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    came_by: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")


class ConsentPurpose(Stamped, TenantModel):
    """What a company asks consent for: its name, the words people agree to in each language, and how it is asked."""

    __tablename__ = "consent_purposes"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    wording: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    double_opt_in: Mapped[bool] = mapped_column(Boolean, default=False)
    archived_at: Mapped[datetime | None]


class ConsentRequest(TenantModel):
    """A question that waits for a click in a mail: whether this address is theirs and they agree (double opt-in)."""

    __tablename__ = "consent_requests"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        Index("ix_consent_requests_customer_id", "tenant_id", "customer_id", "asked_at"),
    )

    customer_id: Mapped[UUID]
    email: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    wording: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(Text)
    proof: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    asked_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]


class Facts(TenantModel):
    """What the rooms above know of a customer, pushed down so that lists, segments and mails can use it; `id` is theirs."""

    __tablename__ = "customer_facts"
    __table_args__ = (
        tenant_fk("id", "customers", ondelete="CASCADE"),
        Index("ix_customer_facts_spent_amount", "tenant_id", "spent_amount", "id"),
        Index("ix_customer_facts_orders_count", "tenant_id", "orders_count", "id"),
        Index("ix_customer_facts_first_order_at", "tenant_id", "first_order_at", "id"),
        Index("ix_customer_facts_last_order_at", "tenant_id", "last_order_at", "id"),
        Index("ix_customer_facts_last_visit_at", "tenant_id", "last_visit_at", "id"),
    )

    currency: Mapped[str] = mapped_column(Text, default="", server_default="")
    orders_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    items_count: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    spent_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    first_order_at: Mapped[datetime | None]
    last_order_at: Mapped[datetime | None]
    visits_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    views_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    first_visit_at: Mapped[datetime | None]
    last_visit_at: Mapped[datetime | None]
    cart_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    cart_at: Mapped[datetime | None]
    mails_sent: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    mails_opened: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    mails_clicked: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    last_mail_at: Mapped[datetime | None]
    last_open_at: Mapped[datetime | None]
    last_click_at: Mapped[datetime | None]


class TimelineEntry(TenantModel):
    """One thing that happened with a customer, whatever room it happened in. The id comes from its time and key."""

    __tablename__ = "timeline_entries"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        Index("ix_timeline_entries_customer_id", "tenant_id", "customer_id", text("at DESC"), text("id DESC")),
    )

    customer_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    title: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class CustomerShare(Stamped, TenantModel):
    """That a customer is shown to a member or a team besides its owner, for good or until `expires_at`."""

    __tablename__ = "customer_shares"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        tenant_fk("member_id", "members", ondelete="CASCADE"),
        tenant_fk("team_id", "teams", ondelete="CASCADE"),
        tenant_fk("shared_by", "members", ondelete="SET NULL"),
        CheckConstraint("(member_id IS NULL) <> (team_id IS NULL)", name="with_one"),
        UniqueConstraint("tenant_id", "customer_id", "member_id", "team_id", postgresql_nulls_not_distinct=True),
        Index("ix_customer_shares_member_id", "tenant_id", "member_id"),
        Index("ix_customer_shares_team_id", "tenant_id", "team_id"),
    )

    customer_id: Mapped[UUID]
    member_id: Mapped[UUID | None]
    team_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    shared_by: Mapped[UUID | None]


class CustomerMerge(TenantModel):
    """That one customer became part of another; its id is the journal of what moved. Undone, or in force.

    `fields` holds for each field that was taken over what the winner had before and has since, as {"before": {column: text},
    "after": {column: text}}; `tags` those it got, `consent_ids` the entries that keep the stricter word, `carried` the pairs
    marked as different that it took over. The two customers are named without foreign keys: the loser is in the journal,
    and the winner may be by a later merge.
    """

    __tablename__ = "customer_merges"
    __table_args__ = (
        Index(
            "uq_customer_merges_loser_id",
            "tenant_id",
            "loser_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
        Index("ix_customer_merges_winner_id", "tenant_id", "winner_id"),
        Index("ix_customer_merges_batch", "tenant_id", "batch", postgresql_where=text("batch IS NOT NULL")),
    )

    winner_id: Mapped[UUID]
    loser_id: Mapped[UUID]
    loser_name: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(Text, default="")
    batch: Mapped[UUID | None]
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    consent_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    carried: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    moved: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str] = mapped_column(Text, default="")


class DuplicatePair(TenantModel):
    """Two customers who may be one person, the smaller id first. `score` is the chance in thousandths, `evidence` says why.

    open: to be looked at. skipped: not now. different: never again, whatever changes.
    """

    __tablename__ = "duplicate_pairs"
    __table_args__ = (
        tenant_fk("one_id", "customers", ondelete="CASCADE"),
        tenant_fk("other_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "one_id", "other_id"),
        CheckConstraint(f"state IN {PAIR_STATES}", name="state"),
        CheckConstraint("one_id < other_id", name="ordered"),
        Index("ix_duplicate_pairs_other_id", "tenant_id", "other_id"),
        Index("ix_duplicate_pairs_score", "tenant_id", "state", text("score DESC"), "id"),
    )

    one_id: Mapped[UUID]
    other_id: Mapped[UUID]
    score: Mapped[int] = mapped_column(Integer)
    evidence: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    state: Mapped[str] = mapped_column(Text, default="open")
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(Text, default="")


class Erasure(TenantModel):
    """The certificate that people were erased: when, by whom, how many, and how many rows were reached where. It names no one."""

    __tablename__ = "erasures"

    erased_at: Mapped[datetime]
    erased_by: Mapped[str] = mapped_column(Text, default="")
    people: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    told: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)


class ErasedPerson(TenantModel):
    """The id that somebody who was erased had. It leads to nobody, but in a backup that comes back."""

    __tablename__ = "erased_people"
    __table_args__ = (
        tenant_fk("erasure_id", "erasures", ondelete="CASCADE"),
        Index("ix_erased_people_erasure_id", "tenant_id", "erasure_id"),
    )

    erasure_id: Mapped[UUID]
    customer: Mapped[UUID]
    erased_at: Mapped[datetime]


class ErasedAddress(TenantModel):
    """The keyed digest of an address whose person was erased; `reason` is why it was not written to before, if so."""

    __tablename__ = "erased_addresses"
    __table_args__ = (UniqueConstraint("tenant_id", "digest"),)

    digest: Mapped[str] = mapped_column(Text)
    erasure_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Text, default="")
    erased_at: Mapped[datetime]


class CustomerKey(TenantModel):
    """One of the few digests under which a customer meets those who may be the same; `id` is the customer's."""

    __tablename__ = "customer_keys"
    __table_args__ = (
        tenant_fk("id", "customers", ondelete="CASCADE"),
        Index("ix_customer_keys_key", "tenant_id", "key", "id"),
    )

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class PortalPass(TenantModel):
    """A shopper's way to their own page: asked for with an address, mailed as a link, opened once, then a browser's for a day.

    One is written for any address that is typed, so that nobody learns whose address is known; `customer_id` stays empty
    for an address of nobody. `session` is the digest of the browser's cookie.
    """

    __tablename__ = "portal_passes"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "session"),
        Index("ix_portal_passes_customer_id", "tenant_id", "customer_id"),
        Index("ix_portal_passes_asked_at", "tenant_id", "asked_at"),
    )

    customer_id: Mapped[UUID | None]
    email_norm: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    session: Mapped[str | None] = mapped_column(Text)
    ends_at: Mapped[datetime | None]
    browser: Mapped[str] = mapped_column(Text, default="")


class MailWish(TenantModel):
    """One entry of what a customer said of how often they are written to, with its proof. Never changed; the newest counts.

    rhythm: `value` is all, weekly or monthly, of mails of one purpose. pause: none of any purpose before `until`; empty ends it.
    """

    __tablename__ = "mail_wishes"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        CheckConstraint(f"kind IN {WISHES}", name="kind"),
        Index("ix_mail_wishes_customer_id", "tenant_id", "customer_id", "kind", "purpose", "at"),
    )

    customer_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text, default="", server_default="")
    value: Mapped[str] = mapped_column(Text, default="", server_default="")
    until: Mapped[datetime | None]
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(Text, default="")
    proof: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class PortalSettings(Stamped, TenantModel):
    """How the company's page for shoppers looks and what it lets them do; one row a tenant, none while nothing was chosen.

    `topics` is the order of the purposes in the preference centre with their words: [{"key", "shown", "titles", "texts"}].
    """

    __tablename__ = "portal_settings"
    __table_args__ = (
        UniqueConstraint("tenant_id"),
        CheckConstraint("return_days BETWEEN 0 AND 730", name="return_days"),
    )

    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    color: Mapped[str] = mapped_column(Text, default="")
    logo_url: Mapped[str] = mapped_column(Text, default="")
    welcome: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    editable: Mapped[list[str]] = mapped_column(ARRAY(Text))
    birthday_field: Mapped[str] = mapped_column(Text, default="")
    return_days: Mapped[int] = mapped_column(Integer)
    return_words: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    topics: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)


class PersonRequest(TenantModel):
    """What a person asked for on their own page about their data: a copy of it, or to be forgotten. `file_id` is the copy."""

    __tablename__ = "person_requests"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        tenant_fk("operation_id", "operations", ondelete="SET NULL"),
        CheckConstraint(f"what IN {PERSON_WISHES}", name="what"),
        Index("ix_person_requests_customer_id", "tenant_id", "customer_id"),
        Index("ix_person_requests_operation_id", "tenant_id", "operation_id"),
    )

    customer_id: Mapped[UUID]
    what: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime]
    operation_id: Mapped[UUID | None]
    file_id: Mapped[UUID | None]
