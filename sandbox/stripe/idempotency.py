"""Idempotency-Key: the first answer to a POST is replayed for 24 hours, and the key serves no other request.

As documented by Stripe, what failed validation is not kept, so it may be corrected and sent again under the same key.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from sandbox.stripe import errors
from sandbox.stripe.store import Store

LIFETIME = 86_400


@dataclass(frozen=True)
class Replay:
    status: int
    body: dict[str, Any]
    request_id: str


def digest(given: dict[str, Any]) -> str:
    """This function will give a short name for the parameters of a request."""
    return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def recall(store: Store, *, key: str, path: str, given: dict[str, Any]) -> Replay | None:
    """This function will give the kept answer, refuse a key used for something else, or give None."""
    if len(key) > 255:
        raise errors.IdempotencyClash("Idempotency keys may be at most 255 characters long.")
    kept = store.get("_idempotency", "_idem:" + key)
    if kept is None:
        return None
    if kept["at"] < time.time() - LIFETIME:
        store.drop(kept)
        return None
    if kept["path"] != path:
        raise errors.IdempotencyClash(
            f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{path}' vs '{kept['path']}'). Try using a key other than '{key}' if you meant to execute a different "
            "request."
        )
    if kept["digest"] != digest(given):
        raise errors.IdempotencyClash(
            f"Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
    return Replay(status=kept["status"], body=kept["body"], request_id=kept["request"])


def remember(
    store: Store, *, key: str, path: str, given: dict[str, Any], status: int, body: dict[str, Any], request_id: str
) -> None:
    """This function will keep an answer, unless it is a refusal of the request's form."""
    if 400 <= status < 500 and status != 402:
        return
    store.add(
        {"id": "_idem:" + key, "path": path, "digest": digest(given), "status": status, "body": body,
         "request": request_id, "at": time.time()},
        kind="_idempotency",
    )  # fmt: skip
