"""What a sign-in in several steps remembers between them: a challenge, a state, a nonce. Each is taken once.

It lies in Valkey for a few minutes under a random ticket that only the browser which began holds. A cookie would do for
remembering, but a cookie can be sent twice.
"""

from __future__ import annotations

from typing import Any

import orjson
from redis.exceptions import RedisError

from saas.kit import crypto, errors, valkey
from saas.kit.text import gettext as _

SECONDS = 600


class Interrupted(errors.Refusal):
    """The steps were begun in another browser, took too long, or were taken already; which of these is not said."""

    status, code = 410, "interrupted"
    message = "That took too long or was begun elsewhere. Please start again."


def begin(kind: str, *, seconds: int = SECONDS, **remembered: Any) -> str:
    """Remember something for the next step and return the ticket it is found by."""
    ticket = crypto.new_token()
    try:
        valkey.client().set(_key(kind, ticket), orjson.dumps(remembered), ex=seconds)
    except (RedisError, OSError):
        raise errors.Unavailable from None
    return ticket


def end(kind: str, ticket: str | None) -> dict[str, Any]:
    """Return what was remembered, this once; raises Interrupted."""
    try:
        found = valkey.client().getdel(_key(kind, ticket or ""))
    except (RedisError, OSError):
        raise errors.Unavailable from None
    if found is None:
        raise Interrupted(_(Interrupted.message))
    return orjson.loads(found)


def look(kind: str, ticket: str | None) -> dict[str, Any]:
    """Return what was remembered without taking it, to show a page of it; raises Interrupted."""
    try:
        found = valkey.client().get(_key(kind, ticket or ""))
    except (RedisError, OSError):
        raise errors.Unavailable from None
    if found is None:
        raise Interrupted(_(Interrupted.message))
    return orjson.loads(found)


def _key(kind: str, ticket: str) -> str:
    return f"ceremony:{kind}:{crypto.digest(ticket)}"
