"""One person, whole: taken out as a file they can read and a machine can, or erased wherever they are.

Both walk the marks of the columns (`kit.personal`). Erasing is one transaction, with what lies outside the database right
after it: live sessions, the search folder. What is left is a certificate that names no one.
"""

from __future__ import annotations

import html
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select

from saas.audiences import suppression
from saas.commerce.models import Order, Visitor
from saas.customers import erased, identity, merge_tree, profiles
from saas.customers.events import CustomerDeleted
from saas.customers.models import Customer, Erasure
from saas.kit import belongings, cells, clock, errors, files, identifiers, personal, scope, search, text, valkey, work
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.personal import Traces
from saas.kit.text import later as _l
from saas.marketing.models import MailingRecipient
from saas.recommend import browsers, shown
from saas.tenancy import audit, operations, tenants

EXPORT, ERASE = "customers.export_person", "customers.erase_person"
KEEP = timedelta(days=7)
ZIPPED = (
    "application/zip",
    "application/vnd.openxmlformats",
    "application/vnd.apache.parquet",
    "application/octet-stream",
)
"""Files in which no word can be looked for; one made since the person is known may hold them."""


def gather(customer_id: UUID | str) -> Traces:
    """Return by what a person is found: as a customer now, as who they were before merges, and by their names. Raises NoSuchCustomer."""
    customer = profiles.one(customer_id)
    under = merge_tree.below(customer.id)
    ids = [customer.id, *(merge.loser_id for merge in under)]
    emails, phones = {customer.email_norm, (customer.email or "").lower()}, {customer.phone, customer.phone_norm}
    for merge in under:
        for _table, _key, row in belongings.rows(merge.id, table=merge_tree.TABLE):
            emails |= {row.get("email_norm"), (row.get("email") or "").lower()}
            phones |= {row.get("phone") or "", row.get("phone_norm") or ""}
    names = identity.names_of(customer.id)
    emails |= {name.value for name in names if name.kind == "email"}
    phones |= {name.value for name in names if name.kind == "phone"}
    visitors = {name.value for name in names if name.kind == "visitor"}
    visitors |= set(db.session.scalars(select(Visitor.visitor).where(Visitor.customer_id.in_(ids))))
    recipients = db.session.execute(
        select(MailingRecipient.id, MailingRecipient.email).where(MailingRecipient.customer_id.in_(ids))
    ).all()
    emails |= {(address or "").lower() for _id, address in recipients}
    return Traces(
        customers=tuple(ids), orders=tuple(db.session.scalars(select(Order.id).where(Order.customer_id.in_(ids)))),
        recipients=tuple(key for key, _address in recipients), visitors=tuple(sorted(visitors)), emails=tuple(sorted(filter(None, emails))),
        phones=tuple(sorted(filter(None, phones))),
    )  # fmt: skip


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
    traces = gather(customer_id)
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


def erase(customer_id: UUID | str) -> Any:
    """Begin to erase a person everywhere; returns the operation, whose result is the certificate."""
    customer = profiles.one(customer_id)
    return operations.start(kind=ERASE, params={"customer_id": str(customer.id)}, total=1)


@operations.kind(ERASE, permission="customers.delete", title=_l("Erasing one person"))
def erase_step(operation: Any) -> bool:
    """Erase the person and write the certificate."""
    shown.write_pending()
    made = erase_now(operation.params["customer_id"])
    operation.done = 1
    operation.params = {"erasure_id": str(made.id)}
    operation.report = {"certificate": {"id": str(made.id), "at": made.erased_at.isoformat()}, "told": made.told}
    return False


def erase_now(customer_id: UUID | str) -> Erasure:
    """Erase a person in the open unit of work, with what lies outside the database after its commit. Raises NoSuchCustomer."""
    traces = gather(customer_id)
    belongings.lock(merge_tree.TABLE, list(traces.customers))
    norms = [norm for email in traces.emails if (norm := _norm(email))]
    reasons = suppression.reasons_for(norms)
    made = Erasure(id=identifiers.new(), erased_at=clock.now(), erased_by=scope.actor().name)
    since = db.session.scalar(select(func.min(Customer.created_at)).where(Customer.id.in_(traces.customers)))
    search.touch("customer", *traces.customers)
    search.touch("order", *traces.orders)
    _drop_merges(traces)
    counts = personal.erase(traces)
    counts |= {"stored_files": _drop_files(traces, since)}
    counts["audit_values"] = audit.erase_person(
        kind="customer",
        record_ids=traces.customers,
        others=[("order", traces.orders), ("address", [erased.digest(norm) for norm in norms])],
    )
    erased.remember(norms, erasure_id=made.id, reasons=reasons)
    made.counts = {table: many for table, many in sorted(counts.items()) if many}
    made.told = personal.mentioned(traces)
    db.session.add(made)
    db.session.flush()
    search.touch("", None)  # type: ignore[arg-type]  # the whole index is made anew: a search folder keeps what was deleted until then
    announce(*[CustomerDeleted(customer_id=str(one)) for one in traces.customers])
    audit.record(
        action="customers.erased",
        kind="customer",
        record_id=traces.customers[0],
        after={"certificate": str(made.id), "rows": sum(made.counts.values())},
    )
    tenant_id = scope.tenant_id()
    work.after_commit(lambda: _forget_live(tenant_id, traces))
    return made


def _norm(email: str) -> str:
    try:
        return text.email(email)
    except text.NotAnEmail:
        return ""


def _drop_merges(traces: Traces) -> None:
    """Who they were before merges goes with the journals that could bring it back."""
    belongings.forget(
        [merge.id for merge in merge_tree.ever(list(traces.customers)) if merge.winner_id in traces.customers]
    )


def _drop_files(traces: Traces, known_since: datetime | None) -> int:
    """Remove the files in which the person is written, and those that may hold them and cannot be looked through."""
    gone = 0
    for file in files.kept():
        if file.content_type.startswith(ZIPPED):
            holds = known_since is None or file.created_at >= known_since
        else:
            holds = _holds(files.chunks(file.id), traces.words)
        if holds:
            files.remove(file.id)
            gone += 1
    return gone


def _holds(chunks: Iterator[bytes], words: list[str]) -> bool:
    wanted = [word.encode() for word in words] + [word.encode("utf-16-le") for word in words]
    longest, rest = max(map(len, wanted), default=0), b""
    for chunk in chunks:
        part = (rest + chunk).lower()
        if any(word in part for word in wanted):
            return True
        rest = part[-longest:]
    return False


def _forget_live(tenant_id: int, traces: Traces) -> None:
    """Take the person out of Valkey: live sessions, whose browser it is, what was bought."""
    names = [f"live:{tenant_id}:{one}" for one in traces.visitors] + [
        browsers.key(tenant_id, one) for one in traces.visitors
    ]
    names += [f"bought:{tenant_id}:{one}" for one in traces.customers]
    for start in range(0, len(names), 500):
        valkey.client().delete(*names[start : start + 500])


def certificate(erasure_id: UUID | str) -> Erasure:
    """Return the certificate of an erasure: when, by whom, and how many rows were reached where."""
    return kit_db.one(Erasure, erasure_id, errors.NotFound)
