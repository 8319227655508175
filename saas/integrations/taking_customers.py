"""Customers from a file: who is who, what changes, and writing it in a handful of statements a batch.

Deciding reads and compares; writing inserts, updates and journals with whole arrays, so that ten thousand rows cost a dozen
statements. Who is meant is looked up in the whole company, also where the acting member sees only their own: a customer they
must not see is never changed, and nothing is told of it but that the address is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, select

from saas.customers import arriving, bulk, consent, duplicates
from saas.customers.models import NO_SOURCE, Customer, CustomerValue, Identity
from saas.integrations.import_rows import Parsed, too_few
from saas.integrations.outcomes import Decided, Outcome
from saas.kit import access, arrays, clock, identifiers, record_values, records
from saas.kit.db import db
from saas.kit.text import later as _l

Name = tuple[str, UUID, str]
PLAIN = ("external_id", "email", "phone", *arriving.TEXTS, "note")
TAKEN = _l("Another customer already has this e-mail address.")
SEVERAL = _l("Several customers have this phone number.")
NOT_UNIQUE = _l("Another customer already has this value in a field that allows each value once.")
NEEDED = _l("A new customer needs:")
FULL = _l("Your plan holds no more customers.")
MATCHES = ("external_id", "email", "phone")


@dataclass(slots=True)
class Person:
    """A row as a customer: the columns it fills, the company's own fields, and what they agreed to.

    `fills` are those of them that only fill what is empty: where it is likely, and no more, that it is the customer's row.
    """

    row: Parsed
    columns: dict[str, Any]
    custom: dict[str, Any]
    created_at: datetime | None
    agreed: tuple[str, datetime | None] | None
    names: list[Name]
    held: dict[str, Any] | None = None
    outcome: Outcome | None = None
    fills: frozenset[str] = frozenset()

    def only_fill(self) -> None:
        self.columns.pop("tags_emptied", None)
        self.fills = frozenset({*self.columns, *self.custom} - {"tags"})


@dataclass
class Work:
    """What a batch comes to: new people and changed ones by id."""

    made: dict[UUID, Person] = field(default_factory=dict)
    changed: dict[UUID, Person] = field(default_factory=dict)
    same: dict[UUID, Person] = field(default_factory=dict)


class Customers:
    """Takes customers for one import."""

    kind = "customer"
    model = Customer
    together = None

    def __init__(self, options: dict[str, Any], *, import_id: UUID, mapped: Mapping[str, int]) -> None:
        self.options, self.import_id = options, import_id
        self.source_id = UUID(options["source_id"]) if options.get("source_id") else NO_SOURCE
        self.mode = options.get("mode", "both")
        self.match = [
            name for name in options.get("match", MATCHES[:2]) if name in MATCHES or name.startswith("custom.")
        ]
        self.tags = tuple(options.get("tags", ()))
        self.same = options.get("likely") == "same"
        fields = records.kind("customer").fields()
        self.own = {name: fields[name] for name in fields if name.startswith("custom.")}
        self.unique = {name: one for name, one in self.own.items() if one.unique}
        self.required = {name: one for name, one in self.own.items() if one.required}
        self.room: int | None = None

    # -- what a row says

    def person(self, row: Parsed) -> Person | str:
        """Return a row as a customer, or why it is none."""
        given = row.values
        columns: dict[str, Any] = {}
        item: dict[str, Any] = {}
        for name in PLAIN:
            if name in given:
                value = given[name]
                if value is None:
                    self._empty(columns, name)
                elif name == "note":
                    columns["note"] = value
                else:
                    item[name] = value
        if given.get("name") is not None and not (item.get("first_name") or item.get("last_name")):
            item["first_name"], item["last_name"] = given["name"]
        if "tags" in given or self.tags:
            item["tags"] = [*(given.get("tags") or ()), *self.tags]
            if "tags" in given and given["tags"] is None:
                columns["tags_emptied"] = True
        try:
            columns |= arriving.cleaned(item)
        except arriving.BadItem as error:
            return str(error)
        custom = {name: given[name] for name in self.own if name in given}
        names = self._names(columns, custom)
        if not names and not (
            columns.get("last_name") or columns.get("first_name") or columns.get("company") or columns.get("phone_norm")
        ):
            return too_few()
        return Person(row, columns, custom, given.get("created_at"), self._agreed(given), names)

    @staticmethod
    def _empty(columns: dict[str, Any], name: str) -> None:
        columns[name] = None if name in ("email", "external_id") else ""
        if name in ("email", "phone"):
            columns[f"{name}_norm"] = columns[name]

    def _agreed(self, given: dict[str, Any]) -> tuple[str, datetime | None] | None:
        state = given.get("email_consent")
        if state is None and self.options.get("consent_statement"):
            state = "granted"
        return (state, given.get("consent_at")) if state in ("granted", "withdrawn") else None

    def _names(self, columns: dict[str, Any], custom: dict[str, Any]) -> list[Name]:
        found: list[Name] = []
        for rule in self.match:
            if rule == "external_id" and columns.get("external_id"):
                found.append(("external", self.source_id, columns["external_id"]))
            elif rule == "email" and columns.get("email_norm"):
                found.append(("email", NO_SOURCE, columns["email_norm"]))
            elif rule == "phone" and columns.get("phone_norm"):
                found.append(("phone", NO_SOURCE, columns["phone_norm"]))
            elif rule in self.unique and custom.get(rule) is not None:
                found.append((rule, NO_SOURCE, _sole(custom[rule])))
        return found

    # -- who is who

    def decide(self, rows: Sequence[Parsed], *, trial: bool = False) -> Decided:
        """Say what becomes of each row; looks at what is there and changes nothing."""
        decided = Decided(work=Work())
        people = self._people(rows, decided)
        known, several = self._known(people)
        if self.same or (trial and self.mode != "update"):
            self._find_likely([one for one in people if not any(name in known for name in one.names)])
        merged: dict[UUID, Person] = {}
        met: dict[Name, UUID] = {}
        for person in people:
            if any(name in several for name in person.names):
                outcome = _outcome(person)
                outcome.state, outcome.reason = "failed", str(SEVERAL)
                continue
            held = next((met[name] for name in person.names if name in met), None) or next(
                (known[name] for name in person.names if name in known), None
            )
            held = self._become(person, held, merged, decided.work)
            if held is not None:
                for name in person.names:
                    met.setdefault(name, held)
        self._hold(decided.work, lock=not trial)
        self._refuse_taken(decided.work)
        return decided

    def _people(self, rows: Sequence[Parsed], decided: Decided) -> list[Person]:
        """Return whom the rows tell of; a row that tells of nobody has failed."""
        people: list[Person] = []
        for row in rows:
            person = row.reason if row.problems else self.person(row)
            if isinstance(person, str):
                decided.outcomes.append(Outcome(row, "failed", reason=person))
                continue
            person.outcome = Outcome(row, "created")
            decided.outcomes.append(person.outcome)
            people.append(person)
        return people

    def _become(self, person: Person, held: UUID | None, merged: dict[UUID, Person], work: Work) -> UUID | None:
        """Say what becomes of a row whose names lead to `held`; returns the customer it stands for, None for nobody."""
        outcome = _outcome(person)
        if held is None and self.same and outcome.likely is not None and outcome.likely[1].safe:
            held = outcome.likely[0]
            person.only_fill()
        if held is not None and held in merged:
            outcome.record_id, outcome.state = held, "repeated"
            if self.options.get("repeated") != "first":
                self._fold(merged[held], person)
        elif held is not None:
            outcome.record_id, outcome.state = held, "updated"
            if self.mode == "create":
                outcome.state = "skipped"
                return None
            merged[held] = work.changed[held] = person
        elif self.mode == "update":
            outcome.state = "skipped"
        elif self._lacks(person):
            outcome.state, outcome.reason = "failed", str(NEEDED) + " " + self._lacks(person)
        else:
            held = identifiers.new()
            outcome.record_id = held
            merged[held] = work.made[held] = person
        return held

    @staticmethod
    def _find_likely(people: Sequence[Person]) -> None:
        """Look who rows that no rule knows may be, among the customers the acting person sees."""
        found = duplicates.likeliest([one.columns for one in people]) if people else ()
        for person, likely in zip(people, found, strict=True):
            assert person.outcome is not None
            person.outcome.likely = likely

    def _lacks(self, person: Person) -> str:
        """Return the names of the company's own fields that a new customer must have and this one has not."""
        return ", ".join(str(one.label) for name, one in self.required.items() if person.custom.get(name) is None)

    @staticmethod
    def _fold(earlier: Person, later: Person) -> None:
        """A later row of the same person goes over the earlier one, where it says something; what only fills, beneath it."""
        if later.fills:
            sure = {*earlier.columns, *earlier.custom} - earlier.fills - {"tags"}
            later.columns = {name: value for name, value in later.columns.items() if name not in sure}
            later.custom = {name: value for name, value in later.custom.items() if name not in sure}
            later.agreed = None if earlier.agreed else later.agreed
        said = {*later.columns, *later.custom}
        earlier.fills = (earlier.fills - said) | (later.fills & said)
        tags = list(dict.fromkeys([*earlier.columns.get("tags", ()), *later.columns.get("tags", ())]))
        earlier.columns |= later.columns
        if tags:
            earlier.columns["tags"] = tags
        earlier.custom |= later.custom
        earlier.agreed = later.agreed or earlier.agreed
        earlier.names = list(dict.fromkeys([*earlier.names, *later.names]))

    def _known(self, people: Sequence[Person]) -> tuple[dict[Name, UUID], set[Name]]:
        """Return whom names lead to in the whole company, and the names that lead to several."""
        wanted: dict[tuple[str, UUID], list[str]] = {}
        for person in people:
            for kind, source, value in person.names:
                wanted.setdefault((kind, source), []).append(value)
        found: dict[Name, UUID] = {}
        several: set[Name] = set()
        with access.lifted(reason="who is meant by an address in a file"):
            for (kind, source), said in wanted.items():
                for value, customer in self._look_up(kind, source, said):
                    name = (kind, source, value)
                    if found.setdefault(name, customer) != customer:
                        several.add(name)
        return found, several

    def _look_up(self, kind: str, source: UUID, said: list[str]) -> list[Any]:
        new = arrays.table(value=(list(dict.fromkeys(said)), Text))
        if kind == "phone":
            query = select(Customer.phone_norm, Customer.id).where(Customer.phone_norm == new.c.value)
        elif kind in self.unique:
            field_id = self.unique[kind].id
            query = select(CustomerValue.sole, CustomerValue.id).where(
                CustomerValue.field_id == field_id, CustomerValue.sole == new.c.value
            )
        else:
            query = select(Identity.value, Identity.customer_id).where(
                Identity.kind == kind, Identity.source_id == source, Identity.value == new.c.value
            )
        return list(db.session.execute(arrays.each(new, query)).all())

    def _hold(self, work: Work, *, lock: bool) -> None:
        """Read those who are there, as far as the acting person sees them, and what differs."""
        if not work.changed:
            return
        held = bulk.held(list(work.changed), lock=lock)
        for customer_id, person in list(work.changed.items()):
            outcome = person.outcome
            assert outcome is not None
            row = held.get(customer_id)
            if row is None:
                del work.changed[customer_id]
                outcome.state, outcome.reason, outcome.record_id = "failed", str(TAKEN), None
                continue
            person.held = row
            if person.fills:
                self._leave_filled(person, row)
            outcome.before, outcome.after = self._difference(person, row)
            if not outcome.after:
                outcome.state = "unchanged"
                work.same[customer_id] = work.changed.pop(customer_id)

    def _leave_filled(self, person: Person, held: dict[str, Any]) -> None:
        """Take out of a row what the customer it likely is has already, and a consent that was given for another address."""
        theirs = held["email_norm"]
        if person.agreed and person.agreed[0] == "granted" and theirs and theirs != person.columns.get("email_norm"):
            person.agreed = None
        person.columns = {
            name: value for name, value in person.columns.items() if name not in person.fills or not held[name]
        }
        person.custom = {
            name: value
            for name, value in person.custom.items()
            if name not in person.fills or held["custom"].get(self.own[name].key) is None
        }

    def _difference(self, person: Person, held: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what changes, before and after; the company's own fields under `custom`."""
        given = dict(person.columns)
        emptied = given.pop("tags_emptied", False)
        if "tags" in given:
            given["tags"] = list(dict.fromkeys([*(() if emptied else held["tags"]), *given["tags"]]))[:50]
        if held["external_id"]:
            given.pop("external_id", None)
        after = {name: value for name, value in given.items() if held[name] != value}
        if after:
            sorted_by = arriving.sort_name({**held, **after})
            if sorted_by != held["name_sort"]:
                after["name_sort"] = sorted_by
        before = {name: held[name] for name in after}
        own = {self.own[name].key: self.own[name].plain(value) for name, value in person.custom.items()}
        changed = {key: value for key, value in own.items() if held["custom"].get(key) != value}
        if changed:
            before["custom"], after["custom"] = {key: held["custom"].get(key) for key in changed}, changed
        return before, after

    def _refuse_taken(self, work: Work) -> None:
        """Refuse addresses and unique values that are somebody else's."""
        wished = {
            one.outcome.after["email_norm"]: customer
            for customer, one in work.changed.items()
            if one.outcome and one.outcome.after and one.outcome.after.get("email_norm")
        }
        with access.lifted(reason="whether an address is taken"):
            taken = self._taken(list(wished)) if wished else {}
            soles = self._soles({**work.made, **work.changed}) if self.unique else {}
        for norm, customer in wished.items():
            if taken.get(norm, customer) != customer:
                self._refuse(work, customer, TAKEN)
        for customer, person in [*work.made.items(), *work.changed.items()]:
            for name in self.unique:
                value = person.custom.get(name)
                if value is not None and soles.get((name, _sole(value)), customer) != customer:
                    self._refuse(work, customer, NOT_UNIQUE)

    @staticmethod
    def _taken(norms: list[str]) -> dict[str, UUID]:
        new = arrays.table(value=(norms, Text))
        query = select(Customer.email_norm, Customer.id).where(Customer.email_norm == new.c.value)
        return {norm: customer for norm, customer in db.session.execute(arrays.each(new, query)) if norm}

    def _soles(self, people: dict[UUID, Person]) -> dict[tuple[str, str], UUID]:
        found: dict[tuple[str, str], UUID] = {}
        for name in self.unique:
            said = {
                _sole(one.custom[name]): customer
                for customer, one in people.items()
                if one.custom.get(name) is not None
            }
            for customer, one in people.items():  # two new people of one file with the same value: the first has it
                if one.custom.get(name) is not None:
                    found.setdefault((name, _sole(one.custom[name])), customer)
            for value, customer in self._look_up(name, NO_SOURCE, list(said)) if said else ():
                found[name, value] = customer
        return found

    @staticmethod
    def _refuse(work: Work, customer: UUID, why: Any) -> None:
        person = work.made.pop(customer, None) or work.changed.pop(customer, None)
        if person is not None and person.outcome is not None:
            person.outcome.state, person.outcome.reason, person.outcome.record_id = "failed", str(why), None
            person.outcome.before = person.outcome.after = None

    @staticmethod
    def leave(decided: Decided, outcome: Outcome) -> None:
        """Do nothing to the customer of an outcome after all."""
        if outcome.record_id is not None:
            decided.work.changed.pop(outcome.record_id, None)

    def keys(self, decided: Decided) -> list[tuple[Outcome, list[str]]]:
        """Return what each row that does something is known by, so that a trial notices repetitions across batches."""
        work: Work = decided.work
        found = []
        for customer, person in {**work.made, **work.changed, **work.same}.items():
            if person.outcome is not None:
                own = [f"{kind}:{source}:{value}" for kind, source, value in person.names]
                found.append((person.outcome, own if customer in work.made else [*own, str(customer)]))
        return found

    # -- writing

    def write(self, decided: Decided) -> list[bulk.Written]:
        """Write what was decided; returns what was done to each record, for the journal."""
        work: Work = decided.work
        now = clock.now()
        self._keep_within_plan(work)
        rows = {customer: self._row(person, now) for customer, person in work.made.items()}
        lost = bulk.insert(rows, source_id=self.source_id, now=now)
        if lost:
            self._settle_lost(work, lost)
        changes = {
            customer: person.outcome.after
            for customer, person in work.changed.items()
            if person.outcome and person.outcome.after
        }
        bulk.update(
            changes,
            held={customer: person.held for customer, person in work.changed.items()},
            source_id=self.source_id,
            now=now,
        )
        everyone = {**work.made, **work.changed}
        bulk.link(
            [
                (customer, *name)
                for customer, person in {**everyone, **work.same}.items()
                for name in self._lasting(person)
            ]
        )
        self._write_values(work)
        agreed = self._write_consent({**everyone, **work.same})
        bulk.tell([*everyone, *(customer for customer in agreed if customer not in everyone)])
        moved = bulk.moments(list(agreed))  # a consent moves a profile's version on
        written = [bulk.Written(customer, True, moved.get(customer, now), None, None) for customer in work.made]
        for customer, person in {**work.changed, **work.same}.items():
            if person.outcome is not None and (customer in work.changed or customer in agreed):
                person.outcome.state = "updated"
                before, after = person.outcome.before or {}, person.outcome.after or {}
                written.append(bulk.Written(customer, False, moved.get(customer, now), before, after))
        return written

    def _row(self, person: Person, now: datetime) -> dict[str, Any]:
        columns = person.columns
        columns.pop("tags_emptied", None)
        columns["name_sort"] = arriving.sort_name(columns)
        columns["created_at"] = min(person.created_at or now, now)
        if person.custom:
            columns["custom"] = {
                self.own[name].key: self.own[name].plain(value)
                for name, value in person.custom.items()
                if value is not None
            }
        return columns

    def _lasting(self, person: Person) -> list[Name]:
        """Return the names a customer is found by from now on."""
        found: list[Name] = []
        if person.columns.get("external_id"):
            found.append(("external", self.source_id, person.columns["external_id"]))
        if person.columns.get("email_norm"):
            found.append(("email", NO_SOURCE, person.columns["email_norm"]))
        if not found and person.columns.get("phone_norm"):
            found.append(("phone", NO_SOURCE, person.columns["phone_norm"]))
        return found

    def _keep_within_plan(self, work: Work) -> None:
        if self.room is None:
            return
        for customer in list(work.made)[max(self.room, 0) :]:
            self._refuse(work, customer, FULL)
        self.room -= len(work.made)

    def _settle_lost(self, work: Work, lost: set[UUID]) -> None:
        """Somebody else made a customer of the same address meanwhile, or one that must not be seen has it."""
        norms = {work.made[customer].columns["email_norm"]: customer for customer in lost}
        known = self._taken(list(norms))
        for norm, fresh in norms.items():
            person = work.made[fresh]
            if norm not in known or self.mode == "create":
                self._refuse(work, fresh, TAKEN)
                continue
            del work.made[fresh]
            held = bulk.held([known[norm]], lock=True)[known[norm]]
            assert person.outcome is not None
            for name in ("name_sort", "created_at", "custom"):
                person.columns.pop(name, None)
            person.held, person.outcome.record_id = held, known[norm]
            person.outcome.before, person.outcome.after = self._difference(person, held)
            person.outcome.state = "updated" if person.outcome.after else "unchanged"
            (work.changed if person.outcome.after else work.same)[known[norm]] = person

    def _write_values(self, work: Work) -> None:
        if not self.own:
            return
        for people, fresh in ((work.made, True), (work.changed, False)):
            given = {
                customer: {self.own[name]: value for name, value in person.custom.items()}
                for customer, person in people.items()
                if person.custom
            }
            record_values.write(CustomerValue, given, fresh=fresh)

    def _write_consent(self, people: dict[UUID, Person]) -> set[UUID]:
        """Keep what people agreed to with its proof, and return of whom that is news.

        Who withdrew stays withdrawn unless the file gives a later moment.
        """
        said = [(customer, *person.agreed, person) for customer, person in people.items() if person.agreed is not None]
        wanted = [
            (customer, state, at)
            for customer, state, at, person in said
            if state != (person.held or {}).get("email_consent")
            and (state == "withdrawn" or at is not None or (person.held or {}).get("email_consent") != "withdrawn")
        ]
        statement = self.options.get("consent_statement") or ""
        proof = {"import": str(self.import_id)} | ({"statement": statement} if statement else {"column": True})
        if wanted:
            consent.record_many(wanted, source="import", proof=proof)
        return {customer for customer, _state, _at in wanted}


def _sole(value: Any) -> str:
    return record_values.word_of(value) if isinstance(value, str) else str(record_values.number_of(value))


def _outcome(person: Person) -> Outcome:
    assert person.outcome is not None
    return person.outcome
