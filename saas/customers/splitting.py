"""Taking an address, a number or a shop's account off a customer: what came by it goes to whoever's it is.

That is who was merged into the customer with it, who is known by it already, or a customer of its own who is made for it. Each
of the two has again what was said under their own names. From then on the name says more than those it comes with, so later
messages find the right person. Taking it back makes the two one again. Rooms above say here what moves with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from saas.customers import (
    arriving,
    consent,
    facts,
    merge_fields,
    merge_tree,
    merging,
    timeline,
    unmerging,
    voices,
)
from saas.customers.events import CustomersChanged
from saas.customers.models import (
    NO_SOURCE,
    Consent,
    ConsentRequest,
    Customer,
    DuplicatePair,
    Identity,
    Parting,
    PortalPass,
    Voice,
)
from saas.customers.purposes import MAIN
from saas.kit import belongings, clock, errors, identifiers, scope, search, versions
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.records import CUSTOM
from saas.kit.text import gettext as _
from saas.tenancy import custom_values

TABLE = merge_tree.TABLE


class TheirOnlyName(errors.Conflict):
    """A customer who goes by nothing else cannot lose that."""


class OtherGone(errors.Conflict):
    """Whoever it went to is not there any more."""


@dataclass
class Split:
    """Two who are taken apart: who holds what was one so far, whose the names (ids) are, and the e-mail addresses among them.

    `moved` is filled by those who move something, table by table.
    """

    holder: UUID
    back: UUID
    names: frozenset[UUID]
    emails: tuple[str, ...]
    journal: UUID
    moved: dict[str, int] = field(default_factory=dict)

    def note(self, table: str, ids: Sequence[UUID]) -> None:
        """Write down rows that went from the one to the other."""
        if ids:
            belongings.note_moved(self.journal, table, ids, column="customer_id", source=self.holder, target=self.back)
            self.moved[table] = self.moved.get(table, 0) + len(ids)

    def give(self, model: Any, *conditions: Any) -> list[UUID]:
        """Give the holder's rows that fulfil conditions to the other; returns their ids."""
        theirs = update(model).where(model.customer_id == self.holder, *conditions).values(customer_id=self.back)
        moved = list(db.session.scalars(theirs.returning(model.id).execution_options(synchronize_session=False)))
        self.note(model.__tablename__, moved)
        return moved


@dataclass(frozen=True)
class Follower:
    """What a room above does: `sets(customer_id)` tells under which sets of names its rows came, `split` moves them, and `settle`
    counts anew for these customers, whichever way something went."""

    sets: Callable[[UUID], Iterable[frozenset[UUID]]]
    split: Callable[[Split], None]
    settle: Callable[[Sequence[UUID]], None]


_followers: list[Follower] = []


def follow(follower: Follower) -> None:
    """Have a room told of names that are taken off customers, inside the transaction."""
    if follower not in _followers:
        _followers.append(follower)


def take_off(customer_id: UUID, name_id: UUID) -> Parting:
    """Take a name off a customer and return the parting, by which it is taken back. Raises TheirOnlyName.

    Call it with the whole company's customers in sight.
    """
    name = db.session.scalars(select(Identity).where(Identity.id == name_id)).one()
    belongings.lock(TABLE, [customer_id, name.customer_id])
    db.session.refresh(name)
    parting = Parting(
        id=identifiers.new(), customer_id=customer_id, self_id=customer_id, kind=name.kind, source_id=name.source_id, value=name.value,
        at=clock.now(), made_by=scope.actor().name, made=name.customer_id == customer_id,
    )  # fmt: skip
    names = {name.id}
    if name.customer_id == customer_id and name.origin_id is not None:
        merge = merge_tree.of(name.origin_id)
        if merge is not None:
            parted = unmerging.unmerge(merge.id, different=True)
            _age(parted, merge.fields)
            name = db.session.scalars(select(Identity).where(Identity.id == name_id)).one()
    if name.customer_id == customer_id:
        names |= _companions(customer_id, name.id)
        if not _others(customer_id, names):
            raise TheirOnlyName(
                _("The customer goes by no other name. Delete them instead, or give them another name first.")
            )
        parting.to_id = _begin(customer_id, names)
    else:
        parting.to_id = name.customer_id
    db.session.add(parting)
    own = update(Identity).where(Identity.id == name.id).values(parting_id=parting.id)
    db.session.execute(own.execution_options(synchronize_session=False))
    db.session.flush()
    split = Split(customer_id, parting.to_id, frozenset(names), _emails(names), parting.id)
    _move_said(split)
    for follower in _followers:
        follower.split(split)
    _tell_apart(customer_id, parting.to_id)
    _settle(customer_id, parting.to_id)
    parting.moved = split.moved
    db.session.flush()
    return parting


