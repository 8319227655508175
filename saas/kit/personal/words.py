"""Where people's words are written: one reading of a table or a file for the words of hundreds of people at once.

For one person's few words the database looks itself. Of many, asking each row for each word would take a day: here a row is
read once, pieces of six bytes lead to the few words that may stand there, and those are compared whole.

An address ends where no letter of an address follows: anna@ is not joanna@. In doubt (text that was escaped somewhere, Han
before it) it counts, for what is left is worse than what is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ARRAY, Column, LargeBinary

from saas.kit import scope
from saas.kit.belongings.journals import quoted
from saas.kit.db import db
from saas.kit.personal.reading import bound

FEW = 12
"""Up to so many words the database itself looks for them."""
AT_ONCE = 200
PIECE, BITS = 6, 20
BETWEEN = b"\0"  # no text of PostgreSQL holds one, so no word lies across two rows
BEFORE = r"[^a-z0-9._%+-]|\\[nrtbfv0]|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\[0-7]{3}|[%=][0-9a-f]{2}"
"""What may stand before an address, in small letters: no letter of one, or the end of something escaped."""
AFTER = r"(?![.-]?[a-z0-9])"
_BEFORE, _AFTER = re.compile(f"(?:{BEFORE})$".encode()), re.compile(AFTER.encode())
ESCAPED = 6


class Finder:
    """Finds which of many words, each of at least six bytes, stand in bytes."""

    def __init__(self, words: Sequence[bytes]) -> None:
        self._words = list(words)
        self._known = np.zeros(1 << BITS, dtype=bool)
        self._at: dict[bytes, list[tuple[int, int]]] = {}
        for number, word in enumerate(self._words):
            # numbers begin alike and end apart, addresses the other way round
            place = 0 if b"@" in word else len(word) - PIECE
            self._at.setdefault(word[place : place + PIECE], []).append((number, place))
        if self._at:
            self._known[_digests(b"".join(self._at), step=PIECE)] = True
        self.longest = max(map(len, self._words), default=0)

    def find(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield (the word's number, where it begins) for each place where a word stands."""
        if len(data) < PIECE or not self._words:
            return
        for at in np.flatnonzero(self._known[_digests(data)]).tolist():
            for number, place in self._at.get(data[at : at + PIECE], ()):
                begin = at - place
                if begin >= 0 and data.startswith(self._words[number], begin) and self._apart(number, data, begin):
                    yield number, begin

    def _apart(self, number: int, data: bytes, begin: int) -> bool:
        """Tell whether a word that is an address is one where it stands, and not the end of a longer one."""
        word = self._words[number]
        if not is_address(word.decode(errors="replace")):
            return True
        before = begin == 0 or _BEFORE.search(data[max(begin - ESCAPED, 0) : begin])
        return bool(before) and _AFTER.match(data, begin + len(word)) is not None

    def stands(self, data: bytes) -> bool:
        """Tell whether any of the words stands there."""
        return next(self.find(data), None) is not None


def _digests(data: bytes, *, step: int = 1) -> Any:
    """Return a number below 2^20 for each piece of six bytes."""
    letters = np.frombuffer(data, dtype=np.uint8).astype(np.uint32)
    found = np.zeros(len(letters) - PIECE + 1, dtype=np.uint32)
    for place in range(PIECE):
        found *= np.uint32(0x01000193)
        found += letters[place : len(letters) - PIECE + 1 + place]
    found *= np.uint32(0x9E3779B1)
    return (found >> np.uint32(32 - BITS))[::step]


def is_address(word: str) -> bool:
    """Tell whether a word is an address of mail in plain letters; wider ones (UTF-16) are looked for as they are."""
    return "@" in word and "\0" not in word


def pattern(word: str) -> str:
    """Return what PostgreSQL finds an address by, in small letters, or nothing for other words."""
    return f"(^|{BEFORE}){literal(word)}{AFTER}" if is_address(word) else ""


def literal(word: str) -> str:
    return "".join(f"\\{char}" if not char.isalnum() else char for char in word)


def holders(table: str, columns: Iterable[str], words: Sequence[str]) -> dict[Any, set[str]]:
    """Return, by their keys, the rows of a table in one of whose columns a word is written, each with the words it holds."""
    made = db.metadata.tables[table]
    key = key_of(table)
    read = ", ".join(_small(made.columns[name]) for name in columns)
    query = f"SELECT t.{quoted(key)}, {read} FROM {quoted(table)} t WHERE t.tenant_id = :tenant"
    finder, found = Finder([word.encode() for word in words]), {}
    given = {"tenant": scope.tenant_id()}
    with db.session.execute(bound(query, given), given, execution_options={"yield_per": AT_ONCE}) as answer:
        for rows in answer.partitions(AT_ONCE):
            for key_value, number in _in_rows(finder, rows):
                found.setdefault(key_value, set()).add(words[number])
    return found


def _in_rows(finder: Finder, rows: Sequence[Any]) -> Iterator[tuple[Any, int]]:
    """Yield (key, the word's number) for what stands in these rows."""
    begins, texts, length = [], [], 0
    for row in rows:
        begins.append(length)
        text = BETWEEN.join(_bytes(value) for value in row[1:] if value is not None)
        texts.append(text)
        length += len(text) + len(BETWEEN)
    starts = np.array(begins)
    for number, at in finder.find(BETWEEN.join(texts)):
        yield rows[int(np.searchsorted(starts, at, side="right")) - 1][0], number


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value).lower()


def _small(column: Column[Any]) -> str:
    name = f"t.{quoted(column.name)}"
    return name if isinstance(column.type, LargeBinary) else f"lower({name}::text)"


def key_of(table: str) -> str:
    """Return the column that tells a table's rows of one company apart."""
    return next(column.name for column in db.metadata.tables[table].primary_key if column.name != "tenant_id")


def is_list(table: str, name: str) -> bool:
    return isinstance(db.metadata.tables[table].columns[name].type, ARRAY)
