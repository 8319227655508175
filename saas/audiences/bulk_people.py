"""Customers as bulk actions see them, with what only customers have: owners, and consent to mails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update

from saas.audiences import bulk_changes, bulk_kinds, segments
from saas.audiences.bulk_kinds import Action, BadAction, Doer, Done, Held, Room, Row
from saas.customers import arriving, bulk, consent, owners
from saas.customers.events import OwnersChanged
from saas.customers.models import NO_SOURCE, Customer
from saas.kit import access, clock, records, scope, text
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.kit.text import later as _l

EACH_THEIR_OWN = frozenset({"email", "external_id", "phone", "owner_id", "tags"})
"""What belongs to one customer alone, and what has an action of its own."""


def called(row: Row) -> str:
    """Return what to call a customer, given as columns."""
    return (
        f"{row['first_name']} {row['last_name']}".strip() or row["company"] or row["email"] or row["external_id"] or "—"
    )


def _everybody(asked: Mapping[str, Any]) -> Select:
    return segments.query(asked.get("definition") or segments.EVERYBODY)


def _columns(name: str, value: Any) -> dict[str, Any]:
    return {name: value if value is not None or name.startswith(records.CUSTOM) else ""}


def _update(changes: Mapping[UUID, dict[str, Any]], held: Held) -> None:
    rows = {
        one: row | ({"name_sort": arriving.sort_name(held[one] | row)} if any(name in arriving.COLUMNS for name in row) else {})
        for one, row in changes.items()
    }  # fmt: skip
    bulk.update(rows, held=held, source_id=NO_SOURCE, now=clock.now())


def owners_of(ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    return dict(db.session.execute(select(Customer.id, Customer.owner_id).where(Customer.id.in_(list(ids)))).all())


def _read_owner(room: Room, name: str, value: Any) -> tuple[str, Any]:
    access.require_writable("customer", ["owner_id"])
    found = owners.known(value) if value else None
    return "owner_id", str(found) if found else None


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
            {"action": "customers.handed_over", "kind": "customer", "record_id": one, "before": {"owner_id": _written(held[one])},
             "after": {"owner_id": _written(wanted[one])}, "detail": True} for one in moved
        ]  # fmt: skip
        bulk_changes.tell(ROOM, lines, list(moved))
        if moved:
            announce(*[OwnersChanged(customer_ids=[str(one) for one in part]) for part in _parts(list(moved))])
    return len(moved)


def _parts(ids: list[UUID]) -> Iterable[list[UUID]]:
    return (ids[start : start + 500] for start in range(0, len(ids), 500))


def _written(value: UUID | None) -> str | None:
    return str(value) if value else None


def _read_reason(room: Room, name: str, value: Any) -> tuple[str, Any]:
    reason = text.clean(str(value or ""), most=500)
    if not reason:
        raise BadAction(fields={"value": [_("Say how you know, such as “asked for it on the phone”.")]})
    access.require_writable("customer", ["email_consent"])
    return "email_consent", reason


def _try_consent(action: Action, row: dict[str, Any]) -> tuple[str, str]:
    before, after = row, row | {"email_consent": "withdrawn"}
    return bulk_changes.in_words(ROOM, "email_consent", before), bulk_changes.in_words(ROOM, "email_consent", after)


def _withdraw(action: Action, held: Held) -> Done:
    wanted = [one for one, row in held.items() if row["email_consent"] != "withdrawn"]
    proof = {"reason": action.value, "by": scope.actor().name}
    consent.record_many([(one, "withdrawn", None) for one in wanted], source="staff", proof=proof)
    lines = [
        {"action": "customers.consent", "kind": "customer", "record_id": one, "before": {"email": held[one]["email_consent"]},
         "after": {"email": "withdrawn", "reason": action.value}, "detail": True} for one in wanted
    ]  # fmt: skip
    bulk_changes.tell(ROOM, lines, wanted)
    return len(wanted), {}


def _give_back(room: Room, lines: Sequence[Any], held: Held) -> dict[UUID, str]:
    now, wanted, stay = owners_of(held), {}, {}
    for line in lines:
        one = UUID(line.record_id)
        before, after = ((values or {}).get("owner_id") for values in (line.before, line.after))
        if one in now and line.after is not None and _written(now[one]) in (after, before):
            wanted[one] = UUID(before) if before else None
        else:
            stay[line.id] = _("Somebody else has given this customer to a colleague since.")
    give(wanted)
    return stay


def _agree_again(room: Room, lines: Sequence[Any], held: Held) -> dict[UUID, str]:
    """Write down that the withdrawal was a mistake where there was an agreement; what nobody ever said stays withdrawn."""
    back, stay = [], {}
    for line in lines:
        one, before = UUID(line.record_id), (line.before or {}).get("email")
        if one in held and before == "granted" and held[one]["email_consent"] == "withdrawn":
            back.append(one)
        elif before != "granted":
            stay[line.id] = _("They had never agreed, so they stay without mails.")
    consent.record_many(
        [(one, "granted", None) for one in back],
        source="staff",
        proof={"reason": _("The withdrawal was undone."), "by": scope.actor().name},
    )
    lines_back = [
        {"action": "customers.consent", "kind": "customer", "record_id": one, "before": {"email": "withdrawn"}, "after": {"email": "granted"},
         "detail": True} for one in back
    ]  # fmt: skip
    bulk_changes.tell(room, lines_back, back)
    return stay


def _said_set(action: Action, number: str) -> str:
    field, value = bulk_changes.value_said(action)
    return _("Set %(field)s to “%(value)s” for %(count)s customers", field=field, value=value, count=number)


ROOM = bulk_kinds.register(
    Room(
        kind="customer",
        plural="customers",
        edit="customers.edit",
        delete="customers.delete",
        titles=(_l("Change many customers"), _l("Delete many customers")),
        everybody=_everybody,
        held=bulk.held,
        columns=_columns,
        update=_update,
        tell=bulk.tell,
        called=called,
        alone=EACH_THEIR_OWN,
        below=lambda row: row["email"] or row["phone"] or "",
        doers={
            "set": bulk_changes.setting(_said_set),
            "tag": bulk_changes.tagging(
                lambda action, number: _("Add the tag “%(tag)s” to %(count)s customers", tag=action.value, count=number)
            ),
            "untag": bulk_changes.tagging(
                lambda action, number: _(
                    "Take the tag “%(tag)s” off %(count)s customers", tag=action.value, count=number
                )
            ),
            "own": Doer(
                _read_owner,
                _try_owner,
                _hand_over,
                lambda action, number: _("Change the owner of %(count)s customers", count=number),
            ),
            "withdraw": Doer(
                _read_reason,
                _try_consent,
                _withdraw,
                lambda action, number: _("Note for %(count)s customers that they want no mails", count=number),
            ),
            "delete": bulk_changes.deleting(
                lambda action, number: _("Move %(count)s customers to the bin", count=number)
            ),
        },
        backs={"customers.handed_over": _give_back, "customers.consent": _agree_again},
    )
)
