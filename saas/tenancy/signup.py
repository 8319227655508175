"""Signing up: a person, their company and all that stands in it, in one transaction, or nothing.

An address that is known already gets the very same answer after the very same work: a company is founded for nobody
and thrown away. Its owner learns of the attempt by mail; whoever sits at the page learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update

from saas.kit import crypto, errors, identifiers, text, work
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import directory, founding, logins, passwords, settings
from saas.tenancy.events import KnownAddressSignedUp, PasswordResetWanted, VerificationWanted
from saas.tenancy.models import Login, TenantSettings

LANGUAGES = ("en", "zh_Hans")


@dataclass(frozen=True)
class SignedUp:
    """What came of a sign-up. `login_id` is nobody's when the address was `known`."""

    login_id: UUID
    known: bool


def sign_up(
    *, company: str, email: str, password: str, name: str = "", language: str = "", zone: str = "",
    currency: str = "EUR", allowed: dict[str, int | None],
) -> SignedUp:  # fmt: skip
    """Sign a person up inside a unit without a tenant; raises founding.BadSignUp with every field that needs a look.

    `allowed` is what the first plan allows; a zone that does not exist becomes UTC. The unit is thrown away when the
    address is known.
    """
    norm = _check(company=company, email=email, password=password)
    # Two at the same moment wait for each other here, so that neither meets the other's unique key.
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"sign-up:{norm}", 0))))
    known = logins.by_email(email)
    address = f"{crypto.new_token(20)}@nobody.invalid" if known else email
    owner = founding.new_login(email=address, password=password, name=name, language=_known_language(language))
    zone = zone if zone in settings.zones() else "UTC"
    made = founding.found(company=company, owner=owner, allowed=allowed, currency=currency, zone=zone)
    with work.acting_for(made.tenant_id):
        languages = [_known_language(language) or "en"]
        db.session.execute(update(TenantSettings).values(languages=languages))
        announce(VerificationWanted(login_id=str(owner.id)))
    if known:
        work.forget()
        return SignedUp(identifiers.new(), True)
    return SignedUp(owner.id, False)


def found_another(*, login_id: UUID, company: str, allowed: dict[str, int | None]) -> int:
    """Found one more company for a person who is here already; returns its id. Raises founding.BadSignUp."""
    owner = db.session.scalars(select(Login).where(Login.id == login_id)).one()
    logins.require_verified(owner)
    return founding.found(company=company, owner=owner, allowed=allowed).tenant_id


def take_wish(*, email: str, wish: str) -> bool:
    """Note for a person what somebody who knows only their address asked for: "reset" or "known".

    Runs in a job, so that a page answers as fast for an address nobody has. Tells whether anybody has it.
    """
    login = logins.by_email(email)
    homes = directory.places(kind="member", key=str(login.id)) if login else []
    if not homes:
        return False
    event = {"reset": PasswordResetWanted, "known": KnownAddressSignedUp}[wish]
    with work.acting_for(homes[0].tenant_id):
        announce(event(login_id=str(login.id)))
    return True


def want_verification(login_id: UUID) -> None:
    """Have the letter with the link sent (again) to a person whose address is not verified."""
    login = db.session.scalars(select(Login).where(Login.id == login_id)).one()
    homes = directory.places(kind="member", key=str(login.id))
    if login.verified_at is None and homes:
        with work.acting_for(homes[0].tenant_id):
            announce(VerificationWanted(login_id=str(login.id)))


def _check(*, company: str, email: str, password: str) -> str:
    """Return the address as it is compared; raises BadSignUp with every field that is wrong, whoever is known."""
    wrong: dict[str, list[str]] = {}
    norm = ""
    try:
        norm = text.email(email)
    except text.NotAnEmail as error:
        wrong["email"] = [_(str(error))]
    if not text.clean(company):
        wrong["company"] = [_("Give your company a name.")]
    try:
        passwords.check_rules(password, email=email, words=[company])
    except errors.Invalid as weak:
        wrong |= weak.fields
    if wrong:
        raise founding.BadSignUp(fields=wrong)
    return norm


def _known_language(language: str) -> str:
    return language if language in LANGUAGES else ""