def put_back(parting: Parting) -> UUID:
    """Take a parting of a name back: the two are one again, or what went to somebody known comes back. Raises OtherGone."""
    holder = merge_tree.holder(parting.customer_id)
    other = merge_tree.holder(parting.to_id) if parting.to_id else None
    parting.undone_at, parting.undone_by = clock.now(), scope.actor().name
    free = update(Identity).where(Identity.parting_id == parting.id).values(parting_id=None)
    db.session.execute(free.execution_options(synchronize_session=False))
    db.session.flush()
    if other is None or len(belongings.lock(TABLE, sorted({holder, other}))) < len({holder, other}):
        raise OtherGone(_("Whoever this went to was deleted. Bring them back first."))
    if other == holder:
        return holder
    if parting.made:
        voices.settle(holder)
        voices.settle(other)
        belongings.forget([parting.id])
        merging.merge(winner_id=holder, loser_id=other, choices=_newer(holder, other))
    else:
        belongings.move_back(TABLE, [parting.id], holder=other, to=holder)
        belongings.forget([parting.id])
    db.session.expire_all()
    for follower in _followers:
        follower.settle([holder] if parting.made else [holder, other])
    return holder


def _age(parted: unmerging.Parted, fields: Mapping[str, Any]) -> None:
    """Have the fields that went back be as old as they were, so that what was said of the customer meanwhile is newer."""
    db.session.expire_all()
    holder = db.session.scalars(select(Customer).where(Customer.id == parted.holder)).one()
    back = [name for name in fields if name not in parted.kept]
    columns = [column for name in back for column in merge_fields.GROUPS.get(name, (name,))]
    was = {column: stamp for name in back for column, stamp in fields[name].get("versions", {}).items()}
    holder.versions = {column: stamp for column, stamp in holder.versions.items() if column not in columns} | was
    db.session.flush()


def _companions(customer_id: UUID, name_id: UUID) -> set[UUID]:
    """Return the names that are known to be the customer's only by messages that gave this one too: they go with it."""
    told = [frozenset(voice.names) for voice in voices.of_many([customer_id]).get(customer_id, ())]
    for follower in _followers:
        told += follower.sets(customer_id)
    others = _others(customer_id, {name_id})
    found = {
        one
        for one in others
        if (mine := [names for names in told if one in names]) and all(name_id in names for names in mine)
    }
    return set() if found == set(others) else found


def _others(customer_id: UUID, names: set[UUID]) -> list[UUID]:
    """Return the names a customer has of their own besides these; who was merged into them stays theirs for now."""
    query = select(Identity.id).where(
        Identity.customer_id == customer_id, Identity.kind != "visitor", Identity.origin_id.is_(None), Identity.id.not_in(names)
    )  # fmt: skip
    return list(db.session.scalars(query))


def _begin(customer_id: UUID, names: set[UUID]) -> UUID:
    """Make a customer of these names, whoever looks after the other looking after this one too."""
    held = db.session.scalars(select(Customer).where(Customer.id == customer_id)).one()
    now = clock.now()
    made = Customer(
        id=identifiers.new(),
        source_id=NO_SOURCE,
        owner_id=held.owner_id,
        created_at=now,
        updated_at=now,
        custom={},
        versions={},
    )
    db.session.add(made)
    db.session.flush()
    facts.ensure([made.id])
    theirs = update(Identity).where(Identity.id.in_(names), Identity.customer_id == customer_id)
    db.session.execute(theirs.values(customer_id=made.id).execution_options(synchronize_session=False))
    return made.id


