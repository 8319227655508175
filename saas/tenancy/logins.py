"""Signing in and out: people, passwords and the browsers they are signed in with.

Nothing here tells a stranger whether an address is known: a wrong password and an unknown address take the same time
and get the same sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from saas.kit import clock, crypto, errors, rates, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import directory
from saas.tenancy.models import Login, LoginSession

IDLE, ABSOLUTE = timedelta(days=7), timedelta(days=30)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 256
TOO_COMMON = frozenset(
    "1234567890 0123456789 12345678910 qwertyuiop password123 password1234 passwordpassword iloveyou123 administrator "
    "1q2w3e4r5t qwerty12345 abcd123456 letmein1234 welcome1234 changeme123".split()
)


class WrongPassword(errors.NotSignedIn):
    """The address or the password is wrong; which of the two is not said."""

    code = "wrong_password"


class WeakPassword(errors.Invalid):
    """The password is too short, too long or among the most guessed."""


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


def check_password_rules(password: str) -> None:
    """Raise WeakPassword unless the password is long enough and not among the most guessed."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise WeakPassword(fields={"password": [_("Use at least %(least)s characters.", least=SHORTEST_PASSWORD)]})
    if password.lower() in TOO_COMMON or len(set(password)) < 4:
        raise WeakPassword(fields={"password": [_("This password is among the first that are guessed. Choose another.")]})


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


def open_session(*, login: Login, address: str, browser: str) -> str:
    """Sign a browser in and return its cookie. The company is chosen when there is only one."""
    token = crypto.new_token()
    homes = directory.places(kind="member", key=str(login.id))
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


def close_all(*, login_id: UUID, except_digest: str | None = None) -> None:
    """Sign a person out everywhere, or everywhere else."""
    query = delete(LoginSession).where(LoginSession.login_id == login_id)
    db.session.execute(query.where(LoginSession.digest != except_digest) if except_digest else query)


def sessions(login_id: UUID) -> list[LoginSession]:
    """Return the browsers a person is signed in with, newest first."""
    query = select(LoginSession).where(LoginSession.login_id == login_id).order_by(LoginSession.seen_at.desc())
    return list(db.session.scalars(query))


def set_password(*, login: Login, password: str, keep_digest: str | None = None) -> None:
    """Give a login a new password and sign it out everywhere (else)."""
    check_password_rules(password)
    login.password_hash = crypto.hash_password(password)
    close_all(login_id=login.id, except_digest=keep_digest)


def choose_language(*, login_id: UUID, language: str) -> None:
    """Keep the language a person wants the pages in."""
    db.session.execute(update(Login).where(Login.id == login_id).values(language=language[:20]))


def tidy() -> None:
    """Throw away sessions that have run out."""
    db.session.execute(delete(LoginSession).where(LoginSession.expires_at < clock.now()))
