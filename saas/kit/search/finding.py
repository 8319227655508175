"""Finding: the one function behind every search box."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from saas.kit.search import places, queries, ranking, readers, terms, writing
from saas.kit.search.ranking import Hit

log = logging.getLogger(__name__)

MOST_CANDIDATES = 200
MOST_HITS = 100
MOST_LOOKED_THROUGH = 400  # for who does not see all fields: some were found by what they must not see


def find(
    tenant_id: int,
    query: str,
    kinds: Sequence[str] | None = None,
    limit: int = 20,
    *,
    connect: places.Connect = places.connect,
) -> list[Hit]:
    """Return what a tenant's typed text finds, the best first; `kinds` narrows it, `limit` is at most 100.

    Each pass ranks up to 200 candidates, so for "a" among a million people the page shows good ones, not the best. A
    tenant whose index is lost finds nothing until the next writing job has built it anew. Who does not see everything finds
    what they see, by what they see of it.
    """
    wanted = queries.read(query)
    known = tuple(kind for kind in kinds or () if terms.is_kind(kind))
    if not wanted or (kinds is not None and not known):
        return []
    limit = max(1, min(limit, MOST_HITS))
    if not readers.partial():
        options = {"kinds": known, "enough": limit, "most": MOST_CANDIDATES}
        return ranking.order(wanted, _candidates(tenant_id, wanted, options, connect), limit=limit)
    wanted = readers.narrowed(wanted)
    options = {"kinds": known, "enough": MOST_LOOKED_THROUGH, "most": MOST_LOOKED_THROUGH}
    found = _candidates(tenant_id, wanted, options, connect)[:MOST_LOOKED_THROUGH]
    return ranking.order(wanted, readers.seen(wanted, found), limit=limit)


def _candidates(tenant_id, wanted, options, connect):
    from saas.kit.search.whoosh_engine import NoIndex

    whoosh = places.engines()["whoosh"]
    if places.remembered.whoosh(tenant_id):
        try:
            return whoosh.candidates(None, tenant_id, wanted, **options)
        except NoIndex:
            places.remembered.forget(tenant_id)
    with connect(tenant_id=tenant_id) as connection:
        place = places.of(connection, tenant_id)
        if place is None:
            return []
        if place.engine == "postgres":
            return places.engines()["postgres"].candidates(connection, tenant_id, wanted, **options)
    try:
        found = whoosh.candidates(None, tenant_id, wanted, **options)
    except NoIndex as error:
        log.warning("search index lost: %s", error)
        with connect(tenant_id=tenant_id) as connection:
            writing.ask_rebuild(connection, tenant_id)
        return []
    places.remembered.keep(tenant_id)
    return found
