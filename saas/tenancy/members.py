"""The company's people: who they are and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from saas.kit.db import db
from saas.tenancy.models import Member, Tenant, TenantSettings


@dataclass(frozen=True)
class Acting:
    """The member who makes this request, with what pages need to know of the company."""

    id: UUID
    email: str
    name: str
    role: str
    company: str
    zone: str
    currency: str
    simulated: bool


def acting(member_id: UUID) -> Acting | None:
    """Return the bound company's member if they still belong to it."""
    row = db.session.execute(
        select(Member, Tenant.name, Tenant.simulated, TenantSettings.zone, TenantSettings.currency)
        .join(Tenant, Tenant.id == Member.tenant_id)
        .join(TenantSettings, TenantSettings.tenant_id == Member.tenant_id)
        .where(Member.id == member_id, Member.removed_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    member, company, simulated, zone, currency = row
    return Acting(member.id, member.email, member.name, member.role, company, zone, currency, simulated)
