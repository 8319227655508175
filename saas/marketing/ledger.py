"""The ledger of a mailing's recipients as the workers write it: claimed, about to leave, settled.

A mail may have left only while its row says `sending`, which is committed before the mail server hears of it, for ten
rows at most at a time. A worker that dies therefore leaves at most ten rows of which nobody knows; they become
`unknown` and are shown, never sent again by themselves. All else it held is sent by the next. Leases are told by the
database's clock, and each write asks whether the row is still the worker's own. Raw SQL in short transactions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import orjson
import psycopg
from psycopg_pool import PoolTimeout

from saas.kit import pool, scope

log = logging.getLogger("regulars.mailings")
CLAIMED_FOR, SENDING_FOR = "interval '20 seconds'", "interval '30 seconds'"
GIVEN_UP = "interval '72 hours'"
PATIENCE = 600  # seconds to wait for the database when mails have left and their outcome is not written yet
TELL_EVERY = 5  # seconds between two signs of life
DROP = 5000

CLAIM = f"""
UPDATE mailing_recipients r SET state = 'claimed', worker = %(worker)s, claimed_at = now(), lease_until = now() + {CLAIMED_FOR}
FROM (SELECT q.tenant_id, q.id FROM mailing_recipients q
      JOIN mailings m ON m.tenant_id = q.tenant_id AND m.id = q.mailing_id AND m.state = 'sending'
      WHERE q.tenant_id = %(tenant)s AND q.mailing_id = %(mailing)s AND q.state = 'queued' AND q.due_at <= now()
      ORDER BY q.due_at, q.id LIMIT %(most)s FOR UPDATE OF q SKIP LOCKED) due
WHERE r.tenant_id = due.tenant_id AND r.id = due.id
RETURNING r.id, r.customer_id, r.email"""
PROGRESS = "UPDATE mailings SET progress_at = now() WHERE tenant_id = %(tenant)s AND id = %(mailing)s"
# A row that is `sending` already by this worker's own hand was marked by a commit whose answer was lost.
TAKE = f"""
UPDATE mailing_recipients r SET state = 'sending', lease_until = now() + {SENDING_FOR}, offers = o.offers,
       offer_part = o.part, first_try_at = coalesce(r.first_try_at, now())
FROM jsonb_to_recordset(%(rows)s::jsonb) AS o (id uuid, offers jsonb, part jsonb), mailings m
WHERE r.tenant_id = %(tenant)s AND r.id = o.id AND r.worker = %(worker)s AND r.state IN ('claimed', 'sending')
  AND m.tenant_id = r.tenant_id AND m.id = r.mailing_id AND m.state = 'sending'
RETURNING r.id"""
SETTLE = f"""
UPDATE mailing_recipients r SET
    state = CASE WHEN o.state = 'queued' AND r.first_try_at < now() - {GIVEN_UP} THEN 'failed' ELSE o.state END,
    reason = o.reason, attempts = r.attempts + o.tried, lease_until = NULL,
    worker = CASE WHEN o.state = 'queued' THEN NULL ELSE r.worker END,
    due_at = CASE WHEN o.state = 'queued' THEN now() + o.wait * power(4, least(r.attempts * o.tried, 5)) * interval '1 second' END,
    sent_at = CASE WHEN o.state = 'sent' THEN now() END,
    bounced_at = CASE WHEN o.bounced THEN now() END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS o (id uuid, state text, reason text, tried int, wait float, bounced bool)
WHERE r.tenant_id = %(tenant)s AND r.id = o.id AND r.worker = %(worker)s AND r.state IN ('claimed', 'sending', 'unknown')"""
RELEASE = """
UPDATE mailing_recipients SET state = 'queued', worker = NULL, lease_until = NULL
WHERE tenant_id = %(tenant)s AND mailing_id = %(mailing)s AND state = 'claimed' AND worker = %(worker)s"""
# Before the server's last start nobody's lease counts: whoever was at it may be gone with it, and settles late if not.
EXPIRE = """
UPDATE mailing_recipients SET
    state = CASE state WHEN 'claimed' THEN 'queued' ELSE 'unknown' END, lease_until = NULL,
    worker = CASE state WHEN 'claimed' THEN NULL ELSE worker END, due_at = CASE state WHEN 'claimed' THEN due_at END,
    reason = CASE state WHEN 'claimed' THEN reason ELSE 'interrupted' END
