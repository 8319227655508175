"""How look-ups are said to PostgreSQL.

A GIN index names all matches before the first row is read, so common words and short beginnings cost by their number.
Two things keep that small: every sixteenth record also has its terms marked `=`, and this sample is asked first; and a
short beginning beside other words is checked in the rows those others name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from saas.kit.search import terms
from saas.kit.search.queries import All, Any, Lookup, Part, Prefix, Term, either, every

SAMPLE = "="
ONE_IN = 16
SHORT = 2


class Asked(NamedTuple):
    """What `search_candidates` is given: a tsquery for the index, one for the rows, and middles of words."""

    query: str
    check_too: str
    parts: list[str]


def sampled(record_id: UUID) -> bool:
    """Tell whether a record is in the sample; the last bits of our ids are random."""
    return record_id.int % ONE_IN == 0


def of_kinds(wanted: Lookup, kinds: Sequence[str]) -> Lookup:
    return every(wanted, either(*(Term(terms.KIND + kind) for kind in kinds))) if kinds else wanted


def in_sample(wanted: Lookup) -> Lookup | None:
    """Return the look-up among the sample, or None where the sample has no such terms."""
    if isinstance(wanted, (All, Any)):
        items = [in_sample(item) for item in wanted.items]
        return None if None in items else type(wanted)(tuple(items))
    if isinstance(wanted, Part) or wanted.text[0] == terms.NEAR:
        return None
    return wanted if wanted.text[0] == terms.KIND else type(wanted)(SAMPLE + wanted.text)


def ask(tenant_id: int, wanted: Lookup) -> Asked:
    items = wanted.items if isinstance(wanted, All) else (wanted,)
    others = [item for item in items if not isinstance(item, Part)]
    parts = [item.text for item in items if isinstance(item, Part)]
    if not others:
        return Asked("", "", parts)
    whole, wider = every(*others), _without_short(every(*others))
    return Asked(tsquery(tenant_id, wider), tsquery(tenant_id, whole) if wider != whole else "", parts)


def _without_short(wanted: Lookup) -> Lookup:
    """Return a look-up that finds no less, without the short beginnings that stand beside other words."""
    if isinstance(wanted, Any):
        return Any(tuple(_without_short(item) for item in wanted.items))
    if isinstance(wanted, All):
        kept = [item for item in wanted.items if not (isinstance(item, Prefix) and len(item.text) <= SHORT)]
        words = [item for item in kept if not _is_kind(item)]
        return every(*(_without_short(item) for item in kept)) if words else wanted
    return wanted


def _is_kind(wanted: Lookup) -> bool:
    first = wanted.items[0] if isinstance(wanted, Any) else wanted
    return isinstance(first, Term) and first.text[0] == terms.KIND


def lexeme(tenant_id: int, term: str) -> str:
    return f"{tenant_id:x}/{term}"


def quote(lexeme: str) -> str:
    """Our terms hold no quotes; should one ever, it stays a letter among others."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def tsquery(tenant_id: int, wanted: Lookup) -> str:
    if isinstance(wanted, Term):
        return quote(lexeme(tenant_id, wanted.text))
    if isinstance(wanted, Prefix):
        return quote(lexeme(tenant_id, wanted.text)) + ":*"
    sign = " & " if isinstance(wanted, All) else " | "
    return f"({sign.join(tsquery(tenant_id, item) for item in wanted.items)})"
