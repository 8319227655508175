"""What was said of a customer under which names, so that each of two people who were taken for one can have their own again.

Of most customers everything is said under the same names, and then nothing is kept here: what was said is what the customer
holds. From the first message on that comes under other names, each set of names keeps the newest of every field by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Uuid, select
from sqlalchemy.dialects.postgresql import insert

from saas.customers.models import Consent, Customer, Identity, Voice
from saas.customers.purposes import MAIN
from saas.kit import arrays, identifiers, scope, versions
from saas.kit.db import db
from saas.kit.records import CUSTOM

CONSENT = "consent"
"""The field under which a voice keeps the newest word about mails: [moment, state]."""
NAMES = ("external_id", "email", "email_norm")
"""Columns that are names: whose they are follows from the names, not from what was said last."""
LISTS = ("tags",)


@dataclass
class Said:
    """One message of a customer: under which names, when, the columns it fills, and what it says of mails."""

    customer_id: UUID
    names: tuple[UUID, ...]
    at: datetime
    row: Mapping[str, Any]
    consent: tuple[datetime, str] | None = None


@dataclass
class Register:
    """The newest of each field, as {column: [version, value]}."""

    said: dict[str, list[Any]] = field(default_factory=dict)

    def hear(self, name: str, version: str, value: Any) -> None:
        held = self.said.get(name)
        if held is None or (version, str(value)) > (held[0], str(held[1])):
            self.said[name] = [version, value]

    def join(self, other: Mapping[str, Sequence[Any]]) -> None:
        for name, (version, value) in other.items():
            self.hear(name, version, value)


def keep(told: Sequence[Said], *, fresh: Collection[UUID], new_names: Collection[UUID]) -> None:
    """Keep what messages say where customers are spoken of under different names; `fresh` were made by these very messages,
    `new_names` have led to their customers only since."""
    by_customer: dict[UUID, list[Said]] = {}
    for one in told:
        by_customer.setdefault(one.customer_id, []).append(one)
    alone = {
        key for key, own in by_customer.items() if key in fresh and len({frozenset(one.names) for one in own}) == 1
    }
    wanted = sorted(set(by_customer) - alone)
    if not wanted:
        return
    held = of_many(wanted)
    before = {key: names - set(new_names) for key, names in _names_of(wanted).items()}
    silent = [key for key in wanted if key not in held and key not in fresh]
    split = [key for key in silent if any(set(one.names) != before.get(key, set()) for one in by_customer[key])]
    first = _as_held({key: before.get(key, set()) for key in split})
    rows: dict[tuple[UUID, tuple[UUID, ...]], Register] = dict(first)
    for key in wanted:
        if key in silent and key not in split:
            continue
        known = {tuple(one.names): one.said for one in held.get(key, ())}
        for one in by_customer[key]:
            place = (key, tuple(sorted(one.names)))
            register = rows.setdefault(place, Register(dict(known.get(place[1], {}))))
            for name, value in one.row.items():
                register.hear(name, versions.stamp(one.at), plain(value))
            if one.consent is not None:
                register.hear(CONSENT, versions.stamp(one.consent[0]), one.consent[1])
    write(rows)


def write(rows: Mapping[tuple[UUID, tuple[UUID, ...]], Register]) -> None:
    """Write registers by (customer, names)."""
    values = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": key, "names": list(names), "said": register.said}
        for (key, names), register in sorted(rows.items(), key=lambda one: one[0])
        if names and register.said
    ]  # fmt: skip
    if values:
        statement = insert(Voice)
        renewed = {"said": statement.excluded.said}
        index = ["tenant_id", "customer_id", "names"]
        db.session.execute(statement.on_conflict_do_update(index_elements=index, set_=renewed), values)


def settle(customer_id: UUID) -> None:
    """Have a customer of whom everything was said under the same names so far keep that by itself from now on."""
    if not of_many([customer_id]).get(customer_id):
        write(_as_held({customer_id: _names_of([customer_id]).get(customer_id, set())}))


def of_many(customer_ids: Sequence[UUID]) -> dict[UUID, list[Voice]]:
    found: dict[UUID, list[Voice]] = {}
    query = select(Voice).where(Voice.customer_id == arrays.among(list(customer_ids), Uuid))
    for one in db.session.scalars(query.order_by(Voice.id).execution_options(populate_existing=True)):
        found.setdefault(one.customer_id, []).append(one)
    return found


def newest(told: Iterable[Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    """Return the newest of each field of several registers."""
    register = Register()
    for one in told:
        register.join(one)
    return register.said


def _names_of(customer_ids: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """Return the names of customers that are their own and not a browser."""
    query = select(Identity.customer_id, Identity.id).where(
        Identity.customer_id == arrays.among(list(customer_ids), Uuid), Identity.kind != "visitor", Identity.origin_id.is_(None)
    )  # fmt: skip
    found: dict[UUID, set[UUID]] = {}
    for customer_id, name_id in db.session.execute(query):
        found.setdefault(customer_id, set()).add(name_id)
    return found


def _as_held(names: Mapping[UUID, set[UUID]]) -> dict[tuple[UUID, tuple[UUID, ...]], Register]:
    """Return what customers hold now as what was said under these names."""
    if not names:
        return {}
    words = _words(list(names))
    found = {}
    for customer in db.session.scalars(select(Customer).where(Customer.id.in_(list(names)))):
        said = {}
        for column, version in customer.versions.items():
            own = column.startswith(CUSTOM)
            value = customer.custom.get(column.removeprefix(CUSTOM)) if own else getattr(customer, column, None)
            said[column] = [version, plain(value)]
        if customer.id in words:
            at, state = words[customer.id]
            said[CONSENT] = [versions.stamp(at), state]
        found[customer.id, tuple(sorted(names[customer.id]))] = Register(said)
    return found


def _words(customer_ids: Sequence[UUID]) -> dict[UUID, tuple[datetime, str]]:
    query = select(Consent.customer_id, Consent.at, Consent.state).where(
        Consent.customer_id.in_(customer_ids), Consent.channel == "email", Consent.purpose == MAIN
    )
    found: dict[UUID, tuple[datetime, str]] = {}
    for customer_id, at, state in db.session.execute(query):
        found[customer_id] = max(found.get(customer_id, (at, state)), (at, state))
    return found


def plain(value: Any) -> Any:
    """Return a value as registers hold it."""
    return orjson.loads(orjson.dumps(value, default=str))
