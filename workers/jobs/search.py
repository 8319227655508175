"""Bringing the search index up to what the rooms hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from saas.audiences import searching as segments
from saas.catalog import searching as products
from saas.commerce import searching as orders
from saas.customers import searching as customers
from saas.kit import scope, search, ticks, work
from saas.kit.search import Record
from saas.marketing import searching as campaigns

LOADERS: dict[str, Callable[[Sequence[UUID] | None], Iterator[Record]]] = {
    "customer": customers.records, "product": products.records, "order": orders.records, "segment": segments.records,
    "campaign": campaigns.records,
}  # fmt: skip


def load(keys: Sequence[tuple[str, UUID]] | None) -> Iterator[Record]:
    """Yield the records of (kind, id) pairs, or of everything a tenant has."""
    wanted: dict[str, list[UUID]] = defaultdict(list)
    for kind, record_id in keys or ():
        wanted[kind].append(record_id)
    for kind, records in LOADERS.items():
        if keys is None or wanted[kind]:
            with work.unit():
                if keys is None:  # between two looks at the rows the index is written, which may take minutes on a busy machine
                    work.take_long()
                yield from records(None if keys is None else wanted[kind])


def write(**_: object) -> None:
    """Write what changed for the bound tenant; at once nothing when another worker is at it."""
    search.write_pending(scope.tenant_id(), load)


def sweep(*, run_at: str, **_: object) -> None:
    """Write what was left behind for any tenant."""
    with work.platform_unit(reason="find tenants whose search index is behind"):
        behind = search.waiting()
    for tenant_id in behind:
        with scope.tenant(tenant_id):
            search.write_pending(tenant_id, load)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.search.sweep", run_at=run_at)
