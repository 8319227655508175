"""Sending mailings, telling customers' profiles of them, and following orders back to them.

Mailings are rung for: by the launch, by a worker that leaves some for later, and by the sweep when nobody works on
one. A mark in Valkey keeps one from being rung for again while a ring still waits in the queue; it is gone when the
job begins.
"""

from __future__ import annotations

from uuid import UUID

from redis.exceptions import RedisError

from saas.kit import errors, queues, scope, ticks, valkey, work
from saas.marketing import attribution, confirming, holding, launching, mailings, pushing, sending
from workers.handing_out import AUTOMATION

SEND, NOTE = "workers.jobs.marketing.send_some", "workers.jobs.marketing.note_sent"
WAITS = 45  # seconds after which a ring that nobody heard is repeated


def start(*, mailing_id: str, **_: object) -> None:
    """Ring for a mailing that was launched or changed."""
    tenant_id = scope.tenant_id()
    work.after_commit(lambda: ring(tenant_id, mailing_id))


def ring(tenant_id: int, mailing_id: str, *, hands: int = 1) -> None:
    """Ask for some workers on a mailing, unless as many are asked for already."""
    for hand in range(hands):
        if valkey.client().set(f"mailing-rung:{mailing_id}:{hand}", b"1", nx=True, ex=WAITS):
            queues.enqueue("mail", SEND, tenant_id=tenant_id, mailing_id=mailing_id, hand=hand)


def ring_for_notes(tenant_id: int) -> None:
    """Ask for a worker that tells profiles of what was sent."""
    if valkey.client().set(f"mails-rung:{tenant_id}", b"1", nx=True, ex=WAITS):
        queues.enqueue("heavy", NOTE, tenant_id=tenant_id)


def send_some(*, tenant_id: int, mailing_id: str, hand: int = 0, **_: object) -> None:
    """Work on a mailing for a while, and ring again when it is not done."""
    _heard(f"mailing-rung:{mailing_id}:{hand}")
    with scope.tenant(tenant_id, actor=AUTOMATION):
        more = sending.run(UUID(mailing_id))
    try:
        ring_for_notes(tenant_id)
        if more:
            ring(tenant_id, mailing_id, hands=hand + 1)
    except RedisError:
        pass  # the sweep rings


def follow_plan(**_: object) -> None:
    """Mailings rest while the company may not write, and go on when it may."""
    holding.follow_state()


def note_sent(*, tenant_id: int, **_: object) -> None:
    """Tell profiles of mails that were sent, batch by batch."""
    _heard(f"mails-rung:{tenant_id}")
    noted = pushing.BATCH
    while noted == pushing.BATCH:
        with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
            noted = pushing.note_sent()


def _heard(key: str) -> None:
    try:
        valkey.client().delete(key)
    except RedisError:
        pass


def sweep(*, run_at: str, **_: object) -> None:
    """Launch what is due, and ring for mailings that nobody works on."""
    with work.platform_unit(reason="find mailings that are due or that nobody works on"):
        due, stalled, unnoted = launching.due_everywhere(), mailings.stalled(), mailings.unnoted()
    for tenant_id, campaign_id in due:
        _launch(tenant_id, campaign_id)
    for tenant_id, mailing_id, waiting in stalled:
        ring(tenant_id, str(mailing_id), hands=1 + min(waiting // 2000, 3))
    for tenant_id in unnoted:
        ring_for_notes(tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.marketing.sweep", run_at=run_at)


def _launch(tenant_id: int, campaign_id: UUID) -> None:
    try:
        with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
            launching.launch(campaign_id)
    except errors.Refusal as refusal:
        with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
            launching.refuse(campaign_id, refusal.message)


def follow_orders(*, order_ids: list[str], **_: object) -> None:
    """Attribute orders to the mails they followed."""
    attribution.follow([UUID(order_id) for order_id in order_ids])


def ask_consent(*, request_id: str, **_: object) -> None:
    """Ask somebody by mail whether they agree."""
    confirming.write(request_id)
