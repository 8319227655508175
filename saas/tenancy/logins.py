"""People who can sign in: finding them, their passwords, and what they say of themselves.

Nothing here tells a stranger whether an address is known: a wrong password and an unknown address take the same time
and get the same sentence.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select, update

from saas.kit import clock, crypto, errors, rates, scope, text, work
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import directory, settings
from saas.tenancy.models import Login, Member

LONGEST_PASSWORD = 256


class WrongPassword(errors.NotSignedIn):
    """The address or the password is wrong; which of the two is not said."""

    code = "wrong_password"


class BadProfile(errors.Invalid):
    """A field of a person's own settings is out of range."""


class NotVerified(errors.Forbidden):
    """The person has not shown yet that their address is theirs."""

    code = "not_verified"


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
    if not password_fits(login, password):
        raise WrongPassword(_("That e-mail and password do not fit together."))
    return login


def password_fits(login: Login | None, password: str) -> bool:
    """Tell whether the password is this person's; for nobody, and for who has none, it takes as long and is no."""
    return crypto.verify_password(login.password_hash if login else None, password[:LONGEST_PASSWORD])


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


def change_profile(*, login_id: UUID, name: str, language: str, zone: str, only: int | None = None) -> None:
    """Change what a person is called, in all their companies, and how they want the pages; raises BadProfile.

    With `only`, the company whose own sign-in brought them, they are called so in that company alone.
    """
    if zone and zone not in settings.zones():
        raise BadProfile(fields={"zone": [_("Choose a time zone from the list.")]})
    login = one(login_id)
    called = text.clean(name, most=120)
    login.language, login.zone = language[:20], zone
    homes = directory.places(kind="member", key=str(login_id))
    if only is None or len(homes) == 1:
        login.name = called
    for home in homes:
        if only in (None, home.tenant_id):
            with work.acting_for(home.tenant_id):
                db.session.execute(update(Member).where(Member.id == home.subject_id).values(name=called))


def choose_language(*, login_id: UUID, language: str) -> None:
    """Keep the language a person wants the pages in."""
    db.session.execute(update(Login).where(Login.id == login_id).values(language=language[:20]))
