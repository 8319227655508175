"""Customers as shops and programs send them: cleaned, matched to who is known, and written in a few statements a batch.

Shop data always enters: a field that is out of range is refused for its own row and the others go on. An item older than
what is stored changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.customers import consent, facts, identity, voices
from saas.customers.events import CustomersChanged
from saas.customers.models import NO_SOURCE, Customer
from saas.kit import access, clock, identifiers, scope, search, text, versions
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.records import CUSTOM
from saas.tenancy import custom_values, members

TEXTS = {
    "first_name": 120,
    "last_name": 120,
    "company": 200,
    "language": 20,
    "country": 60,
    "city": 120,
    "postcode": 30,
    "address": 500,
}
COLUMNS = ("external_id", "email", "email_norm", "phone", "phone_norm", *TEXTS, "tags", "owner_id", "name_sort")


@dataclass
class Upserted:
    """What became of one item: status is created, updated, unchanged, stale or failed."""

    index: int
    id: UUID | None
    status: str
    error: str = ""
    origin: UUID | None = None
    """Whose name led here, when that one was merged into the customer."""
    names: tuple[UUID, ...] = ()
    """The names it came by: ids of identities."""


Message = tuple[datetime, dict[str, Any]]
"""The moment a message speaks of, and the columns it fills."""


class BadItem(ValueError):
    """An item cannot be a customer; the sentence says why."""


def cleaned(item: dict[str, Any]) -> dict[str, Any]:
    """Return the columns an item fills, normalised; keys it does not have are left out. Raises BadItem."""
    found: dict[str, Any] = {
        name: text.clean(item[name], most=most) for name, most in TEXTS.items() if item.get(name) is not None
    }
    for name in ("created_at", "updated_at"):
        if item.get(name) is not None and not clock.likely(item[name]):
            raise BadItem(f"{name} cannot be right: {item[name].isoformat()}.")
    if item.get("external_id"):
        found["external_id"] = text.clean(str(item["external_id"]), most=200)
    if item.get("email"):
        try:
            found["email_norm"] = text.email(item["email"])
        except text.NotAnEmail as error:
            raise BadItem(str(error)) from None
        found["email"] = text.clean(item["email"], most=320)
    if item.get("phone"):
        found["phone"] = text.clean(item["phone"], most=40)
        found["phone_norm"] = text.phone(found["phone"])
    if item.get("owner_id"):
        found["owner_id"] = item["owner_id"]
    if item.get("tags") is not None:
        found["tags"] = list(dict.fromkeys(text.clean(tag, most=60) for tag in item["tags"] if text.clean(tag)))[:50]
    return found


def sort_name(row: dict[str, Any]) -> str:
    """Return the text the list is sorted by: family name first, then given name, company or address."""
    parts = (row.get("last_name"), row.get("first_name"))
    shown = (
        " ".join(part for part in parts if part)
        or row.get("company")
        or row.get("email_norm")
        or row.get("external_id")
        or ""
    )
    return text.fold(shown)[:200]


def upsert_many(
    items: Sequence[dict[str, Any]], source_id: UUID = NO_SOURCE, *, source: str = "shop"
) -> list[Upserted]:
    """Create or update customers from items in the API's shape, and say of each what became of it.

    Matched by the source's external id first, then by e-mail address. Two items of one person in a batch are one
    customer, the later item winning.
    """
    results = [Upserted(index, None, "failed") for index in range(len(items))]
    now = clock.now()
    rows, governed = _read(items, results)
    names = {index: _names(row, source_id) for index, row in rows}
    known, foreign = _known(names)
    moments = {index: items[index].get("updated_at") or now + timedelta(microseconds=index) for index, _row in rows}
    batch = _matched(rows, moments, names, _Found(known, foreign, source_id), results)
    created, changes = batch.created, batch.changes
    since = {results[index].id: items[index].get("created_at") for index, _row in rows}
    if governed:
        _leave_out_taken(results, created, changes)
    ways = _Ways(
        source_id, source, known, batch.leading, {result.id: result.origin for result in results if result.origin}
    )
    written = _insert(created, source_id, since)
    new = _link(ways, created, written)
    _give_way(created, written, ways, new, changes, results, since)
    _note_names(results, names, known | new)
    told = [
        voices.Said(result.id, result.names, items[index].get("updated_at") or now, _flat(row), _word(items[index], now))
        for index, row in rows if (result := results[index]).id is not None
    ]  # fmt: skip
    voices.keep(told, fresh=created, new_names={one.id for one in new.values()})
    quiet = _update(changes, source_id)
    for result in results:
        if result.status == "updated":
            result.status = quiet.get(result.id, "updated")
    _record_consent(items, results, source, now)
    _tell(results, {customer for customer in quiet if customer not in created})
    return results


def _read(
    items: Sequence[dict[str, Any]], results: Sequence[Upserted]
) -> tuple[list[tuple[int, dict[str, Any]]], bool]:
    """Return the columns of the items that can be customers, and whether any has values of the company's own fields; the
    results of the others say why not."""
    rows = []
    people = _possible_owners(items)
    own, unread = custom_values.of_items("customer", items)
    for index, item in enumerate(items):
        try:
            _require_writable(item)
            if index in unread:
                raise BadItem(unread[index])
            row = cleaned(item) | ({"custom": own[index]} if own.get(index) else {})
            if row.get("owner_id") is not None and row["owner_id"] not in people:
                raise BadItem("Nobody of the company has this owner_id.")
            if not (row.get("external_id") or row.get("email_norm") or row.get("phone_norm")):
                raise BadItem("A customer needs an external_id, an email or a phone.")
            rows.append((index, row))
        except BadItem as error:
            results[index].error = str(error)
    return rows, bool(own)


@dataclass
class _Found:
    """What is known of a batch's names before it is written."""

    known: dict[identity.Name, identity.Known]
    foreign: set[UUID]
    source_id: UUID


