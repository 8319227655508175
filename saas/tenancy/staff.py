"""The platform's own staff: who they are. Only the command line makes and unmakes them, never a page.

What they may see of a company says `support`: nothing without the company's consent.
"""

from __future__ import annotations

from sqlalchemy import select

from saas.kit import errors
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import logins, sessions
from saas.tenancy.models import Login


class NoSuchPerson(errors.NotFound):
    """Nobody has signed up with this address."""


def add(email: str) -> Login:
    """Make a person the platform's staff; raises NoSuchPerson."""
    return _mark(email, staff=True)


def remove(email: str) -> Login:
    """Make a person staff no longer, and end their sessions at once; raises NoSuchPerson."""
    login = _mark(email, staff=False)
    sessions.close_all(login_id=login.id)
    return login


def listed() -> list[Login]:
    """Return the platform's staff."""
    return list(db.session.scalars(select(Login).where(Login.staff).order_by(Login.email_norm)))


def _mark(email: str, *, staff: bool) -> Login:
    login = logins.by_email(email)
    if login is None:
        raise NoSuchPerson(_("Nobody has signed up with this address."))
    login.staff = staff
    return login
