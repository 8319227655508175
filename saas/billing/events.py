"""What happens between a company and its plan."""

from __future__ import annotations

from saas.kit.events import event


@event
class StripeTold:
    """Stripe told of something that is this company's; `told_id` is the row of the inbox."""

    told_id: str


@event
class PlanChanged:
    """The company has another plan, or stands differently with the one it has."""

    before: str
    plan: str
    standing_before: str
    standing: str


@event
class PaymentFailed:
    """An invoice could not be charged; Stripe tries again, and the company keeps its plan meanwhile."""

    invoice_id: str


@event
class ConfirmationWanted:
    """The bank asks the cardholder to confirm a payment (strong customer authentication)."""

    invoice_id: str


@event
class TrialEnding:
    """A trial ends in three days."""

    subscription_id: str


@event
class UsageWarned:
    """Four fifths, or all, of what the plan allows of something is used; said once a month."""

    name: str
    percent: int
    used: int
    most: int


@event
class GraceEnding:
    """An unpaid plan becomes read-only in so many days."""

    days: int
    until: str


@event
class CardExpiring:
    """The card that is charged runs out within a month."""

    card: str
    expires: str


@event
class CompanyClosed:
    """An owner closed the company; it is erased at a moment unless it is reopened."""

    erase_at: str
    closed_by: str


@event
class CompanyReopened:
    """An owner took the closing back."""
