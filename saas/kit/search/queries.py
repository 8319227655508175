"""What a person typed, as look-ups that every engine can carry out, the best kind of match first.

Four passes: all words exactly; the last word as a beginning (somebody is typing); middles of words; one typing mistake.
An engine stops when a pass has filled the page. No user's text is ever parsed as a query language: quotes, stars and
operators are punctuation like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from saas.kit.search import terms

QUERY_LENGTH = 200
MOST_CHUNKS = 8
MOST_PIECES = 8
_ONLY_PHONE = re.compile(r"[\d\s+().\-/]+")
_NATIONAL_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Term:
    """Records that hold this term."""

    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """Records that hold a term beginning so."""

    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """Records that hold a name, e-mail part or number with this inside."""

    text: str


@dataclass(frozen=True, slots=True)
class All:
    items: tuple[Lookup, ...]


@dataclass(frozen=True, slots=True)
class Any:
    items: tuple[Lookup, ...]


Lookup = Term | Prefix | Part | All | Any


@dataclass(frozen=True)
class Query:
    """The typed text in pieces, a chunk for each thing between spaces. `phone` is set when all may be one number."""

    folded: str
    chunks: tuple[tuple[str, ...], ...]
    phone: str = ""
    international: bool = False
    passes: tuple[Lookup, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.passes)


def read(text: str, *, phones: bool = True) -> Query:
    """Return the query for a typed text; it is false when there is nothing to look for. Without `phones` no number is one."""
    folded = terms.fold(terms.clean(text[:QUERY_LENGTH])).strip()
    found = (tuple(terms.pieces(chunk)[:MOST_PIECES]) for chunk in folded.split())
    chunks = tuple(chunk for chunk in found if chunk)[:MOST_CHUNKS]
    phone = ""
    if phones and chunks and _ONLY_PHONE.fullmatch(folded):
        phone = terms.digits(folded).lstrip("0")[:20]
        phone = phone if len(phone) >= terms.PHONE_DIGITS else ""
    query = Query(folded, chunks, phone, folded.startswith(("+", "00")))
    if not chunks:
        return query
    return replace(query, passes=tuple(_passes(query, phones=phones)))


def narrowed(query: Query, owners: Iterable[UUID]) -> Query:
    """Return the query for what everybody may find and what belongs to one of these members or teams."""
    circle = either(*(Term(terms.OWNER + name) for name in [terms.EVERYBODYS, *(owner.hex for owner in owners)]))
    return replace(query, passes=tuple(every(wanted, circle) for wanted in query.passes))


def fits(wanted: Lookup, entry: terms.Entry) -> bool:
    """Tell whether a look-up finds an entry, without any engine."""
    if isinstance(wanted, (All, Any)):
        return (all if isinstance(wanted, All) else any)(fits(item, entry) for item in wanted.items)
    if isinstance(wanted, Term):
        return wanted.text in entry.terms
    if isinstance(wanted, Prefix):
        return any(term.startswith(wanted.text) for term in entry.terms)
    return any(wanted.text in part for part in entry.parts)


def _passes(query: Query, *, phones: bool) -> Iterable[Lookup]:
    *settled, last = query.chunks
    exactly = [_exact(chunk) for chunk in settled]
    yield (first := every(*exactly, _exact(last)))
    begun = every(*exactly, _begun(last, phones=phones))
    if query.phone:
        begun = either(begun, *_phone(query.phone, international=query.international))
    if begun != first:
        yield begun
    if any(_has_middle(piece) for chunk in query.chunks for piece in chunk):
        yield every(*(_middle(piece) for chunk in query.chunks for piece in chunk))
    if any(terms.can_be_near(piece) for chunk in query.chunks for piece in chunk):
        yield every(*(_near(piece) for chunk in query.chunks for piece in chunk))


def every(*items: Lookup) -> Lookup:
    """Return the look-up for all of these, flat."""
    flat = tuple(dict.fromkeys(part for item in items for part in (item.items if isinstance(item, All) else (item,))))
    return flat[0] if len(flat) == 1 else All(flat)


def either(*items: Lookup) -> Lookup:
    """Return the look-up for any of these, flat."""
    flat = tuple(dict.fromkeys(part for item in items for part in (item.items if isinstance(item, Any) else (item,))))
    return flat[0] if len(flat) == 1 else Any(flat)


def _piece(piece: str) -> Lookup:
    return every(*(Term(pair) for pair in terms.spread(piece))) if terms.unspaced(piece) else Term(piece)


def _exact(chunk: tuple[str, ...]) -> Lookup:
    apart = every(*(_piece(piece) for piece in chunk))
    return apart if len(chunk) == 1 else either(Term(terms.join(chunk)), apart)


def _begun(chunk: tuple[str, ...], *, phones: bool) -> Lookup:
    """Somebody may still be typing the last piece; a lone number may also be one end of a phone number."""
    *settled, last = chunk
    end = _piece(last) if terms.unspaced(last) else Prefix(last)
    apart = every(*(_piece(piece) for piece in settled), end)
    if settled:
        return either(Prefix(terms.join(chunk)), apart)
    if phones and last.isdigit() and last.isascii() and len(last) >= terms.PHONE_DIGITS:
        return either(apart, *_phone(last, international=False))
    return apart


def _phone(digits: str, *, international: bool) -> Iterable[Lookup]:
    yield Prefix(terms.PHONE + digits)
    yield Prefix(terms.PHONE_END + digits[::-1])
    if international:
        for country in range(1, terms.COUNTRY_DIGITS + 1):
            if len(digits) - country >= _NATIONAL_DIGITS:
                yield Prefix(terms.PHONE + digits[country:])


def _has_middle(piece: str) -> bool:
    return len(piece) >= terms.PART_LENGTH and not terms.unspaced(piece)


def _middle(piece: str) -> Lookup:
    return Part(piece) if _has_middle(piece) else _piece(piece)


def _near(piece: str) -> Lookup:
    if not terms.can_be_near(piece):
        return _piece(piece)
    shorter = sorted(terms.omissions(piece))
    found = [Term(text) for word in shorter for text in (word, terms.NEAR + word) if len(word) >= terms.PART_LENGTH]
    return either(Term(piece), Term(terms.NEAR + piece), *found)
