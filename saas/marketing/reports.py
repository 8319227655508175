"""What came of a mailing: sent, opened, clicked, left, bought, and what of that the mail caused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Float, and_, case, cast, func, or_, select

from saas.commerce.models import COUNTED, Order
from saas.kit import clock, intervals, money
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing import links, mailings, uplift
from saas.marketing.models import Attribution, MailEvent, Mailing, MailingRecipient, MailLink
from saas.marketing.uplift import Group
from saas.tenancy import tenants

WINDOW = timedelta(days=7)
MEANT = ("cancelled", "over_limit")
"""Reasons of people who were to get the mail by chance and did not: they count with the mailed, or the groups would
differ.
"""


def results(mailing_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Return the figures of mailings: sent, opened, proxy_opened, clicked, unsubscribed, bounced, complained, and by
    state.
    """
    got = MailingRecipient
    columns = {
        "sent": got.sent_at,
        "opened": got.opened_at,
        "clicked": got.clicked_at,
        "unsubscribed": got.unsubscribed_at,
        "bounced": got.bounced_at,
        "complained": got.complained_at,
    }
    query = (
        select(
            got.mailing_id,
            func.count().label("audience"),
            *(func.count(column).label(name) for name, column in columns.items()),
            func.count(case((got.opened_at.is_(None), got.proxy_opened_at))).label("proxy_opened"),
            *(func.count(case((got.state == state, 1))).label(f"state_{state}") for state in STATES),
        )
        .where(got.mailing_id.in_(mailing_ids))
        .group_by(got.mailing_id)
    )
    return {
        row.mailing_id: {name: value for name, value in row._mapping.items() if name != "mailing_id"}
        for row in db.session.execute(query)
    }


STATES = ("queued", "claimed", "sending", "sent", "skipped", "failed", "unknown", "held_out")


