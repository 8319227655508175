"""What is found once more as the reader sees it: only records they may see, and only by fields they may see.

The index knows who owns a record, so that a page is not empty because the best hits are all somebody else's. It may be a
moment behind, and it does not know which fields a reader must not see. So for who does not see everything each hit is read
again from its room, with the rows and fields that this reader has, and must still be what was looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from saas.kit import access
from saas.kit.search import queries, terms
from saas.kit.search.queries import Query
from saas.kit.search.ranking import Candidate
from saas.kit.search.terms import Record

Records = Callable[[Sequence[UUID]], Iterable[Record]]
_sources: dict[str, Records] = {}


def register(kind: str, records: Records) -> None:
    """Have the records of a kind read by this function, which leaves out what the acting member must not see."""
    _sources[kind] = records


def partial() -> bool:
    """Tell whether the acting member sees less than everything."""
    return access.limiting() is not None or bool(access.current().hidden)


def narrowed(query: Query) -> Query:
    """Return the query for what the acting member may find."""
    limits = access.limiting()
    if "phone" in access.hidden("customer"):
        query = queries.read(query.folded, phones=False)
    if limits is None:
        return query
    return queries.narrowed(query, dict.fromkeys([*limits.owners, *limits.teams]))


def seen(query: Query, found: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates as the acting member sees them, without those that they do not find this way."""
    kept: list[Candidate] = []
    again: dict[str, list[UUID]] = {}
    for candidate in found:
        if candidate.kind in _sources and (access.limiting() is not None or access.hidden(candidate.kind)):
            again.setdefault(candidate.kind, []).append(candidate.id)
        else:
            kept.append(candidate)
    for kind, ids in again.items():
        kept += [
            Candidate(entry.kind, entry.id, entry.title, entry.subtitle, entry.words)
            for entry in map(terms.prepare, _sources[kind](ids))
            if any(queries.fits(wanted, entry) for wanted in query.passes)
        ]
    return kept
