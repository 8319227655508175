"""Where a WooCommerce store hands over keys that its owner agreed to (wc-auth): taken once, for the shop they were asked for."""

from __future__ import annotations

from flask import Blueprint, request

from saas.commerce import connecting, shops
from saas.kit import doors, errors, rates, scope, work
from saas.tenancy import ceremonies

door = Blueprint("woocommerce_keys", __name__)
SHOP = scope.Actor("shop", "woocommerce")
KIND = "woocommerce_keys"


@door.post("/hooks/woocommerce-keys")
@doors.open_to("anyone", unit=False)
def take() -> tuple[dict, int]:
    """Take a key and its secret: 200 when they are kept, 410 for a ticket that nobody has or that was used."""
    rates.require(f"woocommerce-keys:{request.remote_addr}", "30/minute")
    given = request.get_json(force=True, silent=True)
    if not isinstance(given, dict):
        raise errors.Unreadable
    begun = ceremonies.end(KIND, str(given.get("user_id") or ""))
    with work.unit(tenant_id=begun["tenant_id"], actor=SHOP):
        try:
            connecting.give_keys(
                begun["shop_id"], str(given.get("consumer_key") or ""), str(given.get("consumer_secret") or "")
            )
        except shops.BadShop as refusal:
            raise errors.Invalid(fields=refusal.fields) from None
    return {"status": "taken"}, 200
