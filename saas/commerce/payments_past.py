"""Fetching an account's past, newest first, and comparing with it every night: webhooks alone lose things.

How far we are stands with the account, so any worker may die and another goes on. One worker at a time has an account, by a lease on
the database's clock. Pages of the past are asked for outside of any transaction; nothing of it starts a journey.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from saas.commerce import payment_accounts, payment_writing
from saas.commerce.connectors import stripe
from saas.commerce.connectors import stripe_shapes as shapes
from saas.commerce.connectors.delivery import Unmappable
from saas.commerce.payment_models import Dispute, Payment, PaymentAccount, Payout
from saas.kit import clock, errors, work
from saas.kit.db import db

log = logging.getLogger("regulars.payments")
KINDS = ("payments", "charges", "disputes", "refunds", "payouts", "unfinished", "lines")
LEASE, EVERY, BACK = timedelta(minutes=3), timedelta(hours=24), timedelta(days=3)
AFTER_REFUSAL = timedelta(minutes=15)
MOST_PAGES = 50
"""Pages of a payout's parts that one webhook asks for; the nightly comparison brings what is left."""
ON_THE_WAY = ("in_transit", "paid")
"""States in which a payout's parts are settled; before that the vendor may still add to it."""
READ: dict[str, tuple[Callable[[Any], dict[str, Any]], Callable[..., int]]] = {
    "payments": (shapes.payment, payment_writing.payments), "charges": (shapes.payment, payment_writing.payments),
    "refunds": (shapes.refund, payment_writing.refunds), "disputes": (shapes.dispute, payment_writing.disputes),
    "payouts": (shapes.payout, payment_writing.payouts),
}  # fmt: skip


def due() -> list[tuple[int, UUID]]:
    """Return (tenant, account) that have something to fetch; for the sweep, in a unit of work over all tenants."""
    state = PaymentAccount.backfill["state"].astext
    late = or_(PaymentAccount.compared_at.is_(None), PaymentAccount.compared_at < func.now() - EVERY)
    query = select(PaymentAccount.tenant_id, PaymentAccount.id).where(
        PaymentAccount.removed_at.is_(None), PaymentAccount.trouble == "",
        or_(state.in_(("wanted", "running")), (state == "done") & late),
    )  # fmt: skip
    return [(tenant, account) for tenant, account in db.session.execute(query)]


def advance(tenant_id: int, account_id: UUID, *, budget: float = 30.0) -> bool:
    """Fetch pages of an account until done or out of time; tells whether there is more."""
    with work.unit(tenant_id=tenant_id):
        held = _lease(account_id)
    if held is None:
        return False
    way, state = held
    until = time.monotonic() + budget
    try:
        if state["state"] == "wanted":
            _look_after(tenant_id, account_id, way)
            state = {**state, "state": "running", "kind": KINDS[0], "after": "", "done": {}}
        while state["state"] != "done" and time.monotonic() < until:
            state = _step(tenant_id, account_id, way, state)
    except stripe.StoreBusy as busy:
        _put_off(tenant_id, account_id, timedelta(seconds=max(busy.seconds, 1.0)))
        return True
    except errors.Refusal as refusal:
        with work.unit(tenant_id=tenant_id):
            if isinstance(refusal, stripe.KeyRefused):
                payment_accounts.note_refused(payment_accounts.one(account_id, lock=True), refusal)
        _put_off(tenant_id, account_id, AFTER_REFUSAL)
        return False
    with work.unit(tenant_id=tenant_id):
        _write(account_id, {**state, "leased_until": None})
    return state["state"] != "done"


def _lease(account_id: UUID) -> tuple[stripe.Way, dict[str, Any]] | None:
    """Take the account for a while unless somebody has it; begins the nightly comparison when that is due."""
    account = payment_accounts.one(account_id, lock=True)
    now, state, way = db.session.scalar(select(func.now())), dict(account.backfill), payment_accounts.way_into(account)
    held_until = state.get("leased_until")
    if way is None or (held_until and datetime.fromisoformat(held_until) > now):
        return None
    if state.get("state") == "done":
        if account.compared_at is not None and account.compared_at > now - EVERY:
            return None
        since = (account.compared_at - BACK).isoformat() if account.compared_at else None
        state = {"state": "wanted", "since": since, "asked_at": now.isoformat()}
    account.backfill = {**state, "leased_until": (now + LEASE).isoformat()}
    return way, state


