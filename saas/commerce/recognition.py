"""Whose browser it is: by a link in a mail, by the shop's signature, by an order; or only claimed.

Proven is what nobody but the person or their shop could say. A claim (an unsigned address, which anybody can type) joins
the browsing to a profile and nothing more: it never shows anything personal, never replaces what is proven and never
grants a consent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from saas.commerce import carts, shops, visits
from saas.commerce.models import NO_SOURCE, Cart, Visit, Visitor
from saas.customers import facts, identity, profiles, timeline
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
    """Find out whose browser this is from the identities it gave, when some are new since then; then settle what is theirs.
    Returns the customers whose visits and carts changed hands.

    Of several identities a proven one wins over a claimed, then the later over the earlier, in whatever order they came.
    """
    given = db.session.execute(
        queries.load("commerce/queries/identities.sql"), {"visitor": row.visitor, "since": since}
    ).all()
    if any(one.fresh for one in given):
        known = identity.visitor(row.visitor)
        found = _proven(given) or (_claimed(given) if known is None or not known[1] else None)
        if found is not None:
            customer_id, proven, at = found
            facts.hold([customer_id])
            if identity.bind_visitor(row.visitor, customer_id, proven=proven):
                _tell(row.visitor, customer_id, proven, at)
    return settle(row)


def _tell(visitor: str, customer_id: UUID, proven: bool, at: datetime) -> None:
    title = "Recognised in a browser" if proven else "Named in a browser, not proven"
    timeline.add(
        customer_id=customer_id,
        kind="identified",
        at=at,
        title=title,
        key=visitor,
        details={"visitor": visitor, "proven": proven},
    )


def _proven(given: list[Any]) -> tuple[UUID, bool, datetime] | None:
    for one in given:
        customer_id = _by_token(one.identity) or _by_signature(one.identity, one.source_id)
        if customer_id is not None:
            return customer_id, True, one.at
    return None


def _by_token(told: Mapping[str, str]) -> UUID | None:
    if not told.get("token"):
        return None
    return next((found for reader in _token_readers if (found := reader(told["token"])) is not None), None)


def _by_signature(told: Mapping[str, str], source_id: UUID) -> UUID | None:
    """The signature covers the external id, or where none is given the address. The other one is then only claimed."""
    signature = told.get("signature", "").lower()
    if not signature:
        return None
    shop_ids = [source_id] if source_id != NO_SOURCE else [shop.id for shop in shops.all_shops()]
    key, email = told.get("external_id"), told.get("email", "").lower()
    for shop_id in shop_ids:
        if any(crypto.same(signature, sign(secret, key or email)) for secret in shops.secrets(shop_id)):
            if key:
                return _by_key(key, shop_id) or profiles.find_or_create(
                    external_id=key, source_id=shop_id, source="tracker"
                )
            return profiles.find_or_create(email=email, source_id=shop_id, source="tracker")
    return None


def sign(secret: str, name: str) -> str:
    """Return the signature a shop's server makes for a shopper's external id, or for their address in lower case."""
    return hmac.new(secret.encode(), b"identify:" + name.encode(), hashlib.sha256).hexdigest()


def _by_key(key: str, source_id: UUID) -> UUID | None:
    """Whom a shop means by an id: its own customer, else one that came straight through the API."""
    found = identity.find_many([("external", source_id, key), ("external", NO_SOURCE, key)])
    return found.get(("external", source_id, key)) or found.get(("external", NO_SOURCE, key))


def _claimed(given: list[Any]) -> tuple[UUID, bool, datetime] | None:
    for one in given:
        customer_id = _by_claim(one.identity, one.source_id)
        if customer_id is not None:
            return customer_id, False, one.at
    return None


def _by_claim(told: Mapping[str, str], source_id: UUID) -> UUID | None:
    """A claim finds whom we know; it makes a customer only of a valid address, and ties no name of a shop to it."""
    if told.get("external_id"):
        found = _by_key(told["external_id"], source_id)
        if found is not None:
            return found
    try:
        norm = text.email(told.get("email", ""))
    except text.NotAnEmail:
        return None
    return identity.find("email", norm) or profiles.find_or_create(
        email=told["email"], source_id=source_id, source="tracker"
    )


def settle(row: Visitor) -> set[UUID]:
    """Give a browser's visits and carts to the customer it is bound to; returns the customers whose figures that changes.

    What is nobody's becomes theirs, and what was joined to another customer by a mere claim. Where the browser was proven
    to be another's before, that history stays with them: two people may share a computer.
    """
    known = identity.visitor(row.visitor)
    if known is None or known == (row.customer_id, row.proven):
        return set()
    before, was_proven = row.customer_id, row.proven
    held = facts.hold(one for one in (known[0], before) if one is not None)
    if known[0] not in held:
        return set()
    row.customer_id, row.proven = known
    moves_along = before is not None and before != row.customer_id and not was_proven
    if _move(Visit, row, before if moves_along else None):
        visits.tell(row.visitor, row.customer_id)
    if _move(Cart, row, before if moves_along else None):
        carts.tell(row.visitor, row.customer_id)
    return set(held)


def _move(model: type[Visit] | type[Cart], row: Visitor, before: UUID | None) -> bool:
    """Move what is nobody's, and what is `before`'s, to the browser's customer; tells whether there was any."""
    theirs = model.customer_id.is_(None)
    if before is not None:
        theirs = or_(theirs, model.customer_id == before)
    moved = update(model).where(model.visitor == row.visitor, theirs).values(customer_id=row.customer_id)
    return db.session.execute(moved.execution_options(synchronize_session=False)).rowcount > 0
