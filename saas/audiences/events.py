"""What happens to audiences."""

from __future__ import annotations

from saas.kit.events import event


@event
class AddressSuppressed:
    """An address must not be written to any more."""

    email_norm: str
    reason: str
