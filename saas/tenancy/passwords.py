"""Passwords: which are good enough, and how a person gets a new one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from saas.kit import crypto, errors, rates
from saas.kit.text import gettext as _
from saas.tenancy import logins, sessions
from saas.tenancy.events import PasswordChanged
from saas.tenancy.models import Login

SHORTEST = 10
TOO_COMMON = frozenset((
    "1234567890", "0123456789", "12345678910", "qwertyuiop", "password123", "password1234", "passwordpassword",
    "iloveyou123", "administrator", "1q2w3e4r5t", "qwerty12345", "abcd123456", "letmein1234", "welcome1234",
    "changeme123",
))  # fmt: skip


class WeakPassword(errors.Invalid):
    """The password is too short, too long or among the first that are guessed."""


class WrongCurrent(errors.Invalid):
    """The present password, asked for before it is changed, is another."""


def check_rules(password: str, *, email: str = "", words: Sequence[str] = ()) -> None:
    """Raise WeakPassword unless the password is long enough and not easily guessed by who knows `email` and `words`."""
    if len(password) < SHORTEST:
        raise WeakPassword(fields={"password": [_("Use at least %(least)s characters.", least=SHORTEST)]})
    if len(password) > logins.LONGEST_PASSWORD:
        raise WeakPassword(fields={"password": [_("Use at most %(most)s characters.", most=logins.LONGEST_PASSWORD)]})
    plain = password.strip().lower()
    if plain in TOO_COMMON or len(set(plain)) < 4:
        sentence = _("This password is among the first that are guessed. Choose another.")
        raise WeakPassword(fields={"password": [sentence]})
    if plain in {word.strip().lower() for word in (email, email.partition("@")[0], *words) if word.strip()}:
        sentence = _("Your address or your company’s name is easily guessed. Choose another password.")
        raise WeakPassword(fields={"password": [sentence]})


def set_new(*, login: Login, password: str, keep_digest: str | None = None) -> None:
    """Give a login a new password, sign it out everywhere (else), and tell the person; raises WeakPassword."""
    check_rules(password, email=login.email)
    login.password_hash = crypto.hash_password(password)
    sessions.close_all(login_id=login.id, except_digest=keep_digest)
    logins.tell(login.id, PasswordChanged(login_id=str(login.id)))


def change(*, login_id: UUID, current: str, password: str, keep_digest: str) -> None:
    """Change a signed-in person's password; raises WeakPassword, or WrongCurrent unless they know the one they have."""
    rates.require(f"password:{login_id}", "10/5 minute")
    login = logins.one(login_id)
    if not logins.password_fits(login, current):
        raise WrongCurrent(fields={"current": [_("This is not your present password.")]})
    set_new(login=login, password=password, keep_digest=keep_digest)
