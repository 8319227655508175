"""The browsers people are signed in with: opening, reading, confirming and ending them.

A session is a row; its cookie is a random token of which only the digest is kept. It is `half` after the password of a
person who has a second factor: a half session stands for nobody, and is replaced by a new one when the factor is shown.
A session that a company's own sign-in opened is confined to that company.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, delete, exists, select, update

from saas.kit import clock, crypto
from saas.kit.db import db
from saas.tenancy import directory
from saas.tenancy.models import Login, LoginSession, Passkey

IDLE, ABSOLUTE = timedelta(days=7), timedelta(days=30)
HALF = timedelta(minutes=10)
CONFINED = timedelta(hours=12)  # so that who is let go at the company's own sign-in is out here by the next day
FRESH = timedelta(minutes=10)
BY_SSO = "sso"


@dataclass(frozen=True)
class SignedIn:
    """What a cookie leads to: the person, how they came in, and the company and member they act as (None: not chosen)."""

    login_id: UUID
    email: str
    name: str
    language: str
    zone: str
    verified: bool
    staff: bool
    tenant_id: int | None
    member_id: UUID | None
    digest: str
    method: str
    second_factor: bool
    has_password: bool
    has_totp: bool
    has_passkey: bool
    confirmed_at: datetime | None
    confirmed_by: str
    confined_to: int | None
    support_id: UUID | None

    @property
    def has_factor(self) -> bool:
        return self.has_totp or self.has_passkey

    def fresh(self, *, for_person: bool) -> bool:
        """Tell whether it was shown within the last minutes that it is them.

        What concerns the person in all their companies (`for_person`) is not opened by what one company says of them.
        """
        if self.confirmed_at is None or self.confirmed_at < clock.now() - FRESH:
            return False
        return not (for_person and self.confirmed_by == BY_SSO)


def begin(
    *, login: Login, address: str, browser: str, tenant_id: int | None = None, method: str = "password",
    second_factor: bool = False, confined_to: int | None = None, confirmed: bool = True,
) -> str:  # fmt: skip
    """Sign a browser in and return its cookie; it acts for the company named, or for the only one there is."""
    token = crypto.new_token()
    homes = directory.places(kind="member", key=str(login.id))
    wanted = confined_to or tenant_id
    if wanted is not None:
        homes = [home for home in homes if home.tenant_id == wanted]
    only = homes[0] if len(homes) == 1 else None
    now = clock.now()
    db.session.add(
        LoginSession(
            digest=crypto.digest(token), login_id=login.id, expires_at=now + (CONFINED if confined_to else ABSOLUTE),
            tenant_id=only.tenant_id if only else None, member_id=only.subject_id if only else None,
            address=address, browser=browser[:300], method=method, second_factor=second_factor,
            confirmed_at=now if confirmed else None, confirmed_by=method if confirmed else "", confined_to=confined_to,
        )
    )  # fmt: skip
    login.signed_in_at = now
    return token


def begin_half(*, login: Login, address: str, browser: str) -> str:
    """Note that a browser showed the password of a person who has a second factor, and return its cookie."""
    token, now = crypto.new_token(), clock.now()
    db.session.add(
        LoginSession(
            digest=crypto.digest(token), login_id=login.id, expires_at=now + HALF, stage="half", method="password",
            address=address, browser=browser[:300],
        )
    )  # fmt: skip
    return token


def read(token: str) -> SignedIn | None:
    """Return who a cookie stands for, or None when it is unknown, half, idle too long or too old."""
    now, key = clock.now(), crypto.digest(token)
    row = db.session.execute(
        select(LoginSession, Login, exists().where(Passkey.login_id == Login.id))
        .join(Login, Login.id == LoginSession.login_id)
        .where(LoginSession.digest == key, LoginSession.stage == "full")
    ).one_or_none()
    if row is None:
        return None
    session, login, has_passkey = row
    if session.expires_at < now or session.seen_at < now - IDLE:
        return None
    if session.seen_at < now - timedelta(minutes=5):
        session.seen_at = now
    return SignedIn(
        login_id=login.id, email=login.email, name=login.name, language=login.language, zone=login.zone,
        verified=login.verified_at is not None, staff=login.staff, tenant_id=session.tenant_id,
        member_id=session.member_id, digest=key, method=session.method, second_factor=session.second_factor,
        has_password=login.password_hash is not None, has_totp=login.totp_confirmed_at is not None,
        has_passkey=has_passkey, confirmed_at=session.confirmed_at, confirmed_by=session.confirmed_by,
        confined_to=session.confined_to, support_id=session.support_id,
    )  # fmt: skip


def read_half(token: str) -> Login | None:
    """Return the person whose second factor a cookie waits for, held until the unit ends; None for any other cookie."""
    query = (
        select(Login)
        .join(LoginSession, LoginSession.login_id == Login.id)
        .where(LoginSession.digest == crypto.digest(token), LoginSession.stage == "half")
        .where(LoginSession.expires_at > clock.now())
    )
    return db.session.scalars(query.with_for_update(of=Login)).one_or_none()


def close_half(token: str) -> None:
    """Forget the half session of a cookie, now that a whole one takes its place."""
    query = delete(LoginSession).where(LoginSession.digest == crypto.digest(token), LoginSession.stage == "half")
    db.session.execute(query)


def confirm(*, digest: str, by: str, second_factor: bool = False) -> None:
    """Note that the person at this browser has just shown again that it is them, and by what."""
    values = {"confirmed_at": clock.now(), "confirmed_by": by} | ({"second_factor": True} if second_factor else {})
    db.session.execute(update(LoginSession).where(LoginSession.digest == digest).values(**values))


def mark(*, digest: str, method: str) -> None:
    """Note by which way a session comes in from now on."""
    db.session.execute(update(LoginSession).where(LoginSession.digest == digest).values(method=method))


def choose_company(*, digest: str, tenant_id: int, login_id: UUID) -> bool:
    """Have a session act for a company the person belongs to and it is not kept from; tells whether it may."""
    for home in directory.places(kind="member", key=str(login_id)):
        if home.tenant_id == tenant_id:
            query = update(LoginSession).where(LoginSession.digest == digest, _may_act_for(tenant_id))
            values = {"tenant_id": tenant_id, "member_id": home.subject_id, "support_id": None}
            return db.session.execute(query.values(**values)).rowcount == 1
    return False


def _may_act_for(tenant_id: int):
    return LoginSession.confined_to.is_(None) | (LoginSession.confined_to == tenant_id)


def close(digest: str) -> None:
    """Sign one browser out."""
    db.session.execute(delete(LoginSession).where(LoginSession.digest == digest))


def close_one(*, login_id: UUID, digest: str, within: int | None = None) -> None:
    """Sign one of a person's own browsers out; somebody else's stays as it is. `within` as in `listed`."""
    query = delete(LoginSession).where(LoginSession.digest == digest, LoginSession.login_id == login_id)
    db.session.execute(query.where(LoginSession.confined_to == within) if within else query)


def close_all(*, login_id: UUID, except_digest: str | None = None, within: int | None = None) -> None:
    """Sign a person out everywhere, or everywhere else. `within` as in `listed`."""
    query = delete(LoginSession).where(LoginSession.login_id == login_id)
    query = query.where(LoginSession.confined_to == within) if within else query
    db.session.execute(query.where(LoginSession.digest != except_digest) if except_digest else query)


def close_company(*, login_id: UUID, tenant_id: int) -> None:
    """Sign a person out wherever they act for a company they no longer belong to."""
    query = delete(LoginSession).where(LoginSession.login_id == login_id, LoginSession.tenant_id == tenant_id)
    db.session.execute(query)


def _alive() -> Select[tuple[LoginSession]]:
    now = clock.now()
    query = select(LoginSession).where(LoginSession.expires_at > now, LoginSession.seen_at > now - IDLE)
    return query.where(LoginSession.stage == "full")


def listed(login_id: UUID, *, within: int | None = None) -> list[LoginSession]:
    """Return the browsers a person is signed in with, newest first.

    `within` a company: only those its own sign-in opened, for who came through it is not shown what else there is.
    """
    mine = _alive().where(LoginSession.login_id == login_id).order_by(LoginSession.seen_at.desc())
    return list(db.session.scalars(mine.where(LoginSession.confined_to == within) if within else mine))


def names(login_ids: Iterable[UUID]) -> list[str]:
    """Return what people are called, for a company's page that says who of the platform's staff is here."""
    query = select(Login.name, Login.email).where(Login.id.in_(list(login_ids)))
    return [name or email for name, email in db.session.execute(query)]


def tidy() -> None:
    """Throw away sessions that have run out."""
    db.session.execute(delete(LoginSession).where(LoginSession.expires_at < clock.now()))
