"""The plans and what each allows. Stripe's prices are found by `lookup_key`, so no id of Stripe's stands here."""

from __future__ import annotations

from dataclasses import dataclass

from saas.kit import errors


@dataclass(frozen=True)
class Plan:
    """A plan: its monthly price in minor units and how many of each thing it allows (None: without limit)."""

    key: str
    name: str
    amount: int
    currency: str
    contacts: int | None
    mails_month: int | None
    shops: int | None
    members: int | None
    events_month: int | None = None
    seat_amount: int = 0  # what one person more costs a month; 0: none can be added

    @property
    def lookup_key(self) -> str:
        return f"regulars_{self.key}_monthly"

    def limits_with(self, seats: int) -> dict[str, int | None]:
        """Return the limits with some more people paid for."""
        return self.limits | {"members": None if self.members is None else self.members + seats}

    @property
    def limits(self) -> dict[str, int | None]:
        return {
            "contacts": self.contacts,
            "mails_month": self.mails_month,
            "shops": self.shops,
            "members": self.members,
            "events_month": self.events_month,
        }


TRIAL_DAYS = 14  # of a company's first plan, when its owner wants to try it first; no card is asked for

PLANS = {
    plan.key: plan
    for plan in (
        Plan("free", "Free", 0, "EUR", contacts=500, mails_month=1_000, shops=1, members=2, events_month=100_000),
        Plan("growth", "Growth", 4_900, "EUR", contacts=50_000, mails_month=250_000, shops=5, members=10, events_month=5_000_000,
             seat_amount=900),
        Plan("scale", "Scale", 24_900, "EUR", contacts=None, mails_month=5_000_000, shops=None, members=None, events_month=100_000_000),
    )
}  # fmt: skip


class NoSuchPlan(errors.NotFound):
    """There is no plan of that name."""


def one(key: str) -> Plan:
    """Return a plan by its key; raises NoSuchPlan."""
    if key not in PLANS:
        raise NoSuchPlan
    return PLANS[key]
