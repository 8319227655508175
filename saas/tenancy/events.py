"""What happens to companies and their people."""

from __future__ import annotations

from saas.kit.events import event


@event
class TenantSignedUp:
    """A company came into being."""

    name: str


@event
class MailVerificationWanted:
    """A person has to show that an e-mail address is theirs. `purpose`: verify, reset or invite."""

    purpose: str
    email: str
    name: str
    link: str
    language: str = ""
    company: str = ""
