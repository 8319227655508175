"""Bringing messages to webhooks: claimed for a minute, sent without a transaction, settled each by itself.

A worker that dies between sending and settling has the message sent again with the same id, by which the receiver knows it.
Only a 2xx counts. The schedule is that of Standard Webhooks: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, select, tuple_, update
from standardwebhooks import Webhook

from saas.integrations import hooks
from saas.integrations.events import HookDisabled
from saas.integrations.models import Attempt, DeliveryOut, Hook
from saas.kit import clock, errors, http_out, queries, work
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce

PAUSES = (
    5,
    300,
    1800,
    7200,
    18_000,
    36_000,
    50_400,
    72_000,
    86_400,
)  # seconds before the second attempt and the following
AT_ONCE, EACH, BATCH = 16, 4, 64
DEADLINE = 15.0  # seconds for one attempt, well within the lease of a claim
MOST_BYTES = 64 * 1024
LONGEST_WISH = timedelta(days=1)  # what a receiver may ask us to wait
NEWEST = [(DeliveryOut.id, "desc")]


class NoSuchDelivery(errors.NotFound):
    """There is no such message."""


@dataclass(frozen=True)
class Parcel:
    """A claimed message with all that sending it needs."""

    tenant_id: int
    delivery_id: UUID
    hook_id: UUID
    url: str
    secrets: tuple[str, ...]
    body: bytes
    attempts: int


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt: the status that came back or why none did, and what the receiver asks us to wait."""

    status: int | None
    reason: str
    milliseconds: int
    wait: timedelta | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def run(*, seconds: float = 10.0) -> bool:
    """Bring what is due for a while; returns whether there is more. Opens its own units of work."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hooks") as senders:
        while True:
            parcels = claim()
            if not parcels:
                return False
            sending = {senders.submit(send, parcel): parcel for parcel in parcels}
            for sent in as_completed(sending):
                parcel = sending[sent]
                with work.unit(tenant_id=parcel.tenant_id):
                    settle(parcel, sent.result())
            if time.monotonic() > until:
                return True


def claim(*, most: int = BATCH) -> list[Parcel]:
    """Take messages that are due, over all companies."""
    with work.platform_unit(reason="bring messages to companies' webhooks"):
        rows = db.session.execute(
            queries.load("integrations/queries/claim_deliveries.sql"), {"most": most, "each": EACH}
        ).all()
        wanted = {(row.tenant_id, row.hook_id) for row in rows}
        found = db.session.scalars(select(Hook).where(tuple_(Hook.tenant_id, Hook.id).in_(wanted))) if wanted else ()
        known = {(hook.tenant_id, hook.id): (hook.url, tuple(hooks.secrets_of(hook))) for hook in found}
    return [
        Parcel(row.tenant_id, row.id, row.hook_id, *known[row.tenant_id, row.hook_id], bytes(row.body), row.attempts)
        for row in rows
        if (row.tenant_id, row.hook_id) in known
    ]


def send(parcel: Parcel) -> Outcome:
    """Send one message and tell what came back; touches no database, for it runs in a thread."""
    begun = time.monotonic()
    try:
        answer = http_out.call(
            "POST",
            parcel.url,
            body=parcel.body,
            headers=headers(parcel, datetime.now(UTC)),
            most=MOST_BYTES,
            seconds=DEADLINE,
        )
    except http_out.Unreachable as refusal:
        return Outcome(None, refusal.message, _since(begun))
    reason = "" if 200 <= answer.status < 300 else _why(answer.status)
    return Outcome(answer.status, reason, _since(begun), _asked_to_wait(answer))


def headers(parcel: Parcel, moment: datetime) -> dict[str, str]:
    """Return a message's headers: its id, the moment, and a signature for each secret that is valid."""
    message_id = f"msg_{parcel.delivery_id.hex}"
    signed = [Webhook(secret).sign(message_id, moment, parcel.body.decode()) for secret in parcel.secrets]
    return {
        "Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signed),
    }  # fmt: skip


def _since(begun: float) -> int:
    return int((time.monotonic() - begun) * 1000)


def _why(status: int) -> str:
    if 300 <= status < 400:
        return "It answered with a redirect; enter the final address."
    return "It says that it is gone for good." if status == 410 else f"It answered {status}."


