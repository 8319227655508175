"""Reading tables as people bring them: CSV of any sort, spreadsheets, JSON lines. Rows come one at a time, never the whole file.

How a file is read (encoding, delimiter, quotes, which row names the columns, which sheet) is found by looking and can be
changed by hand. A quotation mark that is never closed costs its own line, not the rest of the file.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from saas.integrations import encodings, workbooks
from saas.kit import errors
from saas.kit.text import gettext as _

FORMATS = ("csv", "xlsx", "ndjson")
DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', "'", "")
MOST_COLUMNS, MOST_CELL, MOST_LINES = 500, 100_000, 2_000
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
NUMBERISH = re.compile(r"[+-]?[\d.,\s]*\d[\d.,\s]*%?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")
csv.field_size_limit(16 * 1024 * 1024)


class BadFile(errors.Invalid):
    """The file cannot be read as a table; the sentence says why and what helps."""

    code = "bad_file"


@dataclass(frozen=True)
class Reading:
    """How a file is read. `header` is the number of the row that names the columns, 0 where none does (rows count from 1)."""

    format: str
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: int = 1
    sheet: str = ""

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Broken:
    """A row that cannot be read as one; the sentence says why."""

    cells: list[str]
    reason: str


Row = tuple[int, "list[str] | Broken"]
"""The number of the line a row begins in (in a sheet: of the row), and its cells."""


def find(path: Path, *, name: str) -> Reading:
    """Return how a file is best read; raises BadFile when it is no table at all."""
    with path.open("rb") as file:
        start = file.read(8192)
    if not start.strip():
        raise BadFile(_("This file is empty."))
    if start.startswith(b"PK\x03\x04"):
        sheets = workbooks.sheets(path)
        return _with_header(path, Reading("xlsx", sheet=sheets[0]))
    encoding = encodings.find(path)
    _refuse_others(start, encoding)
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        return Reading("ndjson", encoding=encoding, header=0)
    return refound(path, Reading("csv", encoding=encoding))


def refound(path: Path, reading: Reading) -> Reading:
    """Return a reading with delimiter, quotes and header found anew, because its encoding or sheet was changed by hand."""
    if reading.format == "csv":
        lines = _first_lines(path, reading)
        delimiter = _delimiter(lines)
        reading = replace(reading, delimiter=delimiter, quote=_quote(lines, delimiter))
    return _with_header(path, reading) if reading.format != "ndjson" else reading


def _refuse_others(start: bytes, encoding: str) -> None:
    known = {
        b"\xd0\xcf\x11\xe0": _("This is an old Excel file. Save it as .xlsx or CSV and bring that."),
        b"%PDF": _("This is a PDF, not a table. Bring a CSV or an Excel file."),
        b"\x89PNG": _("This is a picture, not a table. Bring a CSV or an Excel file."),
        b"\xff\xd8\xff": _("This is a picture, not a table. Bring a CSV or an Excel file."),
        b"GIF8": _("This is a picture, not a table. Bring a CSV or an Excel file."),
    }
    for magic, sentence in known.items():
        if start.startswith(magic):
            raise BadFile(sentence)
    text = start.decode(encoding, "replace")
    odd = sum(sign < " " and sign not in "\t\n\r\x00" for sign in text) + text[:-2].count("\ufffd") / 4
    if odd > len(text) * 0.05 or text.count("\x00") > len(text) * 0.5:
        raise BadFile(_("This is not a table we can read. Bring a CSV or an Excel file (.xlsx)."))


def _first_lines(path: Path, reading: Reading, most: int = 200) -> list[str]:
    return list(itertools.islice(_lines(path, reading.encoding), most))


def _lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield a text file's lines with their ends, without null characters."""
    with path.open("rb") as raw:
        raw.seek(encodings.mark_of(path, encoding))
        with io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="") as text:
            for line in text:
                yield line.replace("\x00", "") if "\x00" in line else line


