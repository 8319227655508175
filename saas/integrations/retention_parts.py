"""What each retention rule takes, part by part: which rows are old, and what becomes of them.

Ids begin with their moment, so what is old lies at the front of a table and is found by a range of ids. Nothing is looked at
twice: a run goes through each part once, from the front, some thousand rows at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from saas.commerce.models import Order, ShopEvent, Visit, Visitor
from saas.customers.models import Consent, Customer, Facts, TimelineEntry
from saas.integrations.models import DeliveryIn, DeliveryOut, Refused
from saas.kit import identifiers
from saas.kit.text import later as _l
from saas.marketing.models import MailEvent, Mailing, MailingRecipient
from saas.reviews.models import Review

TITLES = {
    "browsing": _l("Retention: browsing"), "strangers": _l("Retention: people who never bought"), "timeline": _l("Retention: timelines"),
    "recipients": _l("Retention: addresses in old mailings"), "deliveries": _l("Retention: deliveries and messages"),
}  # fmt: skip
NO_SIGN = ("mail_sent", "offer")
"""What we did and not they: a mail sent does not mean that somebody was there."""


@dataclass(frozen=True)
class Part:
    """One table of a rule: `old(before)` are its rows to take, `moment` says how old one is, `emptied` overwrites instead."""

    name: str
    model: Any
    moment: Any
    old: Callable[[datetime], ColumnElement[bool]]
    emptied: dict[str, Any] | None = None
    erased: bool = False


def _by_id(model: Any) -> Callable[[datetime], ColumnElement[bool]]:
    """Rows whose id is the moment they tell of."""
    return lambda before: model.id < identifiers.floor(before)


def _nobodys(before: datetime) -> ColumnElement[bool]:
    """Browsers that were not seen since and are nobody's; a customer's stays with the customer."""
    return and_(Visitor.last_seen_at < before, Visitor.customer_id.is_(None), Visitor.announcement.is_(None))


def _strangers(before: datetime) -> ColumnElement[bool]:
    """Who never ordered, in whatever state an order is, and of whom there has been no sign since."""
    signs = (Facts.last_visit_at, Facts.last_open_at, Facts.last_click_at, Facts.cart_at)
    known = (
        Facts.tenant_id == Customer.tenant_id,
        Facts.id == Customer.id,
        or_(Facts.orders_count > 0, *(at >= before for at in signs)),
    )
    mine = (Order.tenant_id == Customer.tenant_id, Order.customer_id == Customer.id)
    said = (Consent.tenant_id == Customer.tenant_id, Consent.customer_id == Customer.id, Consent.at >= before)
    told = (
        TimelineEntry.tenant_id == Customer.tenant_id, TimelineEntry.customer_id == Customer.id, TimelineEntry.at >= before,
        TimelineEntry.kind.not_in(NO_SIGN),
    )  # fmt: skip
    return and_(Customer.created_at < before, ~_any(*known), ~_any(*mine), ~_any(*said), ~_any(*told))


def _any(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(1).where(*where).correlate(Customer).exists()


def _finished(before: datetime) -> ColumnElement[Any]:
    return select(Mailing.id).where(Mailing.finished_at < before)


def _addressed(before: datetime) -> ColumnElement[bool]:
    got = MailingRecipient
    return and_(
        got.id < identifiers.floor(before),
        got.mailing_id.in_(_finished(before)),
        or_(got.email != "", got.offers.is_not(None), got.offers_opened.is_not(None), got.offer_part.is_not(None)),
    )


def _answered(before: datetime) -> ColumnElement[bool]:
    """What came back, with the browser or the mail server's words; that it came stays."""
    return and_(MailEvent.mailing_id.in_(_finished(before)), MailEvent.at < before, MailEvent.kind.in_(("open", "click", "bounce", "complaint")), MailEvent.detail != "")  # fmt: skip


PARTS: dict[str, tuple[Part, ...]] = {
    "browsing": (
        Part("shop_events", ShopEvent, ShopEvent.at, _by_id(ShopEvent)),
        Part("visits", Visit, Visit.began_at, _by_id(Visit)),
        Part("visitors", Visitor, Visitor.last_seen_at, _nobodys),
    ),
    "strangers": (Part("customers", Customer, Customer.created_at, _strangers, erased=True),),
    "timeline": (Part("timeline_entries", TimelineEntry, TimelineEntry.at, _by_id(TimelineEntry)),),
    "recipients": (
        Part(
            "mailing_recipients", MailingRecipient, func.coalesce(MailingRecipient.sent_at, MailingRecipient.due_at), _addressed,
            emptied={
                "email": "", "offers": None, "offers_opened": None, "offer_part": None,
                "reason": case((MailingRecipient.state == "skipped", MailingRecipient.reason), else_=""),
            },
        ),
        Part("mail_events", MailEvent, MailEvent.at, _answered, emptied={"detail": ""}),
        Part("reviews", Review, Review.written_at, lambda before: and_(Review.written_at < before, Review.email != ""), emptied={"email": ""}),
    ),
    "deliveries": (
        Part(
            "deliveries_in", DeliveryIn, DeliveryIn.received_at,
            lambda before: and_(DeliveryIn.received_at < before, DeliveryIn.state != "waiting"),
        ),
        Part("deliveries_refused", Refused, Refused.refused_at, lambda before: Refused.refused_at < before),
        Part(
            "deliveries_out", DeliveryOut, DeliveryOut.made_at,
            lambda before: and_(DeliveryOut.made_at < before, DeliveryOut.state != "waiting"),
        ),
    ),
}  # fmt: skip
