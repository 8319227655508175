"""Fields of customers that become one: which value is kept, and how a value goes back when they are taken apart.

What a merge took over is a link in a chain: before -> after. Taking a merge back takes its link out of the chain: the next
one begins where this one began, or, when it is the last, the customer has again what it had before. A value that somebody
changed by hand since is not touched, and told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select

from saas.customers import arriving, merge_tree
from saas.customers.models import Customer, CustomerMerge
from saas.kit import access, belongings, errors, versions
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import custom_values

Columns = dict[str, str | None]
GROUPS: dict[str, tuple[str, ...]] = {
    "external_id": ("external_id", "source_id"), "email": ("email", "email_norm"), "phone": ("phone", "phone_norm"),
    **{name: (name,) for name in arriving.TEXTS}, "note": ("note",), "owner_id": ("owner_id",),
}  # fmt: skip
"""The fields one chooses between, with the columns that go together. A custom field is one more, named custom.<key>."""
CUSTOM = "custom."
EMPTY: tuple[Any, ...] = (None, "", [], {})


class BadChoice(errors.Invalid):
    """A field is unknown, or what was chosen for it is not one of the two values."""


class Holder(Protocol):
    """Whatever keeps a customer's fields: the row itself, or its entry in a journal."""

    def get(self, name: str) -> Columns: ...

    def put(self, name: str, columns: Columns) -> None: ...


class Live:
    """A customer that stands for itself."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer

    def get(self, name: str) -> Columns:
        if name.startswith(CUSTOM):
            held = (self.customer.custom or {}).get(name.removeprefix(CUSTOM))
            return {name: None if held is None else json.dumps(held, sort_keys=True)}
        return {column: _plain(getattr(self.customer, column)) for column in GROUPS[name]}

    def put(self, name: str, columns: Columns) -> None:
        if name.startswith(CUSTOM):
            written = columns[name]
            given = {name.removeprefix(CUSTOM): None if written is None else json.loads(written)}
            with access.lifted(reason="what was merged is taken apart as a whole"):
                custom_values.put_back("customer", self.customer, given)
            return
        for column, value in columns.items():
            setattr(self.customer, column, UUID(value) if value and column in ("source_id", "owner_id") else value)


class Journaled:
    """A customer that is part of another: its row is in the journal of that merge."""

    def __init__(self, merge: CustomerMerge) -> None:
        self.merge = merge

    def _row(self) -> dict[str, Any]:
        rows = belongings.rows(self.merge.id, table=merge_tree.TABLE)
        return next((row for _table, key, row in rows if key == self.merge.loser_id), {})

    def get(self, name: str) -> Columns:
        row = self._row()
        if name.startswith(CUSTOM):
            held = json.loads(row.get("custom") or "{}").get(name.removeprefix(CUSTOM))
            return {name: None if held is None else json.dumps(held, sort_keys=True)}
        return {column: row.get(column) for column in GROUPS[name]}

    def put(self, name: str, columns: Columns) -> None:
        if name.startswith(CUSTOM):
            held = json.loads(self._row().get("custom") or "{}")
            written = columns[name]
            key = name.removeprefix(CUSTOM)
            held = {k: v for k, v in held.items() if k != key} | ({} if written is None else {key: json.loads(written)})
            columns = {"custom": json.dumps(held)}
        belongings.amend(self.merge.id, merge_tree.TABLE, self.merge.loser_id, columns)


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)


def names_of(*customers: Customer) -> list[str]:
    """Return the fields one chooses between, the company's own among them."""
    keys = sorted({key for customer in customers for key in customer.custom or {}})
    return [*GROUPS, *(f"{CUSTOM}{key}" for key in keys)]


def shown(columns: Columns, name: str) -> str | None:
    """Return the value one looks at and compares."""
    return columns[name]