@dataclass
class _Matched:
    """Who is new, what changes of whom, and to whom the batch's names shall lead."""

    created: dict[UUID, Message]
    changes: dict[UUID, list[Message]]
    leading: dict[identity.Name, UUID]


def _matched(
    rows: Sequence[tuple[int, dict[str, Any]]], moments: Mapping[int, datetime], names: Mapping[int, list[identity.Name]],
    found: _Found, results: Sequence[Upserted],
) -> _Matched:  # fmt: skip
    """Find whom each row is about, one after the other: what an item said comes before what a later one says."""
    batch, known = _Matched({}, {}, {}), found.known
    for index, row in rows:
        result, own = results[index], names[index]
        lead = identity.leading(own, known)
        first = next((name for name in own if name in known or name in batch.leading), None)
        if lead is not None and not known[lead].apart and first not in known:
            lead = None  # what an item before it in this batch said comes first
        held = known[lead].customer_id if lead else batch.leading.get(first) if first else None
        if held in found.foreign:
            result.error = COLLEAGUES
            continue
        if held is None:
            held, result.status = identifiers.new(), "created"
            batch.created[held] = (moments[index], row)
        else:
            told = _as_told(row, own, known, lead, found.source_id) if lead else row
            batch.changes.setdefault(held, []).append((moments[index], told))
            result.status, result.origin = "updated", known[lead].origin_id if lead else None
        result.id = held
        for name in own:
            batch.leading.setdefault(name, held)
    return batch


def _tell(results: Sequence[Upserted], unchanged: Collection[UUID]) -> None:
    """Have the search and the rooms above learn who is new or changed."""
    touched = [customer for customer in dict.fromkeys(r.id for r in results if r.id) if customer not in unchanged]
    search.touch("customer", *touched)
    announce(*[
        CustomersChanged(customer_ids=[str(customer) for customer in touched[start : start + 500]])
        for start in range(0, len(touched), 500)
    ])  # fmt: skip


