"""How look-ups are said to PostgreSQL.

A GIN index names all matches before the first row is read, so common words and short beginnings cost by their number.
Two things keep that small: every sixteenth record also has its terms marked `=`, and this sample is asked first; and a
short beginning beside other words is checked in the rows those others name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from saas.kit.search import terms
from saas.kit.search.queries import All, Any, Lookup, Part, Prefix, Term, either, every

SAMPLE, TAIL = "=", "*"
ONE_IN = 16
SHORT = 2


class Asked(NamedTuple):
    """What `search_candidates` is given: a tsquery for the index, one for the rows, and middles of words."""

    query: str
    check_too: str
    parts: list[str]


def sample_terms(entry: terms.Entry) -> Iterator[str]:
    """Return the marked terms of a record in the sample, none for others. The last bits of our ids are random."""
    if entry.id.int % ONE_IN == 0:
        yield from (SAMPLE + term for term in entry.terms if term[0] != terms.KIND)
        yield from {SAMPLE + TAIL + tail for part in entry.parts for tail in terms.tails(part)}


def of_kinds(wanted: Lookup, kinds: Sequence[str]) -> Lookup:
    return every(wanted, either(*(Term(terms.KIND + kind) for kind in kinds))) if kinds else wanted


def in_sample(wanted: Lookup) -> Lookup:
    """Return the same look-up among the sample, where middles of words are terms too."""
    if isinstance(wanted, (All, Any)):
        return type(wanted)(tuple(in_sample(item) for item in wanted.items))
    if isinstance(wanted, Part):
        return Prefix(SAMPLE + TAIL + wanted.text)
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
        kept = [item for item in wanted.items if not _is_short(item)]
        words = [item for item in kept if not _is_kind(item)]
        return every(*(_without_short(item) for item in kept)) if words else wanted
    return wanted


def _is_short(wanted: Lookup) -> bool:
    return isinstance(wanted, Prefix) and len(wanted.text) <= SHORT


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
