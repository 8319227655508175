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

from sqlalchemy import func, literal, select, union_all

from saas.commerce import carts, digests, recognition, shops, visits
from saas.commerce.models import Cart, Order, Visit, Visitor
from saas.customers import facts, identity, joins, merge_tree, profiles, splitting
from saas.customers.models import NO_SOURCE, Identity, Join, Parting
from saas.kit import access, errors, search
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, undoing
from saas.tenancy.audit import Told

ORDER = ("email", "phone", "external", "visitor")
HIDING = {"email": "email", "phone": "phone", "external": "external_id"}
"""The field of the customer that a name of a kind would tell."""
MOST = 500
TOLD = ("visits", "carts", "orders", "form_submissions", "product_watches", "mailing_recipients", "payments")
"""What the history says went along."""


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
    """Addresses, numbers and shops' ids, in the order they came; then names of others that orders of this customer gave too."""
    held = [one for one in identity.names_of(customer_id) if one.kind != "visitor"]
    held.sort(key=lambda one: (ORDER.index(one.kind), one.created_at, one.id))
    held += _foreign(customer_id)
    orders = _came_by(customer_id)
    merged = any(one.origin_id is not None for one in held)
    merges = {one.loser_id: one for one in merge_tree.below(customer_id)} if merged else {}
    taken_off = [one.parting_id for one in held if one.parting_id]
    apart = db.session.scalars(select(Parting).where(Parting.id.in_(taken_off))) if taken_off else ()
    partings: dict[UUID | None, Parting] = {one.id: one for one in apart}
    found = []
    for name in held:
        seen = {"id": str(name.id), "way": name.way, "at": name.created_at, "last_at": name.created_at, "proven": name.proven, "by": name.made_by,
                "shop": shop_names.get(name.source_id, ""), "url": "", "ref": "", "counts": name.customer_id == customer_id}  # fmt: skip
        evidence = [seen]
        if name.origin_id is not None and (merge := merges.get(name.origin_id)) is not None:
            evidence.append(
                {**seen, "way": "merge", "at": merge.made_at, "by": merge.made_by, "ref": str(merge.id), "shop": ""}
            )
        if (parting := partings.get(name.parting_id)) is not None:
            evidence.append(
                {
                    **seen,
                    "way": "parting",
                    "at": parting.at,
                    "by": parting.made_by,
                    "ref": str(parting.customer_id),
                    "shop": "",
                }
            )
        found.append(
            Shown(name.id, name.kind, name.value, name.source_id, shop_names.get(name.source_id, ""), name.proven, name.customer_id == customer_id,
                  name.created_at, name.created_at, {"orders": orders.get(name.id, 0)}, evidence)
        )  # fmt: skip
    return found


def _came_by(customer_id: UUID) -> dict[UUID, int]:
    """Return how many of a customer's orders came by each name."""
    named = func.unnest(Order.came_by)
    query = select(named, func.count()).where(Order.customer_id == customer_id).group_by(named)
    return dict(db.session.execute(query).all())


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
    stays, events, none = func.count(), func.sum(Visit.events_count), literal(0)
    browsed = select(Visit.visitor, stays, events, none).where(Visit.customer_id == customer_id).group_by(Visit.visitor)
    filled = (
        select(Cart.visitor, none, none, func.count()).where(Cart.customer_id == customer_id).group_by(Cart.visitor)
    )
    found: dict[str, dict[str, int]] = {}
    for visitor, *counts in db.session.execute(union_all(browsed, filled)):
        held = found.setdefault(visitor, {"visits": 0, "events": 0, "carts": 0})
        for name, count in zip(("visits", "events", "carts"), counts, strict=True):
            held[name] += int(count)
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
    """Say that a browser, an address, a number or an account is not this customer's.

    A browser's visits and carts go where they were before; what came by another name goes to whoever's it is, or to a customer of
    its own. Returns the partings, by the first of which it is undone. Raises NoSuchCustomer, NoSuchJoin or TheirOnlyName.
    """
    customer = profiles.one(customer_id)
    name = _name_of(customer.id, join_id)
    if name is not None:
        access.require_readable("customer", [HIDING[name.kind]])
    with access.lifted(reason=joins.WHOLE):
        if name is not None:
            parting = splitting.take_off(customer.id, name.id)
            _trace("customers.unjoined", customer.id, parting)
            return [parting]
        join = _one(customer.id, join_id)
        row = _lock(join.visitor)
        moved = _held(customer.id).get(join.visitor, {"visits": 0, "events": 0, "carts": 0})
        made = joins.part(customer.id, join.visitor, moved=moved)
        if not made:
            raise NoSuchJoin
        _settle(row)
        _trace("customers.unjoined", customer.id, made[0])
    return made