def _emails(names: set[UUID]) -> tuple[str, ...]:
    query = select(Identity.value).where(Identity.id.in_(names), Identity.kind == "email")
    return tuple(sorted(db.session.scalars(query)))


def _move_said(split: Split) -> None:
    """Give each of the two what was said under their names: fields, consents, and what was asked of their addresses."""
    theirs = split.give(Voice, Voice.names.overlap(sorted(split.names)))
    split.moved.pop("customer_voices", None)
    held = voices.of_many([split.holder, split.back])
    gone = voices.newest(one.said for one in held.get(split.back, ()) if one.id in set(theirs))
    kept = voices.newest(one.said for one in held.get(split.holder, ()))
    for customer in db.session.scalars(
        select(Customer).where(Customer.id == split.holder).execution_options(populate_existing=True)
    ):
        _forget(customer, gone, kept)
        _learn(customer, kept)
    for customer in db.session.scalars(
        select(Customer).where(Customer.id == split.back).execution_options(populate_existing=True)
    ):
        _learn(customer, voices.newest(one.said for one in held.get(split.back, ())))
    split.give(ConsentRequest, func.lower(ConsentRequest.email).in_(split.emails))
    split.give(PortalPass, PortalPass.email_norm.in_(split.emails))
    _move_words(split, gone.get(voices.CONSENT), kept.get(voices.CONSENT))


def _forget(customer: Customer, gone: dict[str, list[Any]], kept: dict[str, list[Any]]) -> None:
    """Have a customer hold again what was said of them alone, wherever the other's word was the newer one."""
    after: dict[str, list[Any] | None] = {}
    for name, (version, value) in gone.items():
        if name in voices.NAMES or name == voices.CONSENT:
            continue
        if customer.versions.get(name) == version and voices.plain(_held(customer, name)) == value:
            after[name] = kept.get(name)
    _put(customer, {name: said[1] if said else None for name, said in after.items()}, {
        name: said[0] for name, said in after.items() if said
    }, forget=[name for name, said in after.items() if said is None])  # fmt: skip
    _name(customer, kept)


def _learn(customer: Customer, told: dict[str, list[Any]]) -> None:
    """Have a customer hold what was said of them where that is newer than what they hold."""
    newer = {
        name: said for name, said in told.items()
        if name not in voices.NAMES and name != voices.CONSENT and said[0] > customer.versions.get(name, "")
    }  # fmt: skip
    _put(customer, {name: said[1] for name, said in newer.items()}, {name: said[0] for name, said in newer.items()})
    _name(customer, told)


def _held(customer: Customer, name: str) -> Any:
    return customer.custom.get(name.removeprefix(CUSTOM)) if name.startswith(CUSTOM) else getattr(customer, name, None)


def _put(customer: Customer, values: dict[str, Any], stamps: dict[str, str], *, forget: Sequence[str] = ()) -> None:
    own = {name.removeprefix(CUSTOM): value for name, value in values.items() if name.startswith(CUSTOM)}
    for name, value in values.items():
        if name in arriving.COLUMNS and name != "name_sort":
            setattr(customer, name, _read(name, value))
    if own:
        custom_values.put_back("customer", customer, own)
    kept = {name: stamp for name, stamp in customer.versions.items() if name not in forget}
    customer.versions = kept | stamps


def _read(name: str, value: Any) -> Any:
    if name == "owner_id":
        return UUID(value) if value else None
    return value if value is not None else [] if name in voices.LISTS else ""


def _name(customer: Customer, told: dict[str, list[Any]]) -> None:
    """Have a customer hold one of the names that lead to them: the one said last, else the newest."""
    query = select(Identity).where(
        Identity.customer_id == customer.id, Identity.kind.in_(("email", "external", "phone"))
    )
    theirs = list(db.session.scalars(query.order_by(Identity.created_at, Identity.id)))
    emails = {one.value for one in theirs if one.kind == "email"}
    if customer.email_norm not in emails:
        said = told.get("email_norm", [None, None])[1]
        customer.email_norm = said if said in emails else max(emails, default=None)
        customer.email = told["email"][1] if said in emails and "email" in told else customer.email_norm
        _date(customer, ("email", "email_norm"), told if said in emails else {})
    accounts = {(one.source_id, one.value) for one in theirs if one.kind == "external"}
    if (customer.source_id, customer.external_id) not in accounts:
        customer.source_id, customer.external_id = max(accounts, default=(NO_SOURCE, None))
        _date(customer, ("external_id",), {})
    if not customer.phone_norm and (numbers := [one.value for one in theirs if one.kind == "phone"]):
        customer.phone = customer.phone_norm = numbers[-1]
    merge_fields.resort(customer)
    customer.updated_at = clock.now()
    db.session.flush()


