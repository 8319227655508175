"""Reasons that are kept to be read later, by people in their own language: what is kept is a code and what stands in its words.

In Python a reason is a text, its English words, so whoever only passes it on needs to know nothing; a column of the type
`Kept` holds `code:<code> {values}` of it. A text that is no reason, such as one kept before there were codes, stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from saas.kit.text import Later, clean, gettext

MARK = "code:"
LONGEST = 400
_sentences: dict[str, Later] = {}


def know(sentences: Mapping[str, Later]) -> None:
    """Make codes known with their words; each code has its words once in the whole product."""
    _sentences.update(sentences)


class Reason(str):
    """A reason in English words, with the code and the values it is made of."""

    __slots__ = ("code", "values")

    code: str
    values: dict[str, str]

    def __new__(cls, code: str, **values: object) -> Reason:
        given = {name: clean(str(value), most=LONGEST) for name, value in values.items()}
        sentence = _sentences[code].sentence
        made = super().__new__(cls, sentence % given if "%(" in sentence else sentence)
        made.code, made.values = code, given
        return made

    @property
    def kept(self) -> str:
        """What is written into the database."""
        return f"{MARK}{self.code} {orjson.dumps(self.values).decode()}" if self.values else f"{MARK}{self.code}"


def read(held: str) -> str:
    """Return what was kept as a reason; one whose code nobody knows any more, or that has none, is returned as it is."""
    if not held.startswith(MARK):
        return held
    code, _blank, values = held.removeprefix(MARK).partition(" ")
    try:
        return Reason(code, **(orjson.loads(values) if values else {}))
    except (KeyError, TypeError, ValueError):
        return held


def say(reason: str) -> str:
    """Return a reason in the reader's language; of a text without a code what the translations know of it, else itself."""
    if not reason:
        return ""
    if not isinstance(reason, Reason):
        return gettext(reason)
    values = {name: say(value) if name == "problem" else value for name, value in reason.values.items()}
    return gettext(_sentences[reason.code].sentence, **values)


class Kept(TypeDecorator[str]):
    """A column of reasons: codes in the database, `Reason`s in Python."""

    impl, cache_ok = Text, True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return value.kept if isinstance(value, Reason) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return read(value) if value else value
