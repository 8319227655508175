"""Accounts of shops beside the house's own: each a world of its own, opened by a restricted key or, with consent, by the platform.

Stripe keeps accounts apart by the key, or by the header Stripe-Account of a platform's calls (docs.stripe.com/connect/authentication).
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request

from sandbox.stripe import errors
from sandbox.stripe.store import Store
from sandbox.stripe.world import Rules, World

PERMISSIONS = {
    "account": "rak_accounts_kyc_basic_read", "payment_intents": "rak_payment_intent_read", "charges": "rak_charge_read",
    "refunds": "rak_refund_read", "disputes": "rak_dispute_read", "payouts": "rak_payout_read",
    "balance_transactions": "rak_balance_transaction_read", "webhook_endpoints": "rak_webhook_write",
}  # fmt: skip
"""What a restricted key needs for each part of the API."""


@dataclass
class Shop:
    """A shop's account: its world, who it is, its keys with what each must not do, and whether the platform may read it."""

    world: World
    account: str
    name: str
    country: str
    currency: str
    keys: dict[str, frozenset[str]] = field(default_factory=dict)
    agreed: bool = False
    codes: set[str] = field(default_factory=set)
    trouble: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def key(self, *, without: tuple[str, ...] = ()) -> str:
        """This function will make a restricted key; ``without`` are parts of the API it must not reach."""
        made = f"rk_test_{secrets.token_hex(12)}"
        self.keys[made] = frozenset(without)
        return made

    def code(self) -> str:
        """This function will agree to the platform and give the code it can be exchanged for."""
        made = f"ac_{secrets.token_hex(12)}"
        self.codes.add(made)
        return made

    def about(self) -> dict[str, Any]:
        """This function will describe the account."""
        return {
            "id": self.account, "object": "account", "business_profile": {"name": self.name, "url": None, "support_email": None},
            "charges_enabled": True, "country": self.country, "default_currency": self.currency, "details_submitted": True,
            "email": "till@shop.example", "metadata": {}, "payouts_enabled": True,
            "settings": {"dashboard": {"display_name": self.name, "timezone": "Etc/UTC"}}, "type": "standard",
        }  # fmt: skip


class Refuse(errors.Refused):
    """An answer that is an error of a kind a shop's account may be made to give."""

    def __init__(self, status: int, headers: dict[str, str]):
        super().__init__("Request rate limit exceeded." if status == 429 else "Something went wrong at Stripe's side.", status=status)  # fmt: skip
        self.type = "rate_limit_error" if status == 429 else "api_error"
        self.headers = headers


def open_shop(main: World, *, name: str = "Fern & Kettle", country: str = "DE", currency: str = "eur") -> Shop:
    """This function will open a shop's account."""
    world = World(store=Store(":memory:"), base_url=main.base_url, rules=Rules(business=name))
    shop = Shop(world, f"acct_{secrets.token_hex(8)}", name, country, currency)
    main.shops[shop.account] = world.shop = shop
    return shop


def reached(main: World, *, key: str, request: Request) -> World:
    """This function will give the world a call is made in, or refuse it."""
    named = request.headers.get("Stripe-Account")
    held = next((shop for shop in main.shops.values() if key in shop.keys), None)
    if held is not None:
        part = request.path.removeprefix("/v1/").partition("/")[0]
        if part in held.keys[key]:
            raise errors.Refused(
                f"The provided key '{key[:8]}{'*' * 12}{key[-4:]}' does not have the required permissions for this endpoint on account "
                f"'{held.account}'. Having the '{PERMISSIONS.get(part, 'rak_all_read')}' permission would allow this request to continue.",
                status=403,
            )  # fmt: skip
    elif key.startswith("rk_"):
        raise errors.Unauthorized(f"Invalid API Key provided: {key[:8]}{'*' * 12}{key[-4:]}")
    elif named:
        held = main.shops.get(named)
        if held is None or not held.agreed:
            raise errors.Refused(
                f"The provided key does not have access to account '{named}' (or that account does not exist). Application access may have been revoked.",
                code="account_invalid", status=403,
            )  # fmt: skip
    if held is None:
        return main
    if held.trouble:
        raise Refuse(*held.trouble.pop(0))
    return held.world


def exchange(main: World, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """This function will answer /oauth/token."""
    held = next((shop for shop in main.shops.values() if given.get("code") in shop.codes), None)
    if given.get("grant_type") != "authorization_code" or held is None:
        return 400, {
            "error": "invalid_grant",
            "error_description": "Authorization code does not exist or has been used.",
        }
    held.codes.discard(given["code"])
    held.agreed = True
    return 200, {
        "access_token": f"sk_test_{secrets.token_hex(12)}", "livemode": False, "refresh_token": f"rt_{secrets.token_hex(12)}",
        "scope": "read_only", "stripe_publishable_key": f"pk_test_{secrets.token_hex(12)}", "stripe_user_id": held.account, "token_type": "bearer",
    }  # fmt: skip


def let_go(main: World, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """This function will answer /oauth/deauthorize."""
    held = main.shops.get(str(given.get("stripe_user_id")))
    if held is None or not held.agreed:
        return 401, {
            "error": "invalid_client",
            "error_description": "This application is not connected to that account.",
        }
    held.agreed = False
    return 200, {"stripe_user_id": held.account}