def _date(customer: Customer, names: Sequence[str], told: Mapping[str, Sequence[Any]]) -> None:
    """Have names be as old as who holds them was told; the other's word, which may be newer, does not count for them any more."""
    own = {name: told[name][0] for name in names if name in told}
    customer.versions = {name: stamp for name, stamp in customer.versions.items() if name not in names} | own


def _move_words(split: Split, gone: list[Any] | None, kept: list[Any] | None) -> None:
    """Consents that were given under the names go with them; what was no news while the two were one becomes an entry now."""
    ledger = db.session.scalars(select(Consent).where(Consent.customer_id == split.holder)).all()
    theirs = [entry for entry in ledger if split.names & set(entry.came_by) or _address(entry) in split.emails]
    if theirs:
        split.give(Consent, Consent.id.in_([entry.id for entry in theirs]))
        timeline.give(
            [("consent", entry.at, f"{split.holder}:{_key(entry)}:{entry.state}") for entry in theirs],
            holder=split.holder,
            to=split.back,
        )
    for customer_id, said in ((split.back, gone), (split.holder, kept)):
        newest = consent.states(customer_id).get(merging.MAILS)
        if (
            said is not None
            and (newest is None or versions.stamp(newest.at) < said[0])
            and (newest is None or newest.state != said[1])
        ):
            at = datetime.fromtimestamp(int(said[0]) / 1_000_000, UTC)
            consent.append(
                customer_id=customer_id, state=said[1], source="parting", at=at, proof={"parting": str(split.journal)}
            )
            newest = consent.states(customer_id).get(merging.MAILS)
        state = newest.state if newest is not None else "unknown"
        db.session.execute(update(Customer).where(Customer.id == customer_id).values(email_consent=state))
    db.session.expire_all()


def _address(entry: Consent) -> str:
    """Return the address whose owner clicked to confirm it."""
    return str((entry.proof or {}).get("email", "")).strip().lower()


def _key(entry: Consent) -> str:
    main = entry.channel == "email" and entry.purpose == MAIN
    return entry.channel if main else f"{entry.channel}:{entry.purpose}"


def _newer(holder: UUID, other: UUID) -> dict[str, str]:
    """Return the fields of which the other's word is the newer one."""
    customers = {one.id: one for one in db.session.scalars(select(Customer).where(Customer.id.in_((holder, other))))}
    mine, theirs = customers[holder], customers[other]
    found = {}
    for name in merge_fields.names_of(mine, theirs):
        column = merge_fields.GROUPS.get(name, (name,))[0]
        value, stamp = _held(theirs, column), theirs.versions.get(column, "")
        if value not in merge_fields.EMPTY and stamp > mine.versions.get(column, ""):
            found[name] = "loser"
    return found


def _tell_apart(one: UUID, other: UUID) -> None:
    """Nobody proposes to merge the two."""
    first, second = sorted([one, other])
    held = db.session.scalars(
        select(DuplicatePair).where(DuplicatePair.one_id == first, DuplicatePair.other_id == second)
    ).one_or_none()
    if held is None:
        held = DuplicatePair(one_id=first, other_id=second, score=0, evidence=[], found_at=clock.now())
        db.session.add(held)
    held.state, held.decided_at, held.decided_by = "different", clock.now(), scope.actor().name
    db.session.flush()


def _settle(*customer_ids: UUID) -> None:
    db.session.expire_all()
    for follower in _followers:
        follower.settle(customer_ids)
    search.touch("customer", *customer_ids)
    announce(CustomersChanged(customer_ids=[str(one) for one in customer_ids]))
