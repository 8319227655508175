"""Where shops deliver: verified on the raw body, stored once, answered within milliseconds, taken afterwards."""

from __future__ import annotations

from flask import Blueprint, request

from saas.commerce import connectors, shops
from saas.commerce.connectors.delivery import BadSignature
from saas.integrations import deliveries_in
from saas.kit import doors, errors, figures, rates, scope, work
from saas.tenancy import directory

door = Blueprint("hooks", __name__)
SHOP = scope.Actor("shop", "webhook")
MOST_KNOWN = 10_000
_known: dict[str, directory.Place] = {}
"""Where addresses lead, as it was found; an address never leads elsewhere, and whether its shop is still connected is looked at
with each delivery."""


@door.post("/hooks/<kind>/<token>")
@doors.open_to("anyone", unit=False)
def deliver(kind: str, token: str) -> tuple[dict, int]:
    """Take a delivery: 200 when it is stored (or was before), 401 for a wrong signature, 404 for an unknown address.

    What is turned away at a known address is written down with its reason.
    """
    if kind not in connectors.KINDS:
        raise errors.NotFound
    rates.require(f"hooks:{token[:40]}", "12000/minute")
    place = _place(token)
    try:
        if (request.content_length or 0) > deliveries_in.MOST_BYTES:
            raise deliveries_in.LargeDelivery
        raw = request.get_data(cache=True)
        with work.unit(tenant_id=place.tenant_id, actor=SHOP):
            news = deliveries_in.receive(shop_id=place.subject_id, kind=kind, headers=request.headers, raw=raw)
    except (BadSignature, errors.Unreadable, errors.TooLarge) as refusal:
        figures.HOOKS_IN.labels(kind, "refused").inc()
        with work.unit(tenant_id=place.tenant_id, actor=SHOP):
            given = {name.lower(): value for name, value in request.headers.items()}
            topic = connectors.KINDS[kind].topic_said(given)
            deliveries_in.refuse(
                shop_id=place.subject_id, reason=refusal.message, topic=topic, address=request.remote_addr or ""
            )
        raise
    figures.HOOKS_IN.labels(kind, "stored" if news else "known").inc()
    return {"status": "stored" if news else "known"}, 200


def _place(token: str) -> directory.Place:
    """Return where an address leads; raises NoSuchShop."""
    place = _known.get(token)
    if place is None:
        with work.unit(tenant_id=None):
            place = directory.find(kind="hook_token", key=token)
        if place is None or place.subject_id is None:
            raise shops.NoSuchShop
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[token] = place
    return place
