"""How we know that a customer is one person, and taking a wrong join back: what came by it goes where it was before.

A join is shown with all that speaks for it and with what hangs on it now. Taking it back says that the two are not the same:
that is remembered, so that a later claim does not quietly join them again, and it can be taken back itself at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.commerce import carts, digests, recognition, shops, visits
from saas.commerce.models import Cart, Order, Visit, Visitor
from saas.customers import facts, identity, joins, merge_tree, profiles
from saas.customers.models import NO_SOURCE, Join, Parting
from saas.kit import access, errors, search
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit

ORDER = ("email", "phone", "external", "visitor")
HIDING = {"email": "email", "phone": "phone", "external": "external_id"}
"""The field of the customer that a name of a kind would tell."""
MOST = 500


class NoSuchJoin(errors.NotFound):
    """The customer has no such join."""


class NoSuchParting(errors.NotFound):
    """Nothing was taken apart from this customer under that id."""


class RejoinedAlready(errors.Conflict):
    """This was joined again before."""


@dataclass
class Shown:
    """One join: a name the customer goes by, what speaks for it and what hangs on it."""

    id: UUID
    kind: str
    value: str
    source_id: UUID
    shop: str
    proven: bool
    counts: bool
    since: datetime
    last_at: datetime
    holds: dict[str, int]
    evidence: list[dict[str, Any]] = field(default_factory=list)


def of(customer_id: UUID | str) -> dict[str, Any]:
    """Return all joins of a customer, and what was taken apart from them; names in fields that the actor may not see are left
    out. Raises NoSuchCustomer."""
    customer, hidden = profiles.one(customer_id), access.hidden("customer")
    names = {shop.id: shop.name for shop in shops.all_shops()}
    told = [one for one in _names(customer.id, names) if HIDING[one.kind] not in hidden]
    found = [*told, *_browsers(customer.id, names)]
    return {"customer": customer, "joins": found, "partings": joins.partings_of(customer.id)}


def _names(customer_id: UUID, shop_names: dict[UUID, str]) -> list[Shown]:
    """Addresses, numbers and shops' ids, in the order they came."""
    held = [one for one in identity.names_of(customer_id) if one.kind != "visitor"]
    held.sort(key=lambda one: (ORDER.index(one.kind), one.created_at, one.id))
    merges = {one.loser_id: one for one in merge_tree.below(customer_id)}
    found = []
    for name in held:
        seen = {"id": str(name.id), "way": name.way, "at": name.created_at, "last_at": name.created_at, "proven": name.proven, "by": name.made_by,
                "shop": shop_names.get(name.source_id, ""), "url": "", "ref": "", "counts": True}  # fmt: skip
        evidence = [seen]
        if name.origin_id is not None and (merge := merges.get(name.origin_id)) is not None:
            evidence.append(
                {**seen, "way": "merge", "at": merge.made_at, "by": merge.made_by, "ref": str(merge.id), "shop": ""}
            )
        found.append(
            Shown(name.id, name.kind, name.value, name.source_id, shop_names.get(name.source_id, ""), name.proven, True, name.created_at,
                  name.created_at, {}, evidence)
        )  # fmt: skip
    return found


def _browsers(customer_id: UUID, shop_names: dict[UUID, str]) -> list[Shown]:
    """Browsers with what speaks for each, the one seen last first."""
    by_visitor: dict[str, list[Join]] = {}
    for one in joins.about(customer_id):
        by_visitor.setdefault(one.visitor, []).append(one)
    held, orders = _held(customer_id), _numbers([one for told in by_visitor.values() for one in told])
    found = []
    for visitor, told in by_visitor.items():
        counting = [one for one in told if one.parting_id is None]
        if not counting and visitor not in held:
            continue
        evidence = [
            {"id": str(one.id), "way": one.way, "at": one.at, "last_at": one.last_at, "proven": one.proven, "by": one.made_by,
             "shop": shop_names.get(one.shop_id, ""), "url": one.url, "ref": one.ref if one.way in ("order", "form") else "",
             "number": orders.get(one.ref, ""), "counts": one.parting_id is None}
            for one in told
        ]  # fmt: skip
        found.append(
            Shown(min(one.id for one in told), "visitor", visitor, NO_SOURCE, "", any(one.proven for one in counting), bool(counting),
                  min(one.at for one in told), max(one.last_at for one in told), held.get(visitor, {"visits": 0, "events": 0, "carts": 0}), evidence)
        )  # fmt: skip
    return sorted(found, key=lambda one: one.last_at, reverse=True)


