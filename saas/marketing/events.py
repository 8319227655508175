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


@event
class FormReceived:
    """Somebody sent a form; what it says is to be taken into the profiles."""

    submission_id: str


@event
class FormSubmitted:
    """What somebody sent by a form is with a customer; whether the address is theirs is known once they confirm it."""

    form_id: str
    submission_id: str
    customer_id: str


@event
class WatchAsked:
    """Somebody wants to be told of a product and is to be asked by mail whether it was them."""

    watch_id: str


@event
class WatchDue:
    """What somebody waits for has come: the product is back, or costs less; they are to be told."""

    watch_id: str


@event
class MailOffersSeen:
    """Somebody saw, or with `clicked` clicked, offers of a mail."""

    offer_ids: list[str]
    at: str
    clicked: bool