def earnings(mailing_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Return how many orders followed mailings and what was left of them, in the company's currency."""
    query = (
        select(Attribution.mailing_id, func.count(), func.coalesce(func.sum(Attribution.amount), 0))
        .where(Attribution.mailing_id.in_(mailing_ids), Attribution.currency == tenants.settings().currency)
        .group_by(Attribution.mailing_id)
    )
    return {
        mailing: {"orders": orders, "revenue_amount": int(amount)}
        for mailing, orders, amount in db.session.execute(query)
    }


def of(mailing: Mailing) -> dict[str, Any]:
    """Return everything there is to know of a mailing, as plain values."""
    figures = results([mailing.id]).get(mailing.id) or dict.fromkeys(
        (
            "audience",
            "sent",
            "opened",
            "clicked",
            "unsubscribed",
            "bounced",
            "complained",
            "proxy_opened",
            *(f"state_{s}" for s in STATES),
        ),
        0,
    )
    sent = figures["sent"]
    return {
        **figures,
        **(earnings([mailing.id]).get(mailing.id) or {"orders": 0, "revenue_amount": 0}),
        "delivered": max(sent - figures["bounced"], 0),
        "currency": tenants.settings().currency,
        "skipped": mailings.skipped(mailing.id),
        "links": link_clicks(mailing.id),
        "lift": lift(mailing),
    }


def link_clicks(mailing_id: UUID) -> list[dict[str, Any]]:
    """Return the links of a mailing with how many people clicked each, the most clicked first; offers as one line."""
    query = (
        select(MailEvent.link, func.count(MailEvent.recipient_id.distinct()))
        .where(MailEvent.mailing_id == mailing_id, MailEvent.kind == "click", ~MailEvent.bot)
        .group_by(MailEvent.link)
    )
    people = dict(db.session.execute(query).all())
    known = db.session.scalars(select(MailLink).where(MailLink.mailing_id == mailing_id).order_by(MailLink.number))
    rows = [
        {"label": link.label or link.target, "target": link.target, "people": people.get(link.number, 0)}
        for link in known
    ]
    offered = sum(number for link, number in people.items() if link is not None and link >= links.OFFERS)
    if offered:
        rows.append({"label": _("Recommendations"), "target": "", "people": offered})
    return sorted(rows, key=lambda row: -row["people"])


def groups(mailing: Mailing, *, until: datetime | None = None) -> tuple[Group, Group]:
    """Return those who were to get a mail and those held out, with what each bought within seven days of the launch."""
    end = until or mailing.launched_at + WINDOW
    currency = tenants.settings().currency
    net = case((Order.currency == currency, func.greatest(Order.total_amount - Order.refunded_amount, 0)), else_=0)
    bought = (
        select(Order.customer_id, cast(func.sum(net), Float).label("spent"))
        .where(
            Order.placed_at >= mailing.launched_at,
            Order.placed_at < end,
            Order.customer_id.is_not(None),
            Order.status.in_(COUNTED),
        )
        .group_by(Order.customer_id)
        .subquery()
    )
    got = MailingRecipient
    held = got.state == "held_out"
    query = (
        select(
            held,
            func.count(),
            func.count(bought.c.customer_id),
            func.coalesce(func.sum(bought.c.spent), 0.0),
            func.coalesce(func.sum(bought.c.spent * bought.c.spent), 0.0),
        )
        .outerjoin(bought, bought.c.customer_id == got.customer_id)
        .where(
            got.mailing_id == mailing.id,
            or_(got.state != "skipped", and_(got.state == "skipped", got.reason.in_(MEANT))),
        )
        .group_by(held)
    )
    found = {
        side: Group(people, buyers, float(spent), float(squares))
        for side, people, buyers, spent, squares in db.session.execute(query)
    }
    return found.get(False, Group(0, 0)), found.get(True, Group(0, 0))


def lift(mailing: Mailing) -> dict[str, Any]:
    """Return what the mail caused: the difference of buyers and of spend a head to those held out, in figures and in
    words.
    """
    mailed, held_out = groups(mailing)
    rate, spend = uplift.rates(mailed, held_out), uplift.spends(mailed, held_out)
    return {
        "mailed": _side(mailed),
        "held_out": _side(held_out),
        "days": WINDOW.days,
        "over": clock.now() >= mailing.launched_at + WINDOW,
        "enough": uplift.enough(mailed, held_out),
        "rate": _plain(rate),
        "spend": _plain(spend),
        "sentence": sentence(mailed, held_out),
    }


def _side(group: Group) -> dict[str, Any]:
    low, high = intervals.wilson(group.buyers, group.people) if group.people else (0.0, 0.0)
    return {
        "people": group.people,
        "buyers": group.buyers,
        "rate": group.rate,
        "low": low,
        "high": high,
        "spend_amount": group.mean,
    }


def _plain(difference: uplift.Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {"value": difference.value, "low": difference.low, "high": difference.high, "sure": difference.sure}


def sentence(mailed: Group, held_out: Group) -> str:
    """Say what can be concluded, and when it is nothing, say that."""
    if not held_out.people:
        return _("Nobody was held back, so nobody knows what would have been bought without the mail.")
    if not uplift.enough(mailed, held_out):
        orders = mailed.buyers + held_out.buyers
        return _(
            "Not enough yet to tell what the mail caused: %(orders)s of %(people)s people bought, %(held)s were held back.",
            orders=orders,
            people=mailed.people + held_out.people,
            held=held_out.people,
        )
    found = uplift.rates(mailed, held_out)
    bounds = {
        "low": f"{found.low * 100:+.1f}",
        "high": f"{found.high * 100:+.1f}",
        "value": f"{found.value * 100:+.1f}",
    }
    if found.low > 0:
        return _(
            "The mail made more people buy: %(value)s in a hundred (95%% interval: %(low)s to %(high)s).", **bounds
        )
    if found.high < 0:
        return _(
            "The mail made fewer people buy: %(value)s in a hundred (95%% interval: %(low)s to %(high)s).", **bounds
        )
    return _(
        "No difference that chance could not make: %(low)s to %(high)s buyers in a hundred (95%% interval).", **bounds
    )


def shown(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report for programs: money as decimal texts."""
    currency = report["currency"]
    sides = {
        name: {
            **{k: v for k, v in report["lift"][name].items() if k != "spend_amount"},
            "spend": money.amount_text(round(report["lift"][name]["spend_amount"]), currency),
        }
        for name in ("mailed", "held_out")
    }
    spend = report["lift"]["spend"]
    if spend is not None:
        spend = {
            name: value if name == "sure" else money.amount_text(round(value), currency)
            for name, value in spend.items()
        }
    plain = {name: value for name, value in report.items() if name not in ("revenue_amount", "lift")}
    return plain | {
        "revenue": money.amount_text(report["revenue_amount"], currency),
        "lift": report["lift"] | sides | {"spend": spend},
    }
