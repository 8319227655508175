"""What the platform's own staff see of the companies: that they are there, what they pay for and how much there is of it.

Counts and states only. Nothing of a company's customers, mails or notes is read here; who needs to see those asks the company
for its consent (tenancy's support). Each look is written down with who looked and why.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Select, cast, func, or_, select

from saas.billing import overview
from saas.kit import clock, errors, sizes
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy.models import (
    DirectoryEntry,
    Entitlement,
    LoginSession,
    Operation,
    PlatformAct,
    Tenant,
    UsageCount,
)
from saas.tenancy.operations import GOING

NEWEST = [(Tenant.id, "desc")]
ACTS = [(PlatformAct.id, "desc")]


class NoSuchCompany(errors.NotFound):
    """There is no company of that number."""


def companies(search: str = "") -> Select:
    """Return a select of the companies whose name holds the text, or whose number it is."""
    query, wanted = select(Tenant), search.strip()
    if wanted:
        number = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else None
        query = query.where(or_(Tenant.name.icontains(wanted, autoescape=True), Tenant.id == number))
    return query


def told(tenants: list[Tenant]) -> list[dict[str, Any]]:
    """Return companies as a list shows them: plan, standing, use, people, last seen. In a unit over all tenants."""
    ids = [tenant.id for tenant in tenants]
    known = overview.of(ids)
    people = dict(
        db.session.execute(
            select(DirectoryEntry.tenant_id, func.count()).where(DirectoryEntry.tenant_id.in_(ids), DirectoryEntry.kind == "member")
            .group_by(DirectoryEntry.tenant_id)
        ).all()
    )  # fmt: skip
    seen = dict(
        db.session.execute(
            select(LoginSession.tenant_id, func.max(LoginSession.seen_at)).where(LoginSession.tenant_id.in_(ids))
            .group_by(LoginSession.tenant_id)
        ).all()
    )  # fmt: skip
    return [
        {
            "id": tenant.id, "name": tenant.name, "state": tenant.state, "simulated": tenant.simulated, "created_at": tenant.created_at,
            "plan": known[tenant.id].plan, "standing": known[tenant.id].standing, "grace_until": known[tenant.id].grace_until,
            "use": known[tenant.id].use, "people": people.get(tenant.id, 0), "seen_at": seen.get(tenant.id),
        }
        for tenant in tenants
    ]  # fmt: skip


def one(tenant_id: int) -> dict[str, Any]:
    """Return what is known of one company: its plan, use against it, and how many rows it has. Raises NoSuchCompany."""
    tenant = db.session.scalars(select(Tenant).where(Tenant.id == tenant_id)).one_or_none()
    if tenant is None:
        raise NoSuchCompany(_("There is no company of that number."))
    limits = select(Entitlement.name, Entitlement.most).where(Entitlement.tenant_id == tenant_id)
    used = select(UsageCount.name, UsageCount.used).where(
        UsageCount.tenant_id == tenant_id, UsageCount.period == clock.now().strftime("%Y-%m")
    )
    counted = sizes.of(tenant_id)
    spent = dict(db.session.execute(used).all()) | {
        "contacts": counted.get("customers", 0), "members": counted.get("members", 0), "shops": counted.get("shops", 0),
    }  # fmt: skip
    return told([tenant])[0] | {
        "use": [{"name": name, "used": spent.get(name, 0), "most": most} for name, most in db.session.execute(limits.order_by(Entitlement.name))],
        "sizes": sorted(counted.items(), key=lambda item: -item[1]),
        "operations": going(tenant_id),
    }  # fmt: skip


def going(tenant_id: int | None = None) -> list[dict[str, Any]]:
    """Return the long work that is under way, of one company or of all."""
    query = (
        select(Operation, Tenant.name).join(Tenant, Tenant.id == Operation.tenant_id).where(Operation.state.in_(GOING))
    )
    if tenant_id is not None:
        query = query.where(Operation.tenant_id == tenant_id)
    return [
        {
            "tenant_id": operation.tenant_id, "company": name, "kind": operation.kind, "state": operation.state,
            "done": operation.done, "total": operation.total, "touched_at": operation.touched_at,
        }
        for operation, name in db.session.execute(query.order_by(Operation.touched_at).limit(50))
    ]  # fmt: skip


def signups(*, days: int = 30) -> list[tuple[date, int]]:
    """Return how many companies were founded on each of the last days, the demo's left out."""
    today = clock.now().date()
    since = datetime.combine(today - timedelta(days=days - 1), datetime.min.time(), tzinfo=clock.now().tzinfo)
    day = cast(func.timezone("UTC", Tenant.created_at), Date)
    query = select(day, func.count()).where(Tenant.created_at >= since, Tenant.simulated.is_(False)).group_by(day)
    found = dict(db.session.execute(query).all())
    return [(one, found.get(one, 0)) for one in (today - timedelta(days=back) for back in range(days - 1, -1, -1))]


def states() -> dict[str, int]:
    """Return how many companies there are in each state."""
    return dict(db.session.execute(select(Tenant.state, func.count()).group_by(Tenant.state)).all())


def acts() -> Select:
    """Return a select of what the platform's own people and jobs did over companies."""
    return select(PlatformAct)
