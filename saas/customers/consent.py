"""The consent ledger: who agreed to what, by which channel, when, where and to which words. The newest entry counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from saas.customers import asking, erased, purposes, timeline
from saas.customers.events import SubscriptionConfirmed
from saas.customers.models import Consent, ConsentRequest, Customer
from saas.customers.purposes import MAIN
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _

TOLD_BY_OTHERS = ("shop", "api", "form", "portal")
"""Sources that tell of a consent somebody gave elsewhere; staff and imports vouch for theirs in words."""
Change = tuple[UUID, str, datetime | None]
"""A customer, the state (granted, withdrawn), and when they said so (None: now)."""


def grant(
    *,
    customer_id: UUID,
    channel: str = "email",
    purpose: str = MAIN,
    source: str,
    at: datetime | None = None,
    proof: dict[str, Any] | None = None,
) -> bool:
    """Record that a customer agreed; tells whether that is news."""
    return (
        record_many([(customer_id, "granted", at)], channel=channel, purpose=purpose, source=source, proof=proof) == 1
    )


def withdraw(
    *,
    customer_id: UUID,
    channel: str = "email",
    purpose: str = MAIN,
    source: str,
    at: datetime | None = None,
    proof: dict[str, Any] | None = None,
) -> bool:
    """Record that a customer no longer agrees; tells whether that is news."""
    return (
        record_many([(customer_id, "withdrawn", at)], channel=channel, purpose=purpose, source=source, proof=proof) == 1
    )


def record_many(
    changes: Sequence[Change], *, channel: str = "email", purpose: str = MAIN, source: str, proof: dict[str, Any] | None = None,
    came_by: Mapping[UUID, Sequence[UUID]] | None = None,
) -> int:  # fmt: skip
    """Record what customers said and return how many were news. What is older than the newest entry changes nothing.

    Of two statements of one moment the withdrawal counts. What they said of mails with news and offers is also kept with
    the profile, where lists and segments read it. Where the company wants a click in a mail (double opt-in), a consent
    that a form, a shop or a program tells of is asked for by mail instead, unless its proof says `confirmed`. `came_by` are the
    names by which each was told of.
    """
    now = clock.now()
    wanted: dict[UUID, tuple[datetime, str]] = {}
    for customer, state, at in changes:
        said = (at or now, state)
        wanted[customer] = max(wanted.get(customer, said), said)
    if not wanted:
        return 0
    held = _newest(list(wanted), channel, purpose)
    news = {
        customer: said for customer, said in wanted.items()
        if customer in held and said[1] != held[customer][1] and said > held[customer]
    }  # fmt: skip
    yes = [customer for customer, said in news.items() if said[1] == "granted"]
    for customer in erased.barred(yes, source=source, reasoned=bool((proof or {}).get("reason"))):
        del news[customer]
    news = _without_unconfirmed(news, channel=channel, purpose=purpose, source=source, proof=proof or {})
    if not news:
        return 0
    main = (channel, purpose) == ("email", MAIN)
    for state in {state for _at, state in news.values()} if main else ():
        ids = [customer for customer, (_at, wish) in news.items() if wish == state]
        db.session.execute(update(Customer).where(Customer.id.in_(ids)).values(email_consent=state))
    db.session.execute(insert(Consent), [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": customer, "channel": channel, "purpose": purpose, "state": state,
         "at": at, "source": source, "proof": proof or {}, "came_by": list((came_by or {}).get(customer, ()))}
        for customer, (at, state) in news.items()
    ])  # fmt: skip
    titles = _titles(channel, purpose)
    key = channel if main else f"{channel}:{purpose}"
    timeline.add_many([
        {"customer_id": customer, "kind": "consent", "at": at, "title": titles[state], "key": f"{customer}:{key}:{state}",
         "details": {"source": source, "state": state, "channel": channel, "purpose": purpose}}
        for customer, (at, state) in news.items()
    ])  # fmt: skip
    return len(news)


def _titles(channel: str, purpose: str) -> dict[str, str]:
    if (channel, purpose) == ("email", MAIN):
        return {"granted": _("Agreed to receive mails"), "withdrawn": _("No longer wants mails")}
    known = purposes.known({purpose}).get(purpose)
    about = f"{known.name if known else purpose} ({channel})"
    return {
        "granted": _("Agreed to: %(about)s", about=about),
        "withdrawn": _("No longer wants: %(about)s", about=about),
    }


def _without_unconfirmed(
    news: dict[UUID, tuple[datetime, str]], *, channel: str, purpose: str, source: str, proof: dict[str, Any]
) -> dict[UUID, tuple[datetime, str]]:
    """Take out consents that are to be confirmed by mail first, and ask for them."""
    yes = [customer for customer, (_at, state) in news.items() if state == "granted"]
    if channel != "email" or not yes or source not in TOLD_BY_OTHERS or proof.get("confirmed"):
        return news
    known = purposes.known({purpose}).get(purpose)
    if known is None or not known.double_opt_in:
        return news
    asking.ask_many(yes, purpose=known, source=source, proof=proof)
    return {customer: said for customer, said in news.items() if said[1] != "granted"}


def confirm(request_id: UUID, *, address: str, browser: str) -> ConsentRequest:
    """Take the click in the mail as their word; a second click changes nothing. Raises NoSuchRequest or TooLate."""
    request = asking.one(request_id, lock=True)
    if request.confirmed_at is not None:
        return request
    if not asking.open_now(request):
        raise asking.TooLate
    request.confirmed_at = clock.now()
    proof = request.proof | {
        "wording": request.wording, "asked_at": request.asked_at.isoformat(), "asked_by": request.source, "email": request.email,
        "mailed_at": request.mailed_at.isoformat() if request.mailed_at else None, "confirmed_from": address, "browser": browser[:200],
        "confirmed": True,
    }  # fmt: skip
    grant(customer_id=request.customer_id, source="double_opt_in", purpose=request.purpose, proof=proof)
    db.session.flush()
    announce(
        SubscriptionConfirmed(request_id=str(request.id), customer_id=str(request.customer_id), purpose=request.purpose)
    )
    return request


def append(
    *, customer_id: UUID, state: str, source: str, at: datetime, proof: dict[str, Any], channel: str = "email", purpose: str = MAIN,
) -> UUID:  # fmt: skip
    """Add an entry that speaks for itself, news or not, and return its id; what is kept with the profile is the caller's."""
    entry_id = identifiers.new()
    db.session.execute(insert(Consent), [
        {"tenant_id": scope.tenant_id(), "id": entry_id, "customer_id": customer_id, "channel": channel, "purpose": purpose, "state": state,
         "at": at, "source": source, "proof": proof}
    ])  # fmt: skip
    return entry_id