def _delimiter(lines: list[str]) -> str:
    """Return the sign that cuts most lines into the same number of cells, more than one."""
    said = re.match(r"sep=(.)\s*$", lines[0]) if lines else None
    if said:
        return said[1]

    def score(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
        except csv.Error:
            return 0.0, 0
        if not widths:
            return 0.0, 0
        ((usual, times),) = Counter(widths).most_common(1)
        return (times / len(widths) if usual > 1 else 0.0), usual

    best = max(DELIMITERS, key=score)
    return best if score(best)[0] > 0 else ","


def _quote(lines: list[str], delimiter: str) -> str:
    if any('"' in line for line in lines):
        return '"'
    marked = sum(line.count("'" + delimiter + "'") > 0 for line in lines)
    return "'" if marked > len(lines) / 2 else '"'


def _with_header(path: Path, reading: Reading) -> Reading:
    """Return the reading with the row that names the columns: the first that is full and holds no values."""
    first = [cells for _line, cells in itertools.islice(_all_rows(path, reading), 30) if isinstance(cells, list)]
    filled = [sum(bool(cell.strip()) for cell in cells) for cells in first]
    if not filled:
        raise BadFile(_("This file is empty."))
    usual = Counter(filled).most_common(1)[0][0]
    for place, cells in enumerate(first[:15]):
        if filled[place] >= max(usual * 0.6, 1) and filled[place] > 0:
            values = [cell.strip() for cell in cells if cell.strip()]
            looks_like_values = (
                any(EMAIL.fullmatch(cell) for cell in values)
                or sum(bool(NUMBERISH.fullmatch(cell)) for cell in values) > len(values) / 2
            )
            return replace(reading, header=0 if looks_like_values else place + 1)
    return replace(reading, header=1)


def headers(path: Path, reading: Reading) -> list[str]:
    """Return the columns' names; where no row names them they are numbered. Raises BadFile."""
    if reading.format == "ndjson":
        return _json_names(path, reading)
    rows = _all_rows(path, reading)
    width = 0
    if reading.header:
        cells = next((cells for _line, cells in itertools.islice(rows, reading.header - 1, None)), [])
        named = [cell.strip()[:200] for cell in (cells.cells if isinstance(cells, Broken) else cells)]
        while named and not named[-1]:
            named.pop()
        width = len(named)
    else:
        named = []
    for _line, cells in itertools.islice(rows, 50):
        if isinstance(cells, list):
            width = max(width, len(cells))
    if width > MOST_COLUMNS:
        raise BadFile(
            _("This file has %(count)s columns; at most %(most)s can be read.", count=width, most=MOST_COLUMNS)
        )
    if not width:
        raise BadFile(_("No columns were found in this file."))
    named += [""] * (width - len(named))
    seen: Counter[str] = Counter()
    for place, name in enumerate(named):
        name = name or _("Column %(number)s", number=place + 1)
        seen[name] += 1
        named[place] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return named


def rows(path: Path, reading: Reading, *, width: int) -> Iterator[Row]:
    """Yield the rows below the header, each with exactly `width` cells; empty rows are left out."""
    skip = reading.header
    for count, (line, cells) in enumerate(_all_rows(path, reading)):
        if count < skip:
            continue
        if isinstance(cells, Broken):
            yield line, cells
            continue
        short = len(cells)
        if short < width:
            cells += [""] * (width - short)
        elif short > width:
            if any(cell.strip() for cell in cells[width:]):
                yield line, Broken(cells[:width], _("This line has more cells than there are columns."))
                continue
            del cells[width:]
        if any(cells):
            yield line, cells


def _all_rows(path: Path, reading: Reading) -> Iterator[Row]:
    if reading.format == "xlsx":
        yield from workbooks.rows(path, reading.sheet)
    elif reading.format == "ndjson":
        yield from _json_rows(path, reading)
    else:
        yield from _csv_rows(_lines(path, reading.encoding), reading)


def _csv_rows(lines: Iterator[str], reading: Reading) -> Iterator[Row]:
    """Yield the records of a CSV; a record that runs over too many lines is one whose quotation mark is never closed."""
    source: Iterable[str] = lines
    base = 0
    first = next(lines, None)
    if first is not None and re.fullmatch(r"sep=.\s*", first):
        base = 1
    elif first is not None:
        source = itertools.chain([first], lines)
    while True:
        feed = _Feed(source)
        options: dict[str, Any] = (
            {"quotechar": reading.quote} if reading.quote else {"quoting": csv.QUOTE_NONE, "quotechar": None}
        )
        reader = csv.reader(feed, delimiter=reading.delimiter, **options)
        began = 0
        try:
            for cells in reader:
                line, began = base + began + 1, reader.line_num
                feed.kept.clear()
                feed.size = 0
                if cells:
                    yield line, cells
            return
        except (_Unclosed, csv.Error):
            kept = feed.kept
            plain = kept[0].rstrip("\r\n").split(reading.delimiter) if kept else []
            yield base + began + 1, Broken(plain, _("A quotation mark is opened here and never closed."))
            if feed.ended and len(kept) <= 1:
                return
            base, source = base + began + 1, itertools.chain(kept[1:], feed.source)


class _Unclosed(Exception):
    """A record runs on and on."""


class _Feed:
    """Hands lines to the CSV reader and keeps those of the present record, so that it can be taken back."""

    def __init__(self, source: Iterable[str]) -> None:
        self.source, self.kept, self.size, self.ended = iter(source), [], 0, False

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        try:
            line = next(self.source)
        except StopIteration:
            self.ended = True
            if len(self.kept) > 1 and _open(self.kept):
                raise _Unclosed from None
            raise
        self.kept.append(line)
        self.size += len(line)
        if len(self.kept) > MOST_LINES or self.size > MOST_CELL * 20:
            raise _Unclosed
        return line


def _open(kept: list[str]) -> bool:
    """Whether the kept lines end inside a quotation: an odd number of marks."""
    return sum(line.count('"') for line in kept) % 2 == 1


def _json_names(path: Path, reading: Reading) -> list[str]:
    names: dict[str, None] = {}
    for line in _first_lines(path, reading, 500):
        item = _json(line)
        if isinstance(item, dict):
            names |= dict.fromkeys(_flat(item))
    if not names:
        raise BadFile(_("No columns were found in this file."))
    if len(names) > MOST_COLUMNS:
        raise BadFile(
            _("This file has %(count)s columns; at most %(most)s can be read.", count=len(names), most=MOST_COLUMNS)
        )
    return list(names)


def _json_rows(path: Path, reading: Reading) -> Iterator[Row]:
    names = _json_names(path, reading)
    for number, line in enumerate(_lines(path, reading.encoding), 1):
        if not line.strip():
            continue
        item = _json(line)
        if isinstance(item, dict):
            flat = _flat(item)
            yield number, [_cell(flat.get(name)) for name in names]
        else:
            yield number, Broken([line.strip()[:MOST_CELL]], _("This line is not a JSON object."))


def _json(line: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _flat(item: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return an object with inner objects as dotted names: {"consent": {"email": x}} -> {"consent.email": x}."""
    found: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value if not isinstance(one, (dict, list)))
    return str(value)
