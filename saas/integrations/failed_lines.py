"""The lines that an import could not take, as a file like the one that was brought: mended, it can be brought again.

Same columns, same delimiter and encoding, one more column with the reason. Cells stand as they were.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from saas.integrations import import_rows, sheet_writers
from saas.integrations.models import Import
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import operations
from saas.tenancy.models import OperationFailure

MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def of(held: Import, translate: Callable[[str], str]) -> tuple[Iterator[bytes], str, str]:
    """Return (the file in pieces, its name, its type); `translate` puts a reason into the reader's language."""
    reading = import_rows.reading_of(held)
    stem = held.name.rsplit(".", 1)[0]
    rows = _rows(held.run_id, translate) if held.run_id else iter(())
    header = [*held.headers, _("Why it failed")]
    if reading.format == "xlsx":
        return sheet_writers.workbook(header, rows), f"{stem} – {_('failed lines')}.xlsx", sheet_writers.XLSX
    return _text(header, rows, reading), f"{stem} – {_('failed lines')}.csv", "text/csv"


def _rows(operation_id: UUID, translate: Callable[[str], str]) -> Iterator[list[str]]:
    query = operations.failures(operation_id).order_by(OperationFailure.position, OperationFailure.id)
    for failure in db.session.scalars(query.execution_options(yield_per=500)):
        cells = failure.row if isinstance(failure.row, list) else [str(failure.row)]
        yield [*map(str, cells), " ".join(translate(sentence) for sentence in [failure.reason])]


def _text(header: list[str], rows: Iterator[list[str]], reading: Any) -> Iterator[bytes]:
    encoding = reading.encoding if reading.format == "csv" else "utf-8"
    delimiter, quote = (reading.delimiter, reading.quote or '"') if reading.format == "csv" else (",", '"')
    yield MARKS.get(encoding, b"")
    width = len(header) - 1
    yield _line(header, delimiter, quote).encode(encoding, "replace")
    for row in rows:
        yield _line([*(row[:-1] + [""] * width)[:width], row[-1]], delimiter, quote).encode(encoding, "replace")


def _line(cells: list[str], delimiter: str, quote: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quotechar=quote).writerow(cells)
    return buffer.getvalue()
