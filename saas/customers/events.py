"""What happens to customers."""

from __future__ import annotations

from saas.kit.events import event


@event
class CustomersChanged:
    """Profiles were created or changed; at most 500 ids an event."""

    customer_ids: list[str]


@event
class CustomerDeleted:
    """A profile is gone for good."""

    customer_id: str


@event
class VisitorRecognised:
    """A browser turned out to be a customer's. `proven`: by a signature, a link in a mail or an order."""

    visitor: str
    customer_id: str
    proven: bool
