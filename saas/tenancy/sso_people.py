"""Who somebody is that a company's own sign-in sent: a known person, a newcomer, or the owner of an account to be proven.

The provider's word is good inside the company that chose it and nowhere else. So it never opens an account that another
company relies on, or that nobody verified, until its owner has signed in here in the old way and said yes.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from saas.kit import clock, errors, scope, text, work
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, ceremonies, directory, limits, logins, made_roles, members, openid, sso
from saas.tenancy.models import Login, Member, SsoIdentity

LINK, LINK_SECONDS = "sso-link", 3600


class NotLetIn(errors.Forbidden):
    """The company does not let this person in; the sentence says why and what helps."""

    code = "not_let_in"


@dataclass(frozen=True)
class Arrived:
    """A person who may come in, or the ticket with which they join an account they have already."""

    login: Login | None
    ticket: str = ""


def arrive(claims: openid.Claims) -> Arrived:
    """Return who the claims stand for, inside a unit without a tenant bound to the company by `work.acting_for`.

    Raises NotLetIn or OverLimit.
    """
    identity = _identity(claims)
    if identity is not None:
        return Arrived(_known(identity))
    norm = _address(claims)
    login = logins.by_email(norm)
    member = db.session.scalars(select(Member).where(Member.email_norm == norm)).one_or_none()
    if member is not None and member.removed_at is not None:
        raise NotLetIn(_("You were removed from this company. Ask to be invited again."))
    if login is not None and not _only_here(login):
        return Arrived(None, _ticket(claims, login))
    if login is not None and not _joined(login):
        return Arrived(None, _ticket(claims, login))
    if login is None:
        role = _role_for(member)
        login = _newcomer(claims, norm)
        _join(login, member, role)
    _tie(claims, login)
    return Arrived(login)


def link(ticket: str, *, login_id: UUID) -> tuple[int, Login]:
    """Join what a provider says to the account of the person who has signed in, and return company and person.

    Raises Interrupted, or NotLetIn when they are somebody else. Opens the company itself, in a unit without a tenant.
    """
    told = ceremonies.end(LINK, ticket)
    if told["login_id"] != str(login_id):
        raise NotLetIn(_("You are signed in as somebody else."))
    login = logins.one(login_id)
    claims = openid.Claims(told["issuer"], told["subject"], login.email, True, login.name, None)
    with work.acting_for(told["tenant_id"]):
        held = sso.current()
        if held is None or not held.enabled or held.issuer != claims.issuer:
            raise NotLetIn(_("The company has changed its sign-in meanwhile. Begin again."))
        member = db.session.scalars(select(Member).where(Member.email_norm == login.email_norm)).one_or_none()
        if not _joined(login):
            _join(login, member, _role_for(member))
        _tie(claims, login)
    return told["tenant_id"], login


def _identity(claims: openid.Claims) -> SsoIdentity | None:
    query = select(SsoIdentity).where(SsoIdentity.issuer == claims.issuer, SsoIdentity.subject == claims.subject)
    return db.session.scalars(query.with_for_update()).one_or_none()


def _known(identity: SsoIdentity) -> Login:
    login = logins.one(identity.login_id)
    if not _joined(login):
        raise NotLetIn(_("You are no longer part of this company. Ask to be invited again."))
    identity.last_used_at = clock.now()
    return login


def _address(claims: openid.Claims) -> str:
    """Return the address of somebody who comes for the first time, if the provider vouches for it and the company may."""
    try:
        norm = text.email(claims.email)
    except text.NotAnEmail:
        raise NotLetIn(_("Your company’s sign-in did not tell your e-mail address.")) from None
    if not claims.email_verified:
        raise NotLetIn(_("Your company’s sign-in does not say that the address %(email)s is confirmed.", email=norm))
    if norm.partition("@")[2] not in sso.proven():
        raise NotLetIn(_("The company has not shown that the domain of %(email)s is its own.", email=norm))
    return norm


def _joined(login: Login) -> bool:
    """Tell whether the person is a member of the bound company."""
    homes = directory.places(kind="member", key=str(login.id))
    return scope.tenant_id() in {home.tenant_id for home in homes}


def _only_here(login: Login) -> bool:
    """Tell whether an account is verified and belongs to no other company, so that the provider's word is enough."""
    homes = {home.tenant_id for home in directory.places(kind="member", key=str(login.id))}
    return login.verified_at is not None and homes == {scope.tenant_id()}


def _role_for(member: Member | None) -> made_roles.Chosen:
    """Return the role a newcomer gets: the one they were invited with, or the company's for newcomers."""
    if member is not None and member.joined_at is None:
        return made_roles.Chosen(member.role, member.role_id)
    role = sso.current().newcomer_role
    if not role:
        raise NotLetIn(_("Only people who were invited come in here. Ask an owner or administrator to invite you."))
    try:
        chosen = made_roles.chosen(role)
    except made_roles.NoSuchRole:
        raise NotLetIn(_("The role for newcomers no longer exists. Ask an owner to choose another.")) from None
    limits.require("members", used=members.count())
    return chosen


def _newcomer(claims: openid.Claims, norm: str) -> Login:
    login = Login(email=claims.email, email_norm=norm, name=text.clean(claims.name, most=120), verified_at=clock.now())
    db.session.add(login)
    db.session.flush()
    return login


def _join(login: Login, member: Member | None, role: made_roles.Chosen) -> None:
    if member is None:
        member = Member(email=login.email, email_norm=login.email_norm, name=login.name)
        member.role, member.role_id = role
        db.session.add(member)
        db.session.flush()
    members.join(member.id, login)


def _tie(claims: openid.Claims, login: Login) -> None:
    made = SsoIdentity(issuer=claims.issuer, subject=claims.subject, login_id=login.id, last_used_at=clock.now())
    db.session.add(made)
    db.session.flush()
    audit.record(action="sso.person_tied", kind="login", record_id=login.id, after={"email": login.email_norm})


def _ticket(claims: openid.Claims, login: Login) -> str:
    return ceremonies.begin(
        LINK, seconds=LINK_SECONDS, tenant_id=scope.tenant_id(), issuer=claims.issuer, subject=claims.subject,
        login_id=str(login.id), email=login.email,
    )  # fmt: skip