def _look_after(tenant_id: int, account_id: UUID, way: stripe.Way) -> None:
    """See that the account is still told of: its name may have changed, permissions been given, its address switched off."""
    about = stripe.about(way)
    with work.unit(tenant_id=tenant_id):
        account = payment_accounts.one(account_id)
        endpoint, by_key = account.endpoint, account.way == "key"
    lacks = [name for name in stripe.lacking(way, webhooks=by_key) if name != "webhooks"]
    alive = stripe.endpoint_alive(way, endpoint) if endpoint and by_key else True
    with work.unit(tenant_id=tenant_id):
        account = payment_accounts.one(account_id, lock=True)
        account.name, account.currency, account.country = about.name, about.currency, about.country
        silent = by_key and not (account.hook_secret_sealed and alive)
        account.lacking = lacks + (["webhooks"] if silent else [])
        if not alive:
            account.endpoint, account.hook_secret_sealed = "", None


def _step(tenant_id: int, account_id: UUID, way: stripe.Way, state: dict[str, Any]) -> dict[str, Any]:
    """Fetch and write one page, and write down how far we are in the same transaction."""
    kind, since = state["kind"], state.get("since")
    if kind == "lines":
        return _step_lines(tenant_id, account_id, way, state)
    if kind == "unfinished":
        return _step_unfinished(tenant_id, account_id, way, state)
    with work.unit(tenant_id=tenant_id):
        may = kind not in payment_accounts.one(account_id).lacking
    asked_at = clock.now()
    page = stripe.page(way, kind, after=state.get("after") or "", since=since and datetime.fromisoformat(since)) if may else stripe.Page([], "")  # fmt: skip
    read, store = READ[kind]
    rows, failed = _mapped(kind, page.found, read)
    behind = _payments_behind(way, rows) if since and kind in ("refunds", "disputes") else []
    with work.unit(tenant_id=tenant_id):
        account = payment_accounts.one(account_id)
        if behind:
            payment_writing.payments(account, behind, asked_at=asked_at, quiet=True)
        quiet = {} if kind == "refunds" else {"quiet": since is None}
        changed = store(account, rows, asked_at=asked_at, **quiet) if rows else 0
        done = dict(state.get("done", {}))
        before = done.get(kind, {"fetched": 0, "changed": 0, "failed": 0})
        done[kind] = {"fetched": before["fetched"] + len(rows), "changed": before["changed"] + changed, "failed": before["failed"] + failed}  # fmt: skip
        after = {**state, "done": done, "after": page.after}
        if not page.after:
            after["kind"] = KINDS[KINDS.index(kind) + 1]
        _write(account_id, {**after, "leased_until": _from_now(LEASE)})
    return after


def _mapped(
    kind: str, found: list[dict[str, Any]], read: Callable[[Any], dict[str, Any]]
) -> tuple[list[dict[str, Any]], int]:
    rows, failed = [], 0
    for one in found:
        if kind == "charges" and one.get("payment_intent"):
            continue  # it came with its payment
        try:
            rows.append(read(one))
        except Unmappable as problem:
            log.warning("one of the %s cannot be understood: %s", kind, problem)
            failed += 1
    return rows, failed


