"""Signed links that prove something once: an address is mine, I may set my password, I was invited.

A link carries a few ids, an expiry (its age) and a mark made from what its use changes: the moment of verification, the
password's hash, the moment of the invitation. So a link dies with its first use, and with whatever else makes it
pointless, and nothing has to be stored or tidied. Which link it is says the signature's purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.kit import crypto, errors, scope, work
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy.models import Login, Member, Tenant

HOUR, DAY = 3600, 24 * 3600
AGES = {"verify": 3 * DAY, "reset": HOUR, "invite": 14 * DAY}  # seconds


class DeadLink(errors.Refusal):
    """The link was used, has run out, or never was one of ours; which of these is not said."""

    status, code = 410, "dead_link"
    message = "This link no longer works. It may have been used already, or it is too old."


@dataclass(frozen=True)
class Invitation:
    """What an invitation's link leads to; `login` is the person who has its address already, if there is one."""

    tenant_id: int
    member_id: UUID
    company: str
    email: str
    role: str
    login: Login | None


def _mark(purpose: str, *parts: object) -> str:
    return crypto.mac(f"proof:{purpose}", "|".join(map(str, parts)).encode(), length=12).hex()


def _state(purpose: str, login: Login) -> str:
    changing = login.verified_at if purpose == "verify" else login.password_hash
    return _mark(purpose, login.id, login.email_norm, changing)


def for_login(purpose: str, login: Login) -> str:
    """Return a token with which a person verifies their address ("verify") or sets a new password ("reset")."""
    return crypto.sign(f"proof:{purpose}", [str(login.id), _state(purpose, login)])


def login_of(purpose: str, token: str) -> Login:
    """Return the person a token stands for, held until the unit ends so that it is used once; raises DeadLink."""
    login_id, mark = _read(purpose, token, 2)
    login = db.session.scalars(select(Login).where(Login.id == login_id).with_for_update()).one_or_none()
    used = login is not None and purpose == "verify" and login.verified_at is not None
    if login is None or used or not crypto.same(mark, _state(purpose, login)):
        raise DeadLink(_(DeadLink.message))
    return login


def for_invitation(member: Member) -> str:
    """Return the token of a member's invitation; an invitation that is sent again makes the one before useless."""
    return crypto.sign("proof:invite", [scope.tenant_id(), str(member.id), _invitation_mark(member)])


def _invitation_mark(member: Member) -> str:
    return _mark("invite", member.id, member.email_norm, member.invited_at, member.joined_at, member.removed_at)


def invitation(token: str) -> Invitation:
    """Return what an invitation leads to, inside a unit without a tenant; raises DeadLink."""
    tenant_id, member_id, mark = _read("invite", token, 3)
    company = db.session.scalar(select(Tenant.name).where(Tenant.id == tenant_id, Tenant.state != "closed"))
    if company is None:
        raise DeadLink(_(DeadLink.message))
    with work.acting_for(tenant_id):
        member = db.session.scalars(select(Member).where(Member.id == member_id).with_for_update()).one_or_none()
    good = member is not None and member.joined_at is None and member.removed_at is None
    if not good or not crypto.same(mark, _invitation_mark(member)):
        raise DeadLink(_(DeadLink.message))
    login = db.session.scalars(select(Login).where(Login.email_norm == member.email_norm)).one_or_none()
    return Invitation(tenant_id, member.id, company, member.email, member.role, login)


def _read(purpose: str, token: str, length: int) -> list[Any]:
    value = crypto.read_signed(f"proof:{purpose}", token, max_age=AGES[purpose])
    if not isinstance(value, list) or len(value) != length:
        raise DeadLink(_(DeadLink.message))
    return value
