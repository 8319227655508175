"""Taking in what browsers of shoppers do: durable when answered, in one transaction of one round trip.

Stored are the events (each once, by its id) and that the browser has undigested ones, with one announcement however many
batches come before the digest. The browser's row is locked first, so that a digest either sees these events or is
announced again. The rest (visits, carts, who it is) is `visits.digest`.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from saas.commerce import batches, hearing, live
from saas.commerce.batches import Batch
from saas.commerce.models import NO_SOURCE
from saas.kit import addresses, clock, identifiers, money, pool
from saas.kit.text import gettext as _

OWN = "own"
"""What events of the shop's own naming are counted as, since a page could make up any number of names."""
# A browser with very many events (a robot) is read ever more rarely: a millisecond's wait for each event above a thousand.
MARK = """
WITH marked AS (
    INSERT INTO visitors AS v (tenant_id, id, visitor, proven, first_seen_at, last_seen_at, consent, announcement, pending_from, pending_to)
    VALUES (%(tenant)s, %(event)s, %(visitor)s, false, %(first)s, %(last)s, %(consent)s::jsonb, %(event)s, %(first)s, %(last)s)
    ON CONFLICT (tenant_id, visitor) DO UPDATE SET consent = excluded.consent,
        announcement = coalesce(v.announcement, excluded.announcement),
        pending_from = least(v.pending_from, excluded.pending_from), pending_to = greatest(v.pending_to, excluded.pending_to)
    RETURNING announcement, weight),
told AS (
    INSERT INTO outbox (tenant_id, id, name, payload)
    SELECT %(tenant)s, announcement, 'EventsCollected', %(payload)s::jsonb FROM marked WHERE announcement = %(event)s)
INSERT INTO outbox_doorbell (event_id, tenant_id, name, due_at)
SELECT announcement, %(tenant)s, 'EventsCollected', now() + least(greatest(weight - 1000, 0), 60000) * interval '1 millisecond'
FROM marked WHERE announcement = %(event)s
"""
STORE = """
INSERT INTO shop_events (tenant_id, id, visitor, source_id, type, at, product, url, details)
SELECT %(tenant)s, id, %(visitor)s, %(source)s, type, at, product, url, details
FROM jsonb_to_recordset(%(rows)s::jsonb) AS e (id uuid, type text, at timestamptz, product text, url text, details jsonb)
ON CONFLICT DO NOTHING
"""


def take(batch: Batch, *, tenant_id: int, shop_id: UUID | None) -> tuple[int, list[dict[str, Any]]]:
    """Store a batch and return how many events were accepted, and the refused with their reasons.

    Without the visitor's consent to analytics nothing at all is kept. Raises errors.Unavailable.
    """
    if not batch.analytics:
        refused = batches.refuse_all(batch, _("The visitor has not agreed to analytics, so nothing is kept."))
        hearing.note_refused(tenant_id, shop_id or NO_SOURCE, _reasons(refused))
        return 0, refused
    source_id = shop_id or NO_SOURCE
    rows, refused = batches.rows(batch, source_id=source_id, now=clock.now())
    if rows:
        _store(batch, rows, tenant_id, source_id)
        _note(batch, rows, tenant_id, source_id, _reasons(refused))
    elif refused:
        hearing.note_refused(tenant_id, source_id, _reasons(refused))
    return len(rows), refused


def _reasons(refused: list[dict[str, Any]]) -> Counter[str]:
    return Counter(one["reason"] for one in refused)


def _store(batch: Batch, rows: list[dict[str, Any]], tenant_id: int, source_id: UUID) -> None:
    moments = [row["at"] for row in rows]
    mark = {
        "tenant": tenant_id, "visitor": batch.visitor, "event": identifiers.new(), "first": min(moments), "last": max(moments),
        "consent": f'{{"analytics": true, "marketing": {str(batch.marketing).lower()}}}',
        "payload": f'{{"visitors": ["{batch.visitor}"]}}',
    }  # fmt: skip
    store = {"tenant": tenant_id, "visitor": batch.visitor, "source": source_id, "rows": orjson.dumps(rows).decode()}
    pool.together([(MARK, mark), (STORE, store)], tenant_id=tenant_id)


def _note(batch: Batch, rows: list[dict[str, Any]], tenant_id: int, source_id: UUID, refused: Counter[str]) -> None:
    """Tell the live session, count what was heard, and wake the relay with the same message."""
    items = [(row["product"], row["at"]) for row in rows if row["type"] == "product_viewed"]
    carts = [row for row in rows if row["type"] in ("cart_updated", "checkout_started")]
    cart: tuple[datetime, str, list[str]] | None = None
    if carts:
        newest = max(carts, key=lambda row: (row["at"], row["id"]))
        told = newest["details"]["cart"]
        cart = newest["at"], told.get("id", ""), [item["product"] for item in told["items"] if item["quantity"]]
    types = Counter(row["type"] if row["type"] in batches.KINDS else OWN for row in rows)

    def heard(pipe: Any) -> None:
        hearing.note_events(pipe, tenant_id, source_id, types, refused=refused, version=batch.tracker)

    live.note(
        tenant_id, batch.visitor, items=items, cart=cart, ring=True, count=len(rows), also=heard, seen=_seen(rows)
    )


SHOWN = {"product_viewed": "product", "page_viewed": "page", "category_viewed": "category", "search_submitted": "search", "cart_updated": "cart",
         "checkout_started": "checkout"}  # fmt: skip


def _seen(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what a browser shows now by its newest events, since when and from where, and what its cart is worth."""
    known = sorted(
        (row for row in rows if row["type"] in SHOWN), key=lambda row: (row["at"], row["type"] != "page_viewed")
    )
    if not known:
        return None
    newest, first = known[-1], known[0]
    details = newest["details"] or {}
    seen = {
        "at": newest["at"], "since": first["at"], "kind": SHOWN[newest["type"]], "product": newest["product"], "url": newest["url"],
        "title": details.get("title"), "word": details.get("query") or details.get("category"), "from": _from(first), "landing": first["url"],
    }  # fmt: skip
    carts = [row["details"]["cart"] for row in known if row["type"] in ("cart_updated", "checkout_started")]
    if carts:
        worth = sum(money.parse_micros(item["price"] or 0) * item["quantity"] for item in carts[-1]["items"])
        seen |= {"total": str(worth), "currency": carts[-1].get("currency", "")}
    return {name: value for name, value in seen.items() if value not in (None, "")}


def _from(row: dict[str, Any]) -> str:
    """Return the host a browser came from, unless it is the shop's own."""
    host, own = addresses.host((row["details"] or {}).get("referrer")), addresses.host(row["url"])
    return "" if host == own else host
