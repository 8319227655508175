"""Writing tables: CSV that no spreadsheet takes for formulas, workbooks with typed cells, JSON lines, and Parquet.

Each writer takes its rows one by one and gives bytes as they are ready, so that memory does not grow with the table.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell must not begin with where a spreadsheet looks: it would be a formula (full-width forms too)."""
MOST_ROWS, CHUNK, GROUP = 1_048_576, 256 * 1024, 20_000


class TooManyRows(Exception):
    """A sheet holds 1,048,576 rows and no more."""


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; `unsafe` gives it back."""
    return (
        "'" + text if text.startswith(DANGEROUS) or (text.startswith("'") and text[1:].startswith(DANGEROUS)) else text
    )


def unsafe(text: str) -> str:
    """Return what `safe` was given."""
    return (
        text[1:] if text.startswith("'") and text[1:].startswith((*DANGEROUS, "'")) and safe(text[1:]) == text else text
    )


def plain(value: Any) -> str:
    """Return a typed value as text for CSV; numbers and moments are no formulas and stay as they are."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return safe(", ".join(map(str, value)))
    return safe(str(value))


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]], *, mark: bool = True) -> Iterator[bytes]:
    """Yield a CSV in UTF-8; the mark at its beginning tells Excel so."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([safe(name) for name in header])
    if mark:
        yield b"\xef\xbb\xbf"
    for row in rows:
        writer.writerow([plain(value) for value in row])
        if buffer.tell() > CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def json_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield a JSON object a line, by field name; amounts as decimal texts."""
    held = bytearray()
    for row in rows:
        held += orjson.dumps(
            dict(zip(names, row, strict=True)), default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
        )
        if len(held) > CHUNK:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def workbook(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield a workbook with typed cells; texts are texts, whatever they begin with. Raises TooManyRows."""
    from openpyxl import Workbook  # late, as below: only who writes workbooks needs it

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Regulars")
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, name) for name in header])
    for count, row in enumerate(rows, 2):
        if count > MOST_ROWS:
            raise TooManyRows
        sheet.append([_cell(sheet, value) for value in row])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def _cell(sheet: Any, value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return value
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", text)[:32_767])
    cell.data_type = "s"
    return cell


def parquet(names: Sequence[str], types: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield a Parquet file with a typed schema, in row groups of 20,000."""
    import pyarrow
    from pyarrow import parquet as files

    kinds = {
        "number": pyarrow.decimal128(24, 6), "money": pyarrow.decimal128(24, 6), "whole": pyarrow.int64(), "date": pyarrow.date32(),
        "moment": pyarrow.timestamp("us", tz="UTC"), "yes_no": pyarrow.bool_(), "tags": pyarrow.list_(pyarrow.string()),
        "choices": pyarrow.list_(pyarrow.string()),
    }  # fmt: skip
    schema = pyarrow.schema(
        [(name, kinds.get(kind, pyarrow.string())) for name, kind in zip(names, types, strict=True)]
    )
    with tempfile.TemporaryFile() as file:
        with files.ParquetWriter(file, schema, compression="zstd") as writer:
            group: list[Sequence[Any]] = []
            for row in rows:
                group.append(row)
                if len(group) == GROUP:
                    writer.write_table(_columns(pyarrow, schema, group))
                    group = []
            if group:
                writer.write_table(_columns(pyarrow, schema, group))
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def _columns(pyarrow: Any, schema: Any, group: Sequence[Sequence[Any]]) -> Any:
    arrays = []
    for place, field in enumerate(schema):
        values = [row[place] for row in group]
        if pyarrow.types.is_decimal(field.type):
            values = [None if value is None else Decimal(value).quantize(Decimal("0.000001")) for value in values]
        elif pyarrow.types.is_int64(field.type):
            values = [None if value is None else int(value) for value in values]
        elif pyarrow.types.is_string(field.type):
            values = [None if value is None else str(value) for value in values]
        elif pyarrow.types.is_list(field.type):
            values = [None if value is None else list(map(str, value)) for value in values]
        arrays.append(pyarrow.array(values, type=field.type))
    return pyarrow.Table.from_arrays(arrays, schema=schema)
