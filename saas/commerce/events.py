"""What happens in the shops."""

from __future__ import annotations

from saas.kit.events import event


@event
class OrdersRecorded:
    """Orders arrived or changed; at most 500 an event. `customer_ids` are those whose orders these are (or were)."""

    order_ids: list[str]
    customer_ids: list[str]


@event
class OrdersBinned:
    """Orders went to the bin; at most 500 an event. `customer_ids` are those whose orders these were."""

    order_ids: list[str]
    customer_ids: list[str]


@event
class ShopConnected:
    """A shop was connected and its past may be fetched."""

    shop_id: str


@event
class EventsCollected:
    """Browsing of some visitors was stored and waits to be digested. Announced once until the digest, however much comes,
    so only the digest may react to it; all others react to BrowsingDigested."""

    visitors: list[str]


@event
class BrowsingDigested:
    """Everything these visitors did until now is in visits, carts and profiles."""

    visitors: list[str]


@event
class PersonAsked:
    """A shop passed on that somebody wants their data (`what` is data) or to be forgotten (erasure): these customers of ours,
    or none when nobody is known here by that name."""

    shop_id: str
    what: str
    customer_ids: list[str]


@event
class ShopForgotten:
    """A shop that is not connected any more wants everything about its customers erased."""

    shop_id: str
