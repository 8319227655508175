"""The long work of an import: trying it on the whole file, doing it, and taking it back, each in bounded steps.

A step reads some thousand rows, decides what becomes of them and, in earnest, writes them together with the journal and the
cursor in one transaction. A worker that is killed therefore doubles nothing and leaves nothing out.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid5

from sqlalchemy import Boolean, DateTime, Text, Uuid, cast, delete, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from saas.customers import profiles
from saas.customers.bulk import Written
from saas.integrations import import_rows, imports, taking_back
from saas.integrations.models import Import, ImportEntry, ImportSeen
from saas.integrations.outcomes import Decided, Outcome
from saas.kit import arrays, identifiers, scope
from saas.kit.db import db
from saas.kit.text import later as _l
from saas.tenancy import audit, limits, operations
from saas.tenancy.models import Operation

BATCH = {"customer": 5_000, "product": 1_000, "order": 1_000}
SAYS = ("first_name", "last_name", "name", "company", "email", "phone")
SHOWN_ROWS, SHOWN_REASONS, SHOWN_CELLS, SHOWN_LINES, SHOWN_LIKELY = 8, 40, 100, 200, 50


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of cycles from walking through a hundred thousand values that are in none."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@_uncollected()
def check(operation: Operation) -> bool:
    """Try some rows and tell what would become of them."""
    held = _held(operation)
    start = operation.cursor.get("rows", 0)
    taker = imports.taker(held)
    rows = import_rows.take_parsed(held, start=start, most=BATCH[held.kind], together=taker.together)
    if rows:
        decided = taker.decide(rows, trial=True)
        _note_repeated(operation, taker, decided)
        _tell(operation, held, decided)
        operation.cursor = {"rows": start + len(rows)}
        operation.done = start + len(rows)
        return True
    seen = delete(ImportSeen).where(ImportSeen.trial_id == operation.id)
    db.session.execute(seen.execution_options(synchronize_session=False))
    operation.report = operation.report | {"finished": True}
    return False


def _held(operation: Operation) -> Import:
    return imports.one(operation.params["import_id"])


def _note_repeated(operation: Operation, taker: Any, decided: Decided) -> None:
    """A trial writes no customers, so what the file said before is kept as digests."""
    keys = taker.keys(decided)
    digests = {key: uuid5(operation.id, key) for _outcome, own in keys for key in own}
    if not digests:
        return
    new = arrays.table(id=(list(digests.values()), Uuid))
    rows = select(literal(scope.tenant_id(), ImportSeen.tenant_id.type), new.c.id, literal(operation.id, Uuid))
    statement = insert(ImportSeen).from_select(["tenant_id", "id", "trial_id"], rows, include_defaults=False)
    fresh = set(db.session.scalars(statement.on_conflict_do_nothing().returning(ImportSeen.id)))
    for outcome, own in keys:
        if any(digests[key] not in fresh for key in own):
            outcome.state = "repeated"


def _tell(operation: Operation, held: Import, decided: Decided) -> None:
    """Add what became of some rows to what the page shows."""
    report = dict(operation.report)
    counts = Counter(report.get("counts", {}))
    counts.update(decided.counts())
    report["counts"] = dict(counts)
    reasons = Counter(report.get("reasons", {}))
    reasons.update(one.reason for one in decided.outcomes if one.state == "failed")
    report["reasons"] = dict(reasons.most_common(SHOWN_REASONS))
    report["cells"] = _bad_cells(report.get("cells", []), decided.outcomes)
    lines = list(report.get("lines_failed", []))
    for one in decided.outcomes:
        if one.state == "failed" and len(lines) < SHOWN_LINES:
            lines.append([one.row.line, one.reason, [cell[:80] for cell in one.row.cells[:12]]])
    report["lines_failed"] = lines
    shown = list(report.get("rows", []))
    for one in decided.outcomes:
        if len(shown) < SHOWN_ROWS and one.state != "failed":
            shown.append(_shown(one))
    report["rows"] = shown
    report["likely"] = _likely(report.get("likely"), decided.outcomes)
    operation.failed += sum(one.state == "failed" for one in decided.outcomes)
    operation.report = report


def _likely(known: dict[str, Any] | None, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Count the rows that may be customers who are there, though no rule says so, and keep the first of them."""
    found = dict(known or {"certain": 0, "possible": 0, "rows": []})
    rows = list(found["rows"])
    for one in outcomes:
        if one.likely is None or one.state in ("failed", "skipped", "repeated"):
            continue
        customer_id, said = one.likely
        found["certain" if said.safe else "possible"] += 1
        if len(rows) < SHOWN_LIKELY:
            says = (_plain(one.row.values.get(name) or "") for name in SAYS)
            rows.append({"line": one.row.line, "says": " ".join(filter(None, says))[:160], "record_id": str(customer_id), "score": round(said.score, 3),
                         "evidence": list(said.reasons), "certain": said.safe, "state": one.state})  # fmt: skip
    return found | {"rows": rows}


