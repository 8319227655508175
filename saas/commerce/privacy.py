"""What a shop passes on of privacy law: somebody asks for their data, or to be forgotten, or the whole shop is to be.

A shop names people by its own ids and by an address. They are found here; what is then done is the house's own export and
erasure, which stand in a room above. Nothing but our ids is announced, for announcements are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, union, update

from saas.commerce import order_effects, shops
from saas.commerce.events import PersonAsked, ShopForgotten
from saas.commerce.models import Order, Shop
from saas.customers import identity, timeline
from saas.customers.models import NO_SOURCE, Customer, Identity
from saas.kit import db as kit_db
from saas.kit import search, text
from saas.kit.db import db
from saas.kit.events import announce

Body = dict[str, Any]


class NotAnswered(ValueError):
    """What a shop passes on cannot be done; the sentence says why."""


WHAT = {"customers/data_request": "data", "customers/redact": "erasure"}


def asked(topic: str, body: Body, *, source_id: UUID) -> None:
    """Have it done what a person or a shop asks for; raises NotAnswered where that cannot be known or would be wrong."""
    if topic == "shop/redact":
        shop = kit_db.one(Shop, source_id, shops.NoSuchShop, lock=True)
        if shop.removed_at is None and shops.readable(shop):
            raise NotAnswered("The shop is connected, so nothing of it was erased.")
        announce(ShopForgotten(shop_id=str(source_id)))
        return
    person = body.get("customer")
    if not isinstance(person, dict):
        raise NotAnswered("The body does not say whose data it is about.")
    numbers = body.get("orders_requested" if topic == "customers/data_request" else "orders_to_redact") or []
    found = people(person, [str(one) for one in numbers], source_id=source_id)
    announce(PersonAsked(shop_id=str(source_id), what=WHAT[topic], customer_ids=[str(one) for one in sorted(found)]))


def people(person: dict[str, Any], order_keys: list[str], *, source_id: UUID) -> set[UUID]:
    """Return the customers a shop means: by its id of them and by their address; by their orders when neither is known."""
    names: list[identity.Name] = []
    if person.get("id"):
        names.append(("external", source_id, str(person["id"])))
    if norm := _norm(person.get("email")):
        names.append(("email", NO_SOURCE, norm))
    found = set(identity.find_many(names).values())
    if not found and order_keys:
        query = select(Order.customer_id).where(Order.source_id == source_id, Order.external_id.in_(order_keys))
        found = {customer for customer in db.session.scalars(query) if customer is not None}
    if not found and (norm := text.phone(str(person.get("phone") or ""))):
        found = set(identity.find_many([("phone", NO_SOURCE, norm)]).values())
    return found


def _norm(email: Any) -> str:
    try:
        return text.email(email) if email else ""
    except text.NotAnEmail:
        return ""


def of_shop(source_id: UUID, *, most: int) -> list[UUID]:
    """Return customers whom a shop told us of, or who came with its orders, at most so many."""
    named = select(Identity.customer_id).where(Identity.source_id == source_id)
    first = select(Customer.id).where(Customer.source_id == source_id)
    bought = select(Order.customer_id).where(Order.source_id == source_id, Order.customer_id.is_not(None))
    everybody = union(named, first, bought).subquery()
    return list(db.session.scalars(select(everybody.c[0]).order_by(everybody.c[0]).limit(most)))


def known_elsewhere(customer_ids: Sequence[UUID], source_id: UUID) -> set[UUID]:
    """Return which of these customers are also another shop's, or the company's own: by an id they have there or an order."""
    own_or_other = Identity.source_id.not_in([source_id, NO_SOURCE]) | (
        (Identity.kind == "external") & (Identity.source_id == NO_SOURCE)
    )
    named = select(Identity.customer_id).where(Identity.customer_id.in_(customer_ids), own_or_other)
    bought = select(Order.customer_id).where(Order.customer_id.in_(customer_ids), Order.source_id != source_id)
    return set(db.session.scalars(named)) | set(db.session.scalars(bought))


def part(customer_ids: Sequence[UUID], source_id: UUID) -> None:
    """Take away from customers what this shop told of them: its id for them, and its orders, which stay as figures."""
    if not customer_ids:
        return
    quiet = {"synchronize_session": False}
    here = (Order.customer_id.in_(customer_ids), Order.source_id == source_id)
    held = db.session.execute(select(Order.id, Order.placed_at).where(*here)).all()
    timeline.remove_many([("order", placed_at, str(order_id)) for order_id, placed_at in held])
    gone = {"customer_id": None, "visitor": "", "cart_id": "", "country": "", "custom": {}}
    db.session.execute(update(Order).where(*here).values(gone).execution_options(**quiet))
    named = (Identity.customer_id.in_(customer_ids), Identity.source_id == source_id)
    db.session.execute(delete(Identity).where(*named).execution_options(**quiet))
    theirs = (Customer.id.in_(customer_ids), Customer.source_id == source_id)
    db.session.execute(
        update(Customer).where(*theirs).values(source_id=NO_SOURCE, external_id=None).execution_options(**quiet)
    )
    order_effects.count(customer_ids)
    search.touch("customer", *customer_ids)
    search.touch("order", *[order_id for order_id, _at in held])
