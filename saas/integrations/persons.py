"""One person, whole: taken out as a file they can read and a machine can. It walks the marks of the columns (`kit.personal`).

Erasing them wherever they are is `erasures`.
"""

from __future__ import annotations

import html
import shutil
import tempfile
import zipfile
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from saas.customers import profiles
from saas.integrations import person_traces
from saas.kit import cells, clock, files, personal
from saas.kit.personal import Traces
from saas.kit.text import later as _l
from saas.tenancy import audit, operations, tenants

EXPORT = "customers.export_person"
KEEP = timedelta(days=7)


def export(customer_id: UUID | str) -> Any:
    """Begin to put together everything that is kept about a person; returns the operation, whose result is a file."""
    customer = profiles.one(customer_id)
    audit.record(action="customers.exported_person", kind="customer", record_id=customer.id)
    return operations.start(kind=EXPORT, params={"customer_id": str(customer.id)}, total=len(personal.tables()))


@operations.kind(EXPORT, permission="customers.delete", title=_l("Data of one person"))
def export_step(operation: Any) -> bool:
    """Write the file."""
    file = file_of(operation.params["customer_id"])
    operation.done = operation.total or 0
    operation.report = {"files": [{"id": str(file.id), "label": file.name}]}
    return False


def file_of(customer_id: UUID | str) -> Any:
    """Return the file with everything about a person: person.json (whole), person.html to read, and a CSV for each table."""
    traces = person_traces.gather([profiles.one(customer_id).id])
    with tempfile.SpooledTemporaryFile(max_size=8 * 1024 * 1024) as room:
        with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as packed:
            _pack(packed, traces)
        room.seek(0)
        pieces = iter(partial(room.read, 256 * 1024), b"")
        return files.write(
            pieces,
            name=f"person-{traces.customers[0]}.zip",
            content_type="application/zip",
            permission="customers.delete",
            keep=KEEP,
        )


def _pack(packed: zipfile.ZipFile, traces: Traces) -> None:
    """Write table by table; what waits for its place in the file waits on disk."""
    company = tenants.current().name
    about = {
        "company": company,
        "made_at": clock.now().isoformat(),
        "customers": [str(one) for one in traces.customers],
    }
    with ExitStack() as waiting:
        page = waiting.enter_context(tempfile.SpooledTemporaryFile(max_size=4 * 1024 * 1024))
        page.write(_head(company).encode())
        sheets: dict[str, Any] = {}
        with packed.open("person.json", "w", force_zip64=True) as whole:
            whole.write(orjson.dumps(about)[:-1] + b',"tables":{')
            for table in personal.tables():
                if personal.holds(table, traces):
                    whole.write((b"," if sheets else b"") + orjson.dumps(table) + b":[")
                    sheets[table] = waiting.enter_context(tempfile.SpooledTemporaryFile(max_size=1024 * 1024))
                    _write_table(whole, page, sheets[table], table, traces)
            whole.write(b'},"copies":' + orjson.dumps(personal.copies(traces)))
            whole.write(b',"history":' + orjson.dumps(_history(traces), default=str) + b"}")
        page.write(b"</body></html>")
        for name, held in (
            {f"csv/{table}.csv": sheet for table, sheet in sheets.items()} | {"person.html": page}
        ).items():
            held.seek(0)
            with packed.open(name, "w", force_zip64=True) as into:
                shutil.copyfileobj(held, into)


def _write_table(whole: Any, page: Any, sheet: Any, table: str, traces: Traces) -> None:
    names: list[str] = []
    for row in personal.read(table, traces):
        whole.write((b"," if names else b"") + orjson.dumps(row))
        if not names:
            names = list(row)
            sheet.write("\ufeff".encode() + cells.lines([names]))
            heads = "".join(f"<th>{html.escape(name)}</th>" for name in names)
            page.write(f"<h2>{html.escape(table)}</h2><table><tr>{heads}</tr>".encode())
        said = [_plain(row[name]) for name in names]
        sheet.write(cells.lines([said]))
        page.write(f"<tr>{''.join(f'<td>{html.escape(one)}</td>' for one in said)}</tr>".encode())
    whole.write(b"]")
    page.write(b"</table>")


def _plain(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()


def _head(company: str) -> str:
    style = "body{font:15px/1.5 system-ui;margin:2rem}table{border-collapse:collapse;margin-bottom:2rem}td,th{border:1px solid #ccc;padding:.2rem .5rem;text-align:left;vertical-align:top}"
    return f"<!doctype html><html><head><meta charset='utf-8'><title>{html.escape(company)}</title><style>{style}</style></head><body><h1>{html.escape(company)}</h1>"


def _history(traces: Traces) -> list[dict[str, Any]]:
    """Return what was done about the person, from the trace: when, what, and the values, without who did it."""
    found = []
    for customer_id in traces.customers:
        for told in audit.of_record(kind="customer", record_id=customer_id):
            found.append(
                {"at": told.entry.acted_at, "action": told.entry.action, "before": told.before, "after": told.after}
            )
    return found
