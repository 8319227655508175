"""Access for the platform's own staff: only with the company's consent, only until it ends, and all of it in the company's history.

Consent names how long and whether they may change anything. Money, keys, people, exports and deletion are never part of it,
and nor is anything that asks a person to confirm that it is them: the list of what is allowed is short and written down here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from saas.kit import clock, errors, scope, text, work
from saas.kit.access import Access
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory, members, sessions, tenants
from saas.tenancy.models import LoginSession, SupportGrant, Tenant

KIND, OPEN = "support", "open"
LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
READING = frozenset((
    "customers.read", "orders.read", "products.read", "segments.read", "campaigns.read", "offers.read", "reports.read",
    "shops.read", "settings.read",
))  # fmt: skip
CHANGING = frozenset((
    "customers.edit", "orders.edit", "products.edit", "segments.edit", "campaigns.edit", "offers.edit", "shops.edit",
    "settings.edit",
))  # fmt: skip
ROLE = "support"
LATELY = timedelta(minutes=15)


class BadGrant(errors.Invalid):
    """The length of a consent is none of those offered."""


class NoConsent(errors.NotFound):
    """The company has not asked for help, or there is no such company: nobody can tell the two apart."""


@dataclass(frozen=True)
class Asking:
    """A company that has asked for help, as the staff's list shows it."""

    tenant_id: int
    name: str
    reason: str
    may_edit: bool
    until: datetime


def grant(*, length: str, may_edit: bool, reason: str = "") -> SupportGrant:
    """Let the platform's staff into the bound company from now on; a consent from before ends. Raises BadGrant."""
    if length not in LENGTHS:
        raise BadGrant(fields={"length": [_("Choose how long.")]})
    withdraw_all()
    actor = scope.actor()
    made = SupportGrant(
        granted_by=UUID(actor.id) if actor.kind == "member" else None, granted_by_name=actor.name, may_edit=may_edit,
        reason=text.clean(reason, most=500), expires_at=clock.now() + LENGTHS[length],
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    directory.enter(kind=KIND, key=OPEN, subject_id=made.id)
    audit.record(action="support.granted", kind="support", record_id=made.id,
                 after={"until": made.expires_at.isoformat(), "may_edit": may_edit, "reason": made.reason})  # fmt: skip
    return made


def withdraw_all() -> None:
    """End every consent of the bound company; whoever is inside is outside at once."""
    for held in db.session.scalars(_alive()):
        held.withdrawn_at = clock.now()
        _turn_out(held.id)
        audit.record(action="support.withdrawn", kind="support", record_id=held.id)
    directory.strike(kind=KIND, key=OPEN)


def active() -> SupportGrant | None:
    """Return the consent that is good now, or None."""
    return db.session.scalars(_alive().order_by(SupportGrant.id.desc()).limit(1)).one_or_none()


def listed() -> list[SupportGrant]:
    """Return the last consents of the bound company, newest first."""
    return list(db.session.scalars(select(SupportGrant).order_by(SupportGrant.id.desc()).limit(20)))


def inside(grant_id: UUID) -> list[str]:
    """Return the names of the staff who are here under a consent, as far as they did anything lately."""
    query = select(LoginSession.login_id).where(LoginSession.support_id == grant_id)
    ids = set(db.session.scalars(query.where(LoginSession.seen_at > clock.now() - LATELY)))
    return sorted(sessions.names(ids))


def asking() -> list[Asking]:
    """Return the companies that have asked for help, for the staff; each is looked at with its own tenant bound."""
    with work.unit(tenant_id=None):
        places = directory.places(kind=KIND, key=OPEN)
    found = []
    for place in places:
        with work.unit(tenant_id=place.tenant_id):
            held = active()
            if held is not None:
                name = tenants.current().name
                found.append(Asking(place.tenant_id, name, held.reason, held.may_edit, held.expires_at))
    return found


def enter(*, digest: str, tenant_id: int) -> None:
    """Have a staff member's session act inside a company that consented; a try without consent is written down there.

    Opens its own units of work: what is refused is recorded all the same. Raises NoConsent.
    """
    actor = _staff_actor()
    with work.unit(tenant_id=None):
        if db.session.scalar(select(Tenant.id).where(Tenant.id == tenant_id)) is None:
            raise NoConsent
    with work.unit(tenant_id=tenant_id, actor=actor):
        held = active()
        audit.record(action="support.entered" if held else "support.refused", kind="support",
                     record_id=held.id if held else "")  # fmt: skip
        if held is not None:
            values = {"tenant_id": tenant_id, "member_id": None, "support_id": held.id}
            db.session.execute(update(LoginSession).where(LoginSession.digest == digest).values(**values))
    if held is None:
        raise NoConsent


def leave(*, digest: str) -> None:
    """Have a session act for no company any more."""
    values = {"tenant_id": None, "member_id": None, "support_id": None}
    db.session.execute(update(LoginSession).where(LoginSession.digest == digest).values(**values))


def acting(who: sessions.SignedIn) -> members.Acting | None:
    """Return the staff member as who acts in the bound company, or None when the consent has ended."""
    held = db.session.scalars(_alive().where(SupportGrant.id == who.support_id)).one_or_none()
    if held is None or not who.staff:
        return None
    company, known = tenants.current(), tenants.settings()
    return members.Acting(
        id=who.login_id, email=who.email, name=who.name, role=ROLE, company=company.name, zone=known.zone,
        currency=known.currency, simulated=company.simulated, access=access_of(held), support_until=held.expires_at,
    )  # fmt: skip


def access_of(held: SupportGrant) -> Access:
    """Return what a consent allows: a short list, which new kinds of records do not join by themselves."""
    return Access(permissions=READING | CHANGING if held.may_edit else READING)


def actor_of(who: sessions.SignedIn) -> scope.Actor:
    """Return how the company's history names a staff member."""
    return scope.Actor(KIND, str(who.login_id), f"Regulars support ({who.name or who.email})")


def note(*, path: str, method: str) -> None:
    """Write down that a page was read or something was sent, in a unit of the company's own."""
    action = "support.read_page" if method in ("GET", "HEAD") else "support.sent_form"
    audit.record(action=action, kind="page", record_id=path.partition("?")[0][:200], after={"title": path[:300]})


def _staff_actor() -> scope.Actor:
    actor = scope.actor()
    return scope.Actor(KIND, actor.id, f"Regulars support ({actor.name})")


def _alive():
    return select(SupportGrant).where(SupportGrant.withdrawn_at.is_(None), SupportGrant.expires_at > clock.now())


def _turn_out(grant_id: UUID) -> None:
    values = {"tenant_id": None, "member_id": None, "support_id": None}
    db.session.execute(update(LoginSession).where(LoginSession.support_id == grant_id).values(**values))
