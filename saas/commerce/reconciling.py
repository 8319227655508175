"""Comparing with a shop: what it has and we have not, what it deleted, whether its webhooks are on, and what all that says
about what should have been told.

What changed in the shop and was known here when we asked did come by itself (or by an earlier comparison); what was not known was
missed. Changes of the last quarter of an hour count for neither: shops hand out their webhooks by a clock of minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from saas.catalog import products
from saas.catalog.models import Product
from saas.commerce import hearing, orders, silence
from saas.commerce.connectors.past import Outcome, Past, Portion
from saas.commerce.events import ShopRepaired
from saas.commerce.health_models import ShopComparison
from saas.commerce.models import Order, Shop
from saas.kit import clock, identifiers, work
from saas.kit.db import db
from saas.kit.events import announce

GRACE = timedelta(minutes=15)
OVERLAP = timedelta(hours=1)
NOUNS = {"orders": "order", "recent_orders": "order", "aged_orders": "order", "products": "product", "customers": "customer"}  # fmt: skip
AT_ONCE = 100
MOST_LOOKED_FOR = {"orders": 1000, "products": 2000}
"""How many of the newest are asked for by name in a deep comparison, to learn what was deleted."""
KEPT = 200
FEW, MOST_MISSED = 3, 0.5
"""So many missed changes of a topic, and such a share of all, are no accident."""


def badly_signed(shop: Shop) -> bool:
    """Tell whether something came since the last look whose signature did not fit: then the shop has another secret."""
    since = shop.reconciled.get("tended_at")
    held = shop.reconciled.get("badly_signed_at")
    return bool(held) and (since is None or held > since)


def note_badly_signed(shop: Shop) -> None:
    """Remember that a delivery came that was not signed with our secret."""
    shop.reconciled = {**shop.reconciled, "badly_signed_at": clock.now().isoformat()}


def tended(shop: Shop, counts: dict[str, int], *, first: bool) -> None:
    """Write down that webhooks were found off, gone, elsewhere or with another secret; they are well again by now."""
    mended = {name: counts.get(name, 0) for name in ("made", "woken", "moved", "renewed")}
    if not first and any(mended.values()):
        silence.noted("webhooks", shop, said=" ".join(f"{name}:{number}" for name, number in mended.items() if number))


def keys_refused(shop: Shop, sentence: str) -> None:
    silence.raise_alarm("keys", shop, said=sentence)


def gone_quiet(shop: Shop, sentence: str) -> None:
    """The shop has not answered for a while, and its fetching waits."""
    silence.raise_alarm("away", shop, said=sentence)


def note(shop: Shop, kind: str, outcomes: Sequence[Outcome], state: dict[str, Any], portion: Portion) -> None:
    """Count into the state what a portion of a comparison says about what should have been told; any answer ends an alarm
    about keys or no answer."""
    if outcomes or portion.bodies:
        silence.end_alarms(shop, kinds=("keys", "away"))
    if not state.get("since") or kind not in NOUNS:
        return
    begun = datetime.fromisoformat(state["begun_at"])
    first, last = datetime.fromisoformat(state["since"]) + OVERLAP - GRACE, begun - GRACE
    found = dict(state.get("found") or {})
    missed: list[tuple[str, datetime]] = []
    for one in outcomes:
        if one.status not in ("created", "updated", "unchanged", "stale") or one.changed_at is None:
            continue
        new = one.status in ("created", "updated")
        topic = f"{NOUNS[kind]}.{'created' if one.made_at is not None and one.made_at >= first else 'updated'}"
        row = dict(found.get(topic) or {"expected": 0, "came": 0, "missed": 0, "late": 0, "repaired": 0})
        if first <= one.changed_at < last:
            row["expected"] += 1
            row["missed" if new else "came"] += 1
            if new:
                row["late"] = max(row["late"], round((clock.now() - one.changed_at).total_seconds()))
                missed.append((topic, one.changed_at))
        row["repaired"] += new
        found[topic] = row
    state["found"] = {topic: row for topic, row in found.items() if row["expected"] or row["repaired"]}
    hearing.add_missed(shop.id, missed)


def look_for_gone(tenant_id: int, shop_id: UUID, past: Past, kind: str, place: dict[str, Any]) -> Portion:
    """Ask the shop for some of the newest we have of a kind, and return those it has no more."""
    with work.unit(tenant_id=tenant_id):
        keys, after = _newest(shop_id, kind, place.get("after"))
    looked = place.get("looked", 0) + len(keys)
    gone = past.absent(kind, keys) if keys else []
    more = len(keys) == AT_ONCE and looked < MOST_LOOKED_FOR[kind]
    return Portion([{"key": key} for key in gone], {"after": after, "looked": looked} if more else None, min(looked / MOST_LOOKED_FOR[kind], 1.0))  # fmt: skip


def _newest(shop_id: UUID, kind: str, after: str | None) -> tuple[list[str], str | None]:
    """Return the keys of the next hundred, the newest first, and where to go on."""
    model = {"orders": Order, "products": Product}[kind]
    live = Order.status != "cancelled" if kind == "orders" else Product.active
    query = select(model.id, model.external_id).where(model.source_id == shop_id, live).order_by(model.id.desc()).limit(AT_ONCE)  # fmt: skip
    rows = db.session.execute(query.where(model.id < UUID(after)) if after else query).all()
    return [key for _id, key in rows], str(rows[-1][0]) if rows else None


def remove_gone(shop: Shop, kind: str, keys: Sequence[str]) -> int:
    """Do what a deletion would have done that was never told; returns how many that changed."""
    if not keys:
        return 0
    if kind == "orders":
        return orders.remove(keys=keys, source_id=shop.id)
    return products.retire(external_ids=list(keys), source_id=shop.id)


def finished(shop: Shop, state: dict[str, Any]) -> None:
    """Keep what a comparison found, and raise or end the alarms that follow from it."""
    silence.end_alarms(shop, kinds=("keys", "away"))
    if not state.get("since"):
        return
    found, done = state.get("found") or {}, state.get("done", {})
    gone = {kind: done[f"gone_{kind}"]["changed"] for kind in ("orders", "products") if f"gone_{kind}" in done}
    compared = identifiers.new()
    db.session.add(
        ShopComparison(
            id=compared, shop_id=shop.id, began_at=datetime.fromisoformat(state["begun_at"]), ended_at=clock.now(),
            since=datetime.fromisoformat(state["since"]), deep=bool(state.get("deep")), found=found, gone=gone,
            webhooks=shop.reconciled.get("webhooks") or {},
        )
    )  # fmt: skip
    _announce(shop, compared, {topic: row["repaired"] for topic, row in found.items()}, gone)
    for topic, row in found.items():
        if row["missed"] >= FEW and row["missed"] >= MOST_MISSED * row["expected"]:
            silence.raise_alarm("undelivered", shop, topic=topic, seen=row["came"], expected=row["expected"])
        elif row["expected"] and not row["missed"]:
            silence.end_alarms(shop, kinds=("undelivered",), topic=topic)
    _tidy(shop.id)


def _announce(shop: Shop, compared: UUID, repaired: dict[str, int], gone: dict[str, int]) -> None:
    """Say what was put right, if anything was."""
    repaired, gone = ({name: many for name, many in one.items() if many} for one in (repaired, gone))
    if repaired or gone:
        announce(ShopRepaired(shop_id=str(shop.id), comparison_id=str(compared), repaired=repaired, gone=gone))


def _tidy(shop_id: UUID) -> None:
    """Keep the newest comparisons only."""
    old = select(ShopComparison.id).where(ShopComparison.shop_id == shop_id).order_by(ShopComparison.began_at.desc()).offset(KEPT)  # fmt: skip
    db.session.flush()
    db.session.execute(
        delete(ShopComparison).where(ShopComparison.id.in_(old)).execution_options(synchronize_session=False)
    )


def newest(shop_id: UUID, *, most: int = 20) -> list[ShopComparison]:
    """Return a shop's comparisons, the newest first."""
    query = select(ShopComparison).where(ShopComparison.shop_id == shop_id)
    return list(db.session.scalars(query.order_by(ShopComparison.began_at.desc()).limit(most)))


def repaired_since(shop_id: UUID, moment: datetime) -> dict[str, int]:
    """Return how many things comparing repaired since a moment, by topic."""
    query = select(ShopComparison.found).where(ShopComparison.shop_id == shop_id, ShopComparison.began_at >= moment)
    found: dict[str, int] = {}
    for (rows,) in db.session.execute(query):
        for topic, row in rows.items():
            found[topic] = found.get(topic, 0) + row["repaired"]
    return found


def count(shop_id: UUID) -> int:
    return (
        db.session.scalar(select(func.count()).select_from(ShopComparison).where(ShopComparison.shop_id == shop_id))
        or 0
    )
