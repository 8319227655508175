"""Many customers in a handful of statements: reading, inserting, changing and naming them with whole arrays.

For imports and bulk changes that have cleaned, matched and compared their rows already; whoever has single items in the
API's shape uses `arriving`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, DateTime, Text, Uuid, cast, func, literal, select
from sqlalchemy import update as update_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from saas.customers import identity
from saas.customers.events import CustomersChanged
from saas.customers.models import Customer, Facts
from saas.kit import access, arrays, scope, search, versions
from saas.kit.db import db
from saas.kit.events import announce

HELD = (
    "id", "source_id", "external_id", "email", "email_norm", "phone", "phone_norm", "first_name", "last_name", "company", "language", "country",
    "city", "postcode", "address", "note", "tags", "name_sort", "email_consent", "custom", "updated_at",
)  # fmt: skip
NULLABLE = ("external_id", "email", "email_norm")


@dataclass(frozen=True, slots=True)
class Written:
    """What was done to one record: made, or changed from `before` to `after`; `at` is its `updated_at` from now on."""

    record_id: UUID
    made: bool
    at: datetime
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def held(customer_ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, dict[str, Any]]:
    """Return customers as columns by their id, as far as the acting person sees them."""
    new = arrays.table(id=(sorted(customer_ids), Uuid))
    query = select(*(getattr(Customer, name) for name in HELD)).where(Customer.id == new.c.id)
    rows = db.session.execute(arrays.each(new, query.with_for_update() if lock else query)).mappings()
    return {row["id"]: dict(row) for row in rows}


def moments(customer_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Return when each of these customers was changed last."""
    query = select(Customer.id, Customer.updated_at).where(Customer.id == arrays.among(customer_ids))
    return dict(db.session.execute(query).all()) if customer_ids else {}


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode().replace("\\u0000", "")


def _array(words: Iterable[str] | None) -> str:
    """Return words as PostgreSQL writes an array in a text."""
    return "{" + ",".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words or ()) + "}"


def insert(rows: Mapping[UUID, dict[str, Any]], *, source_id: UUID, now: datetime) -> set[UUID]:
    """Write new customers, given as columns by id; returns those whose address somebody else has: they were not written.

    A member who sees only their own becomes the owner of those they make.
    """
    if not rows:
        return set()
    ids, given = list(rows), list(rows.values())
    used = sorted({name for row in given for name in row} - {"tags", "custom", "created_at"})
    columns: dict[str, tuple[Sequence[Any], Any]] = {"id": (ids, Uuid)}
    for name in used:
        blank = None if name in NULLABLE else ""
        columns[name] = ([row.get(name, blank) for row in given], Text)
    columns["created_at"] = ([row.get("created_at") or now for row in given], DateTime(timezone=True))
    if any(row.get("tags") for row in given):
        columns["tags"] = ([_array(row.get("tags")) for row in given], Text)
    if any(row.get("custom") for row in given):
        columns["custom"] = ([_json(row.get("custom") or {}) for row in given], Text)
    new = arrays.table(**columns)
    owner = access.current().member if access.rows("customers") != access.ALL else None
    values: dict[str, Any] = {name: literal(None, Text) if name in NULLABLE else literal("", Text) for name in
                              ("external_id", "email", "email_norm", "phone", "phone_norm", "first_name", "last_name", "company", "language", "country", "city", "postcode",
                               "address", "note", "name_sort")}  # fmt: skip
    values |= {name: new.c[name] for name in used}
    values |= {
        "tenant_id": literal(scope.tenant_id(), Customer.tenant_id.type), "id": new.c.id, "source_id": literal(source_id, Uuid),
        "tags": cast(new.c.tags if "tags" in columns else literal("{}", Text), ARRAY(Text)), "email_consent": literal("unknown", Text),
        "custom": cast(new.c.custom if "custom" in columns else literal("{}", Text), JSONB), "owner_id": literal(owner, Uuid),
        "created_at": new.c.created_at, "updated_at": literal(now, DateTime(timezone=True)),
    }  # fmt: skip
    statement = upsert(Customer).from_select(list(values), select(*values.values()), include_defaults=False)
    statement = statement.on_conflict_do_nothing(index_elements=["tenant_id", "email_norm"]).returning(Customer.id)
    made = set(db.session.scalars(statement))
    lost = set(rows) - made
    _ensure_facts([customer for customer in ids if customer not in lost])
    return lost


def _ensure_facts(customer_ids: Sequence[UUID]) -> None:
    if customer_ids:
        new = arrays.table(id=(customer_ids, Uuid))
        rows = select(literal(scope.tenant_id(), Facts.tenant_id.type), new.c.id)
        statement = upsert(Facts).from_select(["tenant_id", "id"], rows, include_defaults=False)
        db.session.execute(statement.on_conflict_do_nothing(index_elements=["tenant_id", "id"]))


def update_values(name: str) -> Any:
    """Return how a column is carried in an array and put back: (how to write a value, how to read it in SQL)."""
    if name == "tags":
        return _array, lambda carried: cast(carried, ARRAY(Text))
    return lambda value: value, lambda carried: carried


def update(
    changes: Mapping[UUID, dict[str, Any]],
    *,
    held: Mapping[UUID, dict[str, Any] | None],
    source_id: UUID,
    now: datetime,
) -> None:
    """Write changed columns, given by customer; what a customer holds is needed where others of the batch change more."""
    if not changes:
        return
    used = sorted({name for row in changes.values() for name in row} - {"custom"})
    columns: dict[str, tuple[Sequence[Any], Any]] = {"id": (list(changes), Uuid)}
    settings: dict[str, Any] = {}
    for name in used:
        write, _read = update_values(name)
        columns[name] = (
            [write(row[name] if name in row else (held[customer] or {})[name]) for customer, row in changes.items()],
            Text,
        )
    stamp = versions.stamp(now)
    columns["stamps"] = ([_json({name: stamp for name in row if name != "custom"}) for row in changes.values()], Text)
    if any("custom" in row for row in changes.values()):
        columns["custom"] = ([_json(row.get("custom") or {}) for row in changes.values()], Text)
    new = arrays.table(**columns)
    for name in used:
        settings[name] = update_values(name)[1](new.c[name])
    if "external_id" in used:
        settings["source_id"] = literal(source_id, Uuid)
    if "custom" in columns:
        settings["custom"] = func.jsonb_strip_nulls(Customer.custom.op("||")(cast(new.c.custom, JSONB)))
    settings |= {
        "versions": Customer.versions.op("||")(cast(new.c.stamps, JSONB)),
        "updated_at": literal(now, DateTime(timezone=True)),
    }
    statement = update_statement(new, settings)
    db.session.execute(statement)


def update_statement(new: Any, settings: dict[str, Any]) -> Any:
    return (
        update_(Customer).where(Customer.id == new.c.id).values(settings).execution_options(synchronize_session=False)
    )


def link(names: Sequence[tuple[UUID, str, UUID, str]]) -> None:
    """Have names (customer, kind, source, value) lead to customers; a name that leads somewhere already stays."""
    identity.link_many(names, way="import")


def tell(customer_ids: Sequence[UUID]) -> None:
    """Have the search and the rooms above learn that customers were made or changed."""
    search.touch("customer", *customer_ids)
    announce(*[
        CustomersChanged(customer_ids=[str(customer) for customer in customer_ids[start : start + 500]])
        for start in range(0, len(customer_ids), 500)
    ])  # fmt: skip
