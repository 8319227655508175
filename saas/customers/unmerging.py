"""Taking a merge back, at any time and in any order: each of the two has again what is theirs at bottom.

What moved goes back by the journal. What came since goes to whoever's name it came by: an order under the loser's address
is the loser's. A field that was taken over gets its former value again unless somebody changed it since, which is told. And
whoever withdrew a consent while they were one has withdrawn it for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, delete, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from saas.customers import consent, joins, merge_fields, merge_tree, merging
from saas.customers.events import CustomersChanged, CustomersParted
from saas.customers.models import Consent, Customer, CustomerMerge, DuplicatePair, Identity
from saas.kit import access, belongings, clock, errors, scope, search
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit


class PartedAlready(errors.Conflict):
    """This merge was undone before."""


class HolderGone(errors.Conflict):
    """The customer it was merged into is deleted; restore that one first."""


@dataclass(frozen=True)
class Parted:
    """What unmerging did: who is back, who holds the rest, what went back, and which fields stayed as they were changed since."""

    back: UUID
    holder: UUID
    moved: dict[str, int]
    kept: list[str]


def preview(merge_id: UUID | str) -> dict[str, Any]:
    """Return what unmerging would bring back, and change nothing. Raises NoSuchMerge or PartedAlready."""
    made = _standing(merge_id)
    journals = [made.id, *(one.id for one in merge_tree.below(made.loser_id))]
    holder = merge_tree.holder(made.winner_id)
    return {"merge": made, "moves": belongings.remaining(merge_tree.TABLE, journals, holder=holder), "holder": holder}


def _standing(merge_id: UUID | str, *, lock: bool = False) -> CustomerMerge:
    made = merge_tree.one(merge_id, lock=lock)
    if made.undone_at is not None:
        raise PartedAlready(_("These two were separated already."))
    return made


def unmerge(merge_id: UUID | str, *, different: bool = False) -> Parted:
    """Take a merge apart. `different` says they are two people, whom nobody shall propose to merge again.

    Raises NoSuchMerge, PartedAlready or HolderGone.
    """
    made = _standing(merge_id)
    holder_id = merge_tree.holder(made.winner_id)
    if not belongings.lock(merge_tree.TABLE, [holder_id]):
        if access.limiting() is not None:  # it may be there, and a colleague's
            raise merge_tree.NoSuchMerge
        raise HolderGone(_("The customer it was merged into is deleted. Restore that one first."))
    made = _standing(merge_id, lock=True)
    if merge_tree.holder(made.winner_id) != holder_id:  # merged on while we waited
        return unmerge(merge_id, different=different)
    with access.lifted(reason="all that came with the loser goes back with it, whoever sees it"):
        return _part(made, holder_id, different=different)


def _part(made: CustomerMerge, holder_id: UUID, *, different: bool) -> Parted:
    holder = db.session.scalars(select(Customer).where(Customer.id == holder_id)).one()
    under = merge_tree.below(made.loser_id)
    kept = merge_fields.take_back(made, holder)
    back_names = [name for name in made.fields if name not in kept]
    merge_fields.resort(holder)
    merge_fields.stamped(holder, back_names, clock.now())
    _take_tags(made, holder)
    holder.updated_at = clock.now()
    made.undone_at, made.undone_by = clock.now(), scope.actor().name
    db.session.flush()
    kept += _settle_address(made)
    belongings.put_back(made.id, leave=_children(made.id), keep=True)
    moved = belongings.move_back(
        merge_tree.TABLE, [made.id, *(one.id for one in under)], holder=holder_id, to=made.loser_id
    )
    _return_names([made.loser_id, *(one.loser_id for one in under)], holder_id, made.loser_id)
    _settle_words(made, holder_id)
    db.session.execute(delete(DuplicatePair).where(DuplicatePair.id.in_(made.carried)))
    _settle_pair(made, holder_id, different=different)
    belongings.forget([made.id])
    db.session.flush()
    for follower in merging.followers():
        follower.parted(holder_id, made.loser_id, made.made_at)
    _trace(made, holder_id, moved, kept)
    return Parted(made.loser_id, holder_id, moved, kept)


def _children(journal: UUID) -> list[str]:
    """Rows beside the customer that clash with what is there by now stay away; the customer itself comes back."""
    return [name for name in belongings.counts(journal) if name != merge_tree.TABLE]


def _settle_address(made: CustomerMerge) -> list[str]:
    """Where somebody else has the address by now, the customer comes back without; returns the fields lost."""
    taken = [
        clash
        for clash in belongings.clashes(made.id)
        if clash.table == merge_tree.TABLE and "email_norm" in clash.columns
    ]
    if taken:
        belongings.amend(made.id, merge_tree.TABLE, made.loser_id, {"email": None, "email_norm": None})
    return ["email"] if taken else []


def _take_tags(made: CustomerMerge, holder: Customer) -> None:
    """Take the loser's tags off again, unless a later merge brought the same."""
    later = [one for one in merge_tree.into([made.winner_id]) if one.id > made.id]
    gone = list(made.tags)
    for one in later:
        row = next((row for _t, _k, row in belongings.rows(one.id, table=merge_tree.TABLE)), {})
        shared = [tag for tag in gone if tag in _array(row.get("tags"))]
        one.tags = [*one.tags, *shared]
        gone = [tag for tag in gone if tag not in shared]
    parent = merge_tree.of(made.winner_id)
    if parent is None:
        holder.tags = [tag for tag in holder.tags if tag not in gone]
        return
    row = next((row for _t, _k, row in belongings.rows(parent.id, table=merge_tree.TABLE)), {})
    left = [tag for tag in _array(row.get("tags")) if tag not in gone]
    belongings.amend(parent.id, merge_tree.TABLE, parent.loser_id, {"tags": _written(left)})
    brought = [tag for tag in gone if tag in parent.tags]
    parent.tags = [tag for tag in parent.tags if tag not in brought]
    passed = CustomerMerge(id=parent.id, winner_id=parent.winner_id, loser_id=parent.loser_id, tags=brought)
    _take_tags(passed, holder)