def rejoin(customer_id: UUID | str, parting_id: UUID | str) -> None:
    """Take a parting back: what spoke for the join counts again, and who was taken apart is one again.

    Raises NoSuchCustomer, NoSuchParting, RejoinedAlready or OtherGone.
    """
    customer = profiles.one(customer_id)
    parting = db.session.scalars(
        select(Parting)
        .where(Parting.id == _id(parting_id, NoSuchParting), Parting.customer_id == customer.id)
        .with_for_update()
    ).one_or_none()
    if parting is None:
        raise NoSuchParting
    if parting.undone_at is not None:
        raise RejoinedAlready(_("This was joined again already."))
    with access.lifted(reason=joins.WHOLE):
        if parting.kind != "visitor":
            splitting.put_back(parting)
        else:
            row = _lock(parting.value)
            together = select(Parting).where(
                Parting.customer_id == customer.id, Parting.kind == parting.kind, Parting.value == parting.value,
                Parting.at == parting.at, Parting.undone_at.is_(None),
            )  # fmt: skip
            for one in db.session.scalars(together.order_by(Parting.id)).all():
                joins.rejoin(one)
            _settle(row)
        _trace("customers.rejoined", customer.id, parting)


def _name_of(customer_id: UUID, join_id: UUID | str) -> Identity | None:
    """Return the name of that id, if it is the customer's or something of theirs came by it; browsers are told by their joins."""
    query = select(Identity).where(Identity.id == _id(join_id, NoSuchJoin), Identity.kind != "visitor")
    found = db.session.scalars(query).one_or_none()
    if found is None or found.customer_id == customer_id or found in _foreign(customer_id):
        return found
    return None


def _foreign(customer_id: UUID) -> list[Identity]:
    """Return names of others by which orders of this customer came too."""
    named = select(func.unnest(Order.came_by)).where(Order.customer_id == customer_id)
    query = select(Identity).where(Identity.id.in_(named), Identity.customer_id != customer_id)
    return list(db.session.scalars(query.order_by(Identity.id)))


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


def _trace(action: str, customer_id: UUID, parting: Parting) -> None:
    name = {"browser": parting.value[:12]} if parting.kind == "visitor" else {parting.kind: parting.value}
    told: dict[str, Any] = {**name, "parting_id": str(parting.id)}
    told |= {what: many for what, many in (parting.moved or {}).items() if what in TOLD and many}
    audit.record(action=action, kind="customer", record_id=customer_id, after=told)


def _apart(told: Told, rest: bool) -> None:
    """Take a parting of the history back."""
    rejoin(told.entry.record_id, told.after.get("parting_id", ""))


def _again(told: Told, rest: bool) -> None:
    """Take what was joined again off once more."""
    parting = db.session.scalars(select(Parting).where(Parting.id == UUID(told.after["parting_id"]))).one_or_none()
    customer = profiles.one(told.entry.record_id)
    if parting is None:
        raise undoing.CannotUndo(_("This cannot be undone."))
    if parting.kind == "visitor":
        query = select(Join.id).where(
            Join.customer_id == customer.id, Join.visitor == parting.value, Join.parting_id.is_(None)
        )
    else:
        query = select(Identity.id).where(
            Identity.kind == parting.kind, Identity.source_id == parting.source_id, Identity.value == parting.value
        )
    found = db.session.scalars(query.limit(1)).one_or_none()
    if found is None:
        raise undoing.CannotUndo(_("It is as it was before already."))
    unjoin(customer.id, found)


undoing.register("customers.unjoined", _apart, permission="customers.edit")
undoing.register("customers.rejoined", _again, permission="customers.edit")
