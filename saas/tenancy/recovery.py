"""Recovery codes: ten words on paper for the day the phone is lost. Shown once, each good once.

Only keyed marks of them are kept, made with the person's own id, so that a stolen table can neither be used nor guessed at.
"""

from __future__ import annotations

import re
import secrets

from saas.kit import crypto
from saas.tenancy.models import Login

HOW_MANY, LETTERS = 10, "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
LENGTH = 10  # of 31 letters: 49 bits


def make(login: Login) -> list[str]:
    """Give a person new codes in place of those before, and return them; they cannot be read again."""
    codes = ["".join(secrets.choice(LETTERS) for _letter in range(LENGTH)) for _code in range(HOW_MANY)]
    login.recovery_marks = [_mark(login, code) for code in codes]
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def use(login: Login, code: str) -> bool:
    """Tell whether a code is one of the person's, and use it up. The login is held by the caller."""
    plain = re.sub(r"[^a-z0-9]", "", (code or "").lower())
    if len(plain) != LENGTH:
        return False
    mark = _mark(login, plain)
    left = [held for held in login.recovery_marks if not crypto.same(held, mark)]
    if len(left) == len(login.recovery_marks):
        return False
    login.recovery_marks = left
    return True


def left(login: Login) -> int:
    """Return how many codes have not been used."""
    return len(login.recovery_marks)


def forget(login: Login) -> None:
    login.recovery_marks = []


def _mark(login: Login, code: str) -> str:
    return crypto.mac("recovery", f"{login.id}|{code}".encode(), length=20).hex()
