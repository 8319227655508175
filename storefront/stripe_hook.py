"""Where Stripe tells us things: verified on the raw body, stored once, answered at once, taken afterwards."""

from __future__ import annotations

import logging

from flask import Blueprint, request

from saas.billing import gateway, inbox
from saas.kit import doors, errors, figures, scope, work

door = Blueprint("stripe_hook", __name__)
log = logging.getLogger("regulars.stripe")
STRIPE = scope.Actor("automation", "stripe", "Stripe")
MOST_BYTES = 1_000_000


@door.post("/hooks/stripe")
@doors.open_to("anyone", unit=False)
def told() -> tuple[dict, int]:
    """Take an event: 200 when it is stored, was before, or is nobody's here; 401 for a wrong signature, 400 for no event."""
    if (request.content_length or 0) > MOST_BYTES:
        raise errors.TooLarge
    try:
        event = gateway.read_event(request.get_data(cache=True), request.headers.get("Stripe-Signature", ""))
    except errors.Refusal as refusal:
        log.warning("an event was refused: %s", refusal)
        figures.HOOKS_IN.labels("stripe", "refused").inc()
        raise
    with work.unit(tenant_id=None):
        tenant_id = inbox.owner(event)
    if tenant_id is None:
        return {"status": "nobody's"}, 200
    with work.unit(tenant_id=tenant_id, actor=STRIPE):
        news = inbox.store(event)
    figures.HOOKS_IN.labels("stripe", "stored" if news else "known").inc()
    return {"status": "stored" if news else "known"}, 200
