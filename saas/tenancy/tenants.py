"""Companies: founding one, with its first member, its settings and what it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.kit import clock, crypto, scope, text
from saas.kit.db import db
from saas.kit.events import announce
from saas.tenancy import audit, directory, limits
from saas.tenancy.events import TenantSignedUp
from saas.tenancy.models import Login, Member, Tenant, TenantSettings


@dataclass(frozen=True)
class Founded:
    """A new company with its first member, an owner, and the public key of its site."""

    tenant_id: int
    member: Member
    site_key: str


def add_row(*, name: str, simulated: bool = False) -> int:
    """Write the company's row and return its id; the caller binds that id and goes on with `found`."""
    tenant = Tenant(name=text.clean(name, most=120), simulated=simulated)
    db.session.add(tenant)
    db.session.flush()
    return tenant.id


def found(
    *, name: str, owner: Login, currency: str = "EUR", zone: str = "UTC", allowed: dict[str, int | None]
) -> Founded:
    """Furnish the bound, just added company: settings, owner, and what its plan allows."""
    member = Member(
        login_id=owner.id, email=owner.email, email_norm=owner.email_norm, name=owner.name, role="owner",
        joined_at=clock.now(),
    )  # fmt: skip
    site_key = f"pk_{crypto.new_token(24)}"
    settings = TenantSettings(currency=currency, zone=zone, sender_name=text.clean(name, most=120), site_key=site_key)
    db.session.add_all([member, settings])
    db.session.flush()
    directory.enter(kind="site_key", key=site_key)
    directory.enter(kind="member", key=str(owner.id), subject_id=member.id)
    limits.set_all(limits=allowed)
    audit.record(action="tenants.founded", kind="tenant", record_id=scope.tenant_id(), after={"name": name})
    announce(TenantSignedUp(name=name))
    return Founded(scope.tenant_id(), member, site_key)


def current() -> Tenant:
    """Return the bound company."""
    return db.session.scalars(select(Tenant).where(Tenant.id == scope.tenant_id())).one()


def settings() -> TenantSettings:
    """Return the bound company's settings; a unit of work reads them once, for everything asks for them."""
    known, tenant_id = db.session().info.setdefault("tenant_settings", {}), scope.tenant_id()
    if tenant_id not in known or known[tenant_id] not in db.session:
        known[tenant_id] = db.session.scalars(select(TenantSettings)).one()
    return known[tenant_id]


def of_login(login_id: UUID) -> list[dict[str, Any]]:
    """Return the companies a person belongs to, by name, as plain values."""
    ids = [home.tenant_id for home in directory.places(kind="member", key=str(login_id))]
    query = select(Tenant.id, Tenant.name).where(Tenant.id.in_(ids), Tenant.state != "closed").order_by(Tenant.name)
    return [{"id": row.id, "name": row.name} for row in db.session.execute(query)]


def all_ids() -> list[int]:
    """Return the ids of all companies that are not closed."""
    return list(db.session.scalars(select(Tenant.id).where(Tenant.state != "closed").order_by(Tenant.id)))
