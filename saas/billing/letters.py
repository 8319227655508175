"""Letters to owners about payments. Each leads to the plan's page and not to Stripe, so that a forwarded one opens nothing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from sqlalchemy import select

from saas.billing import letter_words
from saas.billing.letter_words import THEN, WHAT
from saas.billing.models import Account, Invoice, Subscription
from saas.kit import money
from saas.kit.db import db
from saas.tenancy import letters, tenants
from saas.tenancy.models import Login, Member

PAGE = "/plan"


def write_failed(invoice_id: str) -> None:
    """Tell owners that an invoice could not be charged, unless it is settled meanwhile."""
    invoice = _open_invoice(invoice_id)
    if invoice is not None:
        _write("payment_failed", amount=(invoice.due_amount, invoice.currency))


def write_confirmation(invoice_id: str) -> None:
    """Ask owners to confirm a payment with their bank, unless it is settled meanwhile."""
    invoice = _open_invoice(invoice_id)
    if invoice is not None:
        _write("payment_confirm", amount=(invoice.due_amount, invoice.currency))


def write_trial(subscription_id: str) -> None:
    """Tell owners when their trial ends and what the plan costs then."""
    query = select(Subscription).where(Subscription.id == UUID(subscription_id), Subscription.status == "trialing")
    row = db.session.scalars(query).one_or_none()
    if row is not None and row.ends_at is None:
        _write("trial_ending", amount=(row.price_amount, row.currency), date=row.trial_end_at)


def write_change(*, before: str, now: str) -> None:
    """Tell owners that the company became read-only, or works again."""
    if now == "unpaid" and before != "unpaid":
        _write("plan_stopped")
    elif before == "unpaid" and now in ("active", "trialing"):
        _write("plan_restored")


def write_grace(*, days: int, until: str) -> None:
    """Remind owners that the company becomes read-only in some days, unless it is paid meanwhile."""
    owing = select(Account.id).where(Account.standing == "past_due")
    if db.session.scalar(owing) is not None:
        _write("grace_ending", date=datetime.fromisoformat(until), days=str(days))


def write_usage(*, name: str, percent: int, used: int, most: int) -> None:
    """Tell owners that something the plan counts is nearly or wholly used up."""
    kind = "usage_full" if percent >= 100 else "usage_near"
    _write(kind, numbers={"used": used, "most": most}, worded={"what": WHAT[name], "then": THEN[name]})


def write_card(*, card: str, expires: str) -> None:
    """Tell owners that their card runs out."""
    _write("card_expiring", card=card, expires=expires)


def write_closed(*, erase_at: str, closed_by: str) -> None:
    """Tell owners that the company was closed and when it is erased."""
    _write("company_closed", date=datetime.fromisoformat(erase_at), who=closed_by)


def write_reopened() -> None:
    """Tell owners that the company was reopened."""
    _write("company_reopened")


def _open_invoice(invoice_id: str) -> Invoice | None:
    query = select(Invoice).where(Invoice.id == UUID(invoice_id), Invoice.status == "open")
    return db.session.scalars(query).one_or_none()


def _write(
    kind: str, *, amount: tuple[int, str] | None = None, date: datetime | None = None, numbers: dict[str, int] | None = None,
    worded: dict[str, dict[str, str]] | None = None, **said: str,
) -> None:  # fmt: skip
    """Write to each owner in their own language."""
    company = tenants.current().name
    for email, name, language in _owners():
        tongue = language if language in letter_words.PLAN_LETTERS[kind] else "en"
        values = {"company": company} | said
        values |= {key: format_decimal(number, locale=tongue) for key, number in (numbers or {}).items()}
        values |= {key: words[tongue] for key, words in (worded or {}).items()}
        if amount is not None:
            values["amount"] = format_currency(money.amount_text(*amount), amount[1], locale=tongue)
        if date is not None:
            values["date"] = format_date(date, "long", locale=tongue)
        letters.send(kind, to=email, name=name, language=tongue, path=PAGE, values=values)


def _owners() -> list[tuple[str, str, str]]:
    query = select(Login.email, Login.name, Login.language).join(Member, Member.login_id == Login.id)
    query = query.where(Member.role == "owner", Member.joined_at.is_not(None), Member.removed_at.is_(None))
    default = tenants.settings().languages[0]
    return [
        (email, name, language or default) for email, name, language in db.session.execute(query.order_by(Member.id))
    ]