def _bad_cells(known: list[dict[str, Any]], outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Gather cells that cannot be read, by column and value, with how often and where they stand first."""
    found = {(one["column"], one["value"]): dict(one) for one in known}
    for outcome in outcomes:
        if outcome.state != "failed":
            continue
        for place, name, sentence in outcome.row.problems:
            if place < 0:
                continue
            value = outcome.row.cells[place]
            if (place, value) in found:
                found[place, value]["times"] += 1
            elif len(found) < SHOWN_CELLS and len(value) <= 500:
                found[place, value] = {
                    "column": place,
                    "field": name,
                    "value": value,
                    "reason": sentence,
                    "times": 1,
                    "line": outcome.row.line,
                }
    return list(found.values())


def _shown(outcome: Outcome) -> dict[str, Any]:
    """Return a row as it would become, for people."""
    given = {name: value for name, value in outcome.row.values.items() if value not in (None, "")}
    return {"line": outcome.row.line, "state": outcome.state, "record_id": str(outcome.record_id) if outcome.record_id and outcome.state != "created" else None,
            "values": {name: _plain(value) for name, value in given.items()},
            "before": {name: _plain(value) for name, value in (outcome.before or {}).items() if name not in ("email_norm", "phone_norm", "name_sort", "custom")}}  # fmt: skip


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)).strip() if len(value) == 2 else ", ".join(map(str, value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)[:300]


@_uncollected()
def run(operation: Operation) -> bool:
    """Take some rows in earnest."""
    held = _held(operation)
    start = operation.cursor.get("rows", 0)
    taker = imports.taker(held)
    rows = import_rows.take_parsed(held, start=start, most=BATCH[held.kind], together=taker.together)
    if not rows:
        _finish(operation, held)
        return False
    room = operation.cursor.get("room", "new")
    if held.kind == "customer":
        taker.room = _room() if room == "new" else room
    decided = taker.decide(rows)
    _leave_repeated(held, taker, decided)
    written = taker.write(decided)
    _mark_repeated(held, decided, written)
    operations.note_failed(operation, decided.failed())
    counts = Counter(operation.report.get("counts", {}))
    counts.update(decided.counts())
    reasons = Counter(operation.report.get("reasons", {}))
    reasons.update(one.reason for one in decided.outcomes if one.state == "failed")
    told: dict[str, Any] = {"counts": dict(counts), "reasons": dict(reasons.most_common(SHOWN_REASONS))}
    if held.options.get("likely") == "same":
        told["likely"] = _likely(operation.report.get("likely"), decided.outcomes)
    operation.report = operation.report | told
    operation.done = start + len(rows)
    operation.cursor = {"rows": start + len(rows), "room": taker.room}
    return True


def _room() -> int | None:
    most = limits.most("contacts")
    return None if most is None else most - profiles.count()


def _mark_repeated(held: Import, decided: Decided, written: Sequence[Written]) -> None:
    """Write the journal. A record that this import touched before keeps what it was at first, and its row is told as repeated."""
    if not written:
        return
    fresh_ids = set(ids := identifiers.many(len(written)))
    new = arrays.table(
        id=(ids, Uuid), record_id=([one.record_id for one in written], Uuid), made=([one.made for one in written], Boolean),
        at=([one.at for one in written], DateTime(timezone=True)), before=([taking_back.kept(one.before) for one in written], Text),
        after=([taking_back.kept(one.after) for one in written], Text),
    )  # fmt: skip
    values = {
        "tenant_id": literal(scope.tenant_id(), ImportEntry.tenant_id.type), "id": new.c.id, "import_id": literal(held.id, Uuid), "record_id": new.c.record_id,
        "made": new.c.made, "at": new.c.at, "before": cast(new.c.before, JSONB), "after": cast(new.c.after, JSONB),
    }  # fmt: skip
    statement = insert(ImportEntry).from_select(list(values), select(*values.values()), include_defaults=False)
    fresh = statement.excluded
    empty = literal("{}", Text)
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "import_id", "record_id"],
        set_={
            "at": fresh.at,
            "before": func.coalesce(fresh.before, cast(empty, JSONB)).op("||")(
                func.coalesce(ImportEntry.before, cast(empty, JSONB))
            ),
            "after": func.coalesce(ImportEntry.after, cast(empty, JSONB)).op("||")(
                func.coalesce(fresh.after, cast(empty, JSONB))
            ),
        },
    )
    kept = dict(db.session.execute(statement.returning(ImportEntry.id, ImportEntry.record_id)).all())
    again = {record_id for entry_id, record_id in kept.items() if entry_id not in fresh_ids}
    for outcome in decided.outcomes:
        if outcome.record_id in again and outcome.state == "updated":
            outcome.state = "repeated"


def _leave_repeated(held: Import, taker: Any, decided: Decided) -> None:
    """Where the first row of a record counts, leave alone what an earlier step of this import touched."""
    if held.options.get("repeated") != "first":
        return
    waiting = {one.record_id: one for one in decided.outcomes if one.state == "updated" and one.record_id}
    query = select(ImportEntry.record_id).where(
        ImportEntry.import_id == held.id, ImportEntry.record_id == arrays.among(list(waiting))
    )
    for record_id in db.session.scalars(query) if waiting else ():
        waiting[record_id].state = "repeated"
        taker.leave(decided, waiting[record_id])


def _finish(operation: Operation, held: Import) -> None:
    counts = operation.report.get("counts", {})
    audit.record(
        action="imports.done",
        kind="import",
        record_id=held.id,
        after={"name": held.name, "kind": held.kind, **counts, "operation": str(operation.id)},
    )


def undo(operation: Operation) -> bool:
    """Take some records back."""
    held = _held(operation)
    return taking_back.step(operation, held)


for _kind, _name in (
    ("customer", _l("Import of customers")),
    ("product", _l("Import of products")),
    ("order", _l("Import of orders")),
):
    operations.kind(f"imports.check_{_kind}", permission=imports.PERMISSIONS[_kind], title=_l("Check of a file"))(check)
    operations.kind(f"imports.run_{_kind}", permission=imports.PERMISSIONS[_kind], title=_name, undo=undo)(run)