def _held(customer_id: UUID) -> dict[str, dict[str, int]]:
    """Return what of a customer hangs on each browser now."""
    browsed = select(Visit.visitor, func.count(), func.sum(Visit.events_count)).where(Visit.customer_id == customer_id)
    found = {
        visitor: {"visits": stays, "events": int(events), "carts": 0}
        for visitor, stays, events in db.session.execute(browsed.group_by(Visit.visitor))
    }
    filled = select(Cart.visitor, func.count()).where(Cart.customer_id == customer_id).group_by(Cart.visitor)
    for visitor, many in db.session.execute(filled):
        found.setdefault(visitor, {"visits": 0, "events": 0, "carts": 0})["carts"] = many
    return found


def _numbers(told: Sequence[Join]) -> dict[str, str]:
    wanted = [UUID(one.ref) for one in told if one.way == "order"][:MOST]
    if not wanted:
        return {}
    return {
        str(key): number
        for key, number in db.session.execute(select(Order.id, Order.number).where(Order.id.in_(wanted)))
    }


def unjoin(customer_id: UUID | str, join_id: UUID | str) -> list[Parting]:
    """Say that a browser is not this customer's: its browsing, visits and carts go where they were before.

    Returns the partings, by the first of which it is undone. Raises NoSuchCustomer or NoSuchJoin.
    """
    customer = profiles.one(customer_id)
    join = _one(customer.id, join_id)
    with access.lifted(reason=joins.WHOLE):
        row = _lock(join.visitor)
        moved = _held(customer.id).get(join.visitor, {"visits": 0, "events": 0, "carts": 0})
        made = joins.part(customer.id, join.visitor, moved=moved)
        if not made:
            raise NoSuchJoin
        _settle(row)
    _trace("customers.unjoined", customer.id, join.visitor, moved, made[0].id)
    return made


def rejoin(customer_id: UUID | str, parting_id: UUID | str) -> None:
    """Take a parting back: what spoke for the join counts again. Raises NoSuchCustomer, NoSuchParting or RejoinedAlready."""
    customer = profiles.one(customer_id)
    parting = db.session.scalars(
        select(Parting).where(Parting.id == _id(parting_id, NoSuchParting), Parting.customer_id == customer.id)
    ).one_or_none()
    if parting is None:
        raise NoSuchParting
    if parting.undone_at is not None:
        raise RejoinedAlready(_("This was joined again already."))
    with access.lifted(reason=joins.WHOLE):
        row = _lock(parting.value)
        together = select(Parting).where(
            Parting.customer_id == customer.id, Parting.kind == parting.kind, Parting.value == parting.value,
            Parting.at == parting.at, Parting.undone_at.is_(None),
        )  # fmt: skip
        for one in db.session.scalars(together.order_by(Parting.id)).all():
            joins.rejoin(one)
        _settle(row)
    _trace("customers.rejoined", customer.id, parting.value, parting.moved, parting.id)


def _one(customer_id: UUID, join_id: UUID | str) -> Join:
    query = select(Join).where(Join.id == _id(join_id, NoSuchJoin), Join.customer_id == customer_id)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NoSuchJoin
    return found


def _id(said: UUID | str, missing: type[errors.Refusal]) -> UUID:
    try:
        return UUID(str(said))
    except ValueError:
        raise missing from None


def _lock(visitor: str) -> Visitor | None:
    """Lock a browser and everybody it may be, in the order in which digests lock them too."""
    row = recognition.hold(visitor)
    facts.hold(joins.everybody([visitor]))
    return row


def _settle(row: Visitor | None) -> None:
    """Give visits and carts to whose they are now and count anew; the rest follows from the announcement."""
    if row is None:
        return
    touched = recognition.settle(row)
    carts.look_again(row.visitor)
    visits.count(touched)
    carts.count(touched)
    search.touch("customer", *touched)
    digests.tell_live(row)


def _trace(action: str, customer_id: UUID, visitor: str, moved: dict[str, Any], parting_id: UUID) -> None:
    told = {"browser": visitor[:12], "parting_id": str(parting_id)} | {
        name: moved.get(name, 0) for name in ("visits", "carts")
    }
    audit.record(action=action, kind="customer", record_id=customer_id, after=told)
