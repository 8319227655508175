"""What happens to customers."""

from __future__ import annotations

from saas.kit.events import event


@event
class CustomersChanged:
    """Profiles were created or changed; at most 500 ids an event."""

    customer_ids: list[str]


@event
class CustomersBinned:
    """Profiles were deleted and lie in the bin, from which they may come back; at most 500 ids an event."""

    customer_ids: list[str]


@event
class OwnersChanged:
    """Somebody else sees these customers now: they were handed over, or shared, or not any more; at most 500 ids an event."""

    customer_ids: list[str]


@event
class CustomerDeleted:
    """A profile is gone for good."""

    customer_id: str


@event
class CustomersMerged:
    """One customer became part of another; what hung on the loser hangs on the winner."""

    winner_id: str
    loser_id: str
    merge_id: str


@event
class CustomersParted:
    """A merge was taken back: `back` is a customer again, and what is theirs is theirs."""

    holder_id: str
    back_id: str
    merge_id: str


@event
class VisitorsRecognised:
    """Browsers turned out to be customers': by a signature, a link in a mail, an order, or what somebody typed."""

    visitors: list[str]


@event
class ConsentAsked:
    """A customer is to be asked by mail whether they agree (double opt-in)."""

    request_id: str


@event
class PortalAsked:
    """Somebody asked for a link to their own page; whether the address is a customer's is found out later."""

    pass_id: str


@event
class PersonAskedHere:
    """A customer asked on their own page for their data, or to be forgotten; `what` is data or erasure."""

    request_id: str
    what: str


@event
class SubscriptionConfirmed:
    """A customer clicked in the mail that asked them whether they agree: from now on they have subscribed."""

    request_id: str
    customer_id: str
    purpose: str