def _asked_to_wait(answer: http_out.Answer) -> timedelta | None:
    """Return what a Retry-After asks for, in seconds or as a date, within a day."""
    wish = next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), "")
    try:
        wait = timedelta(seconds=int(wish)) if wish.isdigit() else parsedate_to_datetime(wish) - datetime.now(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(timedelta(0), min(wait, LONGEST_WISH))


def settle(parcel: Parcel, outcome: Outcome) -> None:
    """Write down what became of an attempt and when the next is due; the schedule's end switches the webhook off."""
    hook = db.session.scalars(select(Hook).where(Hook.id == parcel.hook_id).with_for_update()).one_or_none()
    delivery = db.session.scalars(
        select(DeliveryOut).where(DeliveryOut.id == parcel.delivery_id).with_for_update()
    ).one_or_none()
    if hook is None or delivery is None:
        return
    db.session.add(
        Attempt(
            delivery_id=delivery.id,
            status=outcome.status,
            reason=outcome.reason,
            milliseconds=outcome.milliseconds,
            at=clock.now(),
        )
    )
    if outcome.taken:
        delivery.state, delivery.ended_at = "done", func.now()
        hook.last_taken_at, hook.failing_since, hook.not_before, hook.reason = clock.now(), None, None, ""
        return
    hook.failing_since, hook.reason = hook.failing_since or clock.now(), outcome.reason
    if outcome.status == 410:
        disable(hook, outcome.reason)
        return
    if parcel.attempts > len(PAUSES):
        delivery.state, delivery.ended_at = "given_up", func.now()
        disable(hook, outcome.reason)
        return
    pause = timedelta(
        seconds=PAUSES[parcel.attempts - 1] * random.uniform(0.9, 1.1)
    )  # so that they do not all come at once
    if outcome.status in (429, 502, 503, 504) or outcome.wait is not None:
        hook.not_before = func.now() + (outcome.wait if outcome.wait is not None else pause)
    delivery.due_at = func.now() + max(pause, outcome.wait or timedelta(0))


def disable(hook: Hook, reason: str) -> None:
    """Switch a webhook off and have its owners told, once."""
    if hook.state != "disabled":
        hook.state, hook.reason = "disabled", reason
        announce(HookDisabled(hook_id=str(hook.id)))


def of_hook(hook_id: UUID, *, state: str | None = None) -> Select:
    """Return a select of a webhook's messages."""
    query = select(DeliveryOut).where(DeliveryOut.hook_id == hook_id)
    return query.where(DeliveryOut.state == state) if state else query


def counts(hook_id: UUID) -> dict[str, int]:
    """Return how many messages of a webhook wait, were taken and were given up."""
    query = select(DeliveryOut.state, func.count()).where(DeliveryOut.hook_id == hook_id).group_by(DeliveryOut.state)
    return {"waiting": 0, "done": 0, "given_up": 0} | dict(db.session.execute(query).all())


def one(delivery_id: UUID | str, *, hook_id: UUID) -> DeliveryOut:
    """Return a message of a webhook; raises NoSuchDelivery."""
    found = kit_db.one(DeliveryOut, delivery_id, NoSuchDelivery)
    if found.hook_id != hook_id:
        raise NoSuchDelivery
    return found


def attempts(delivery_ids: list[UUID]) -> dict[UUID, list[Attempt]]:
    """Return the attempts of some messages, the first first."""
    found: dict[UUID, list[Attempt]] = {delivery_id: [] for delivery_id in delivery_ids}
    for attempt in db.session.scalars(
        select(Attempt).where(Attempt.delivery_id.in_(delivery_ids)).order_by(Attempt.id)
    ):
        found[attempt.delivery_id].append(attempt)
    return found


def replay(delivery_id: UUID | str, *, hook_id: UUID) -> DeliveryOut:
    """Have a message sent once more from the beginning of its schedule; its id stays. Raises NoSuchDelivery."""
    delivery = one(delivery_id, hook_id=hook_id)
    delivery.state, delivery.attempts, delivery.due_at, delivery.ended_at = "waiting", 0, func.now(), None
    db.session.flush()
    return delivery


def replay_given_up(hook_id: UUID) -> int:
    """Have every message that was given up sent once more; returns how many."""
    again = update(DeliveryOut).where(DeliveryOut.hook_id == hook_id, DeliveryOut.state == "given_up")
    again = again.values(state="waiting", attempts=0, due_at=func.now(), ended_at=None)
    return db.session.execute(again.execution_options(synchronize_session=False)).rowcount


def anything_due() -> bool:
    """Tell whether any message of any company is due; platform work."""
    query = select(DeliveryOut.id).where(DeliveryOut.state == "waiting", DeliveryOut.due_at <= func.now()).limit(1)
    return db.session.scalar(query) is not None


def tidy(*, most: int = 20_000) -> int:
    """Throw away messages that ended more than thirty days ago, at most so many; platform work. Returns how many."""
    old = select(DeliveryOut.tenant_id, DeliveryOut.id).where(
        DeliveryOut.state != "waiting", DeliveryOut.ended_at < clock.now() - timedelta(days=30)
    )
    gone = delete(DeliveryOut).where(tuple_(DeliveryOut.tenant_id, DeliveryOut.id).in_(old.limit(most)))
    return db.session.execute(gone.execution_options(synchronize_session=False)).rowcount
