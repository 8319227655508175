"""In whose name a company's mails leave, with a key for its domain: made at the first use when the settings did not."""

from __future__ import annotations

from saas.kit import scope
from saas.tenancy import sending_domain, tenants


def current() -> sending_domain.Sender:
    """Return the bound company's sender; raises NotVouchedFor while mailboxes would refuse its mails."""
    found = sending_domain.require_ready()
    if not found.signers and tenants.settings().sender_email:
        sending_domain.make_key()
        found = sending_domain.require_ready()
    return found


def domain_of(email: str) -> str:
    return email.rsplit("@", 1)[-1].lower()


def envelope_sender(recipient_id: object, domain: str) -> str:
    """Return the address that bounces of a mail come back to; it names the mail."""
    return f"bounce+{scope.tenant_id()}.{recipient_id}@{domain}"
