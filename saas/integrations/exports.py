"""Taking records away as a file: the same ones as a list shows, the columns that are wished, in four formats.

Small ones are there at once. Large ones are long work: each step reads some thousand rows by their key and keeps them as a
part, the last one joins the parts into a file that is kept for a day. What the acting member may not see is in no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, func, select

from saas.audiences import conditions, filters, segments, selecting
from saas.commerce import orders
from saas.commerce.models import Order
from saas.customers import finding
from saas.customers.models import Customer, Facts
from saas.integrations import sheet_writers
from saas.kit import access, clock, errors, files, records
from saas.kit.db import db
from saas.kit.records import Field
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.marketing import campaigns, mailings
from saas.marketing.models import MailingRecipient
from saas.tenancy import operations, reads
from saas.tenancy.models import Operation

FORMATS = {
    "csv": ("text/csv; charset=utf-8", "csv"), "xlsx": (sheet_writers.XLSX, "xlsx"), "ndjson": ("application/x-ndjson", "ndjson"),
    "parquet": ("application/vnd.apache.parquet", "parquet"),
}  # fmt: skip
AT_ONCE, BATCH, KEPT = 5_000, 5_000, timedelta(hours=24)
PERMISSIONS = {
    "customers": "customers.read", "products": "products.read", "orders": "orders.read", "lines": "orders.read", "recipients": "campaigns.read",
}  # fmt: skip
KINDS = {"customers": "customer", "products": "product", "orders": "order", "lines": "order", "recipients": "recipient"}


ROWS = {
    "customers": ("definition", "ids", "segment_id"), "products": selecting.ASKED["product"], "orders": selecting.ASKED["order"],
    "lines": selecting.ASKED["order"], "recipients": ("mailing_id", "state"),
}  # fmt: skip
"""What tells which rows a file has; no `ids` are no rows, for a search may have found nothing."""


class BadExport(errors.Invalid):
    """The file cannot be made as it is asked for."""


@dataclass(frozen=True)
class Column:
    """One column of a file: its name for programs, its label for people, and how a row gives its value."""

    name: str
    label: str
    type: str
    field: Field | None = None
    place: str = ""


def columns(what: str) -> dict[str, Column]:
    """Return the columns a file may have, as far as the acting person may see them."""
    if what == "recipients":
        return {
            name: Column(name, str(label), kind, place="recipient")
            for name, label, kind in RECIPIENT
            if name not in access.hidden("customer")
        }
    known = records.kind(KINDS[what]).fields()
    found = {name: Column(name, str(one.label), _type(one), one) for name, one in known.items() if one.type != "record"}
    if what in ("orders", "lines") and "email" not in access.hidden("customer"):
        found["customer.email"] = Column("customer.email", _("Customer’s e-mail"), "text", place="customer")
    if what == "lines":
        gone = {"unit_price"} if "total" in access.hidden("order") else set()
        found |= {name: Column(name, str(label), kind, place="line") for name, label, kind in LINE if name not in gone}
    return {"id": Column("id", _("Id"), "text", place="id"), **found}


LINE = (
    ("product", _l("Product’s id in the shop"), "text"), ("sku", _l("Article number"), "text"), ("name", _l("Product’s name"), "text"),
    ("quantity", _l("Quantity"), "whole"), ("unit_price", _l("Unit price"), "money"),
)  # fmt: skip
RECIPIENT = (
    ("email", _l("E-mail"), "text"), ("state", _l("State"), "text"), ("reason", _l("Reason"), "text"), ("sent_at", _l("Sent"), "moment"),
    ("opened_at", _l("Opened"), "moment"), ("clicked_at", _l("Clicked"), "moment"), ("bounced_at", _l("Bounced"), "moment"),
    ("complained_at", _l("Complained"), "moment"),
)  # fmt: skip


def _type(field: Field) -> str:
    return field.shape if field.shape in ("number", "money", "date", "moment", "yes_no", "tags", "choices") else "text"


def usual(what: str) -> list[str]:
    """Return the columns a file has when nobody chooses."""
    return [
        name
        for name, one in columns(what).items()
        if one.field is None or one.field.editable or what != "customers" or name in USUAL_FACTS
    ]


USUAL_FACTS = ("email_consent", "created_at", "orders_count", "spent_amount", "last_order_at")


def check(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked for, whole and allowed: what, format, columns, and which rows. Raises BadExport or a Forbidden."""
    what, form = params.get("what"), params.get("format", "csv")
    if what not in PERMISSIONS or form not in FORMATS:
        raise BadExport(fields={"what" if what not in PERMISSIONS else "format": [_("Choose one of the values.")]})
    access.require(PERMISSIONS[what])
    known = columns(what)
    chosen = list(dict.fromkeys(params.get("columns") or usual(what)))
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise BadExport(fields={"columns": [access.unknown(unknown[0])]})
    made = {
        name: params[name] for name in ROWS[what]
        if (name == "ids" and name in params) or params.get(name) not in (None, "", [])
    }  # fmt: skip
    if what == "recipients" and "mailing_id" not in made:
        raise BadExport(fields={"mailing_id": [_("This is needed.")]})
    query(what, made)  # what cannot be asked is refused now and not in the middle
    return {"what": what, "format": form, "columns": chosen, **made}


