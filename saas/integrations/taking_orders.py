"""Orders from a file: one row a line, lines of one order below each other, or one row an order.

They enter through the door that shops use, as orders of the present moment: what a shop says later goes over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, select

from saas.commerce import orders
from saas.commerce.models import NO_SOURCE, Order, OrderLine
from saas.customers.bulk import Written
from saas.integrations.import_rows import Parsed, too_few
from saas.integrations.models import ImportEntry
from saas.integrations.outcomes import Decided, Outcome
from saas.kit import arrays, clock
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.tenancy import tenants

CHUNK = 500
WHOLE = ("number", "placed_at", "status", "currency", "country")
AMOUNTS = ("total", "shipping", "tax", "discount")
LINE = ("product", "sku", "name", "quantity", "unit_price")
APART = _l("Another row of this order stands elsewhere in the file. Sort the file by order and bring it again.")
LINES = tuple(column.key for column in OrderLine.__table__.columns)


class Orders:
    """Takes orders for one import."""

    kind = "order"
    model = Order
    room: int | None = None

    def __init__(self, options: dict[str, Any], *, import_id: UUID, mapped: Mapping[str, int]) -> None:
        self.options, self.import_id = options, import_id
        self.source_id = UUID(options["source_id"]) if options.get("source_id") else NO_SOURCE
        self.mode = options.get("mode", "both")
        self.currency = tenants.settings().currency
        self.together = grouping([mapped[name] for name in ("external_id", "number") if name in mapped])

    def decide(self, rows: Sequence[Parsed], *, trial: bool = False) -> Decided:
        """Say what becomes of each order; its first row tells, the others go with it."""
        decided = Decided(work={})
        groups: dict[str, list[Outcome]] = {}
        last = ""
        for row in rows:
            outcome = Outcome(row, "created")
            decided.outcomes.append(outcome)
            key = str(row.values.get("external_id") or row.values.get("number") or "")
            if row.problems or not key:
                outcome.state, outcome.reason = "failed", row.reason or too_few()
            elif key in groups and key != last:
                outcome.state, outcome.reason = "failed", str(APART)
            else:
                groups.setdefault(key, []).append(outcome)
            last = key or last
        bad = {
            str(one.row.values.get("external_id") or one.row.values.get("number") or "")
            for one in decided.outcomes
            if one.state == "failed"
        }
        held = self._held(list(groups))
        touched = set() if trial else self._touched([order.id for order in held.values()])
        for key, group in groups.items():
            self._judge(key, group, held.get(key), touched, bad, decided.work)
        return decided

    def _judge(
        self, key: str, group: list[Outcome], held: Any, touched: set[UUID], bad: set[str], work: dict[str, Any]
    ) -> None:
        first = group[0]
        for outcome in group[1:]:
            outcome.state = "repeated"
        if key in bad:
            for outcome in group:
                outcome.state, outcome.reason = "failed", _("Another row of this order has an error.")
            return
        if held is not None and held.id in touched:
            for outcome in group:
                outcome.state, outcome.reason = "failed", str(APART)
            return
        item = self._item(key, [outcome.row for outcome in group])
        try:
            draft = orders.drafted(item, 0)
        except orders.BadItem as error:
            for outcome in group:
                outcome.state, outcome.reason = "failed", str(error)
            return
        if held is not None:
            first.record_id = held.id
            first.state = "skipped" if self.mode == "create" else "updated"
            first.after = {
                name: value for name, value in draft.row.items() if name != "version" and getattr(held, name) != value
            }
            first.before = {name: getattr(held, name) for name in first.after}
            if first.state == "skipped":
                return
        elif self.mode == "update":
            first.state = "skipped"
            return
        else:
            first.after = {
                name: draft.row[name]
                for name in ("number", "status", "currency", "placed_at", "total_amount", "lines_count")
            }
        work[key] = (group, item)

    def _item(self, key: str, rows: list[Parsed]) -> dict[str, Any]:
        """Return the rows of one order as the order they describe; what belongs to the whole order stands in the first that says it."""
        item: dict[str, Any] = {"external_id": key, "updated_at": clock.now(), "currency": self.currency, "lines": []}
        customer: dict[str, Any] = {}
        for row in rows:
            for name in WHOLE:
                if row.values.get(name) is not None and (name == "currency" or name not in item):
                    item[name] = row.values[name]
            for name in AMOUNTS:
                if row.values.get(name) is not None and name not in item:
                    item[name] = f"{row.values[name]:f}"
            for name in ("email", "external_id", "phone"):
                if row.values.get(f"customer.{name}"):
                    customer.setdefault(name, row.values[f"customer.{name}"])
            if row.values.get("customer.name"):
                first, last = row.values["customer.name"]
                customer.setdefault("first_name", first), customer.setdefault("last_name", last)
            if any(row.values.get(name) not in (None, "") for name in ("product", "sku", "name", "unit_price")):
                line = {name: row.values[name] for name in LINE if row.values.get(name) is not None}
                item["lines"].append(
                    line | {"unit_price": f"{line.get('unit_price', 0):f}" if "unit_price" in line else "0"}
                )
        if customer.get("email") or customer.get("external_id") or customer.get("phone"):
            item["customer"] = customer
        return item

    def _held(self, keys: list[str]) -> dict[str, Order]:
        query = select(Order).where(Order.source_id == self.source_id, Order.external_id == arrays.among(keys, Text))
        return {order.external_id: order for order in db.session.scalars(query)} if keys else {}

    def _touched(self, order_ids: list[UUID]) -> set[UUID]:
        query = select(ImportEntry.record_id).where(
            ImportEntry.import_id == self.import_id, ImportEntry.record_id.in_(order_ids)
        )
        return set(db.session.scalars(query)) if order_ids else set()

    @staticmethod
    def leave(decided: Decided, outcome: Outcome) -> None:
        """Do nothing to the order of an outcome after all."""
        decided.work = {key: one for key, one in decided.work.items() if one[0][0] is not outcome}

    def keys(self, decided: Decided) -> list[tuple[Outcome, list[str]]]:
        """Return what each order is known by."""
        return [(group[0], [key]) for key, (group, _item) in decided.work.items()]

    def write(self, decided: Decided) -> list[Written]:
        """Write what was decided; returns what was done to each order, changed ones with their lines as they were."""
        everything = list(decided.work.items())
        written: list[Written] = []
        for start in range(0, len(everything), CHUNK):
            some = everything[start : start + CHUNK]
            before = self._whole({key for key, (group, _item) in some if group[0].state == "updated"})
            results = orders.record_many([item for _key, (_group, item) in some], self.source_id, source="import")
            db.session.expire_all()
            now = self._held([key for key, _work in some])
            for (key, (group, _item)), result in zip(some, results, strict=True):
                outcome = group[0]
                if result.status in ("failed", "stale", "unchanged"):
                    outcome.state = {"stale": "skipped"}.get(result.status, result.status)
                    outcome.reason = result.error
                    continue
                order = now[key]
                outcome.record_id = order.id
                if key in before:
                    columns = {name: getattr(order, name) for name in before[key] if name != "lines"}
                    written.append(Written(order.id, False, order.updated_at, before[key], columns))
                else:
                    written.append(Written(order.id, True, order.updated_at, None, None))
        return written

    def _whole(self, keys: set[str]) -> dict[str, dict[str, Any]]:
        """Return orders as they are, with their lines, for putting back."""
        held = self._held(list(keys))
        lines: dict[UUID, list[dict[str, Any]]] = {}
        for line in orders.lines_of([order.id for order in held.values()]) if held else ():
            lines.setdefault(line.order_id, []).append({name: getattr(line, name) for name in LINES})
        kept = [
            column.key
            for column in Order.__table__.columns
            if column.key not in ("tenant_id", "id", "created_at", "updated_at", "custom")
        ]
        return {
            key: {**{name: getattr(order, name) for name in kept}, "lines": lines.get(order.id, [])}
            for key, order in held.items()
        }


def grouping(places: Sequence[int]) -> Any:
    """Return what tells which rows belong together: the first filled of the columns that name an order."""
    return lambda cells: next((cells[place] for place in places if cells[place]), "")