def _array(written: str | None) -> list[str]:
    return list(db.session.scalar(select(cast(literal(written, Text), ARRAY(Text))))) if written else []


def _written(tags: list[str]) -> str:
    return db.session.scalar(select(cast(literal(tags, ARRAY(Text)), Text))) or "{}"


def _return_names(origins: list[UUID], holder_id: UUID, back_id: UUID) -> None:
    """Names that were theirs, or came with theirs, lead to them again."""
    theirs = update(Identity).where(Identity.origin_id.in_(origins), Identity.customer_id.in_([holder_id, back_id]))
    quiet = {"synchronize_session": False}
    db.session.execute(theirs.values(customer_id=back_id).execution_options(**quiet))
    own = update(Identity).where(Identity.origin_id == back_id, Identity.customer_id == back_id)
    db.session.execute(own.values(origin_id=None).execution_options(**quiet))
    joins.give_back(origins, back_id=back_id)
    db.session.expire_all()


def _settle_words(made: CustomerMerge, holder_id: UUID) -> None:
    """Each has the newest word of their own ledger again; a withdrawal said while they were one counts for both."""
    db.session.execute(delete(Consent).where(Consent.id.in_(made.consent_ids)))
    for (channel, purpose), said in consent.states(holder_id).items():
        if said.at > made.made_at and said.state == "withdrawn" and said.source != "merge":
            consent.append(
                customer_id=made.loser_id, state="withdrawn", source="merge", at=said.at, channel=channel, purpose=purpose,
                proof={"merge": str(made.id), "said_as": str(holder_id), "entry": str(said.id)},
            )  # fmt: skip
    for customer_id in (holder_id, made.loser_id):
        newest = consent.states(customer_id).get(merging.MAILS)
        state = newest.state if newest is not None else "unknown"
        db.session.execute(update(Customer).where(Customer.id == customer_id).values(email_consent=state))


def _settle_pair(made: CustomerMerge, holder_id: UUID, *, different: bool) -> None:
    one, other = sorted([holder_id, made.loser_id])
    held = db.session.scalars(
        select(DuplicatePair).where(DuplicatePair.one_id == one, DuplicatePair.other_id == other)
    ).one_or_none()
    if held is None and different:
        held = DuplicatePair(one_id=one, other_id=other, score=0, evidence=[], found_at=clock.now())
        db.session.add(held)
    if held is not None:
        held.state = "different" if different else "open"
        held.decided_at, held.decided_by = (clock.now(), scope.actor().name) if different else (None, "")


def _trace(made: CustomerMerge, holder_id: UUID, moved: dict[str, int], kept: list[str]) -> None:
    after = {
        "merge_id": str(made.id),
        "back": made.loser_name,
        "back_id": str(made.loser_id),
        "moved": moved,
        "kept": kept,
    }
    audit.record(action="customers.unmerged", kind="customer", record_id=holder_id, after=after)
    search.touch("customer", holder_id, made.loser_id)
    announce(
        CustomersParted(holder_id=str(holder_id), back_id=str(made.loser_id), merge_id=str(made.id)),
        CustomersChanged(customer_ids=[str(holder_id), str(made.loser_id)]),
    )
