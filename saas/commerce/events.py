"""What happens in the shops."""

from __future__ import annotations

from saas.kit.events import event


@event
class OrdersRecorded:
    """Orders arrived or changed; at most 500 an event. `customer_ids` are those whose orders these are (or were)."""

    order_ids: list[str]
    customer_ids: list[str]


@event
class OrderFulfilled:
    """An order is on its way, or its first parcel is; announced once an order, and not of a shop's past."""

    order_id: str
    customer_id: str | None


@event
class OrderDelivered:
    """All that was sent of an order has arrived; announced once an order, and not of a shop's past."""

    order_id: str
    customer_id: str | None


@event
class OrderCancelled:
    """An order was cancelled; announced once an order, and not of a shop's past."""

    order_id: str
    customer_id: str | None


@event
class OrderRefunded:
    """Money of an order went back, all or part; announced once a refund, and not of a shop's past."""

    order_id: str
    customer_id: str | None
    refund_id: str
    amount: str
    currency: str


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


@event
class ReturnRequested:
    """A shopper asked to send something back."""

    request_id: str


@event
class ReturnAnswered:
    """The company answered a wish to send something back, or went on with it: `state` is accepted, declined, received or refunded."""

    request_id: str
    state: str


@event
class PaymentTold:
    """A payment vendor told of something in a company's own account; it is stored and waits to be asked for."""

    told_id: str


@event
class ShopperPaymentSucceeded:
    """A shopper's payment went through; order and customer are empty while they are not known."""

    payment_id: str
    order_id: str
    customer_id: str


@event
class ShopperPaymentFailed:
    """A shopper's payment was refused, for the reason `failure`; order and customer are empty while they are not known."""

    payment_id: str
    order_id: str
    customer_id: str
    failure: str


@event
class DisputeOpened:
    """A shopper's bank takes a payment back unless the company answers."""

    dispute_id: str
    payment_id: str
    customer_id: str


@event
class DisputeClosed:
    """A dispute ended: `state` is won, lost, or closed where it never came to more than a question."""

    dispute_id: str
    payment_id: str
    customer_id: str
    state: str


@event
class PayoutFailed:
    """Money did not reach the company's bank."""

    payout_id: str


@event
class ShopRepaired:
    """Comparing with a shop found what was never told and put it right: how many things by topic, and how many were deleted there
    by kind."""

    shop_id: str
    comparison_id: str
    repaired: dict[str, int]
    gone: dict[str, int]


@event
class ShopWentSilent:
    """Something of a shop is not well: `what` is silent, undelivered, keys or away, `topic` what about, where that matters."""

    shop_id: str
    alarm_id: str
    what: str
    topic: str


@event
class ShopSpoke:
    """What was not well with a shop is well again."""

    shop_id: str
    alarm_id: str
    what: str
    topic: str
