"""What every page says about the plan while something is wrong or about to end: one row, kept for half a minute in Valkey."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import orjson
from redis.exceptions import RedisError
from sqlalchemy import Row, func, literal, select, true

from saas.billing.models import Account, Closing, Invoice, Notice
from saas.kit import clock, scope, valkey, work
from saas.kit.db import db

KEPT = 30  # seconds
TRIAL_SOON = timedelta(days=3)


def read() -> dict[str, str | None]:
    """Return what there is to say: {"kind": ..., "until": ISO time or None}, or nothing.

    Kinds: closing (the company will be erased), unpaid (read-only), confirm (the bank asks), past_due, double (two plans
    are paid), full (something is used up), ending, trial (it ends within three days), nearly_full.
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
    closing = select(Closing.erase_at).where(Closing.reopened_at.is_(None)).scalar_subquery()
    month = clock.now().strftime("%Y-%m")
    keys = select(func.max(Notice.key)).where(Notice.key.startswith(f"usage:{month}:"))
    asks = select(Invoice.id).where(Invoice.status == "open", Invoice.asks_confirmation).exists()
    always = select(literal(1)).subquery()  # the row is there for a company without an account, too
    row = db.session.execute(
        select(
            closing.label("erase_at"), keys.where(Notice.key.endswith(":100")).scalar_subquery().label("full"),
            keys.where(Notice.key.endswith(":080")).scalar_subquery().label("nearly"), asks.label("confirm"),
            Account.standing, Account.ends_at, Account.renews_at, Account.grace_until, Account.double, Account.card,
        ).select_from(always).outerjoin(Account, true())
    ).one()  # fmt: skip
    if row.erase_at is not None:
        return {"kind": "closing", "until": row.erase_at.isoformat()}
    said = _of_account(row)
    if said.get("kind") in ("unpaid", "past_due", "confirm", "double"):
        return said
    if row.full:
        return {"kind": "full", "until": None, "name": row.full.split(":")[2]}
    if said:
        return said
    return {"kind": "nearly_full", "until": None, "name": row.nearly.split(":")[2]} if row.nearly else {}


def _of_account(row: Row) -> dict[str, str | None]:
    if row.standing == "unpaid":
        return {"kind": "unpaid", "until": None}
    if row.standing == "past_due":
        return {
            "kind": "confirm" if row.confirm else "past_due",
            "until": row.grace_until and row.grace_until.isoformat(),
        }
    if row.double:
        return {"kind": "double", "until": None}
    if row.ends_at is not None:
        return {"kind": "ending", "until": row.ends_at.isoformat()}
    if row.standing == "trialing" and row.renews_at is not None and row.renews_at - clock.now() < TRIAL_SOON:
        return {"kind": "trial" if row.card else "trial_free", "until": row.renews_at.isoformat()}
    return {}
