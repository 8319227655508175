"""What every page says about the plan while something is wrong or about to end: one row, kept for half a minute in Valkey."""

from __future__ import annotations

from contextlib import suppress

import orjson
from redis.exceptions import RedisError
from sqlalchemy import select

from saas.billing.models import Account, Invoice
from saas.kit import scope, valkey, work
from saas.kit.db import db

KEPT = 30  # seconds


def read() -> dict[str, str | None]:
    """Return what there is to say: {"kind": ..., "until": ISO time or None}, or nothing.

    Kinds: unpaid (read-only), confirm (the bank asks), past_due, double (two plans are paid), ending.
    """
    key = _key(scope.tenant_id())
    with suppress(RedisError):
        kept = valkey.client().get(key)
        if kept is not None:
            return orjson.loads(kept)
    with work.unit():
        found = _look()
    with suppress(RedisError):
        valkey.client().set(key, orjson.dumps(found), ex=KEPT)
    return found


def forget() -> None:
    """Have the next page look anew, once the open unit has committed."""
    key = _key(scope.tenant_id())
    work.after_commit(lambda: valkey.client().delete(key), key=key)


def _key(tenant_id: int) -> str:
    return f"banner:{tenant_id}"


def _look() -> dict[str, str | None]:
    asks = select(Invoice.id).where(Invoice.status == "open", Invoice.asks_confirmation).exists()
    row = db.session.execute(
        select(Account.standing, Account.ends_at, Account.grace_until, Account.double, asks)
    ).one_or_none()
    if row is None:
        return {}
    standing, ends_at, grace_until, double, confirm = row
    if standing == "unpaid":
        return {"kind": "unpaid", "until": None}
    if standing == "past_due":
        return {"kind": "confirm" if confirm else "past_due", "until": grace_until and grace_until.isoformat()}
    if double:
        return {"kind": "double", "until": None}
    if ends_at is not None:
        return {"kind": "ending", "until": ends_at.isoformat()}
    return {}
