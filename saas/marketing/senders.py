"""In whose name mails leave: the company's address, and the DKIM key of its domain, made at first use and kept sealed."""

from __future__ import annotations

from dataclasses import dataclass

from saas import config
from saas.kit import crypto, dkim, errors, mail_headers, scope
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, tenants
from saas.tenancy.models import TenantSettings

KINDS = {"rsa": "rsa2048", "ed25519": "ed25519"}


class NoSender(errors.Invalid):
    """Nobody is named in whose name mails could leave."""

    code, message = "no_sender", "Give the address your mails come from, in the settings under Sender."


@dataclass(frozen=True)
class Sender:
    """What the mails of a company are signed and sent with. `address` is its postal address."""

    email: str
    name: str
    reply_to: str
    address: str
    signers: tuple[dkim.Signer, ...]


def domain_of(email: str) -> str:
    return email.rsplit("@", 1)[-1].lower()


def ready(settings: TenantSettings) -> bool:
    """Tell whether a sender is named that mail servers accept."""
    try:
        return bool(settings.sender_email) and bool(mail_headers.address(settings.sender_email))
    except mail_headers.AddressRefused:
        return False


def current() -> Sender:
    """Return the bound company's sender, with a key for its domain; raises NoSender."""
    settings = tenants.settings()
    if not ready(settings):
        raise NoSender(_(NoSender.message))
    return Sender(
        email=mail_headers.address(settings.sender_email), name=settings.sender_name, reply_to=settings.reply_to,
        address=settings.address, signers=(signer(settings),),
    )  # fmt: skip


def signer(settings: TenantSettings) -> dkim.Signer:
    """Return the key mails are signed with; a new one when there is none for the sender's domain."""
    domain = domain_of(mail_headers.address(settings.sender_email))
    if settings.dkim_key_sealed is None or settings.dkim_domain != domain:
        return make_key(settings)
    pem = crypto.unseal(settings.dkim_key_sealed, place=_place(settings))
    return dkim.Signer(domain=domain, selector=settings.dkim_selector, pem=pem)


def make_key(settings: TenantSettings) -> dkim.Signer:
    """Make a key for the sender's domain and keep it sealed; the DNS entry has to be made anew then."""
    domain = domain_of(mail_headers.address(settings.sender_email))
    pem = dkim.create_key(KINDS.get(settings.dkim_algorithm, "rsa2048"))
    made = dkim.Signer(domain=domain, selector=settings.dkim_selector or "regulars", pem=pem)
    settings.dkim_domain, settings.dkim_selector = domain, made.selector
    settings.dkim_key_sealed, settings.dkim_public = crypto.seal(pem, place=_place(settings)), dkim.record(made)
    settings.dkim_verified_at = None
    db.session.flush()
    audit.record(
        action="senders.key_made",
        kind="settings",
        record_id=settings.id,
        after={"domain": domain, "selector": made.selector},
    )
    return made


def _place(settings: TenantSettings) -> str:
    return f"{scope.tenant_id()}|tenant_settings|dkim_key_sealed|{settings.id}"


def dns_entry(settings: TenantSettings) -> tuple[str, str] | None:
    """Return name and text of the TXT entry that lets receivers verify our mails, or None before there is a key."""
    if not settings.dkim_public:
        return None
    return f"{settings.dkim_selector}._domainkey.{settings.dkim_domain}", settings.dkim_public


def envelope_sender(recipient_id: object) -> str:
    """Return the address that bounces of a mail come back to; it names the mail."""
    return f"bounce+{scope.tenant_id()}.{recipient_id}@{config.get().mail_domain}"
