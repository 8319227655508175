"""What happens in marketing."""

from __future__ import annotations

from saas.kit.events import event


@event
class MailingLaunched:
    """A mailing was begun: its recipients are to be frozen and written to."""

    mailing_id: str


@event
class MailingChanged:
    """A mailing was told to go on, or to drop what is left of it."""

    mailing_id: str
