"""By which words shops know the payments of their orders; what came once stays, for a later version may not say it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from saas.commerce.payment_models import OrderReference
from saas.kit import identifiers, scope, text
from saas.kit.db import db


def keep(found: Iterable[tuple[UUID, Any]]) -> None:
    """Keep by which words shops know the payments of orders: one text or several for each; those from before stay too."""
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "order_id": order_id, "value": value}
        for order_id, given in found for value in sorted(_words(given))
    ]  # fmt: skip
    if rows:
        statement = insert(OrderReference).on_conflict_do_nothing(index_elements=["tenant_id", "order_id", "value"])
        db.session.execute(statement, rows)


def _words(given: Any) -> set[str]:
    several = given if isinstance(given, (list, tuple)) else [given]
    return {value for one in several[:20] if one and (value := text.clean(str(one), most=200))}