def _possible_owners(items: Sequence[dict[str, Any]]) -> set[UUID]:
    """Return which of the owners that items name can be one: people of the company whose records the acting member sees."""
    wanted = {item["owner_id"] for item in items if item.get("owner_id")}
    limits = access.limiting()
    return (set(members.names(wanted)) if wanted else set()) & (wanted if limits is None else set(limits.owners))


COLLEAGUES = "This belongs to a colleague's customer."


def _require_writable(item: dict[str, Any]) -> None:
    """Refuse fields that the acting member or key cannot change; a hidden one is refused like one that does not exist."""
    barred = access.locked("customer")
    for name in item if barred else ():
        field = {"consent": "email_consent"}.get(name, name)
        if field in access.hidden("customer"):
            raise BadItem(access.unknown(name))
        if field in barred:
            raise BadItem(f"You can see “{name}” and not change it.")


def _known(names: Mapping[int, list[identity.Name]]) -> tuple[dict[identity.Name, identity.Known], set[UUID]]:
    """Return what is known of names, and which of the customers they lead to the acting member does not see."""
    wanted = [name for own in names.values() for name in own]
    if access.limiting() is None:
        return identity.hold(wanted), set()
    with access.lifted(reason="a name leads to one customer of the whole company"):
        known = identity.hold(wanted)
    whose = {one.customer_id for one in known.values()}
    return known, whose - set(db.session.scalars(select(Customer.id).where(Customer.id.in_(whose))))


@dataclass
class _Ways:
    """Where the names of a batch lead: those known before (`known`), and those that shall lead somewhere (`leading`)."""

    source_id: UUID
    source: str
    known: dict[identity.Name, identity.Known]
    leading: dict[identity.Name, UUID]
    origins: dict[UUID, UUID]


def _link(ways: _Ways, created: Collection[UUID], written: set[UUID]) -> dict[identity.Name, identity.Known]:
    """Have names that led nowhere lead to these customers, and return where they lead now: whoever wrote the same name at the
    same moment has been waited for."""
    missing = {name: held for name, held in ways.leading.items() if name not in ways.known}
    if not missing:
        return {}
    links = [(held, *name) for name, held in missing.items() if held in written or held not in created]
    identity.link_many(links, origins=ways.origins, way=ways.source)
    return identity.look(missing)


def _give_way(
    created: dict[UUID, Message], written: set[UUID], ways: _Ways, new: dict[identity.Name, identity.Known],
    changes: dict[UUID, list[Message]], results: list[Upserted], since: Mapping[UUID | None, datetime | None],
) -> None:  # fmt: skip
    """Where another message of the same person came first, at the same moment as ours, ours is about whom that one made."""
    theirs: dict[UUID, list[identity.Name]] = {}
    for name, held in ways.leading.items():
        if held in created:
            theirs.setdefault(held, []).append(name)
    for customer, names in theirs.items():
        elsewhere = {name: one for name, one in new.items() if name in names and one.customer_id != customer}
        if not elsewhere and customer in written:
            continue
        at, row = created.pop(customer)
        lead = identity.leading(names, elsewhere)
        if lead is None:  # somebody holds the address as theirs, though it leads to nobody
            created[customer] = at, {key: value for key, value in row.items() if key not in ("email", "email_norm")}
            _insert({customer: created[customer]}, ways.source_id, since)
            identity.link_many([(customer, *name) for name in names], way=ways.source)
            new |= identity.look(names)
            continue
        first = elsewhere[lead].customer_id
        facts.hold([first])
        rest = [name for name in names if name not in elsewhere]
        identity.give(rest, holder=customer, to=first)
        identity.link_many([(first, *name) for name in rest], way=ways.source)
        db.session.execute(delete(Customer).where(Customer.id == customer))
        changes.setdefault(first, []).append((at, _as_told(row, names, elsewhere, lead, ways.source_id)))
        new |= identity.look(names)
        for result in results:
            if result.id == customer:
                result.id, result.status, result.origin = first, "updated", elsewhere[lead].origin_id