def _payments_behind(way: stripe.Way, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask for the payments of refunds and disputes: these change what an old payment says of itself."""
    found = []
    for key in sorted({row["payment_key"] for row in rows if row["payment_key"]}):
        try:
            found.append(stripe.payment(way, key))
        except (stripe.NotAtStripe, Unmappable) as problem:
            log.info("the payment %s is left out: %s", key, problem)
    return found


UNFINISHED: tuple[tuple[str, Any, Any, tuple[str, ...]], ...] = (
    ("payment_intent", Payment, Payment.at, ("pending", "authorised", "failed")),
    ("dispute", Dispute, Dispute.opened_at, ("needs_answer", "under_review")),
    ("payout", Payout, Payout.made_at, ("pending", "in_transit")),
)
LONG = timedelta(days=120)
SOME = 25


def _step_unfinished(tenant_id: int, account_id: UUID, way: stripe.Way, state: dict[str, Any]) -> dict[str, Any]:
    """Ask again for some of what had not ended when it was last heard of; the first time there is nothing to ask again."""
    asked_at, began = clock.now(), datetime.fromisoformat(state["asked_at"])
    found: list[tuple[str, str]] = []
    with work.unit(tenant_id=tenant_id):
        if state.get("since"):
            for about, model, at, states in UNFINISHED:
                query = select(model.key).where(
                    model.account_id == account_id,
                    model.state.in_(states),
                    model.asked_at < began,
                    at > asked_at - LONG,
                )
                found += [(about, key) for key in db.session.scalars(query.order_by(model.key).limit(SOME))]
    ask = {"payment_intent": stripe.payment, "dispute": stripe.dispute, "payout": stripe.payout}
    rows: dict[str, list[dict[str, Any]]] = {}
    for about, key in found:
        try:
            rows.setdefault(about, []).append(ask[about](way, key))
        except (stripe.NotAtStripe, Unmappable) as problem:
            log.info("%s is left out: %s", key, problem)
    with work.unit(tenant_id=tenant_id):
        account = payment_accounts.one(account_id)
        write = {"payment_intent": payment_writing.payments, "dispute": payment_writing.disputes, "payout": payment_writing.payouts}  # fmt: skip
        changed = sum(write[about](account, some, asked_at=asked_at) for about, some in rows.items())
        done = {**state["done"], "unfinished": state["done"].get("unfinished", 0) + changed}
        more = {} if sum(map(len, rows.values())) else {"kind": "lines", "after": ""}
        after = {**state, "done": done, **more}
        _write(account_id, {**after, "leased_until": _from_now(LEASE)})
    return after


def _step_lines(tenant_id: int, account_id: UUID, way: stripe.Way, state: dict[str, Any]) -> dict[str, Any]:
    """Fetch what one more payout is made of; done when all are listed."""
    with work.unit(tenant_id=tenant_id):
        account = payment_accounts.one(account_id)
        query = select(Payout.id, Payout.key).where(
            Payout.account_id == account_id, Payout.listed.is_(False), Payout.automatic.is_(True), Payout.state.in_(ON_THE_WAY)
        )  # fmt: skip
        waiting = db.session.execute(query.order_by(Payout.made_at.desc(), Payout.id).limit(1)).one_or_none()
        may = "lines" not in account.lacking
    if waiting is None or not may:
        with work.unit(tenant_id=tenant_id):
            account = payment_accounts.one(account_id, lock=True)
            account.compared_at = clock.now()
            after = {**state, "state": "done"}
            _write(account_id, after)
        return after
    rows, more = stripe.payout_lines(way, waiting.key, after=state.get("after") or "")
    with work.unit(tenant_id=tenant_id):
        payment_writing.payout_lines(waiting.id, rows, whole=not more)
        after = {**state, "after": more}
        _write(account_id, {**after, "leased_until": _from_now(LEASE)})
    return after


def list_payout(account: PaymentAccount, way: stripe.Way, key: str) -> None:
    """Fetch what a payout is made of once it is on its way; a payment vendor may add to it until then."""
    query = select(Payout).where(Payout.account_id == account.id, Payout.key == key)
    payout = db.session.scalars(query).one_or_none()
    if payout is None or payout.listed or not payout.automatic or payout.state not in ON_THE_WAY:
        return
    after = ""
    for _page in range(MOST_PAGES):
        try:
            rows, after = stripe.payout_lines(way, key, after=after)
        except stripe.KeyRefused as refusal:
            payment_accounts.note_refused(account, refusal)
            return
        payment_writing.payout_lines(payout.id, rows, whole=not after)
        if not after:
            return


def _from_now(span: timedelta) -> str:
    return (db.session.scalar(select(func.now())) + span).isoformat()


def _write(account_id: UUID, state: dict[str, Any]) -> None:
    payment_accounts.one(account_id, lock=True).backfill = state


def _put_off(tenant_id: int, account_id: UUID, span: timedelta) -> None:
    with work.unit(tenant_id=tenant_id):
        account = payment_accounts.one(account_id, lock=True)
        account.backfill = {**account.backfill, "leased_until": _from_now(span)}