def query(what: str, asked: Mapping[str, Any]) -> Select:
    """Return a select of the rows that are asked for, without order."""
    if what == "customers":
        found = finding.with_facts(Customer, Facts)
        if asked.get("segment_id"):
            found = found.where(Customer.id.in_(segments.query(segments.one(asked["segment_id"]).definition)))
        definition = asked.get("definition") or {"conditions": []}
        if definition.get("conditions"):
            found = found.where(conditions.whole(conditions.check_fields(conditions.check(definition))))
        return found.where(Customer.id.in_(selecting.ids(asked))) if "ids" in asked else found
    if what == "recipients":
        return mailings.recipients(mailings.one(asked["mailing_id"]).id, state=asked.get("state"))
    return selecting.narrowed(KINDS[what], records.kind(KINDS[what]).query(), asked)


def key(what: str) -> Any:
    """Return the column by which rows are walked through."""
    return {"customers": Customer, "recipients": MailingRecipient, "orders": Order, "lines": Order}.get(
        what, records.kind("product").model
    ).id


def count(asked: Mapping[str, Any], *, most: int) -> int:
    """Return how many rows there are, at most `most` + 1."""
    rows = query(asked["what"], asked).with_only_columns(key(asked["what"]), maintain_column_froms=True).limit(most + 1)
    return db.session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def rows_after(asked: Mapping[str, Any], after: UUID | None, most: int) -> tuple[list[list[Any]], UUID | None, int]:
    """Return the values of some rows, the key of the last, and how many records they are of."""
    what = asked["what"]
    found = query(what, asked).order_by(key(what)).limit(most)
    if after is not None:
        found = found.where(key(what) > after)
    held = db.session.execute(found).all()
    if not held:
        return [], None, 0
    wanted = [columns(what)[name] for name in asked["columns"]]
    last = held[-1][0].id
    if what == "recipients":
        values = [[_of_recipient(row[0], one) for one in wanted] for row in held]
    elif what in ("orders", "lines"):
        values = _of_orders([row[0] for row in held], wanted, by_line=what == "lines")
    else:
        people = asked["format"] in ("csv", "xlsx")
        values = [[_of(row if len(row) > 1 else row[0], one, people) for one in wanted] for row in held]
    for row in held:  # what was read is not kept in mind
        for one in row:
            db.session.expunge(one)
    return values, last, len(held)


def _of(record: Any, column: Column, people: bool) -> Any:
    part = record[0] if hasattr(record, "_fields") else record
    if column.field is None:
        return str(part.id)
    value = column.field.of(record)
    if value is not None and column.field.shape in ("choice", "choices") and people:
        return column.field.write(value)
    return value


def _of_recipient(row: Any, column: Column) -> Any:
    value = getattr(row, column.name, None)
    return value if column.type == "moment" else value or None


def _of_orders(held: Sequence[Order], wanted: Sequence[Column], *, by_line: bool) -> list[list[Any]]:
    people = {}
    if any(one.place == "customer" for one in wanted):
        people = finding.many([order.customer_id for order in held if order.customer_id])
    lines: dict[UUID, list[Any]] = {}
    for line in orders.lines_of([order.id for order in held]) if by_line else ():
        lines.setdefault(line.order_id, []).append(line)
    found = []
    for order in held:
        for line in lines.get(order.id, [None]) if by_line else [None]:
            found.append([_of_order(order, line, people, one) for one in wanted])
    return found


def _of_order(order: Order, line: Any, people: Mapping[UUID, Customer], column: Column) -> Any:
    if column.place == "customer":
        customer = people.get(order.customer_id) if order.customer_id else None
        return customer.email if customer else None
    if column.place == "line":
        if line is None:
            return None
        held = {
            "product": line.product_key,
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "unit_price": Decimal(line.unit_micros).scaleb(-6),
        }
        return held[column.name]
    return _of(order, column, False)


def _every_row(asked: Mapping[str, Any]) -> Iterator[list[Any]]:
    after: UUID | None = None
    while True:
        values, after, _records = rows_after(asked, after, BATCH)
        yield from values
        if after is None:
            return


def file_name(asked: Mapping[str, Any]) -> str:
    return f"{asked['what']}-{clock.now():%Y-%m-%d}.{FORMATS[asked['format']][1]}"


def at_once(params: Mapping[str, Any]) -> tuple[Iterator[bytes], str, str] | None:
    """Return (the file in pieces, its name, its type) when it is small, and None when it is long work. Raises BadExport."""
    asked = check(params)
    number = count(asked, most=AT_ONCE)
    if number > AT_ONCE:
        return None
    _trace(asked, number)
    return _written(asked, _every_row(asked)), file_name(asked), FORMATS[asked["format"]][0]