def _note_names(
    results: Sequence[Upserted], names: Mapping[int, list[identity.Name]], known: Mapping[identity.Name, identity.Known]
) -> None:
    for result in results:
        if result.id is not None:
            result.names = tuple(sorted(known[name].id for name in names[result.index] if name in known))


def _word(item: dict[str, Any], now: datetime) -> tuple[datetime, str] | None:
    """Return when an item says what of mails, if it does."""
    state = (item.get("consent") or {}).get("email")
    return (item.get("updated_at") or now, state) if state in ("granted", "withdrawn") else None


def _as_told(
    row: dict[str, Any], names: Sequence[identity.Name], known: Mapping[identity.Name, identity.Known], lead: identity.Name,
    source_id: UUID,
) -> dict[str, Any]:  # fmt: skip
    """Return the columns that an item fills of whom its leading name leads to, without the names that are somebody else's."""
    if known[lead].origin_id is not None:
        return _nameless(row)
    columns = {("external", source_id): ("external_id",), ("email", NO_SOURCE): ("email", "email_norm")}
    others = {
        column for name in names if name in known and known[name].customer_id != known[lead].customer_id
        for column in columns.get(name[:2], ())
    }  # fmt: skip
    return {name: value for name, value in row.items() if name not in others}


def _names(row: dict[str, Any], source_id: UUID) -> list[identity.Name]:
    names: list[identity.Name] = []
    if row.get("external_id"):
        names.append(("external", source_id, row["external_id"]))
    if row.get("email_norm"):
        names.append(("email", NO_SOURCE, row["email_norm"]))
    if not names and row.get("phone_norm"):
        names.append(("phone", NO_SOURCE, row["phone_norm"]))
    return names


