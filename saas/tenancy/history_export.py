"""The history as a file: a line an entry, written part by part in the background, with the same filter as on the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from saas.kit import access, cells, files
from saas.kit import pages as paging
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.tenancy import audit, operations, reads, seeing, tenants
from saas.tenancy.audit import Told
from saas.tenancy.models import Operation

KIND = "history.export"
BATCH = 2_000
KEEP = timedelta(days=7)
HEADS = (
    "time",
    "who",
    "kind of actor",
    "door",
    "address",
    "browser",
    "request",
    "action",
    "kind",
    "record",
    "batch",
    "before",
    "after",
)


def start(*, asked: Mapping[str, str]) -> Operation:
    """Begin to write the history into a file; `asked` is the page's filter."""
    seeing.require_listed(kind=asked.get("kind", ""), record_id=asked.get("record", ""))
    reads.record_export(kind="audit", count=0, filter=dict(asked), form="csv")
    return operations.start(kind=KIND, params={"asked": dict(asked)})


def wanted(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what `audit.listed` takes from the page's filter; a day or an id that cannot be read asks nothing."""
    zone = ZoneInfo(tenants.settings().zone)
    until = _day(asked.get("until", ""))
    return {
        "actor_id": asked.get("who", ""), "actions": [asked["action"]] if asked.get("action") else (), "kind": asked.get("kind", ""),
        "record_id": asked.get("record", ""), "batch": _id(asked.get("batch", "")), "since": _moment(_day(asked.get("since", "")), zone),
        "until": _moment(until and until + timedelta(days=1), zone),
    }  # fmt: skip


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _moment(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time(), zone) if day else None


@operations.kind(KIND, permission="audit.read", title=_l("History as a file"))
def _write_some(operation: Operation) -> bool:
    """Write the next part into a file of its own; at the end all parts become one."""
    cursor, parts = operation.cursor.get("cursor"), operation.cursor.get("parts", [])
    if operation.cursor.get("read"):
        _join(operation, parts)
        return False
    rows: list[tuple[Any, ...]] = [] if parts else [HEADS]
    for _page in range(BATCH // paging.MOST):
        page = paging.page(
            audit.listed(**wanted(operation.params["asked"])), order=audit.NEWEST, cursor=cursor, limit=paging.MOST
        )
        rows += [_row(Told(*row)) for row in page.items]
        operation.done += len(page.items)
        cursor = page.next
        if cursor is None:
            break
    part = files.write([cells.lines(rows)], name="part.csv", keep=timedelta(days=1), permission="audit.read")
    operation.cursor = {"cursor": cursor, "parts": [*parts, str(part.id)], "read": cursor is None}
    return True


def _join(operation: Operation, parts: list[str]) -> None:
    into = files.writer(
        name=f"{_('history')}.csv", content_type="text/csv; charset=utf-8", permission="audit.read", keep=KEEP
    )
    into.write(b"\xef\xbb\xbf")
    for part in parts:
        for chunk in files.chunks(UUID(part)):
            into.write(chunk)
        files.remove(part)
    into.close()
    operation.report = {
        "files": [{"id": str(into.file.id), "label": _("Download the history")}],
        "lines": [[_("Entries"), operation.done]],
    }


def _row(told: Told) -> tuple[Any, ...]:
    entry, who, kind = told.entry, told.values.who or {}, told.entry.record_kind
    before, after = (access.shown(kind, values) for values in (told.before, told.after))
    return (
        entry.acted_at.isoformat(), who.get("name", ""), entry.actor_kind, entry.door, who.get("address", ""), who.get("browser", ""),
        entry.request_id, entry.action, kind, entry.record_id, entry.batch or "", _json(before), _json(after),
    )  # fmt: skip


def _json(values: dict[str, Any]) -> str:
    return orjson.dumps(values).decode() if values else ""
