"""How text becomes search terms: one way for both engines, so that they find the same.

What is indexed are plain words, whole codes (an e-mail address, an order number) without their punctuation, and marked
terms for what is not a word: `@kind`, `#` a phone number with and without its country's digits, `%` the same read from
its end, `~` a name with one letter left out, `&` who may find it when not everybody may. Chinese, Japanese, Korean and Thai write no spaces (or few); their runs
become single characters and pairs.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

VERSION = 2  # a change of what is indexed raises it, and every index is built anew
KIND, PHONE, PHONE_END, NEAR, OWNER = MARKS = "@", "#", "%", "~", "&"
EVERYBODYS = "everybody"
WORD_LENGTH = 40
TEXT_LENGTH = 4_000
TEXT_WORDS = 200
LIST_LENGTH = 50
NEAR_LENGTHS = range(4, 13)
PHONE_DIGITS, COUNTRY_DIGITS = 3, 3
PART_LENGTH = 3

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LATIN_MARKS = re.compile("[\u0300-\u036f]+")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_UNSPACED = (
    "\u0e00-\u0e7f\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)


def _marks() -> str:
    """Return the combining characters as the inside of a regular expression's class; they belong to words."""
    return "".join(
        re.escape(chr(c)) for c in range(min(sys.maxunicode, 0xFFFF)) if unicodedata.category(chr(c))[0] == "M"
    )


_PIECE = re.compile(f"[{_UNSPACED}]+|(?:(?![{_UNSPACED}_])[\\w{_marks()}])+")
_UNSPACED_START = re.compile(f"[{_UNSPACED}]")
_KIND = re.compile("[a-z][a-z_]{0,39}")
_NOT_DIGIT = re.compile("[^0-9]+")


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that can be found. `text` is what matters least: notes, descriptions, addresses.

    `owners` are the members and teams that find it though they do not see all records; None means that everybody does.
    """

    kind: str
    id: UUID
    title: str
    subtitle: str = ""
    names: Sequence[str] = ()
    emails: Sequence[str] = ()
    phones: Sequence[str] = ()
    numbers: Sequence[str] = ()
    text: str = ""
    owners: Sequence[UUID] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A record made ready for an engine: its terms, the words that may be found by their middle, what ranking reads."""

    kind: str
    id: UUID
    title: str
    subtitle: str
    terms: frozenset[str]
    parts: tuple[str, ...]
    words: str


def clean(text: str) -> str:
    """Return the text without what no engine can store."""
    return _UNSTORABLE.sub("", str(text))


def fold(text: str) -> str:
    """Return the text in one spelling: full and half width, case and accents no longer differ."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", _LATIN_MARKS.sub("", spread).translate(_LETTERS))


def pieces(folded: str) -> list[str]:
    """Return the runs of letters and digits; unspaced scripts and others are apart even where they touch."""
    return [piece[:WORD_LENGTH] for piece in _PIECE.findall(folded)]


def unspaced(piece: str) -> bool:
    return _UNSPACED_START.match(piece) is not None


def spread(piece: str) -> list[str]:
    """Return an unspaced run as its pairs of neighbours, or as itself when it is a single character."""
    return [piece] if len(piece) == 1 else [piece[at : at + 2] for at in range(len(piece) - 1)]


def digits(text: str) -> str:
    return _NOT_DIGIT.sub("", text)


def omissions(word: str) -> set[str]:
    """Return the word with each one letter left out.

    Two words one typing mistake apart (a letter wrong, missing, doubled or swapped with its neighbour) share one of
    these or are one of these (the symmetric-delete method of W. Garbe, SymSpell).
    """
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def tails(part: str) -> Iterable[str]:
    """Return the ends of a word, itself among them, down to three letters: each middle is the beginning of one."""
    return (part[at:] for at in range(len(part) - PART_LENGTH + 1))


def can_be_near(word: str) -> bool:
    return len(word) in NEAR_LENGTHS and word.isalpha() and not unspaced(word)


def is_kind(text: str) -> bool:
    return _KIND.fullmatch(text) is not None


def prepare(record: Record) -> Entry:
    """Return what the engines index of a record; raises ValueError where its kind is not a plain lower-case name."""
    if not is_kind(record.kind):
        raise ValueError(f"a kind of record cannot be called {record.kind!r}")
    names, codes, phones, others = _Words(), _Words(), _Words(), _Words()
    for name in (record.title, *record.names[:LIST_LENGTH]):
        names.add_text(fold(clean(name)[:TEXT_LENGTH]), joined=True)
    for email in record.emails[:LIST_LENGTH]:
        codes.add_email(fold(clean(email)[:320]))
    for number in record.numbers[:LIST_LENGTH]:
        codes.add_number(fold(clean(number)[:100]))
    for phone in record.phones[:LIST_LENGTH]:
        phones.add(digits(fold(str(phone)))[-20:])
    for text in (record.subtitle, record.text):
        others.add_text(fold(clean(text)[:TEXT_LENGTH]), joined=False, most=TEXT_WORDS)
    terms = {KIND + record.kind, *names.terms, *codes.terms, *others.terms}
    terms.update([OWNER + EVERYBODYS] if record.owners is None else (OWNER + owner.hex for owner in record.owners))
    for phone in phones.runs:
        terms.update(PHONE + phone[at:] for at in range(COUNTRY_DIGITS + 1) if len(phone) - at >= PHONE_DIGITS)
        terms.add(PHONE_END + phone[::-1])
    for word in names.simple:
        if can_be_near(word):
            terms.update(NEAR + shorter for shorter in omissions(word))
    parts = tuple(word for word in {**names.simple, **codes.simple} if len(word) > PART_LENGTH and not unspaced(word))
    ranked = "\n".join(" ".join(group.runs) for group in (names, codes, phones, others))
    return Entry(
        record.kind, record.id, clean(record.title)[:500], clean(record.subtitle)[:500], frozenset(terms), parts, ranked
    )


class _Words:
    """Words in order with the joined ones (`runs`) and without (`simple`), and the terms they are found by."""

    def __init__(self) -> None:
        self.runs: dict[str, None] = {}
        self.simple: dict[str, None] = {}
        self.terms: set[str] = set()

    def add(self, word: str) -> None:
        if word:
            self.runs[word] = None
            self.terms.add(word)

    def add_piece(self, piece: str) -> None:
        self.add(piece)
        self.simple[piece] = None
        if unspaced(piece):
            self.terms.update(piece)
            self.terms.update(spread(piece))

    def add_text(self, folded: str, *, joined: bool, most: int = sys.maxsize) -> None:
        for chunk in folded.split():
            if len(self.runs) >= most:
                return
            found = pieces(chunk)
            for piece in found:
                self.add_piece(piece)
            if joined and len(found) > 1:
                self.add(join(found))

    def add_email(self, folded: str) -> None:
        local, _, domain = folded.partition("@")
        for part in (local, domain, folded):
            self.add_text(part, joined=True)

    def add_number(self, folded: str) -> None:
        self.add_text(folded, joined=True)
        self.add(join(pieces(folded)))
        for piece in pieces(folded):
            if piece.isdigit():
                self.add(piece.lstrip("0"))


def join(found: Iterable[str]) -> str:
    """Return pieces written together, as the punctuation between them is remembered by nobody."""
    return "".join(found)[:WORD_LENGTH]
