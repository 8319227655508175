"""Reading Excel workbooks row by row, with the caps that keep a small file from becoming a large one.

A workbook is a zip of XML. What it unpacks to is added up before anything is read, documents with a DOCTYPE are refused, and
openpyxl reads through defusedxml, one row in memory at a time. Formulas give the value Excel stored with them.
"""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from saas.kit import errors
from saas.kit.text import gettext as _

MOST_ENTRIES, MOST_UNPACKED, MOST_STRINGS, MOST_RATIO = 2_000, 2 * 1024**3, 192 * 1024**2, 250
ZEROS = re.compile(r"0{2,}")


class BadWorkbook(errors.Invalid):
    """The workbook cannot be read, or would become too large."""

    code = "bad_file"


def check(path: Path) -> None:
    """Raise BadWorkbook unless the file is a workbook that unpacks to a bearable size."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
                raise BadWorkbook(_("This is a zip file, not an Excel workbook. Bring the table itself."))
            unpacked = sum(entry.file_size for entry in entries)
            swollen = any(
                entry.file_size > 1024**2 and entry.file_size > MOST_RATIO * max(entry.compress_size, 1)
                for entry in entries
            )
            strings = sum(entry.file_size for entry in entries if entry.filename.endswith("sharedStrings.xml"))
            if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or swollen or strings > MOST_STRINGS:
                raise BadWorkbook(
                    _("This workbook unpacks to far more than it should. Save the sheet as CSV and bring that.")
                )
            for entry in entries:
                if entry.filename.endswith((".xml", ".rels")):
                    with archive.open(entry) as part:
                        if b"<!" in part.read(2048).replace(b"<!--", b""):
                            raise BadWorkbook(
                                _("This workbook holds something a workbook never does. It was not read.")
                            )
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise BadWorkbook(_("This workbook is damaged. Open it in Excel, save it again and bring that.")) from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a workbook; whatever is wrong inside it is a refusal."""
    import openpyxl  # late: only who reads workbooks needs it
    from openpyxl.utils.exceptions import InvalidFileException

    check(path)
    try:
        with path.open("rb") as file:  # handed over open: by name it would judge the file by its ending
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                yield book
            finally:
                book.close()
    except (InvalidFileException, KeyError, ValueError, TypeError, zipfile.BadZipFile, OSError, SyntaxError) as error:
        raise BadWorkbook(_("This workbook is damaged. Open it in Excel, save it again and bring that.")) from error


def sheets(path: Path) -> list[str]:
    """Return the names of a workbook's sheets; raises BadWorkbook."""
    with _opened(path) as book:
        names = [sheet.title for sheet in book.worksheets]
    if not names:
        raise BadWorkbook(_("This workbook has no sheet."))
    return names


def rows(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, cells as text) of a sheet's rows; the first sheet where there is none of that name."""
    with _opened(path) as book:
        found = next((one for one in book.worksheets if one.title == sheet), book.worksheets[0])
        if hasattr(found, "reset_dimensions"):
            found.reset_dimensions()  # what a sheet says of its size is often wrong
        for number, cells in enumerate(found.iter_rows(max_col=600), 1):
            values = [_text(cell) for cell in cells]
            while values and not values[-1]:
                values.pop()
            if values:
                yield number, values


def _text(cell: Any) -> str:
    """Return a cell as the text a person would have typed: dates as ISO, whole numbers without a point, leading zeros kept."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return (
            value.date().isoformat()
            if value.time() == datetime.time()
            else value.isoformat(sep=" ", timespec="seconds")
        )
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (int, float)):
        text = str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
        form = getattr(cell, "number_format", None) or ""
        return text.zfill(len(form)) if ZEROS.fullmatch(form) and text.isdigit() else text
    return str(value)
