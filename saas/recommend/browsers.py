"""Whose browser is whose, for the hot path: a copy in Valkey of all proven bindings, so that a stranger costs no query.

`whose:<tenant>:<visitor>` holds the customer's id and their first browser (the name a trial knows them by), and `whose:<tenant>` says that the copy is whole: without it the next reader
makes the copy, and reads PostgreSQL while somebody else is at it. A missing key in a whole copy means an anonymous browser.
"""

from __future__ import annotations

from redis.exceptions import RedisError

from saas.kit import access, pool, valkey

KEPT_FOR = 24 * 3600  # seconds; the note that it is whole goes a minute sooner
BATCH = 1000
ALL = """
    SELECT value, customer_id::text || ' ' || (SELECT first.value FROM customer_identities first
        WHERE first.customer_id = customer_identities.customer_id AND first.kind = 'visitor' AND first.proven
        ORDER BY first.created_at, first.id LIMIT 1)
    FROM customer_identities WHERE kind = 'visitor' AND proven"""
ONE = f"{ALL} AND value = %s"
SOME = f"{ALL} AND value = ANY(%s)"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('recommend.browsers', %s))"


def key(tenant_id: int, visitor: str) -> str:
    return f"whose:{tenant_id}:{visitor}"


def whole(tenant_id: int) -> str:
    return f"whose:{tenant_id}"


def look_up(tenant_id: int, visitor: str) -> bytes | None:
    """Return what the copy holds of a browser, from PostgreSQL, and see to it that there is a copy soon."""
    try:
        if valkey.client().set(f"{whole(tenant_id)}:making", b"1", nx=True, ex=60):
            publish(tenant_id)
    except (RedisError, OSError):
        pass
    with pool.connection(tenant_id=tenant_id) as opened:
        row = opened.execute(ONE, [visitor]).fetchone()
    return row[1].encode() if row else None


def publish(tenant_id: int) -> None:
    """Copy all proven bindings of a company."""
    lifted = access.lifted(reason="the copy is the whole company's, whoever happens to have it made")
    with lifted, pool.connection(tenant_id=tenant_id) as opened:
        opened.execute(LOCK, [tenant_id])
        found = opened.execute(ALL).fetchall()
        for start in range(0, len(found), BATCH):
            with valkey.client().pipeline(transaction=False) as together:
                for visitor, whose in found[start : start + BATCH]:
                    together.set(key(tenant_id, visitor), whose, ex=KEPT_FOR)
                together.execute()
        valkey.client().set(whole(tenant_id), b"1", ex=KEPT_FOR - 60)
        valkey.client().delete(f"{whole(tenant_id)}:making")


def refresh(*, tenant_id: int, visitors: list[str]) -> None:
    """Copy bindings that changed; raises Valkey's errors, so that it is tried again. The lock orders it with `publish`."""
    with pool.connection(tenant_id=tenant_id) as opened:
        opened.execute(LOCK, [tenant_id])
        found = dict(opened.execute(SOME, [visitors]).fetchall())
        with valkey.client().pipeline(transaction=False) as together:
            for visitor in visitors:
                if visitor in found:
                    together.set(key(tenant_id, visitor), found[visitor], ex=KEPT_FOR)
                else:
                    together.delete(key(tenant_id, visitor))
            together.execute()
