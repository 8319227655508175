"""Two customers who are one person become one: everything that hangs on the loser hangs on the winner from then on.

The loser's row goes into a journal with whatever could not move, so that taking it apart later brings it back exactly.
Rooms above, which know more of customers than we do, say here what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from saas.customers import consent, merge_fields, merge_tree, profiles
from saas.customers.events import CustomersChanged, CustomersMerged
from saas.customers.models import Customer, CustomerMerge, DuplicatePair, Identity
from saas.customers.purposes import MAIN
from saas.kit import access, belongings, clock, errors, identifiers, scope, search
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit

MAILS = ("email", MAIN)
STRICTEST = ("withdrawn", "granted", "unknown")
"""Of two customers' words the stricter counts. Never having been asked is no word, so a consent given stands beside it."""


class SameCustomer(errors.Conflict):
    """A customer cannot be merged with itself."""


@dataclass(frozen=True)
class Follower:
    """What a room above does in the same transaction: `merged(winner, loser)`, and `parted(holder, back, since)`, both with
    ids; `since` is when they were merged."""

    merged: Callable[[UUID, UUID], None]
    parted: Callable[[UUID, UUID, datetime], None]


_followers: list[Follower] = []


def follow(follower: Follower) -> None:
    """Have a room told of merges and of their undoing, inside the transaction."""
    if follower not in _followers:
        _followers.append(follower)


def followers() -> Sequence[Follower]:
    return tuple(_followers)


@dataclass(frozen=True)
class Plan:
    """What a merge would do: each field with both values and whose is kept, what else moves, and what is agreed to after it."""

    winner: Customer
    loser: Customer
    fields: list[dict[str, Any]]
    tags: list[str]
    consent: dict[str, str]
    moves: dict[str, int]


def pair(winner_id: UUID | str, loser_id: UUID | str, *, lock: bool = False) -> tuple[Customer, Customer]:
    """Return two customers, or who they are part of by now; locked in the order of their ids. Raises NoSuchCustomer, SameCustomer."""
    ids = [profiles.one(winner_id).id, profiles.one(loser_id).id]
    if ids[0] == ids[1]:
        raise SameCustomer(_("These are one customer already."))
    if lock and len(belongings.lock(merge_tree.TABLE, ids)) < 2:
        return pair(winner_id, loser_id, lock=True)  # somebody merged one of them while we waited
    if lock:
        db.session.expire_all()
    return profiles.one(ids[0]), profiles.one(ids[1])


def plan(*, winner_id: UUID | str, loser_id: UUID | str, choices: Mapping[str, str] | None = None) -> Plan:
    """Return what merging would do and change nothing. Raises NoSuchCustomer, SameCustomer or BadChoice."""
    winner, loser = pair(winner_id, loser_id)
    taken = merge_fields.chosen(winner, loser, choices or {})
    changed = merge_fields.result(winner, loser, taken)
    held, other = merge_fields.Live(winner), merge_fields.Live(loser)
    hidden = access.hidden("customer")
    fields = []
    for name, said in taken.items():
        if name in hidden:
            continue
        mine, theirs = held.get(name)[name], other.get(name)[name]
        after = changed[name][name] if name in changed else mine
        fields.append(
            {"name": name, "winner": mine, "loser": theirs, "kept": said, "result": after, "differs": mine != theirs}
        )
    return Plan(
        winner, loser, fields, list(dict.fromkeys([*winner.tags, *loser.tags])),
        {"email": strictest(winner.email_consent, loser.email_consent)},
        belongings.hanging(merge_tree.TABLE, loser.id, skip=merge_tree.APART),
    )  # fmt: skip


def strictest(*states: str) -> str:
    return min(states, key=STRICTEST.index)


