"""What a person can show besides a password: codes from an app, passkeys, recovery codes; and what follows a change of it.

Whoever can change these owns the account, so each change ends all other sessions and is told by mail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select

from saas.kit import errors, rates
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory, logins, members, recovery, sessions, totp
from saas.tenancy.events import SecondFactorChanged
from saas.tenancy.models import Login, Member, Passkey


class WrongFactor(errors.NotSignedIn):
    """The code does not fit, or was used already; which of the two is not said."""

    code = "wrong_code"


class NotConfirmed(errors.NotSignedIn):
    """What was shown to confirm that it is them is wrong."""

    code = "not_confirmed"


class BelongsElsewhere(errors.Conflict):
    """One company's owner does not weaken an account that other companies rely on."""

    code = "belongs_elsewhere"


class NothingToReset(errors.Conflict):
    """The person has no second factor, or has not joined yet."""


@dataclass(frozen=True)
class Factors:
    """What a person has set up."""

    totp: bool
    passkeys: int
    recovery_left: int

    @property
    def any(self) -> bool:
        return self.totp or self.passkeys > 0


def held(login_id: UUID) -> Login:
    """Return a person, held until the unit ends: a code must not be taken twice at the same moment."""
    return db.session.scalars(select(Login).where(Login.id == login_id).with_for_update()).one()


def of(login: Login) -> Factors:
    """Return what a person has set up."""
    count = db.session.scalar(select(func.count()).select_from(Passkey).where(Passkey.login_id == login.id))
    return Factors(login.totp_confirmed_at is not None, count or 0, recovery.left(login))


def of_many(login_ids: Iterable[UUID]) -> dict[UUID, Factors]:
    """Return what each of several people has set up."""
    wanted = list(login_ids)
    counts = select(Passkey.login_id, func.count()).where(Passkey.login_id.in_(wanted)).group_by(Passkey.login_id)
    keys: dict[UUID, int] = {row[0]: row[1] for row in db.session.execute(counts)}
    people = db.session.scalars(select(Login).where(Login.id.in_(wanted)))
    return {
        who.id: Factors(who.totp_confirmed_at is not None, keys.get(who.id, 0), recovery.left(who)) for who in people
    }


def take_code(login: Login, code: str) -> str:
    """Take a code from the app, or a recovery code, and return which it was; raises WrongFactor or TooOften."""
    _count(login)
    if totp.accept(login, code):
        return "totp"
    if recovery.use(login, code):
        logins.tell(login.id, SecondFactorChanged(login_id=str(login.id), what="recovery_used"))
        return "recovery"
    raise WrongFactor(_("That code does not fit. Wait for the next one your app shows."))


def confirm(*, login_id: UUID, password: str = "", code: str = "") -> str:
    """Have a signed-in person show again that it is them, by password or code; returns by what. Raises NotConfirmed."""
    login = held(login_id)
    _count(login)
    if code and totp.accept(login, code):
        return "totp"
    if not code and logins.password_fits(login, password):
        return "password"
    raise NotConfirmed(_("That code does not fit. Wait for the next one your app shows.") if code
                       else _("This is not your present password."))  # fmt: skip


def _count(login: Login) -> None:
    rates.require(f"factor:{login.id}", "10/5 minute")
    rates.require(f"factor-day:{login.id}", "100/day")


def changed(*, login: Login, what: str, keep_digest: str | None = None) -> None:
    """End a person's other sessions and tell them what changed: added, removed, reset, recovery_made."""
    sessions.close_all(login_id=login.id, except_digest=keep_digest)
    logins.tell(login.id, SecondFactorChanged(login_id=str(login.id), what=what))


def reset(member_id: UUID | str) -> Member:
    """Take the second factor off a person of the bound company who lost their device; they are told and signed out.

    Raises NoSuchMember, BelongsElsewhere, or NothingToReset.
    """
    member = members.one(member_id, lock=True)
    if member.login_id is None:
        raise NothingToReset(_("This person has no second factor."))
    login = held(member.login_id)
    if len(directory.places(kind="member", key=str(login.id))) > 1:
        raise BelongsElsewhere(_("Only this person can reset it: they use the same account elsewhere too."))
    if not of(login).any:
        raise NothingToReset(_("This person has no second factor."))
    totp.forget(login)
    recovery.forget(login)
    db.session.execute(delete(Passkey).where(Passkey.login_id == login.id))
    sessions.close_all(login_id=login.id)
    announce(SecondFactorChanged(login_id=str(login.id), what="reset"))
    audit.record(action="members.factor_reset", kind="member", record_id=member.id, before={"email": member.email_norm})
    return member
