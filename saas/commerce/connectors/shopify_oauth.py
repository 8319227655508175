"""Being let into a Shopify shop: by its owner's consent to the house's app, or with the keys of an app of their own.

Ways in, by who made the app and when:
- `app`: the house's app, installed by consent (authorization code). Its tokens end after an hour and are renewed with a
  refresh token that changes each time; Shopify takes the one before until the new one is used, so a lost answer locks
  nobody out.
- `own`: an app the shop's owner made in Shopify's Dev Dashboard (all new ones since January 2026). Its id and secret are
  exchanged for a token of a day (client credentials).
- `token`: an older custom app whose token was shown once and does not end.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson

from saas import config
from saas.commerce.connectors.past import StoreBusy, StoreRefused
from saas.commerce.connectors.shopify_documents import SCOPES
from saas.commerce.connectors.shopify_graphql import AFTER_TROUBLE, base, refuse
from saas.kit import clock, errors, http_out
from saas.kit.http_out import Unreachable
from saas.kit.text import gettext as _

EARLY = timedelta(minutes=10)
FRESH = 300  # seconds a signed address from Shopify is good for; its own library allows 90
TOKEN = "/admin/oauth/access_token"


class NotFromShopify(errors.Forbidden):
    """An address was not signed by Shopify, or long ago."""

    code, message = (
        "not_from_shopify",
        "This address was not signed by Shopify, or too long ago. Start again from Shops.",
    )


def offered() -> bool:
    """Tell whether the house has an app of its own at Shopify."""
    return bool(config.get().shopify_client_id and config.get().shopify_client_secret)


def return_address() -> str:
    """Return the one address Shopify may send people back to; it has to be written into the app's settings there."""
    return f"{config.get().public_url.rstrip('/')}/shops/shopify/return"


def consent_address(domain: str, *, state: str) -> str:
    """Return where a shop's owner agrees to the house's app."""
    asked = {
        "client_id": config.get().shopify_client_id,
        "scope": ",".join(SCOPES),
        "redirect_uri": return_address(),
        "state": state,
    }
    return f"{base(domain)}/admin/oauth/authorize?{urlencode(asked)}"


def require_signed(args: Mapping[str, str]) -> None:
    """Raise NotFromShopify unless these parameters carry Shopify's signature and are fresh.

    It signs all parameters but `hmac`, sorted, in hexadecimal.
    """
    said = "&".join(f"{name}={value}" for name, value in sorted(args.items()) if name not in ("hmac", "signature"))
    good = hmac.new(config.get().shopify_client_secret.encode(), said.encode(), hashlib.sha256).hexdigest()
    stamp = args.get("timestamp", "")
    fresh = stamp.isdigit() and abs(clock.now().timestamp() - int(stamp)) <= FRESH
    if not offered() or not fresh or not hmac.compare_digest(good.encode(), args.get("hmac", "").encode()):
        raise NotFromShopify(_(NotFromShopify.message))


def exchange(domain: str, code: str) -> dict[str, Any]:
    """Return the keys of a shop whose owner agreed; raises StoreRefused or StoreBusy."""
    settings = config.get()
    asked = {
        "client_id": settings.shopify_client_id,
        "client_secret": settings.shopify_client_secret,
        "code": code,
        "expiring": "1",
    }
    return {"domain": domain, "way": "app", **_keys(_ask(domain, asked))}


def renewed(keys: dict[str, Any]) -> dict[str, Any] | None:
    """Return keys with a new token when these have none or end within ten minutes, or None; raises StoreRefused or StoreBusy."""
    ends = keys.get("ends_at")
    if keys.get("token") and (ends is None or datetime.fromisoformat(ends) > clock.now() + EARLY):
        return None
    if keys["way"] == "own":
        asked = {
            "grant_type": "client_credentials",
            "client_id": keys["client_id"],
            "client_secret": keys["client_secret"],
        }
    elif keys["way"] == "app" and keys.get("refresh_token"):
        settings = config.get()
        asked = {
            "grant_type": "refresh_token", "client_id": settings.shopify_client_id, "client_secret": settings.shopify_client_secret,
            "refresh_token": keys["refresh_token"],
        }  # fmt: skip
    else:
        raise StoreRefused("Shopify's permission has ended. Connect the shop again.")
    return {**keys, **_keys(_ask(keys["domain"], asked))}


def _ask(domain: str, asked: dict[str, str]) -> dict[str, Any]:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        answer = http_out.call(
            "POST", base(domain) + TOKEN, body=urlencode(asked).encode(), headers=headers, seconds=20.0
        )
    except Unreachable as problem:
        raise StoreBusy(problem.message, seconds=AFTER_TROUBLE) from None
    if answer.status in (400, 401, 403):
        raise StoreRefused(
            "Shopify does not accept these keys for this shop. Is the app installed there, and is the secret right?"
        )
    refuse(answer)
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not found.get("access_token"):
        raise StoreRefused("Shopify gave no token. Is this the address that ends in .myshopify.com?")
    return found


def _keys(found: dict[str, Any]) -> dict[str, Any]:
    seconds = found.get("expires_in")
    ends = (clock.now() + timedelta(seconds=float(seconds))).isoformat() if seconds else None
    more = {"refresh_token": found["refresh_token"]} if found.get("refresh_token") else {}
    return {"token": found["access_token"], "ends_at": ends, "scopes": found.get("scope") or "", **more}
