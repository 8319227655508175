"""How much of what the plan allows is used, and which plan the company has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from saas.billing.models import Account
from saas.billing.plans import PLANS, Plan
from saas.tenancy import limits, members

Limits = Mapping[str, int | None]


@dataclass(frozen=True)
class Use:
    """One thing the plan counts; `most` None means without limit."""

    name: str
    used: int
    most: int | None

    @property
    def share(self) -> float:
        return 0.0 if self.most is None else 1.0 if self.most == 0 else self.used / self.most


def measured(*, contacts: int, shops: int, allowed: Limits) -> list[Use]:
    """Return what is used of everything the plan counts; rooms above hand in what they count."""
    used = {"contacts": contacts, "mails_month": limits.used("mails_month"), "shops": shops, "members": members.count()}
    return [Use(name, used[name], allowed.get(name)) for name in limits.NAMES]


def plan(account: Account | None, *, allowed: Limits) -> Plan | None:
    """Return the company's plan: what it pays for, or the one it was given; None when its limits are of its own."""
    if account is not None and account.plan:
        return PLANS.get(account.plan)
    return next((one for one in PLANS.values() if one.limits == allowed), None)
