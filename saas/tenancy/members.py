"""The company's people: who they are, what they may do, who comes in and who leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.kit import clock, errors, scope, text
from saas.kit import db as kit_db
from saas.kit.access import FULL, Access
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory, limits, logins, made_roles, rights, sessions, sign_in_rules
from saas.tenancy.events import MemberInvited
from saas.tenancy.models import Entitlement, Login, Member, SupportGrant, Tenant, TenantSettings
from saas.tenancy.team_models import Role


class NoSuchMember(errors.NotFound):
    """There is no such person in this company."""


class BadMember(errors.Invalid):
    """The address or the role of an invitation is wrong."""


class MemberAlready(errors.Conflict):
    """The address belongs to somebody of this company."""

    code = "member_already"


class LastOwner(errors.Conflict):
    """The company would be left without an owner."""

    code = "last_owner"


class OwnersOnly(errors.Forbidden):
    """Only an owner makes owners, changes them or lets them go."""


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
    access: Access = FULL
    rules: sign_in_rules.Rules = sign_in_rules.Rules()
    support_until: datetime | None = None
    """Until when the platform's staff may come in; the moment a support member's own stay ends."""


def acting(member_id: UUID) -> Acting | None:
    """Return the bound company's member if they still belong to it."""
    row = db.session.execute(
        select(Member, Tenant.name, Tenant.simulated, TenantSettings.zone, TenantSettings.currency, Role)
        .add_columns(
            _support_until(),
            TenantSettings.second_factor_required,
            TenantSettings.second_factor_from,
            TenantSettings.only_sso,
        )
        .join(Tenant, Tenant.id == Member.tenant_id)
        .join(TenantSettings, TenantSettings.tenant_id == Member.tenant_id)
        .outerjoin(Role, (Role.tenant_id == Member.tenant_id) & (Role.id == Member.role_id))
        .where(Member.id == member_id, Member.removed_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    member, company, simulated, zone, currency, made, until, *rules = row
    may, asked = rights.of_member(member, made), sign_in_rules.Rules(*rules)
    about = (company, zone, currency, simulated, may, asked, until)
    return Acting(member.id, member.email, member.name, member.role, *about)


def _support_until() -> Any:
    """Return the subquery for the end of the company's consent to support; asked with the member, for every page says it."""
    alive = select(SupportGrant.expires_at).where(
        SupportGrant.tenant_id == Member.tenant_id,
        SupportGrant.withdrawn_at.is_(None),
        SupportGrant.expires_at > clock.now(),
    )
    return alive.order_by(SupportGrant.id.desc()).limit(1).correlate(Member).scalar_subquery()


def one(member_id: UUID | str, *, lock: bool = False) -> Member:
    """Return a person of the bound company, invited or joined; raises NoSuchMember."""
    member = kit_db.one(Member, member_id, NoSuchMember, lock=lock)
    if member.removed_at is not None:
        raise NoSuchMember
    return member


def listed() -> list[Member]:
    """Return the company's people and those who are invited, in the order they came."""
    return list(db.session.scalars(select(Member).where(Member.removed_at.is_(None)).order_by(Member.id)))


def names(member_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return what people are called by id, also those who have left."""
    query = select(Member.id, Member.name, Member.email).where(Member.id.in_(list(member_ids)))
    return {member: name or email for member, name, email in db.session.execute(query)}


def count() -> int:
    """Return how many places of the plan are taken; an invitation takes one."""
    return db.session.scalar(select(func.count()).select_from(Member).where(Member.removed_at.is_(None))) or 0


def invite(*, email: str, role: str, language: str = "") -> Member:
    """Invite somebody by mail; raises BadMember, MemberAlready, OwnersOnly, NotVerified or OverLimit."""
    logins.require_verified()
    try:
        norm = text.email(email)
    except text.NotAnEmail as error:
        raise BadMember(fields={"email": [_(str(error))]}) from None
    key, role_id = _chosen(role)
    _owners_only(key)
    rights.require_covering(made_roles.access_of(key, role_id))
    # Held, so that two invitations at the same moment do not both take the last place.
    db.session.execute(select(Entitlement.id).where(Entitlement.name == "members").with_for_update())
    known = db.session.scalars(select(Member).where(Member.email_norm == norm).with_for_update()).one_or_none()
    if known is not None and known.removed_at is None:
        raise MemberAlready(_("This person is here already."), fields={"email": [_("This person is here already.")]})
    limits.require("members", used=count())
    member = known or Member(email_norm=norm)
    member.email, member.login_id = text.clean(email, most=320), None
    member.role, member.role_id = key, role_id
    member.invited_at, member.joined_at, member.removed_at = clock.now(), None, None
    db.session.add(member)
    db.session.flush()
    audit.record(action="members.invited", kind="member", record_id=member.id, after={"email": norm, "role": role})
    _send(member, language)
    return member


def invite_again(member_id: UUID | str, *, language: str = "") -> Member:
    """Send an invitation once more; the link before it stops working. Raises NoSuchMember or MemberAlready."""
    logins.require_verified()
    member = one(member_id, lock=True)
    if member.joined_at is not None:
        raise MemberAlready(_("This person has joined already."))
    member.invited_at = clock.now()
    _send(member, language)
    return member


def join(member_id: UUID, login: Login) -> Member:
    """Make a person the member they were invited to be, with that company bound; it verifies their address."""
    member = one(member_id, lock=True)
    member.login_id, member.name, member.joined_at = login.id, login.name, clock.now()
    logins.verify(login)
    db.session.flush()
    directory.enter(kind="member", key=str(login.id), subject_id=member.id)
    audit.record(action="members.joined", kind="member", record_id=member.id, after={"email": member.email_norm})
    return member


def change_role(member_id: UUID | str, *, role: str) -> Member:
    """Give a person another role, a built-in one or one of the company's own by its id.

    Raises NoSuchMember, BadMember, OwnersOnly, MoreThanYouHold or LastOwner.
    """
    key, role_id = _chosen(role)
    owners = _hold_owners()
    member = one(member_id, lock=True)
    _owners_only(key, member.role)
    if (member.role, member.role_id) == (key, role_id):
        return member
    held = made_roles.access_of(member.role, member.role_id)
    rights.require_covering(held, made_roles.access_of(key, role_id))
    _keep_an_owner(owners, without=member)
    before = _told(member.role, member.role_id)
    member.role, member.role_id = key, role_id
    audit.record(action="members.role_changed", kind="member", record_id=member.id, before=before, after=_told(key, role_id))  # fmt: skip
    return member


def _told(key: str, role_id: UUID | None) -> dict[str, str]:
    """Return a role as the history keeps it: by its name for people, by its key for whoever takes the change back."""
    return {"role": made_roles.name_of(key, role_id), "role_key": made_roles.key_of(key, role_id)}


def remove(member_id: UUID | str) -> None:
    """Let a person go, or take an invitation back: their sessions here end at once.

    A person who then belongs to no company is forgotten, so that every login has a company. Raises NoSuchMember,
    OwnersOnly or LastOwner.
    """
    owners = _hold_owners()
    member = one(member_id, lock=True)
    _owners_only(member.role)
    rights.require_covering(made_roles.access_of(member.role, member.role_id))
    _keep_an_owner(owners, without=member)
    login_id, member.removed_at, member.login_id = member.login_id, clock.now(), None
    directory.strike(kind="member", subject_id=member.id)
    audit.record(action="members.removed", kind="member", record_id=member.id, before={"email": member.email_norm})
    db.session.flush()
    if login_id is not None:
        sessions.close_company(login_id=login_id, tenant_id=scope.tenant_id())
        logins.forget_without_company(login_id)


def _send(member: Member, language: str) -> None:
    actor = scope.actor()
    announce(MemberInvited(member_id=str(member.id), invited_by=actor.name, language=language))


def _chosen(role: str) -> made_roles.Chosen:
    try:
        return made_roles.chosen(role)
    except made_roles.NoSuchRole:
        raise BadMember(fields={"role": [_("Choose one of the roles.")]}) from None


def _owners_only(*touched: str) -> None:
    """Refuse a member who is no owner to make or touch one; the command line and jobs may."""
    actor = scope.actor()
    if "owner" in touched and actor.kind != "platform":
        mine = select(Member.role).where(Member.id == UUID(actor.id))
        if actor.kind != "member" or db.session.scalar(mine) != "owner":
            raise OwnersOnly(_("Only an owner can do that."))


def _hold_owners() -> list[UUID]:
    """Return the owners who have joined, held so that two of them cannot leave at the same moment."""
    query = select(Member.id).where(Member.role == "owner", Member.joined_at.is_not(None), Member.removed_at.is_(None))
    return list(db.session.scalars(query.order_by(Member.id).with_for_update()))


def _keep_an_owner(owners: list[UUID], *, without: Member) -> None:
    if owners == [without.id]:
        raise LastOwner(_("A company needs an owner. Make somebody else an owner first."))
