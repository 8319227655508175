"""The order of what was found: exactly so, then begun so, then inside or mistyped.

Both engines hand over at most a few hundred candidates and the words they were indexed by; the order is decided here,
so that it is the same whichever engine serves a tenant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from saas.kit.search import terms
from saas.kit.search.queries import Query

EXACT, EXACT_ELSEWHERE, BEGUN, BEGUN_ELSEWHERE, PHONE, INSIDE, MISTYPED = 9, 7, 6, 4, 5, 2, 1
_CLASSES = {9: 3, 7: 3, 6: 2, 5: 2, 4: 2, 2: 1, 1: 0}


class Candidate(NamedTuple):
    """What an engine hands over for ranking."""

    kind: str
    id: UUID
    title: str
    subtitle: str
    words: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found; a higher score is a better match."""

    kind: str
    id: UUID
    score: float
    title: str
    subtitle: str = ""


def order(query: Query, candidates: Iterable[Candidate], *, limit: int) -> list[Hit]:
    """Return the best candidates as hits, the best first; the same candidates always give the same order."""
    hits = {
        (item.kind, item.id): Hit(item.kind, item.id, score(query, item), item.title, item.subtitle)
        for item in candidates
    }
    return sorted(hits.values(), key=lambda hit: (-hit.score, hit.title, str(hit.id)))[:limit]


def score(query: Query, candidate: Candidate) -> float:
    """Return how well a candidate matches: hundreds for the kind of match, tens for the title, the rest for detail."""
    names, codes, phones, others = (f" {line} " for line in candidate.words.split("\n"))
    main = names + codes
    levels = [_chunk(chunk, main, others, phones) for chunk in query.chunks]
    if query.phone:
        levels = [max(min(levels), _phone(query, phones))]
    title = terms.fold(candidate.title)
    bonus = 50 if title == query.folded else 20 if title.startswith(query.folded) else 0
    return round(_CLASSES[min(levels)] * 100 + bonus + sum(levels) / len(levels) - min(len(title), 500) / 1000, 3)


def _chunk(chunk: tuple[str, ...], main: str, others: str, phones: str) -> int:
    apart = min(_piece(piece, main, others, phones) for piece in chunk)
    if len(chunk) == 1:
        return apart
    joined = terms.join(chunk)
    if f" {joined} " in main:
        return EXACT
    return max(apart, BEGUN if f" {joined}" in main else MISTYPED)


def _piece(piece: str, main: str, others: str, phones: str) -> int:
    if f" {piece} " in main:
        return EXACT
    if f" {piece} " in others:
        return EXACT_ELSEWHERE
    if f" {piece}" in main or (piece in main and terms.unspaced(piece)):
        return BEGUN
    if f"{piece} " in phones:
        return PHONE
    if f" {piece}" in others or piece in phones or (piece in others and terms.unspaced(piece)):
        return BEGUN_ELSEWHERE
    return INSIDE if piece in main else MISTYPED


def _phone(query: Query, phones: str) -> int:
    wanted = query.phone
    if f" {wanted} " in phones or (len(wanted) >= 7 and f"{wanted} " in phones):
        return EXACT
    if query.international and any(len(own) >= 7 and wanted.endswith(own.lstrip("0")) for own in phones.split()):
        return EXACT
    return PHONE if f"{wanted} " in phones else BEGUN_ELSEWHERE if wanted in phones else MISTYPED
