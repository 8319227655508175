"""The values of a tenant's own fields a second time, as rows that an index can find: one table beside each kind of record.

What is shown and changed is the `custom` column of the record itself. But only leakproof operators may use an index behind
row-level security, and those that look into jsonb are not, so a search for one of a million would read them all. These rows
hold the same values as a text or a whole number, are written in the same statement's transaction, and answer "which records
have this value", and that nobody else has it where a field is unique. See docs/decisions/custom-fields.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Index,
    Select,
    SmallInteger,
    Text,
    UniqueConstraint,
    cast,
    delete,
    func,
    insert,
    null,
    select,
    text,
    update,
)  # fmt: skip
from sqlalchemy.orm import Mapped, aliased, mapped_column

from saas.kit import access, clock, pages, scope
from saas.kit import text as words
from saas.kit.db import db, tenant_fk

MILLION = 1_000_000
LONGEST = 200


class RecordValue:
    """One value of one of a tenant's own fields; `id` is the record's. `place` counts the choices of a multi-choice.

    `word` holds texts as they are compared and the keys of choices; `number` holds numbers and amounts in millionths, days
    since 1970 and yes or no; `sole` is set where the field allows each value once.
    """

    field_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, default=0)
    word: Mapped[str | None] = mapped_column(Text)
    number: Mapped[int | None] = mapped_column(BigInteger)
    sole: Mapped[str | None] = mapped_column(Text)


def parts(table: str, of: str) -> tuple[Any, ...]:
    """Return the keys and indexes of a table of values that belongs to the records of another table."""
    return (
        tenant_fk("id", of, ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "field_id", "sole"),
        Index(f"ix_{table}_word", "tenant_id", "field_id", "word", "id", postgresql_where=text("word IS NOT NULL")),
        Index(
            f"ix_{table}_number", "tenant_id", "field_id", "number", "id", postgresql_where=text("number IS NOT NULL")
        ),
    )


def word_of(value: str) -> str:
    """Return a text as it is compared: folded, its beginning."""
    return words.fold(value)[:LONGEST]


def number_of(value: Any) -> int:
    """Return a number, an amount, a date or a yes or no as the whole number it is compared by."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, date):
        return value.toordinal() - date(1970, 1, 1).toordinal()
    return int(Decimal(value) * MILLION)


def rows(record_id: UUID, field: Any, value: Any) -> list[dict[str, Any]]:
    """Return the rows of one value of one field, none when it is empty."""
    if value is None:
        return []
    several = value if isinstance(value, tuple) else (value,)
    made = []
    for place, one in enumerate(several):
        kept = isinstance(one, str)
        word = (one if field.type in ("choice", "choices") else word_of(one)) if kept else None
        number = None if kept else number_of(one)
        made.append({
            "tenant_id": scope.tenant_id(), "id": record_id, "field_id": field.id, "place": place, "word": word,
            "number": number, "sole": (word if kept else str(number)) if field.unique else None,
        })  # fmt: skip
    return made


def write(table: Any, changed: Mapping[UUID, Mapping[Any, Any]], *, fresh: bool = False) -> None:
    """Write what records hold now in the fields that changed: {record id: {field: value}}. `fresh` records have none yet."""
    if not changed:
        return
    if not fresh:
        by_field: dict[UUID, list[UUID]] = {}
        for record_id, given in changed.items():
            for field in given:
                by_field.setdefault(field.id, []).append(record_id)
        for field_id, ids in sorted(by_field.items()):
            gone = delete(table).where(table.id.in_(ids), table.field_id == field_id)
            db.session.execute(gone.execution_options(synchronize_session=False))
    made = [
        row for record_id in sorted(changed) for field, value in changed[record_id].items()
        for row in rows(record_id, field, value)
    ]  # fmt: skip
    if made:
        db.session.execute(insert(table), made)


def empty(kind: Any, field_id: UUID, key: str) -> None:
    """Throw away every value of a field that is deleted for good, in the records and in the rows that find them."""
    table, model = kind.values, kind.model
    holders = select(table.id).where(table.field_id == field_id)
    cut = update(model).where(model.id.in_(holders)).values(custom=model.custom.op("-")(key), updated_at=clock.now())
    db.session.execute(cut.execution_options(synchronize_session=False))
    gone = delete(table).where(table.field_id == field_id)
    db.session.execute(gone.execution_options(synchronize_session=False))


def has_doubles(table: Any, field_id: UUID) -> bool:
    """Tell whether two records hold the same value in a field."""
    same = select(table.word, table.number).where(table.field_id == field_id).group_by(table.word, table.number)
    with access.lifted(reason="a field may become unique only when no two records share a value"):
        return db.session.execute(same.having(func.count() > 1).limit(1)).first() is not None


def mark_sole(table: Any, field_id: UUID, *, unique: bool) -> None:
    """Have each value of a field be one record's own from now on, or no longer."""
    sole = func.coalesce(table.word, cast(table.number, Text)) if unique else null()
    marked = update(table).where(table.field_id == field_id).values(sole=sole)
    db.session.execute(marked.execution_options(synchronize_session=False))


def sorted_page(
    kind: Any, query: Select, *, sort: str, cursor: str | None, limit: int, unsortable: Callable[..., Exception]
) -> pages.Page:
    """Return a page of a select over a kind's records, in the order of one of the company's own fields; empty ones come last.

    The rows of values lead, in the order of their index, so that a page costs the same whatever the number of records.
    """
    field = kind.fields().get(sort.removeprefix("-"))
    if field is None or not field.sortable or field.id is None:
        raise unsortable(fields={"sort": [words.gettext("The list cannot be sorted by that.")]})
    model, beside = kind.model, aliased(kind.values)
    held = beside.word if field.type == "text" else beside.number
    joined = query.add_columns(beside).outerjoin(
        beside, (beside.tenant_id == model.tenant_id) & (beside.id == model.id) & (beside.field_id == field.id)
    )
    direction = "desc" if sort.startswith("-") else "asc"
    page = pages.page(joined, order=((held, direction), (model.id, direction)), cursor=cursor, limit=limit)
    alone = len(page.items[0]) == 2 if page.items else False
    return pages.Page([row[0] if alone else row[:-1] for row in page.items], page.next)
