"""Who long work is for, frozen when it begins: a list that moves while the work runs would leave some out and take others twice.

Written down as arrays of ids, a part a row: a row for each of a million would take longer than a page may.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, cast, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from saas.kit import scope
from saas.kit.db import db
from saas.tenancy.models import BulkTarget, Operation


def freeze(operation: Operation, who: Select, *, together: int) -> int:
    """Write down the ids that `who` selects, so many in each part, and return how many they are."""
    wanted = who.subquery()
    number = (func.row_number().over(order_by=wanted.c.id) - 1) / together
    numbered = select(wanted.c.id, cast(func.floor(number), Integer).label("part")).subquery()
    parts = select(
        literal(scope.tenant_id(), BulkTarget.tenant_id.type), func.gen_random_uuid(), literal(operation.id, Uuid), numbered.c.part,
        func.array_agg(aggregate_order_by(numbered.c.id, numbered.c.id.asc())),
    ).group_by(numbered.c.part)  # fmt: skip
    names = ["tenant_id", "id", "operation_id", "part", "ids"]
    db.session.execute(insert(BulkTarget).from_select(names, parts, include_defaults=False))
    mine = select(func.sum(func.cardinality(BulkTarget.ids))).where(BulkTarget.operation_id == operation.id)
    return db.session.scalar(mine) or 0


def part(operation: Operation, number: int) -> list[UUID]:
    """Return the ids of a part, the first being 0; none behind the last."""
    mine = (BulkTarget.operation_id == operation.id, BulkTarget.part == number)
    return list(db.session.scalar(select(BulkTarget.ids).where(*mine)) or ())


def forget(operation: Operation) -> None:
    """Throw away what was written down."""
    gone = delete(BulkTarget).where(BulkTarget.operation_id == operation.id)
    db.session.execute(gone.execution_options(synchronize_session=False))