def _nameless(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a former self of a merged customer goes by: mails go to the address that was chosen when they were
    merged, and the former self has its own names again when they are taken apart."""
    return {name: value for name, value in row.items() if name not in ("email", "email_norm", "external_id")}


def _leave_out_taken(results: list[Upserted], created: dict[UUID, Message], changes: dict[UUID, list[Message]]) -> None:
    """Take values away that must be each customer's own and are another's already; the items say so."""
    told = {customer: [message] for customer, message in created.items()} | changes
    wanted: dict[UUID, custom_values.Values] = {}
    for customer, messages in told.items():
        for _at, row in messages:
            wanted.setdefault(customer, {}).update(row.get("custom", {}))
    for customer, (field, _word) in custom_values.taken_by_others("customer", wanted).items():
        for _at, row in told[customer]:
            row["custom"] = {one: value for one, value in row.get("custom", {}).items() if one is not field}
        for result in results:
            if result.id == customer:
                result.error = f"{field.name}: another customer has this value already; it was left out."


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a message's columns with the company's own fields by name (custom.<key>), as JSON holds them."""
    return {name: value for name, value in row.items() if name != "custom"} | custom_values.plainly(
        row.get("custom", {})
    )


def _held(customer: Customer, name: str) -> Any:
    return customer.custom.get(name.removeprefix(CUSTOM)) if name.startswith(CUSTOM) else getattr(customer, name)


def _insert(created: dict[UUID, Message], source_id: UUID, since: Mapping[UUID | None, datetime | None]) -> set[UUID]:
    """Write new customers and return those whose address nobody else wrote at the same moment; `since` says when the shop got to
    know them, if it told."""
    if not created:
        return set()
    now = clock.now()
    limits = access.limiting()
    blank = dict.fromkeys(TEXTS, "") | {
        "owner_id": limits.member if limits is not None else None,
        "phone": "",
        "phone_norm": "",
        "external_id": None,
        "email": None,
        "email_norm": None,
    }
    own = {customer: row.get("custom", {}) for customer, (_at, row) in created.items()}
    values = [
        {"tenant_id": scope.tenant_id(), "id": customer, "source_id": source_id, "note": "", "email_consent": "unknown",
         "created_at": min(since.get(customer) or now, now), "updated_at": now, "tags": [], **blank, **row, "name_sort": sort_name(row),
         "custom": custom_values.merged({}, own[customer]), "versions": dict.fromkeys(_flat(row), versions.stamp(at))}
        for customer, (at, row) in sorted(created.items(), key=lambda one: one[1][1].get("email_norm") or "")
    ]  # fmt: skip
    statement = insert(Customer).on_conflict_do_nothing().returning(Customer.id)
    written = set(db.session.scalars(statement, values))
    custom_values.write_many("customer", {key: value for key, value in own.items() if key in written}, fresh=True)
    facts.ensure(sorted(written))
    return written


def _update(changes: dict[UUID, list[Message]], source_id: UUID) -> dict[UUID, str]:
    """Write what is newer; returns the customers that nothing changed for, with unchanged or stale."""
    quiet: dict[UUID, str] = {}
    query = select(Customer).where(Customer.id.in_(changes)).order_by(Customer.id).with_for_update(key_share=True)
    taken = _addresses_taken(changes)
    values: dict[UUID, custom_values.Values] = {}
    for customer in db.session.scalars(query):
        before = {name: getattr(customer, name) for name in (*COLUMNS, "custom")}
        moved = False
        for at, given in changes[customer.id]:
            row, own = _flat(given), {field.name: (field, value) for field, value in given.get("custom", {}).items()}
            if taken.get(row.get("email_norm"), customer.id) != customer.id:
                row.pop("email", None), row.pop("email_norm", None)
            if customer.external_id and customer.source_id != source_id:
                row.pop("external_id", None)
            elif "external_id" in row and not customer.external_id:
                customer.source_id = source_id
            held = {name: _held(customer, name) for name in row}
            newer, after = versions.newer(row, at=at, held=held, versions=customer.versions)
            moved = moved or after != customer.versions
            customer.versions = after
            told = dict(own[name] for name in newer if name in own)
            customer.custom = custom_values.merged(customer.custom, told)
            values.setdefault(customer.id, {}).update(told)
            for name, value in newer.items():
                if name not in own:
                    setattr(customer, name, value)
        now_held = {name: getattr(customer, name) for name in (*COLUMNS, "custom")}
        if now_held == before:
            quiet[customer.id] = "unchanged" if moved or _says_nothing_else(changes[customer.id], before) else "stale"
        else:
            customer.name_sort = sort_name(now_held)
    db.session.flush()
    custom_values.write_many("customer", values)
    return quiet


def _says_nothing_else(messages: list[Message], held: dict[str, Any]) -> bool:
    flat = {name: value for name, value in held.items() if name != "custom"}
    flat |= {f"{CUSTOM}{key}": value for key, value in held["custom"].items()}
    return all(flat.get(name) == value for _at, row in messages for name, value in _flat(row).items())


def _addresses_taken(changes: dict[UUID, list[Message]]) -> dict[str | None, UUID]:
    norms = {row["email_norm"] for messages in changes.values() for _at, row in messages if row.get("email_norm")}
    if not norms:
        return {}
    with access.lifted(reason="an address is one customer's of the whole company"):
        query = select(Customer.email_norm, Customer.id).where(Customer.email_norm.in_(norms))
        return dict(db.session.execute(query).all())


def _record_consent(items: Sequence[dict[str, Any]], results: Sequence[Upserted], source: str, now: datetime) -> None:
    said: dict[UUID, tuple[datetime, str]] = {}
    names: dict[UUID, Sequence[UUID]] = {}
    for item, result in zip(items, results, strict=True):
        word = _word(item, now)
        if result.id and word and word >= said.get(result.id, word):
            said[result.id], names[result.id] = word, result.names
    wanted = [(customer, state, at) for customer, (at, state) in said.items()]
    consent.record_many(wanted, source=source, came_by=names)


def touch_updated(customer_ids: Sequence[UUID]) -> None:
    """Move customers' version on, so that pages and programs see that something about them changed."""
    if customer_ids:
        db.session.execute(update(Customer).where(Customer.id.in_(customer_ids)).values(updated_at=clock.now()))
