"""Texts as cells of a CSV file that a spreadsheet will open: what begins like a formula is marked as text (CWE-1236).

Spreadsheets run what begins with = + - @, also behind a tab, a line break or blanks, and in full width; an apostrophe stops
them all. Plain numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

FORMULA = re.compile(r"^[\s\u0000-\u001f\ufeff]*[=+\-@＝＋－＠]|^[\t\r\n]")
NUMBER = re.compile(r"^[+-]?\d+([.,]\d+)?$")


def safe(text: str) -> str:
    """Return the text as a cell that nothing runs."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.match(text) else text


def lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as lines of CSV in UTF-8."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [safe("" if one is None else str(one)) for one in row] for row in rows
    )
    return out.getvalue().encode()
