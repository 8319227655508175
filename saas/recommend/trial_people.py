"""Who met a trial: written once with the arm they were given first, together with what they were shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from saas.kit import crypto, queries, scope
from saas.kit.db import db


def row_id(trial_id: str, key: str) -> UUID:
    """Return the id of somebody's row in a trial: the same whenever they come again."""
    return UUID(bytes=crypto.mac("offer trial person", f"{trial_id}:{key}".encode(), length=16), version=5)


def meet(people: Sequence[dict[str, Any]]) -> None:
    """Note for the bound tenant who met a trial (trial_id, arm, key, visitor, customer_id, at); who met it before stays as they were."""
    rows = [{**one, "id": str(row_id(one["trial_id"], one["key"]))} for one in people]
    values = {"tenant": scope.tenant_id(), "rows": orjson.dumps(rows).decode()}
    db.session.execute(queries.load("recommend/queries/trial_meet.sql"), values)
