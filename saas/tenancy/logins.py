"""Signing in and out: people, passwords and the browsers they are signed in with.

Nothing here tells a stranger whether an address is known: a wrong password and an unknown address take the same time
and get the same sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from saas.kit import clock, crypto, errors, rates, scope, text, work
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import directory, settings
from saas.tenancy.models import Login, LoginSession, Member

IDLE, ABSOLUTE = timedelta(days=7), timedelta(days=30)
LONGEST_PASSWORD = 256


class WrongPassword(errors.NotSignedIn):
    """The address or the password is wrong; which of the two is not said."""

    code = "wrong_password"


class BadProfile(errors.Invalid):
    """A field of a person's own settings is out of range."""


class NotVerified(errors.Forbidden):
    """The person has not shown yet that their address is theirs."""

    code = "not_verified"


@dataclass(frozen=True)
class SignedIn:
    """What a cookie leads to: the person, and the company and member they act as (None until one is chosen)."""

    login_id: UUID
    email: str
    name: str
    language: str
    zone: str
    verified: bool
    tenant_id: int | None
    member_id: UUID | None
    digest: str


def by_email(email: str) -> Login | None:
    """Return the login of an address, or None."""
    try:
        norm = text.email(email)
    except text.NotAnEmail:
        return None
    return db.session.scalars(select(Login).where(Login.email_norm == norm)).one_or_none()


def check(*, email: str, password: str, address: str) -> Login:
    """Return the login whose password this is; raises WrongPassword, or TooOften after many attempts."""
    rates.require(f"login:address:{address}", "30/minute")
    rates.require(f"login:email:{crypto.digest(email.lower())}", "10/5 minute")
    login = by_email(email)
    if not crypto.verify_password(login.password_hash if login else None, password[:LONGEST_PASSWORD]):
        raise WrongPassword(_("That e-mail and password do not fit together."))
    return login


def open_session(*, login: Login, address: str, browser: str, tenant_id: int | None = None) -> str:
    """Sign a browser in and return its cookie; it acts for the company named, or for the only one there is."""
    token = crypto.new_token()
    homes = directory.places(kind="member", key=str(login.id))
    if tenant_id is not None:
        homes = [home for home in homes if home.tenant_id == tenant_id]
    only = homes[0] if len(homes) == 1 else None
    db.session.add(
        LoginSession(
            digest=crypto.digest(token), login_id=login.id, expires_at=clock.now() + ABSOLUTE,
            tenant_id=only.tenant_id if only else None, member_id=only.subject_id if only else None,
            address=address, browser=browser[:300],
        )
    )  # fmt: skip
    return token


def read_session(token: str) -> SignedIn | None:
    """Return who a cookie stands for, or None when it is unknown, idle too long or too old."""
    now, key = clock.now(), crypto.digest(token)
    row = db.session.execute(
        select(LoginSession, Login).join(Login, Login.id == LoginSession.login_id).where(LoginSession.digest == key)
    ).one_or_none()
    if row is None:
        return None
    session, login = row
    if session.expires_at < now or session.seen_at < now - IDLE:
        return None
    if session.seen_at < now - timedelta(minutes=5):
        session.seen_at = now
    return SignedIn(
        login_id=login.id, email=login.email, name=login.name, language=login.language, zone=login.zone,
        verified=login.verified_at is not None, tenant_id=session.tenant_id, member_id=session.member_id, digest=key,
    )  # fmt: skip


def choose_company(*, digest: str, tenant_id: int, login_id: UUID) -> bool:
    """Have a session act for a company the person belongs to; tells whether it may."""
    for home in directory.places(kind="member", key=str(login_id)):
        if home.tenant_id == tenant_id:
            values = {"tenant_id": tenant_id, "member_id": home.subject_id}
            db.session.execute(update(LoginSession).where(LoginSession.digest == digest).values(**values))
            return True
    return False


def close_session(digest: str) -> None:
    """Sign one browser out."""
    db.session.execute(delete(LoginSession).where(LoginSession.digest == digest))


def close_one(*, login_id: UUID, digest: str) -> None:
    """Sign one of a person's own browsers out; somebody else's stays as it is."""
    mine = delete(LoginSession).where(LoginSession.digest == digest, LoginSession.login_id == login_id)
    db.session.execute(mine)


def close_all(*, login_id: UUID, except_digest: str | None = None) -> None:
    """Sign a person out everywhere, or everywhere else."""
    query = delete(LoginSession).where(LoginSession.login_id == login_id)
    db.session.execute(query.where(LoginSession.digest != except_digest) if except_digest else query)


def close_company(*, login_id: UUID, tenant_id: int) -> None:
    """Sign a person out wherever they act for a company they no longer belong to."""
    query = delete(LoginSession).where(LoginSession.login_id == login_id, LoginSession.tenant_id == tenant_id)
    db.session.execute(query)


def sessions(login_id: UUID) -> list[LoginSession]:
    """Return the browsers a person is signed in with, newest first."""
    now = clock.now()
    alive = select(LoginSession).where(LoginSession.expires_at > now, LoginSession.seen_at > now - IDLE)
    mine = alive.where(LoginSession.login_id == login_id).order_by(LoginSession.seen_at.desc())
    return list(db.session.scalars(mine))


def one(login_id: UUID) -> Login:
    """Return a person who is signed in."""
    return db.session.scalars(select(Login).where(Login.id == login_id)).one()


def verify(login: Login) -> None:
    """Note that a person has shown that their address is theirs."""
    if login.verified_at is None:
        login.verified_at = clock.now()


def require_verified(login: Login | None = None) -> None:
    """Raise NotVerified unless the person (the acting member, when left out) has verified their address.

    Programs and jobs pass: whoever made their key was asked before.
    """
    if login is None and scope.actor().kind == "member":
        query = select(Login).join(Member, Member.login_id == Login.id).where(Member.id == UUID(scope.actor().id))
        login = db.session.scalars(query).one_or_none()
    if login is not None and login.verified_at is None:
        raise NotVerified(_("Confirm your e-mail address first, with the link we sent you."))


def forget_without_company(login_id: UUID) -> None:
    """Delete a person who belongs to no company any more; nobody could write to them, and nobody needs to know them."""
    if not directory.places(kind="member", key=str(login_id)):
        db.session.execute(delete(Login).where(Login.id == login_id))


def tell(login_id: UUID, happened: object) -> None:
    """Announce what happened to a person, in one of the companies they belong to, from a unit without a tenant."""
    homes = directory.places(kind="member", key=str(login_id))
    if homes:
        with work.acting_for(homes[0].tenant_id):
            announce(happened)


def change_profile(*, login_id: UUID, name: str, language: str, zone: str) -> None:
    """Change what a person is called, in all their companies, and how they want the pages; raises BadProfile."""
    if zone and zone not in settings.zones():
        raise BadProfile(fields={"zone": [_("Choose a time zone from the list.")]})
    login = one(login_id)
    login.name, login.language, login.zone = text.clean(name, most=120), language[:20], zone
    for home in directory.places(kind="member", key=str(login_id)):
        with work.acting_for(home.tenant_id):
            db.session.execute(update(Member).where(Member.id == home.subject_id).values(name=login.name))


def choose_language(*, login_id: UUID, language: str) -> None:
    """Keep the language a person wants the pages in."""
    db.session.execute(update(Login).where(Login.id == login_id).values(language=language[:20]))


def tidy() -> None:
    """Throw away sessions that have run out."""
    db.session.execute(delete(LoginSession).where(LoginSession.expires_at < clock.now()))
