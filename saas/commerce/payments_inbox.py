"""What payment vendors tell of companies' own accounts: stored once, and then taken by asking how things stand now.

Events come twice, late and in any order, so nothing in them is believed but which object to ask for. Each object is asked for by
one at a time, so the last answer written is the newest.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.commerce import payment_accounts, payment_writing, payments_past
from saas.commerce.connectors import stripe
from saas.commerce.connectors.delivery import Unmappable
from saas.commerce.events import PaymentTold as Told
from saas.commerce.payment_models import PaymentAccount, PaymentTold
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce

log = logging.getLogger("regulars.payments")
KEPT = timedelta(days=35)
TAKEN = ("payment_intent", "charge", "refund", "dispute", "payout")
GONE = "account.application.deauthorized"


def store(account_id: UUID, told: stripe.Told) -> bool:
    """Store an event of an account and have it taken; False when it was stored before."""
    account = payment_accounts.one(account_id, removed=True)
    row = {
        "tenant_id": scope.tenant_id(), "id": identifiers.new(), "account_id": account_id, "event": told.event, "kind": told.kind,
        "about": told.about, "object_id": told.object_id, "happened_at": told.happened_at, "told_at": clock.now(), "reason": "",
    }  # fmt: skip
    made = insert(PaymentTold).values(row).on_conflict_do_nothing(index_elements=["tenant_id", "account_id", "event"])
    if db.session.execute(made.returning(PaymentTold.id)).first() is None:
        return False
    payment_accounts.note_told(account)
    if told.about in TAKEN or told.kind == GONE:
        announce(Told(told_id=str(row["id"])))
    else:
        done = update(PaymentTold).where(PaymentTold.id == row["id"]).values(done_at=clock.now())
        db.session.execute(done.execution_options(synchronize_session=False))
    return True


def take(told_id: UUID | str) -> None:
    """Take a stored event: ask for what it speaks of and write it. Raises StoreBusy when the vendor wants to be asked later."""
    told = db.session.scalars(select(PaymentTold).where(PaymentTold.id == UUID(str(told_id)))).one_or_none()
    if told is None or told.done_at is not None:
        return
    account = payment_accounts.one(told.account_id, removed=True)
    if told.kind == GONE:
        payment_accounts.permission_gone(account.id)
        _done([told.id])
        return
    way = payment_accounts.way_into(account)
    if way is None:
        _done([told.id])
        return
    payment_writing.hold(account.id, told.object_id)
    db.session.refresh(told)
    if told.done_at is not None:
        return  # whoever held it before us asked for it after this was told
    alike = _alike(told)
    try:
        refresh(account, way, told.about, told.object_id)
    except stripe.NotAtStripe:
        log.info("%s is not there any more", told.object_id)
    except stripe.KeyRefused as refusal:
        payment_accounts.note_refused(account, refusal)
    except Unmappable as problem:
        log.warning("%s cannot be understood: %s", told.object_id, problem)
        told.reason = str(problem)[:500]
        return
    _done(alike)


def _alike(told: PaymentTold) -> list[UUID]:
    """Return the events of the same object that wait, this one too: they were told before it is asked for."""
    query = select(PaymentTold.id).where(
        PaymentTold.account_id == told.account_id, PaymentTold.about == told.about, PaymentTold.object_id == told.object_id,
        PaymentTold.done_at.is_(None),
    )  # fmt: skip
    return list(db.session.scalars(query))


def _done(ids: list[UUID]) -> None:
    done = update(PaymentTold).where(PaymentTold.id.in_(ids)).values(done_at=clock.now(), reason="")
    db.session.execute(done.execution_options(synchronize_session=False))


def refresh(account: PaymentAccount, way: stripe.Way, about: str, object_id: str) -> None:
    """Ask for one object as it is now, with the payment it belongs to, and write it; raises what asking raises."""
    asked_at = clock.now()
    if about in ("payment_intent", "charge"):
        payment_writing.payments(account, [stripe.payment(way, object_id)], asked_at=asked_at)
    elif about == "refund":
        row = stripe.refund(way, object_id)
        _payment_of(account, way, row["payment_key"])
        payment_writing.refunds(account, [row], asked_at=asked_at)
    elif about == "dispute":
        row = stripe.dispute(way, object_id)
        _payment_of(account, way, row["payment_key"])
        payment_writing.disputes(account, [row], asked_at=asked_at)
    elif about == "payout":
        payment_writing.payouts(account, [stripe.payout(way, object_id)], asked_at=asked_at)
        payments_past.list_payout(account, way, object_id)


def _payment_of(account: PaymentAccount, way: stripe.Way, key: str) -> None:
    """A refund and a dispute change what their payment says of itself."""
    if key.startswith(("pi_", "ch_", "py_")):
        asked_at = clock.now()
        payment_writing.payments(account, [stripe.payment(way, key)], asked_at=asked_at)


def tidy() -> None:
    """Throw away old events; the vendor has forgotten them too."""
    db.session.execute(delete(PaymentTold).where(PaymentTold.told_at < clock.now() - KEPT))
