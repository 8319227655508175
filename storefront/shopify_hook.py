"""Where Shopify tells the house's own app things: the three topics of privacy law have one address for all shops.

A delivery is signed with the app's secret and names its shop in the signed body. The shop may be disconnected by then, for
the wish to be forgotten comes two days after an app is uninstalled.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, request

from saas import config
from saas.commerce.connectors import shopify
from saas.commerce.connectors.delivery import BadSignature
from saas.integrations import deliveries_in
from saas.kit import doors, errors, figures, rates, scope, work
from saas.tenancy import directory

door = Blueprint("shopify_hook", __name__)
SHOP = scope.Actor("shop", "webhook")


@door.post("/hooks/shopify")
@doors.open_to("anyone", unit=False)
def told() -> tuple[dict, int]:
    """Take what Shopify passes on: 200 when it is stored, was before or concerns nobody here, 401 for a wrong signature."""
    rates.require("hooks:shopify", "12000/minute")
    if (request.content_length or 0) > deliveries_in.MOST_BYTES:
        raise errors.TooLarge
    raw, secret = request.get_data(cache=True), config.get().shopify_client_secret
    given = {name.lower(): value for name, value in request.headers.items()}
    try:
        if not secret:
            raise BadSignature
        shopify.verified(given, raw, [secret])
        domain = _shop_of(raw, shopify.told(given, "shop-domain"))
    except errors.Refusal:
        figures.HOOKS_IN.labels("shopify", "refused").inc()
        raise
    with work.unit(tenant_id=None):
        places = directory.places(kind="shopify_domain", key=domain)
    news = False
    for place in places:
        if place.subject_id is not None:
            with work.unit(tenant_id=place.tenant_id, actor=SHOP):
                news |= deliveries_in.receive(
                    shop_id=place.subject_id, kind="shopify", headers=request.headers, raw=raw, removed=True
                )
    figures.HOOKS_IN.labels("shopify", "stored" if news else "known").inc()
    return {"status": "stored" if news else "known" if places else "nobody's"}, 200


def _shop_of(raw: bytes, named: str) -> str:
    """Return the shop a delivery is about: what the signed body says counts before what a header says."""
    try:
        body: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise deliveries_in.UnreadableDelivery(f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise deliveries_in.UnreadableDelivery("The body is not a JSON object.")
    return str(body.get("shop_domain") or body.get("myshopify_domain") or named).lower()
