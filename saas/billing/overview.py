"""Every company's plan, standing and use in one look, for the platform's own people. Runs over all tenants.

It reads what is kept anyhow (the hourly figures, not the rows they were counted from), so that a thousand companies cost
two questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select

from saas.billing.models import Account, Closing
from saas.kit.db import db
from saas.tenancy import limits
from saas.tenancy.models import Entitlement, Tenant, UsageCount


@dataclass(frozen=True)
class Company:
    """One company as the platform sees it; `use` is by name: (used, most), `most` None being without limit."""

    tenant_id: int
    name: str
    state: str
    simulated: bool
    founded_at: datetime
    plan: str | None
    standing: str
    seats: int
    renews_at: datetime | None
    ends_at: datetime | None
    grace_until: datetime | None
    double: bool
    erase_at: datetime | None
    use: Mapping[str, tuple[int, int | None]]


def companies(*, after: int = 0, most: int = 200, standing: str | None = None) -> list[Company]:
    """Return companies in the order of their numbers, from the one after `after` on."""
    query = _all().where(Tenant.id > after)
    if standing is not None:
        query = query.where(func.coalesce(Account.standing, "free") == standing)
    return _read(query.order_by(Tenant.id).limit(most))


def of(tenant_ids: Sequence[int]) -> dict[int, Company]:
    """Return these companies by their numbers."""
    return {company.tenant_id: company for company in _read(_all().where(Tenant.id.in_(tenant_ids)))}


def _all() -> Select:
    closing = and_(Closing.tenant_id == Tenant.id, Closing.reopened_at.is_(None))
    query = select(Tenant, Account, Closing.erase_at).outerjoin(Account, Account.tenant_id == Tenant.id)
    return query.outerjoin(Closing, closing)


def _read(query: Select) -> list[Company]:
    rows = db.session.execute(query).all()
    use = _use([tenant.id for tenant, _account, _erase_at in rows])
    return [_shown(tenant, account, erase_at, use.get(tenant.id, {})) for tenant, account, erase_at in rows]


def standings() -> dict[str, int]:
    """Return how many companies stand how."""
    stands = func.coalesce(Account.standing, "free")
    query = select(stands, func.count()).select_from(Tenant).outerjoin(Account, Account.tenant_id == Tenant.id)
    return dict(db.session.execute(query.where(Tenant.state != "closed").group_by(stands)).all())


def _use(tenant_ids: list[int]) -> dict[int, dict[str, tuple[int, int | None]]]:
    counted = and_(
        UsageCount.tenant_id == Entitlement.tenant_id, UsageCount.name == Entitlement.name, UsageCount.period == limits.period()
    )  # fmt: skip
    query = select(Entitlement.tenant_id, Entitlement.name, func.coalesce(UsageCount.used, 0), Entitlement.most)
    query = query.outerjoin(UsageCount, counted).where(Entitlement.tenant_id.in_(tenant_ids))
    found: dict[int, dict[str, tuple[int, int | None]]] = {}
    for tenant_id, name, used, most in db.session.execute(query):
        found.setdefault(tenant_id, {})[name] = (used, most)
    return found


def _shown(
    tenant: Tenant, account: Account | None, erase_at: datetime | None, use: Mapping[str, tuple[int, int | None]]
) -> Company:
    held = {name: getattr(account, name, None) for name in ("plan", "renews_at", "ends_at", "grace_until")}
    return Company(
        tenant_id=tenant.id, name=tenant.name, state=tenant.state, simulated=tenant.simulated, founded_at=tenant.created_at,
        standing=account.standing if account else "free", seats=account.seats if account else 0,
        double=bool(account and account.double), erase_at=erase_at, use=use, **held,
    )  # fmt: skip
