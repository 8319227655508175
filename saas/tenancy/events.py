"""What happens to companies and their people.

No event carries a token or an address: the job that writes the letter makes the link, so that the outbox holds nothing
that lets anybody in.
"""

from __future__ import annotations

from saas.kit.events import event


@event
class TenantSignedUp:
    """A company came into being."""

    name: str


@event
class VerificationWanted:
    """A person has to show that their address is theirs."""

    login_id: str


@event
class PasswordResetWanted:
    """A person asked for a way to choose a new password."""

    login_id: str


@event
class KnownAddressSignedUp:
    """Somebody signed up with the address of a person who is here already."""

    login_id: str


@event
class PasswordChanged:
    """A person's password was changed; they are told, in case it was not them."""

    login_id: str


@event
class SecondFactorChanged:
    """What a person shows besides a password was added, removed, reset or used up; they are told."""

    login_id: str
    what: str


@event
class SignedInElsewhere:
    """A person signed in with a browser we had not seen; they are told. `browser` and `address` are what it said."""

    login_id: str
    browser: str
    address: str


@event
class MemberInvited:
    """A person was invited, or invited again; `invited_by` is shown to them."""

    member_id: str
    invited_by: str
    language: str


@event
class OperationStarted:
    """Long work was asked for, or asked to be undone."""

    operation_id: str


@event
class OperationEnded:
    """Long work came to its end: done, cancelled, failed or undone."""

    operation_id: str
    kind: str
    state: str
