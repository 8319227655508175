"""How a WooCommerce store is shown the keys of its REST API: the store decides by whether it is spoken to over TLS.

Over https it takes them as Basic authentication, or as query parameters where the host takes the Authorization header
away before WordPress sees it. Over plain http, where they could be read on the way, it only takes requests that are signed
by OAuth 1.0a (one-legged): the secret itself never travels. Source: the chapter Authentication of WooCommerce's REST API.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from saas.kit import crypto

BASIC, QUERY, OAUTH = "basic", "query", "oauth"


def usual(url: str) -> str:
    """Return how a store at this address takes its keys, as far as the address tells."""
    return BASIC if url.startswith("https://") else OAUTH


def to_try(url: str) -> tuple[str, ...]:
    """Return the ways a store may take its keys, the usual first. The secret is never sent readable over plain http,
    but to a machine's own address (a store behind a proxy that ends TLS, while developing)."""
    return (BASIC, QUERY) if url.startswith("https://") else (OAUTH, BASIC)


def shown(
    way: str, *, method: str, url: str, params: Mapping[str, Any] | None, key: str, secret: str
) -> tuple[dict[str, Any], tuple[str, str] | None]:
    """Return the parameters a call is made with, and name and password for Basic authentication if it is that."""
    given = {name: str(value) for name, value in (params or {}).items()}
    if way == BASIC:
        return given, (key, secret)
    if way == QUERY:
        return given | {"consumer_key": key, "consumer_secret": secret}, None
    given |= {
        "oauth_consumer_key": key, "oauth_nonce": crypto.new_token(20), "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(time.time())),
    }  # fmt: skip
    return given | {"oauth_signature": signature(method, url, given, secret)}, None


def signature(method: str, url: str, params: Mapping[str, str], secret: str) -> str:
    """Return the OAuth 1.0a signature of a call with these parameters (RFC 5849, 3.4), with an empty token."""
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in params.items())
    said = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), _encoded(url), _encoded(said)))
    return base64.b64encode(hmac.new(f"{_encoded(secret)}&".encode(), base.encode(), hashlib.sha256).digest()).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
