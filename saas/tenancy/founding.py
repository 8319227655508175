"""Founding a company in one transaction: the person, the company's row, and all that stands in it at first."""

from __future__ import annotations

from saas.kit import clock, crypto, errors, text, work
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import api_keys, logins, passwords, tenants
from saas.tenancy.models import Login


class BadSignUp(errors.Invalid):
    """A field of the sign-up is out of range."""


def new_login(*, email: str, password: str, name: str = "", language: str = "", verified: bool = False) -> Login:
    """Add a person who can sign in; raises BadSignUp or WeakPassword. The address must not be known yet."""
    try:
        norm = text.email(email)
    except text.NotAnEmail as error:
        raise BadSignUp(fields={"email": [_(str(error))]}) from None
    passwords.check_rules(password, email=email)
    login = Login(
        email=text.clean(email, most=320), email_norm=norm, name=text.clean(name, most=120), language=language,
        password_hash=crypto.hash_password(password), verified_at=clock.now() if verified else None,
    )  # fmt: skip
    db.session.add(login)
    db.session.flush()
    return login


def found(
    *, company: str, owner: Login, allowed: dict[str, int | None], currency: str = "EUR", zone: str = "UTC",
    simulated: bool = False,
) -> tenants.Founded:  # fmt: skip
    """Found a company for a person inside the open unit, which has no tenant bound; raises BadSignUp."""
    if not text.clean(company):
        raise BadSignUp(fields={"company": [_("Give your company a name.")]})
    tenant_id = tenants.add_row(name=company, simulated=simulated)
    with work.acting_for(tenant_id):
        return tenants.found(name=company, owner=owner, currency=currency, zone=zone, allowed=allowed)


def from_command(
    *, company: str, email: str, password: str, allowed: dict[str, int | None], currency: str = "EUR",
    simulated: bool = False,
) -> dict[str, object]:  # fmt: skip
    """Found a company for the command line and return tenant_id, api_key and site_key.

    A known address joins the new company as its owner and keeps its password.
    """
    with work.unit(tenant_id=None):
        owner = logins.by_email(email) or new_login(email=email, password=password, verified=True)
        made = found(company=company, owner=owner, allowed=allowed, currency=currency, simulated=simulated)
        with work.acting_for(made.tenant_id):
            _key, secret = api_keys.make(name="Command line")
    return {"tenant_id": made.tenant_id, "api_key": secret, "site_key": made.site_key}
