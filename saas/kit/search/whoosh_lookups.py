"""How look-ups are carried out on Whoosh's posting lists.

Whoosh's own queries read a whole prefix before the first answer. Typing one letter would read half the index; here the
records come one by one and the reader stops when it has enough. To make beginnings and middles cheap this engine also
keeps `^` the first one to three letters of each word and `*` the ends of each name, e-mail part and number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import islice
from typing import Any as Reader

from whoosh.matching import IntersectionMatcher, ListMatcher, NullMatcher, UnionMatcher

from saas.kit.search import terms
from saas.kit.search.queries import All, Any, Lookup, Part, Prefix, Term, either, every

HEAD, TAIL = "^", "*"
HEAD_LENGTH = 3
MOST_SPELLINGS = 500
FIELD = "terms"


def of_kinds(wanted: Lookup, kinds: Sequence[str]) -> Lookup:
    return every(either(*(Term(terms.KIND + kind) for kind in kinds)), wanted) if kinds else wanted


def documents(reader: Reader, wanted: Lookup) -> Iterator[int]:
    """Return the numbers of the documents of one segment, each once, as they are found."""
    if isinstance(wanted, (Prefix, Part)) and (begin := _begin(wanted)) is not None:
        return _distinct(document for term in reader.expand_prefix(FIELD, begin) for document in _ids(reader, term))
    if isinstance(wanted, Any):
        return _distinct(document for item in wanted.items for document in documents(reader, item))
    return _walk(_sized(reader, wanted)[1])


def _begin(wanted: Prefix | Part) -> bytes | None:
    """Return what the terms looked for begin with, or None where one term stands for them all."""
    if isinstance(wanted, Part):
        return (TAIL + wanted.text).encode()
    short = len(wanted.text) <= HEAD_LENGTH and wanted.text[0] not in terms.MARKS
    return None if short else wanted.text.encode()


def _sized(reader: Reader, wanted: Lookup) -> tuple[int, Reader]:
    """Return a matcher and about how many documents it has, so that the rarest can lead the others."""
    if isinstance(wanted, Term):
        return _postings(reader, wanted.text.encode())
    if isinstance(wanted, All):
        sized = sorted((_sized(reader, item) for item in wanted.items), key=lambda pair: pair[0])
        return sized[0][0], reduce(_both, [matcher for _, matcher in sized])
    if isinstance(wanted, Any):
        sized = [_sized(reader, item) for item in wanted.items]
        return sum(size for size, _ in sized), reduce(_one_of, [matcher for _, matcher in sized])
    begin = _begin(wanted)
    if begin is None:
        return _postings(reader, (HEAD + wanted.text).encode())
    spelled = islice(reader.expand_prefix(FIELD, begin), MOST_SPELLINGS)
    found = sorted({document for term in spelled for document in _ids(reader, term)})
    return len(found), ListMatcher(found) if found else NullMatcher()


def _postings(reader: Reader, term: bytes) -> tuple[int, Reader]:
    if (FIELD, term) not in reader:
        return 0, NullMatcher()
    return reader.doc_frequency(FIELD, term), reader.postings(FIELD, term)


def _both(left: Reader, right: Reader) -> Reader:
    return IntersectionMatcher(left, right) if left.is_active() and right.is_active() else NullMatcher()


def _one_of(left: Reader, right: Reader) -> Reader:
    if not left.is_active():
        return right
    return UnionMatcher(left, right) if right.is_active() else left


def _ids(reader: Reader, term: bytes) -> Iterable[int]:
    return reader.postings(FIELD, term).all_ids()


def _walk(matcher: Reader) -> Iterator[int]:
    while matcher.is_active():
        yield matcher.id()
        matcher.next()


def _distinct(found: Iterable[int]) -> Iterator[int]:
    seen: set[int] = set()
    for document in found:
        if document not in seen:
            seen.add(document)
            yield document
