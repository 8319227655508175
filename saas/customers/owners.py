"""Whose customer it is, and with whom else they are shared.

Handing over and sharing look past the walls on purpose: one may give a customer of one's own to somebody whose records one
does not see. Both are traced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from saas.customers.events import CustomersChanged, OwnersChanged
from saas.customers.models import Customer, CustomerShare
from saas.kit import access, clock, errors, identifiers, scope, search
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, members, teams

MOST_SHARES = 50


class BadOwner(errors.Invalid):
    """Nobody here can be the owner: unknown, or no longer one of the company's people."""


class BadShare(errors.Invalid):
    """With whom a customer is to be shared, or until when, is wrong."""


class NoSuchShare(errors.NotFound):
    """The customer is not shared with them."""


def hand_over(customer: Customer, *, to: UUID | str | None) -> None:
    """Make somebody the customer's owner, or nobody (None); raises BadOwner or access.Locked."""
    access.require_writable("customer", ["owner_id"])
    after, before = known(to), customer.owner_id
    if after == before:
        return
    with access.lifted(reason="a customer may be handed to somebody whose records one does not see"):
        customer.owner_id, customer.updated_at = after, clock.now()
        audit.record(
            action="customers.handed_over", kind="customer", record_id=customer.id,
            before={"owner_id": _text(before)}, after={"owner_id": _text(after)},
        )  # fmt: skip
        _told(customer.id)


def mine_by_default(owner_id: UUID | str | None = None) -> UUID | None:
    """Return whose a new customer is: whoever is named, else the maker's own where they would not see it otherwise."""
    if owner_id:
        return known(owner_id)
    limits = access.limiting()
    return limits.member if limits is not None else None


def names(owner_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Return what owners are called, also those who have left."""
    return members.names({one for one in owner_ids if one is not None})


def share(
    customer: Customer, *, member_id: UUID | str | None = None, team_id: UUID | str | None = None,
    expires_at: datetime | None = None,
) -> None:  # fmt: skip
    """Show a customer to a member or to a team, for good or until a moment; doing it again changes the moment.

    They may do with the customer what their role allows. Raises BadShare.
    """
    member, team = _with_whom(member_id, team_id)
    if expires_at is not None and expires_at <= clock.now():
        raise BadShare(fields={"expires_at": [_("Give a moment in the future.")]})
    actor = access.current().member
    with access.lifted(reason="a share is made for somebody else to see"):
        if len(shares(customer.id)) >= MOST_SHARES:
            raise BadShare(_("A customer can be shared with %(most)s at most.", most=MOST_SHARES))
        made = insert(CustomerShare).values(
            tenant_id=scope.tenant_id(), id=identifiers.new(), customer_id=customer.id, member_id=member, team_id=team,
            expires_at=expires_at, shared_by=actor, created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        db.session.execute(
            made.on_conflict_do_update(
                index_elements=["tenant_id", "customer_id", "member_id", "team_id"],
                set_={"expires_at": expires_at, "updated_at": clock.now()},
            )
        )
        audit.record(
            action="customers.shared", kind="customer", record_id=customer.id,
            after={"member_id": _text(member), "team_id": _text(team), "expires_at": expires_at and expires_at.isoformat()},
        )  # fmt: skip
        _told(customer.id)


def unshare(customer: Customer, *, share_id: UUID | str) -> None:
    """Stop showing a customer to somebody; raises NoSuchShare."""
    with access.lifted(reason="a share of one's own customer is seen by whom it was made for"):
        held = next((one for one in shares(customer.id) if str(one["id"]) == str(share_id)), None)
        if held is None:
            raise NoSuchShare
        db.session.execute(delete(CustomerShare).where(CustomerShare.id == held["id"]))
        audit.record(
            action="customers.unshared", kind="customer", record_id=customer.id,
            before={"member_id": _text(held["member_id"]), "team_id": _text(held["team_id"])},
        )  # fmt: skip
        _told(customer.id)


def shares(customer_id: UUID) -> list[dict[str, Any]]:
    """Return with whom a customer is shared as plain values, the first share first; those that are over are left out."""
    with access.lifted(reason="whoever sees a customer sees with whom it is shared"):
        query = (
            select(CustomerShare)
            .where(CustomerShare.customer_id == customer_id)
            .where(or_(CustomerShare.expires_at.is_(None), CustomerShare.expires_at > clock.now()))
            .order_by(CustomerShare.created_at, CustomerShare.id)
        )
        found = list(db.session.scalars(query))
    people = members.names({one.member_id for one in found if one.member_id})
    groups = teams.names({one.team_id for one in found if one.team_id})
    return [
        {"id": one.id, "member_id": one.member_id, "team_id": one.team_id, "expires_at": one.expires_at,
         "name": people.get(one.member_id) or groups.get(one.team_id, "")}
        for one in found
    ]  # fmt: skip


def shared_with(customer_ids: Sequence[UUID] | None) -> dict[UUID, list[UUID]]:
    """Return the members and teams that these customers, or all, are shared with, for the index of the search."""
    query = select(CustomerShare.customer_id, CustomerShare.member_id, CustomerShare.team_id)
    if customer_ids is not None:
        query = query.where(CustomerShare.customer_id.in_(customer_ids))
    found: dict[UUID, list[UUID]] = {}
    for customer, member, team in db.session.execute(query):
        found.setdefault(customer, []).append(member or team)
    return found


def _told(customer_id: UUID) -> None:
    search.touch("customer", customer_id)
    announce(OwnersChanged(customer_ids=[str(customer_id)]), CustomersChanged(customer_ids=[str(customer_id)]))


def known(owner_id: UUID | str | None) -> UUID | None:
    """Return the id of one of the company's people, or None for nobody; raises BadOwner."""
    if not owner_id:
        return None
    try:
        return members.one(owner_id).id
    except members.NoSuchMember:
        raise BadOwner(fields={"owner_id": [_("Choose one of the company's people.")]}) from None


def _with_whom(member_id: UUID | str | None, team_id: UUID | str | None) -> tuple[UUID | None, UUID | None]:
    try:
        if member_id and not team_id:
            return members.one(member_id).id, None
        if team_id and not member_id:
            return None, teams.one(team_id).id
    except (members.NoSuchMember, teams.NoSuchTeam):
        pass
    raise BadShare(fields={"with": [_("Choose a person or a team.")]})


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None