WHERE tenant_id = %(tenant)s AND mailing_id = %(mailing)s AND state IN ('claimed', 'sending')
  AND (lease_until < now() OR claimed_at < pg_postmaster_start_time())"""
DROP_SOME = """
UPDATE mailing_recipients r
SET state = 'skipped', reason = 'cancelled', worker = NULL, lease_until = NULL, due_at = NULL
FROM (SELECT tenant_id, id FROM mailing_recipients WHERE tenant_id = %(tenant)s AND mailing_id = %(mailing)s
      AND state IN ('queued', 'claimed') LIMIT %(most)s FOR UPDATE SKIP LOCKED) rest
WHERE r.tenant_id = rest.tenant_id AND r.id = rest.id"""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A recipient this worker has and has not written to yet."""

    id: UUID
    customer_id: UUID | None
    email: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a recipient: the new state, and for those that wait how long (four times as long each time)."""

    id: UUID
    state: str
    reason: str = ""
    tried: int = 1
    wait: float = 60
    bounced: bool = False


class Hand:
    """One worker's hand on one mailing; all its writes carry its own id."""

    def __init__(self, mailing_id: UUID, worker: UUID) -> None:
        self.values = {"tenant": scope.tenant_id(), "mailing": mailing_id, "worker": worker}
        self.told = 0.0

    def claim(self, *, most: int) -> list[Claimed]:
        """Take up to `most` recipients that are due; none while the mailing is paused."""
        with pool.connection() as connection, connection.pipeline():
            connection.execute(PROGRESS, self.values)
            rows = connection.execute(CLAIM, {**self.values, "most": most})
            return [Claimed(*row) for row in rows.fetchall()]

    def advance(self, *, settled: Sequence[Outcome] = (), taken: Sequence[tuple[UUID, Any, Any]] = ()) -> set[UUID]:
        """Write what became of mails and mark the next ones as about to leave; returns those that may leave.

        Waits for the database when it is away, for the mails of `settled` have left.
        """
        return surely(lambda: self._advance(settled, taken))

    def _advance(self, settled: Sequence[Outcome], taken: Sequence[tuple[UUID, Any, Any]]) -> set[UUID]:
        with pool.connection() as connection, connection.pipeline():
            if time.monotonic() - self.told > TELL_EVERY:
                connection.execute(PROGRESS, self.values)
                self.told = time.monotonic()
            if settled:
                rows = [{name: getattr(one, name) for name in Outcome.__slots__} for one in settled]
                connection.execute(SETTLE, {**self.values, "rows": orjson.dumps(rows).decode()})
            if not taken:
                return set()
            rows = [{"id": key, "offers": offers, "part": part} for key, offers, part in taken]
            marked = connection.execute(TAKE, {**self.values, "rows": orjson.dumps(rows).decode()})
            return {row[0] for row in marked.fetchall()}

    def release(self) -> None:
        """Put back what was claimed and not begun."""
        with pool.connection() as connection:
            connection.execute(RELEASE, self.values)


def surely(act: Callable[[], Answer]) -> Answer:
    """Do something with the database as soon as it answers again; raises after ten minutes of silence."""
    until, wait = time.monotonic() + PATIENCE, 0.05
    while True:
        try:
            return act()
        except (psycopg.OperationalError, PoolTimeout) as error:
            if time.monotonic() > until:
                raise
            log.warning("waiting for the database with mails to settle: %s", error)
            time.sleep(wait)
            wait = min(wait * 2, 2)


def expire(mailing_id: UUID) -> int:
    """Put back what dead workers had claimed and show what they may have sent; returns how many rows that were."""
    with pool.connection() as connection:
        return connection.execute(EXPIRE, {"tenant": scope.tenant_id(), "mailing": mailing_id}).rowcount


def drop_rest(mailing_id: UUID) -> None:
    """Skip all that has not left yet, batch by batch."""
    values = {"tenant": scope.tenant_id(), "mailing": mailing_id, "most": DROP}
    more = DROP
    while more:
        with pool.connection() as connection:
            more = connection.execute(DROP_SOME, values).rowcount
