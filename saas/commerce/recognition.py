"""Whose browser it is: by a link in a mail, by the shop's signature, by an order; or only claimed.

Proven is what nobody but the person or their shop could say. A claim (an unsigned address, which anybody can type) joins
the browsing to a profile and nothing more: it never shows anything personal, never replaces what is proven and never
grants a consent. What counts, and from when on, is worked out by `customers.joins`; here it is read from a browser's events,
and the visits and carts are given to whose they are.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, select

from saas.commerce import carts, shops, visits
from saas.commerce.models import NO_SOURCE, ShopEvent, Visitor
from saas.customers import arriving, facts, identity, joins, timeline
from saas.customers.models import Join, TimelineEntry
from saas.kit import crypto, queries, text
from saas.kit.db import db

TokenReader = Callable[[str], UUID | None]
_token_readers: list[TokenReader] = []


def register_token_reader(reader: TokenReader) -> None:
    """Have tokens of links in mails read by `reader` (the customer's id, or None); rooms above that send mails register here."""
    if reader not in _token_readers:
        _token_readers.append(reader)


def hold(visitor: str) -> Visitor | None:
    """Return a browser's row, locked, or None when it told us nothing yet."""
    return db.session.scalars(select(Visitor).where(Visitor.visitor == visitor).with_for_update()).one_or_none()


def hold_many(visitors: Iterable[str]) -> list[Visitor]:
    """Return browsers' rows, locked, so that no digest of theirs is half way while orders look for their carts."""
    wanted = set(visitors)
    query = select(Visitor).where(Visitor.visitor.in_(wanted)).order_by(Visitor.id).with_for_update()
    return list(db.session.scalars(query)) if wanted else []


def recognise(row: Visitor, since: datetime) -> set[UUID]:
    """Find out whose browser this is from what it says of itself since then; then settle what is theirs. Returns the
    customers whose visits and carts changed hands.

    In whatever order the events come: what is read from them is read anew where they are new.
    """
    elsewhere, partings = joins.before(row.visitor, since)
    given = db.session.execute(
        queries.load("commerce/queries/identifications.sql"), {"visitor": row.visitor, "since": since, "cuts": partings}
    ).all()
    if given:
        told = _told(row.visitor, given, elsewhere)
        facts.hold({one.customer_id for one in told} | joins.everybody([row.visitor]))
        joins.replace(row.visitor, since, told)
    return settle(row, tell=bool(given))


def _told(visitor: str, given: Sequence[Any], proven_elsewhere: bool) -> list[joins.Told]:
    """Return what stretches of identifications say. Where anything is proven a claim makes no new customer."""
    read: dict[tuple[str, UUID], Who | None] = {}
    said: list[tuple[Any, Who | None]] = []
    for one in given:
        key = (str(sorted(one.identity.items())), one.source_id)
        if key not in read:
            read[key] = _proven(one.identity, one.source_id)
        said.append((one, read[key]))
    sure = proven_elsewhere or any(who is not None for _one, who in said)
    found = []
    for one, proof in said:
        who, proven = proof or _claimed(one.identity, one.source_id, make=not sure), proof is not None
        if who is not None:
            way = "claim" if not proven else "mail_link" if one.identity.get("token") else "signature"
            seen = joins.Evidence(way, one.at, ref=one.ref, last_at=one.last_at, shop_id=one.source_id, url=one.url)
            found.append(joins.Told(visitor, who.customer_id, who.self_id, proven, seen, who.name_id))
    return found


class Who(NamedTuple):
    """A customer, who that is at bottom where the customer was merged of several, and the name by which they were found."""

    customer_id: UUID
    self_id: UUID
    name_id: UUID | None = None


def _proven(told: Mapping[str, str], source_id: UUID) -> Who | None:
    return _by_token(told) or _by_signature(told, source_id)


def _by_token(told: Mapping[str, str]) -> Who | None:
    if not told.get("token"):
        return None
    found = next((found for reader in _token_readers if (found := reader(told["token"])) is not None), None)
    return Who(found, found) if found is not None else None


def _by_signature(told: Mapping[str, str], source_id: UUID) -> Who | None:
    """The signature covers the external id, or where none is given the address. The other one is then only claimed."""
    signature = told.get("signature", "").lower()
    if not signature:
        return None
    shop_ids = [source_id] if source_id != NO_SOURCE else [shop.id for shop in shops.all_shops()]
    key, email = told.get("external_id"), told.get("email", "").lower()
    for shop_id in shop_ids:
        if any(crypto.same(signature, sign(secret, key or email)) for secret in shops.secrets(shop_id)):
            if key:
                return _by_key(key, shop_id) or _made({"external_id": key}, shop_id)
            return _made({"email": email}, shop_id)
    return None


def _made(item: dict[str, Any], source_id: UUID) -> Who | None:
    """Find whom a shop's own word is about, or make the customer."""
    made = arriving.upsert_many([item], source_id, source="tracker")[0]
    return Who(made.id, made.origin or made.id, next(iter(made.names), None)) if made.id is not None else None


def sign(secret: str, name: str) -> str:
    """Return the signature a shop's server makes for a shopper's external id, or for their address in lower case."""
    return hmac.new(secret.encode(), b"identify:" + name.encode(), hashlib.sha256).hexdigest()


def _by_key(key: str, source_id: UUID) -> Who | None:
    """Whom a shop means by an id: its own customer, else one that came straight through the API."""
    names = [("external", source_id, key), ("external", NO_SOURCE, key)]
    found = identity.look(names)
    lead = identity.leading(names, found)
    return _who(found[lead]) if lead else None


def _who(found: identity.Known) -> Who:
    return Who(found.customer_id, found.origin_id or found.customer_id, found.id)


def _claimed(told: Mapping[str, str], source_id: UUID, *, make: bool) -> Who | None:
    """A claim finds whom we know; it makes a customer only of a valid address, and ties no name of a shop to it."""
    key = told.get("external_id")
    names = [("external", source_id, key), ("external", NO_SOURCE, key)] if key else []
    try:
        names.append(("email", NO_SOURCE, text.email(told.get("email", ""))))
    except text.NotAnEmail:
        make = False
    found = identity.look(names)
    lead = identity.leading(names, found)
    if lead is not None:
        return _who(found[lead])
    return _made({"email": told["email"]}, source_id) if make else None


def settle(row: Visitor, *, tell: bool = False) -> set[UUID]:
    """Give a browser's visits and carts to whose they are; returns the customers whose figures that changes.

    Where the browser went from one to another in the middle of a visit the visit is cut there. `tell` has the timelines look
    anew though nothing changes hands.
    """
    parts = joins.of(row.visitor)
    before, last = (row.customer_id, row.proven), parts.last
    row.customer_id, row.proven = (last.customer_id, last.proven) if last is not None else (None, False)
    db.session.flush()
    visits.cut(row, parts)
    touched = visits.give(row.visitor, parts) | carts.give(row.visitor, parts)
    if tell or touched or before != (row.customer_id, row.proven):
        _tell(row.visitor, touched | {part.customer_id for part in parts.held})
    return set(facts.hold(touched))


def _tell(visitor: str, customer_ids: set[UUID]) -> None:
    """Have the timelines of customers say when they showed who they are in this browser, as far as that counts."""
    counting = select(Join).where(
        Join.visitor == visitor, Join.parting_id.is_(None), Join.way.in_((*joins.BY_EVENTS, "form"))
    )
    wanted: dict[UUID, Join] = {}
    for join in db.session.scalars(counting.order_by(Join.proven.desc(), Join.at, Join.id)):
        wanted.setdefault(join.customer_id, join)
    told = select(TimelineEntry.at, TimelineEntry.customer_id, TimelineEntry.details["key"].astext).where(
        TimelineEntry.customer_id.in_(customer_ids | set(wanted)),
        TimelineEntry.kind == "identified",
        TimelineEntry.details["visitor"].astext == visitor,
    )
    keys = {(join.at, str(join.id)) for join in wanted.values()}
    timeline.remove_many([
        ("identified", at, key or visitor) for at, _whose, key in db.session.execute(told) if (at, key) not in keys
    ])  # fmt: skip
    timeline.add_many([
        {"customer_id": customer_id, "kind": "identified", "at": join.at, "key": str(join.id),
         "title": "Recognised in a browser" if join.proven else "Named in a browser, not proven",
         "details": {"visitor": visitor, "proven": join.proven, "key": str(join.id)}}
        for customer_id, join in wanted.items()
    ])  # fmt: skip


def erase_stretches(customer_ids: Sequence[UUID]) -> tuple[int, set[str]]:
    """Erase what customers did in browsers that were others' too for a while, and nothing of the others'; returns how many
    events that were, and the browsers."""
    browsers, gone = joins.shared(customer_ids), 0
    for visitor, since, until in joins.stretches(customer_ids, browsers):
        theirs = delete(ShopEvent).where(ShopEvent.visitor == visitor, ShopEvent.at > since, ShopEvent.at <= until)
        gone += db.session.execute(theirs.execution_options(synchronize_session=False)).rowcount
    return gone, browsers
