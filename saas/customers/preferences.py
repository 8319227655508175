"""What a customer says of how they want to be written to: about what, by which channel, how often, and not for a while.

Agreeing and withdrawing is consent and goes into its ledger. How often, and pauses, are a ledger of their own beside it, read
by mailings when they are frozen and once more just before each mail leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from saas.customers import asking, consent, portal_settings, profiles, purposes, timeline
from saas.customers.events import CustomersChanged
from saas.customers.models import Customer, MailWish
from saas.kit import clock, errors, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _

ALL, WEEKLY, MONTHLY = "all", "weekly", "monthly"
RHYTHMS = (ALL, WEEKLY, MONTHLY)
APART = {WEEKLY: timedelta(days=7), MONTHLY: timedelta(days=30)}
PAUSES = (30, 60, 90)


class BadPreference(errors.Invalid):
    """A topic, a channel, a rhythm or a number of days that there is not."""


@dataclass(frozen=True)
class Topic:
    """One purpose as the customer sees it: `channels` by name, each granted, withdrawn or unknown; `asked` by mail and open."""

    key: str
    title: str
    text: str
    channels: dict[str, str]
    rhythm: str
    asked: bool


@dataclass(frozen=True)
class Centre:
    """All that a customer can choose, as it stands."""

    topics: tuple[Topic, ...]
    paused_until: datetime | None

    @property
    def wants_mail(self) -> bool:
        """Whether they agreed to anything at all."""
        return any(state == "granted" for topic in self.topics for state in topic.channels.values())


def centre(customer: Customer, *, language: str = "") -> Centre:
    """Return what a customer can choose and has chosen, in the order and with the words the company set."""
    settings, held = portal_settings.current(), consent.states(customer.id)
    words = {topic["key"]: topic for topic in settings.topics}
    order = {key: place for place, key in enumerate(words)}
    shown = [one for one in purposes.listed() if words.get(one.key, {}).get("shown", True)]
    shown.sort(key=lambda one: order.get(one.key, len(order)))
    rhythms, asked = rhythms_of(customer.id), {one.purpose for one in asking.waiting_for(customer.id)}
    topics = tuple(
        Topic(
            key=one.key,
            title=portal_settings.in_language(words.get(one.key, {}).get("titles", {}), language) or one.name,
            text=portal_settings.in_language(words.get(one.key, {}).get("texts", {}), language)
            or portal_settings.in_language(one.wording, language),
            channels={
                channel: _state(customer, channel, one.key, held.get((channel, one.key))) for channel in one.channels
            },
            rhythm=rhythms.get(one.key, ALL),
            asked=one.key in asked,
        )
        for one in shown
    )
    return Centre(topics, paused_until(customer.id))


def _state(customer: Customer, channel: str, purpose: str, entry: Any) -> str:
    """What was said before there was a ledger stands with the profile."""
    if entry is not None:
        return entry.state
    return customer.email_consent if (channel, purpose) == ("email", purposes.MAIN) else "unknown"


def choose(
    customer_id: UUID, *, agreed: Collection[tuple[str, str]], rhythms: Mapping[str, str], language: str = "", source: str = "portal",
    proof: dict[str, Any] | None = None,
) -> bool:  # fmt: skip
    """Take a whole page of choices: `agreed` are the (purpose, channel) that are on, all others shown are off.

    Where the company wants a click in a mail, a new yes is asked for by mail first. What was never asked and stays off is not
    written down as a no. Returns whether anything changed; raises BadPreference.
    """
    customer = profiles.one(customer_id, lock=True)
    now = centre(customer, language=language)
    known = {(topic.key, channel) for topic in now.topics for channel in topic.channels}
    if not set(agreed) <= known or not set(rhythms.values()) <= set(RHYTHMS):
        raise BadPreference(_("Choose one of the values."))
    changed = False
    for topic in now.topics:
        for channel, state in topic.channels.items():
            wish = "granted" if (topic.key, channel) in agreed else "withdrawn"
            if wish == state or (wish == "withdrawn" and state == "unknown"):
                continue
            told = (proof or {}) | {"wording": topic.text or topic.title, "language": language}
            said = [(customer.id, wish, None)]
            consent.record_many(said, channel=channel, purpose=topic.key, source=source, proof=told)
            changed = True
        if topic.key in rhythms:
            changed |= set_rhythm(customer.id, topic.key, rhythms[topic.key], source=source, proof=proof)
    if changed:
        announce(CustomersChanged(customer_ids=[str(customer.id)]))
    return changed


def stop_all(customer_id: UUID, *, source: str = "portal", proof: dict[str, Any] | None = None) -> None:
    """Withdraw everything a customer agreed to, by every channel, and news and offers by mail in any case."""
    held = consent.states(customer_id)
    wanted = {("email", purposes.MAIN)} | {about for about, entry in held.items() if entry.state == "granted"}
    for channel, purpose in sorted(wanted):
        consent.withdraw(customer_id=customer_id, channel=channel, purpose=purpose, source=source, proof=proof)
    announce(CustomersChanged(customer_ids=[str(customer_id)]))


def set_rhythm(
    customer_id: UUID, purpose: str, value: str, *, source: str = "portal", proof: dict[str, Any] | None = None
) -> bool:
    """Note how often a customer wants mails of a purpose; tells whether that is news. Raises BadPreference."""
    if value not in RHYTHMS:
        raise BadPreference(fields={"rhythm": [_("Choose one of the values.")]})
    if rhythms_of(customer_id).get(purpose, ALL) == value:
        return False
    _note(customer_id, kind="rhythm", purpose=purpose, value=value, source=source, proof=proof)
    titles = {ALL: _("Wants every mail again"), WEEKLY: _("Wants at most one mail a week"), MONTHLY: _("Wants at most one mail a month")}  # fmt: skip
    _tell(customer_id, titles[value], purpose, source)
    return True


def set_pause(
    customer_id: UUID, *, days: int | None, source: str = "portal", proof: dict[str, Any] | None = None
) -> datetime | None:
    """Have a customer written to no more for some days, or again when `days` is None; returns until when. Raises
    BadPreference."""
    if days is not None and days not in PAUSES:
        raise BadPreference(fields={"days": [_("Choose one of the values.")]})
    until = clock.now() + timedelta(days=days) if days else None
    if until is None and paused_until(customer_id) is None:
        return None
    _note(customer_id, kind="pause", until=until, source=source, proof=proof)
    title = _("Wants no mails until %(day)s", day=until.date().isoformat()) if until else _("Ended the pause")
    _tell(customer_id, title, "", source)
    return until


def hear(customer_id: UUID, *, rhythms: Mapping[str, str], pause: int | None = 0, place: str = "") -> None:
    """Note what a customer said to a program of the company: rhythms by purpose, a pause of so many days (None ends it, 0 says
    nothing of it). Raises BadPreference."""
    known = {one.key for one in purposes.listed(archived=True)}
    if not set(rhythms) <= known:
        raise BadPreference(fields={"rhythms": [_("There is no such purpose.")]})
    proof = {name: value for name, value in {"place": place, "told_by": scope.actor().name}.items() if value}
    for purpose, value in rhythms.items():
        set_rhythm(customer_id, purpose, value, source="api", proof=proof)
    if pause != 0:
        set_pause(customer_id, days=pause, source="api", proof=proof)
    announce(CustomersChanged(customer_ids=[str(customer_id)]))


def _note(
    customer_id: UUID, *, kind: str, purpose: str = "", value: str = "", until: datetime | None = None, source: str, proof: dict[str, Any] | None,
) -> None:  # fmt: skip
    db.session.execute(insert(MailWish), [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": customer_id, "kind": kind, "purpose": purpose, "value": value,
         "until": until, "at": clock.now(), "source": source, "proof": proof or {}}
    ])  # fmt: skip


def _tell(customer_id: UUID, title: str, purpose: str, source: str) -> None:
    now = clock.now()
    timeline.add(
        customer_id=customer_id, kind="consent", at=now, title=title, key=f"wish:{customer_id}:{now.isoformat()}",
        details={"source": source, "purpose": purpose},
    )  # fmt: skip


def rhythms_of(customer_id: UUID) -> dict[str, str]:
    """Return how often a customer wants mails, by purpose; those they never spoke of are left out."""
    query = (
        select(MailWish.purpose, MailWish.value)
        .where(MailWish.customer_id == customer_id, MailWish.kind == "rhythm")
        .ext(distinct_on(MailWish.purpose))
        .order_by(MailWish.purpose, MailWish.at.desc(), MailWish.id.desc())
    )
    return dict(db.session.execute(query).all())


def paused_until(customer_id: UUID) -> datetime | None:
    """Return until when a customer wants no mails, or None when they are not pausing."""
    query = select(MailWish.until).where(MailWish.customer_id == customer_id, MailWish.kind == "pause")
    until = db.session.scalar(query.order_by(MailWish.at.desc(), MailWish.id.desc()).limit(1))
    return until if until is not None and until > clock.now() else None


def history(customer_id: UUID) -> list[MailWish]:
    """Return everything a customer said of how often, newest first."""
    query = select(MailWish).where(MailWish.customer_id == customer_id)
    return list(db.session.scalars(query.order_by(MailWish.at.desc(), MailWish.id.desc())))


def in_use() -> bool:
    """Tell whether anybody of the company ever chose how often, so that mailings need not ask where nobody did."""
    return db.session.scalar(select(MailWish.id).limit(1)) is not None


def newest_rhythm(customer_id: ColumnElement[UUID], *, purpose: str) -> ColumnElement[str]:
    """Return how often the customer a query is at wants mails of a purpose; null when they never said."""
    query = select(MailWish.value).where(
        MailWish.customer_id == customer_id, MailWish.kind == "rhythm", MailWish.purpose == purpose
    )
    return query.order_by(MailWish.at.desc(), MailWish.id.desc()).limit(1).scalar_subquery()


def is_paused(customer_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Return whether the customer a query is at wants no mails now."""
    query = select(MailWish.until).where(MailWish.customer_id == customer_id, MailWish.kind == "pause")
    newest = query.order_by(MailWish.at.desc(), MailWish.id.desc()).limit(1).scalar_subquery()
    return func.coalesce(newest > func.now(), False)
