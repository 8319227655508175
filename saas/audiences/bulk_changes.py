"""What a bulk action does to a batch of customers: tried on one for the preview, done to many with a line of the history each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from saas.customers import arriving, bulk, consent, owners
from saas.customers.events import OwnersChanged
from saas.customers.models import NO_SOURCE, Customer
from saas.kit import access, clock, records, scope
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, bin, custom_values


@dataclass(frozen=True)
class Action:
    """What is done to each: set (a field), tag, untag, own (an owner), withdraw (consent) or delete; `value` as it was given."""

    do: str
    field: str = ""
    value: Any = None

    def params(self) -> dict[str, Any]:
        return {"do": self.do, "field": self.field, "value": self.value}


Held = dict[UUID, dict[str, Any]]
Done = tuple[int, dict[UUID, str]]


@dataclass(frozen=True)
class Doer:
    """How an action is tried on one customer (before and after in words) and done to a batch (how many changed, who failed why)."""

    tried: Callable[[Action, dict[str, Any]], tuple[str, str]]
    done: Callable[[Action, Held], Done]


def called(row: Mapping[str, Any]) -> str:
    """Return what to call a customer, given as columns."""
    return (
        f"{row['first_name']} {row['last_name']}".strip() or row["company"] or row["email"] or row["external_id"] or "—"
    )


def held_value(name: str, row: Mapping[str, Any]) -> Any:
    return row["custom"].get(name.removeprefix(records.CUSTOM)) if name.startswith(records.CUSTOM) else row[name]


def _wanted(action: Action, row: Mapping[str, Any]) -> Any:
    """Return what the action's field holds afterwards."""
    held = held_value(action.field, row)
    if action.do == "tag":
        return held if action.value in held or len(held) >= 50 else [*held, action.value]
    if action.do == "untag":
        return [one for one in held if one != action.value]
    custom = action.field.startswith(records.CUSTOM)
    return action.value if custom or action.value is not None else ""


def in_words(name: str, value: Any) -> str:
    if name == "tags":
        return ", ".join(value)
    field = records.kind("customer").field(name)
    return field.write(records.unplain(value, field.type)) if value not in (None, "") else ""


def _try_value(action: Action, row: dict[str, Any]) -> tuple[str, str]:
    return in_words(action.field, held_value(action.field, row)), in_words(action.field, _wanted(action, row))


def _write_values(action: Action, held: Held) -> Done:
    changes = {one: {action.field: _wanted(action, row)} for one, row in held.items()}
    return write(changes, held), {}


def write(changes: Mapping[UUID, Mapping[str, Any]], held: Held) -> int:
    """Write the fields that differ, by customer and as the history names them, with a line of the history each; how many."""
    lines, columns, own = [], {}, {}
    catalogue = records.kind("customer").fields()
    for one, wanted in changes.items():
        before, after = audit.differing({name: held_value(name, held[one]) for name in wanted}, wanted)
        if not after:
            continue
        row = {name: value for name, value in after.items() if not name.startswith(records.CUSTOM)}
        if any(name in arriving.COLUMNS for name in row):
            row["name_sort"] = arriving.sort_name(held[one] | row)
        mine = {
            name.removeprefix(records.CUSTOM): value for name, value in after.items() if name.startswith(records.CUSTOM)
        }
        columns[one] = row | ({"custom": mine} if mine else {})
        if mine:
            own[one] = {
                catalogue[records.CUSTOM + key]: records.unplain(value, catalogue[records.CUSTOM + key].type)
                for key, value in mine.items()
            }
        lines.append(
            {
                "action": "customers.edited",
                "kind": "customer",
                "record_id": one,
                "before": before,
                "after": after,
                "detail": True,
            }
        )
    bulk.update(columns, held=held, source_id=NO_SOURCE, now=clock.now())
    custom_values.write_many("customer", own)
    tell(lines, list(columns))
    return len(columns)


def tell(lines: Sequence[Mapping[str, Any]], ids: Sequence[UUID]) -> None:
    if ids:
        audit.record_many(lines)
        bulk.tell(ids)


def owners_of(ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    return dict(db.session.execute(select(Customer.id, Customer.owner_id).where(Customer.id.in_(list(ids)))).all())


def _try_owner(action: Action, row: dict[str, Any]) -> tuple[str, str]:
    held = owners_of([row["id"]]).get(row["id"])
    wanted = UUID(action.value) if action.value else None
    named = owners.names([held, wanted])
    return named.get(held, ""), named.get(wanted, "")


def _hand_over(action: Action, held: Held) -> Done:
    wanted = UUID(action.value) if action.value else None
    return give(dict.fromkeys(held, wanted)), {}


def give(wanted: Mapping[UUID, UUID | None]) -> int:
    """Give customers other owners, with a line of the history each, and return how many had another one."""
    held = owners_of(wanted)
    moved = {one: owner for one, owner in held.items() if owner != wanted[one]}
    with access.lifted(reason="a customer may be handed to somebody whose records one does not see"):
        for owner in {wanted[one] for one in moved}:
            mine = [one for one in moved if wanted[one] == owner]
            query = update(Customer).where(Customer.id.in_(mine)).values(owner_id=owner, updated_at=clock.now())
            db.session.execute(query.execution_options(synchronize_session=False))
        lines = [
            {"action": "customers.handed_over", "kind": "customer", "record_id": one, "before": {"owner_id": written(held[one])},
             "after": {"owner_id": written(wanted[one])}, "detail": True} for one in moved
        ]  # fmt: skip
        tell(lines, list(moved))
        if moved:
            announce(*[OwnersChanged(customer_ids=[str(one) for one in part]) for part in _parts(list(moved))])
    return len(moved)


def _parts(ids: list[UUID]) -> Iterable[list[UUID]]:
    return (ids[start : start + 500] for start in range(0, len(ids), 500))


def written(value: UUID | None) -> str | None:
    return str(value) if value else None


def _try_consent(action: Action, row: dict[str, Any]) -> tuple[str, str]:
    return in_words("email_consent", row["email_consent"]), in_words("email_consent", "withdrawn")


def _withdraw(action: Action, held: Held) -> Done:
    wanted = [one for one, row in held.items() if row["email_consent"] != "withdrawn"]
    proof = {"reason": action.value, "by": scope.actor().name}
    consent.record_many([(one, "withdrawn", None) for one in wanted], source="staff", proof=proof)
    lines = [
        {"action": "customers.consent", "kind": "customer", "record_id": one, "before": {"email": held[one]["email_consent"]},
         "after": {"email": "withdrawn", "reason": action.value}, "detail": True} for one in wanted
    ]  # fmt: skip
    tell(lines, wanted)
    return len(wanted), {}


def _try_delete(action: Action, row: dict[str, Any]) -> tuple[str, str]:
    return row["email"] or row["phone"] or "", _("in the bin")


def _delete(action: Action, held: Held) -> Done:
    titles = {one: called(row) for one, row in held.items()}
    audit.record_many([
        {"action": "customers.deleted", "kind": "customer", "record_id": one, "before": {"name": name}, "detail": True}
        for one, name in titles.items()
    ])  # fmt: skip
    bin.put("customer", titles)
    return len(titles), {}


DOERS = {
    "set": Doer(_try_value, _write_values), "tag": Doer(_try_value, _write_values), "untag": Doer(_try_value, _write_values),
    "own": Doer(_try_owner, _hand_over), "withdraw": Doer(_try_consent, _withdraw), "delete": Doer(_try_delete, _delete),
}  # fmt: skip
