"""The account and its balance: what a doctor asks first to see whether the key works."""

from typing import Any

from sandbox.stripe.routes import route
from sandbox.stripe.world import World


@route("GET", "/account")
def retrieve_account(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will describe the account that is asked: a shop's, or the house's own."""
    if world.shop is not None:
        return world.shop.about()
    return {
        "id": "acct_sandboxRegulars",
        "object": "account",
        "business_profile": {"name": world.rules.business, "url": None, "support_email": None},
        "charges_enabled": True,
        "country": "DE",
        "default_currency": "eur",
        "details_submitted": True,
        "email": "sandbox@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": world.rules.business, "timezone": "Etc/UTC"}},
        "type": "standard",
    }


@route("GET", "/balance")
def retrieve_balance(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will sum up what was charged and not given back."""
    sums: dict[str, int] = {}
    for charge in world.store.find("charge", captured=True):
        kept = charge["amount_captured"] - charge["amount_refunded"]
        sums[charge["currency"]] = sums.get(charge["currency"], 0) + kept
    funds = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in sums.items()
    ]
    return {"object": "balance", "available": funds, "livemode": False, "pending": []}