def _written(asked: Mapping[str, Any], rows: Iterable[list[Any]]) -> Iterator[bytes]:
    wanted = [columns(asked["what"])[name] for name in asked["columns"]]
    names, labels = [one.name for one in wanted], [one.label for one in wanted]
    if asked["format"] == "csv":
        return sheet_writers.csv_lines(labels, rows)
    if asked["format"] == "xlsx":
        return sheet_writers.workbook(labels, rows)
    if asked["format"] == "parquet":
        return sheet_writers.parquet(names, [one.type for one in wanted], rows)
    return sheet_writers.json_lines(names, rows)


def _trace(asked: Mapping[str, Any], number: int) -> None:
    """One entry says that this left the house: how many, which, and which columns."""
    which = {name: value for name, value in asked.items() if name not in ("what", "format", "columns", "ids")}
    reads.record_export(
        kind=KINDS[asked["what"]], count=number, filter=which or None, fields=asked["columns"], form=asked["format"]
    )


def begin(params: Mapping[str, Any]) -> Operation:
    """Begin a large file as long work; raises BadExport."""
    asked = check(params)
    total = count(asked, most=100_000_000)
    return operations.start(
        kind=f"exports.{asked['what']}",
        params=asked | {"header": _header(asked)},
        total=total,
        title=_("Export: %(name)s", name=file_name(asked)),
    )


def _header(asked: Mapping[str, Any]) -> list[str]:
    """The labels are those of the language of whoever asked: later nobody is there to ask."""
    known = columns(asked["what"])
    return [known[name].label for name in asked["columns"]]


def step(operation: Operation) -> bool:
    """Read some rows into a part; after the last, join the parts."""
    asked = operation.params
    cursor = operation.cursor
    if cursor.get("last") != "":
        after = UUID(cursor["last"]) if cursor.get("last") else None
        values, last, number = rows_after(check(asked), after, BATCH)
        parts = list(cursor.get("parts", ()))
        if values:
            part = files.write([orjson.dumps(row, default=_kept) + b"\n" for row in values], name="part", keep=KEPT)
            parts.append(str(part.id))
        operation.cursor = {"last": str(last) if last else "", "parts": parts}
        operation.done += number
        return True
    _join(operation, check(asked), list(cursor.get("parts", ())))
    return False


def _kept(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return list(value)
    return str(value)


def _join(operation: Operation, asked: dict[str, Any], parts: Sequence[str]) -> None:
    known = columns(asked["what"])
    types = [known[name].type for name in asked["columns"]]
    rows = (_typed(row, types) for part in parts for row in _rows_of(part))
    content_type, _ending = FORMATS[asked["format"]]
    names = asked["columns"]
    header = operation.params.get("header") or names
    written = {
        "csv": lambda: sheet_writers.csv_lines(header, rows), "xlsx": lambda: sheet_writers.workbook(header, rows),
        "ndjson": lambda: sheet_writers.json_lines(names, rows), "parquet": lambda: sheet_writers.parquet(names, types, rows),
    }[asked["format"]]  # fmt: skip
    try:
        file = files.write(written(), name=file_name(asked), content_type=content_type, keep=KEPT)
    except sheet_writers.TooManyRows:
        raise BadExport(_("A sheet holds 1,048,575 rows at most. Choose CSV or Parquet.")) from None
    for part in parts:
        files.remove(part)
    _trace(asked, operation.done)
    operation.report = operation.report | {"files": [{"id": str(file.id), "label": file.name}]}


def _rows_of(part: str) -> Iterator[list[Any]]:
    with files.open(part) as held:
        for line in held:
            yield orjson.loads(line)


def _typed(row: list[Any], types: Sequence[str]) -> list[Any]:
    """Return values as they were before they were kept."""
    found = []
    for value, kind in zip(row, types, strict=True):
        if value is None or kind in ("text", "whole", "yes_no", "tags", "choices"):
            found.append(value)
        elif kind in ("number", "money"):
            found.append(Decimal(value))
        elif kind == "date":
            found.append(date.fromisoformat(value))
        else:
            found.append(datetime.fromisoformat(value))
    return found


def mailing_of(campaign_id: UUID) -> str:
    """Return the mailing of a campaign; raises BadExport when nothing was sent."""
    found = mailings.of_campaign(campaigns.one(campaign_id).id)
    if found is None:
        raise BadExport(fields={"campaign_id": [_("This campaign was not sent.")]})
    return str(found.id)


def definition(texts: Iterable[str]) -> dict[str, Any]:
    """Return what filters of a list ask; raises filters.BadFilter."""
    return filters.definition(texts)


for _what, _name in PERMISSIONS.items():
    operations.kind(f"exports.{_what}", permission=_name, title=_l("Export"))(step)