def merge(
    *, winner_id: UUID | str, loser_id: UUID | str, choices: Mapping[str, str] | None = None, batch: UUID | None = None
) -> CustomerMerge:  # fmt: skip
    """Make the loser part of the winner and return the merge, by which it can be undone at any time.

    Raises NoSuchCustomer, SameCustomer, BadChoice, or what `access` says of fields.
    """
    winner, loser = pair(winner_id, loser_id, lock=True)
    taken = merge_fields.chosen(winner, loser, choices or {})
    changed = merge_fields.result(winner, loser, taken)
    words, stamps, tags = _words(winner, loser), loser.versions, list(loser.tags)
    made = CustomerMerge(
        id=identifiers.new(), winner_id=winner.id, loser_id=loser.id, loser_name=loser.name, made_at=clock.now(),
        made_by=scope.actor().name, batch=batch, tags=[tag for tag in tags if tag not in winner.tags],
    )  # fmt: skip
    before = {"name": loser.name, "email": loser.email, "phone": loser.phone}
    with access.lifted(reason="all that hangs on the loser moves, whoever sees it"):
        made.carried = _carry_differences(winner.id, loser.id)
        _name_origins(loser.id)
        besides = [one.id for one in merge_tree.below(loser.id)]
        belongings.move(merge_tree.TABLE, loser.id, winner.id, journal=made.id, besides=besides, skip=merge_tree.APART)
        moved = belongings.counts(made.id)
        belongings.take_out(merge_tree.TABLE, [loser.id], journal=made.id)
    winner = profiles.one(winner.id)
    made.fields = merge_fields.write(winner, changed, stamps)
    winner.tags = [*winner.tags, *made.tags]
    winner.updated_at = clock.now()
    made.moved = moved
    made.consent_ids = _keep_words(winner, words, made.id)
    db.session.add(made)
    db.session.flush()
    for follower in _followers:
        follower.merged(winner.id, made.loser_id)
    _trace(made, winner, before, taken)
    search.touch("customer", winner.id, made.loser_id)
    announce(
        CustomersMerged(winner_id=str(winner.id), loser_id=str(made.loser_id), merge_id=str(made.id)),
        CustomersChanged(customer_ids=[str(winner.id)]),
    )
    return made


def _trace(made: CustomerMerge, winner: Customer, before: dict[str, Any], taken: Mapping[str, str]) -> None:
    kept = [name for name in made.fields if taken.get(name) != "winner"]
    after = {
        "merge_id": str(made.id),
        "name": winner.name,
        "merged": made.loser_name,
        "fields": kept,
        "moved": made.moved,
    }
    audit.record(action="customers.merged_away", kind="customer", record_id=made.loser_id, before=before, detail=True,
                 after={"merge_id": str(made.id), "into": str(winner.id)})  # fmt: skip
    audit.record(action="customers.merged", kind="customer", record_id=winner.id, before=before, after=after)


def _name_origins(loser_id: UUID) -> None:
    """Note on the loser's own names whose they were; those it got from others keep theirs."""
    own = update(Identity).where(Identity.customer_id == loser_id, Identity.origin_id.is_(None))
    db.session.execute(own.values(origin_id=loser_id).execution_options(synchronize_session=False))


def _carry_differences(winner_id: UUID, loser_id: UUID) -> list[UUID]:
    """Whoever is not the loser is not the winner either; returns the pairs made for that."""
    query = select(DuplicatePair).where(
        (DuplicatePair.one_id == loser_id) | (DuplicatePair.other_id == loser_id), DuplicatePair.state == "different"
    )
    theirs = {p.other_id if p.one_id == loser_id else p.one_id for p in db.session.scalars(query)} - {winner_id}
    known = select(DuplicatePair.one_id, DuplicatePair.other_id).where(
        (DuplicatePair.one_id == winner_id) | (DuplicatePair.other_id == winner_id)
    )
    theirs -= {one for found in db.session.execute(known) for one in found}
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "one_id": min(winner_id, other), "other_id": max(winner_id, other),
         "score": 0, "evidence": [], "state": "different", "found_at": clock.now(), "decided_at": clock.now(), "decided_by": scope.actor().name}
        for other in sorted(theirs)
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(DuplicatePair), rows)
    return [row["id"] for row in rows]


def _words(winner: Customer, loser: Customer) -> dict[tuple[str, str], str]:
    """Return by channel and purpose the stricter of what the two said."""
    mine, theirs = consent.states(winner.id), consent.states(loser.id)
    found = {
        key: strictest(*(said[key].state if key in said else "unknown" for said in (mine, theirs)))
        for key in mine.keys() | theirs.keys()
    }
    return found | {MAILS: strictest(winner.email_consent, loser.email_consent)}


def _keep_words(winner: Customer, words: Mapping[tuple[str, str], str], merge_id: UUID) -> list[UUID]:
    """Have the stricter word be the newest of the ledger, where both proofs stay; returns the entries made for that."""
    winner.email_consent = words[MAILS]
    held = consent.states(winner.id)
    made = []
    for (channel, purpose), word in sorted(words.items()):
        newest = held.get((channel, purpose))
        if word == "unknown" or (newest is not None and newest.state == word):
            continue
        at = clock.now() if newest is None else max(clock.now(), newest.at + timedelta(microseconds=1))
        made.append(consent.append(
            customer_id=winner.id, state=word, source="merge", at=at, channel=channel, purpose=purpose,
            proof={"merge": str(merge_id), "rule": "strictest"},
        ))  # fmt: skip
    return made