def chosen(winner: Customer, loser: Customer, choices: Mapping[str, str]) -> dict[str, str]:
    """Return for each field whose value is kept: winner, loser, or both (notes). Raises BadChoice or access's errors.

    What nobody chose is the winner's, or the loser's where the winner has none; two notes are both kept.
    """
    names = names_of(winner, loser)
    wrong = {name: [_("Nothing is known about “%(name)s”.", name=name)] for name in choices if name not in names}
    wrong |= {
        name: [_("Choose one of the values.")]
        for name, said in choices.items()
        if said not in ("winner", "loser") and not (name == "note" and said == "both")
    }
    if wrong:
        raise BadChoice(fields=wrong)
    held, other = Live(winner), Live(loser)
    taken = {}
    for name in names:
        mine, theirs = shown(held.get(name), name), shown(other.get(name), name)
        usual = "loser" if mine in EMPTY and theirs not in EMPTY else "winner"
        if name == "note" and mine not in EMPTY and theirs not in EMPTY and mine != theirs:
            usual = "both"
        taken[name] = choices.get(name, usual)
    changed = [name for name, said in choices.items() if said != "winner" and held.get(name) != other.get(name)]
    access.require_writable("customer", [name for name in changed if name in GROUPS])
    return taken


def result(winner: Customer, loser: Customer, taken: Mapping[str, str]) -> dict[str, Columns]:
    """Return the columns of each field whose value changes for the winner."""
    held, other = Live(winner), Live(loser)
    changed = {}
    for name, said in taken.items():
        if said == "both":
            after: Columns = {"note": f"{winner.note}\n\n{loser.note}"[:10_000]}
        elif said == "loser":
            after = other.get(name)
        else:
            continue
        if after != held.get(name):
            changed[name] = after
    return changed


def write(winner: Customer, changed: Mapping[str, Columns], loser_versions: Mapping[str, str]) -> dict[str, dict[str, Columns]]:  # fmt: skip
    """Give the winner what was chosen, as old as it is; returns the links {name: {"before", "after", "versions"}}: what it had, what
    it has, and how old what it had was."""
    held = Live(winner)
    links = {}
    for name, after in changed.items():
        was = {column: winner.versions[column] for column in GROUPS.get(name, (name,)) if column in winner.versions}
        links[name] = {"before": held.get(name), "after": after, "versions": was}
        held.put(name, after)
    stamps = {column: loser_versions[column] for name in changed for column in GROUPS.get(name, ()) if column in loser_versions}  # fmt: skip
    winner.versions = winner.versions | {column: max(stamp, winner.versions.get(column, "")) for column, stamp in stamps.items()}  # fmt: skip
    resort(winner)
    return links


def resort(customer: Customer) -> None:
    customer.name_sort = arriving.sort_name({name: getattr(customer, name) for name in ("last_name", "first_name", "company", "email_norm", "external_id")})  # fmt: skip


def take_back(merge: CustomerMerge, holder: Customer | None) -> list[str]:
    """Take a merge's links out of their chains; returns the fields that stay, for they were changed since."""
    return [
        name for name, link in merge.fields.items() if not _unlink(merge, name, link["after"], link["before"], holder)
    ]


def _unlink(merge: CustomerMerge, name: str, old: Columns, new: Columns, top: Customer | None) -> bool:
    owner = merge.winner_id
    later = [m for m in merge_tree.into([owner]) if m.id > merge.id and m.fields.get(name, {}).get("before") == old]
    if later:
        later[0].fields = later[0].fields | {name: later[0].fields[name] | {"before": new}}
        return True
    parent = merge_tree.of(owner)
    if parent is None and top is None:
        return False
    place: Holder = Live(top) if parent is None and top is not None else Journaled(parent)  # type: ignore[arg-type]
    if place.get(name) != old or (parent is None and name == "email" and _taken(new.get("email_norm"), owner)):
        return False
    place.put(name, new)
    if parent is not None and parent.fields.get(name, {}).get("after") == old:
        parent.fields = parent.fields | {name: parent.fields[name] | {"after": new}}
        return _unlink(parent, name, old, new, top)
    return True


def _taken(email_norm: str | None, own_id: UUID) -> bool:
    if not email_norm:
        return False
    query = select(Customer.id).where(Customer.email_norm == email_norm, Customer.id != own_id)
    return db.session.scalar(query) is not None


def stamped(customer: Customer, names: list[str], moment: Any) -> None:
    """Say that these fields are as of now, so that older messages of a shop do not bring back what was."""
    columns = [column for name in names for column in GROUPS.get(name, ())]
    customer.versions = customer.versions | dict.fromkeys(columns, versions.stamp(moment))