def _newest(customer_ids: list[UUID], channel: str, purpose: str) -> dict[UUID, tuple[datetime, str]]:
    """Lock the customers and return when each last said something, and what."""
    locked = select(Customer.id).where(Customer.id.in_(customer_ids)).order_by(Customer.id).with_for_update()
    never = (datetime.min.replace(tzinfo=UTC), "unknown")
    held = dict.fromkeys(db.session.scalars(locked), never)
    query = (
        select(Consent.customer_id, Consent.at, Consent.state)
        .where(Consent.customer_id.in_(list(held)), Consent.channel == channel, Consent.purpose == purpose)
        .ext(distinct_on(Consent.customer_id))
        .order_by(Consent.customer_id, Consent.at.desc(), Consent.state.desc())
    )
    return held | {customer: (at, state) for customer, at, state in db.session.execute(query)}


def states(customer_id: UUID) -> dict[tuple[str, str], Consent]:
    """Return the newest entry of each channel and purpose a customer ever spoke of."""
    query = (
        select(Consent)
        .where(Consent.customer_id == customer_id)
        .ext(distinct_on(Consent.channel, Consent.purpose))
        .order_by(Consent.channel, Consent.purpose, Consent.at.desc(), Consent.state.desc())
    )
    return {(entry.channel, entry.purpose): entry for entry in db.session.scalars(query)}


def newest(*, channel: str, purpose: str) -> Select:
    """Return a select of everybody's newest word about a purpose: customer_id and state."""
    return (
        select(Consent.customer_id, Consent.state)
        .where(Consent.channel == channel, Consent.purpose == purpose)
        .ext(distinct_on(Consent.customer_id))
        .order_by(Consent.customer_id, Consent.at.desc(), Consent.state.desc())
    )


def newest_of(customer_id: ColumnElement[UUID], *, channel: str, purpose: str) -> ColumnElement[str]:
    """Return the newest word about a purpose of the customer a query is at; null when they never spoke of it."""
    return (
        select(Consent.state)
        .where(Consent.customer_id == customer_id, Consent.channel == channel, Consent.purpose == purpose)
        .order_by(Consent.at.desc(), Consent.state.desc())
        .limit(1)
        .scalar_subquery()
    )


def agreed(*, channel: str, purpose: str) -> Select:
    """Return a select of the ids of customers whose newest word about a purpose is yes."""
    said = newest(channel=channel, purpose=purpose).subquery()
    return select(said.c.customer_id).where(said.c.state == "granted")


def history(customer_id: UUID) -> list[Consent]:
    """Return a customer's entries, newest first."""
    return list(
        db.session.scalars(select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.id.desc()))
    )
