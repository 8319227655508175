"""The ledger of events: what happened, who still has to react, and which reactions are done.

PostgreSQL is the ledger and RQ only the doorbell: a lost Valkey loses nothing, because an event's doorbell row stays
until every reaction to it is recorded in the same transaction as its effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import logs, scope
from saas.kit.db import GlobalModel, TenantModel, db


class OutboxEvent(TenantModel):
    """One thing that happened in a room; `payload` is what the event's class carries.

    `xact` is the transaction that wrote it: ids are made before a commit and times repeat, so only this says what a reader
    who came to some place has certainly seen.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_xact", "tenant_id", "xact", "id"),)

    name: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    announced_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    done_at: Mapped[datetime | None]
    request_id: Mapped[str] = mapped_column(Text, server_default="")
    xact: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))


class Doorbell(GlobalModel):
    """An event that is not fully reacted to. Global, because the relay looks for work before it knows whose it is."""

    __tablename__ = "outbox_doorbell"
    __table_args__ = (
        Index("ix_outbox_doorbell_due_at", "due_at"),
        Index("ix_outbox_doorbell_turns", "tenant_id", "name", "due_at"),
        Index("ix_outbox_doorbell_in_hands", "tenant_id", "name", postgresql_where=text("attempts > 0")),
    )

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    last_error: Mapped[str | None] = mapped_column(Text)


class ReactionDone(TenantModel):
    """That a reaction to an event has had its effect; `id` is the event's."""

    __tablename__ = "reactions_done"

    reaction: Mapped[str] = mapped_column(Text, primary_key=True)
    done_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


WRITE = text("""
    WITH written AS (
        INSERT INTO outbox (tenant_id, id, name, payload, request_id)
        SELECT :tenant_id, told.id, told.name, told.payload, :request_id
        FROM jsonb_to_recordset(CAST(:told AS jsonb)) AS told(id uuid, name text, payload jsonb)
        RETURNING id, name)
    INSERT INTO outbox_doorbell (event_id, tenant_id, name, due_at)
    SELECT id, :tenant_id, name, now() + coalesce(CAST(:after AS interval), interval '0') FROM written""")
SHARE = 100
"""Events of one name that a company may have in hands: a fraction of a second of work, so that others wait no longer."""
CLAIM = text("""
    WITH RECURSIVE pairs AS (
        (SELECT tenant_id, name FROM outbox_doorbell ORDER BY tenant_id, name LIMIT 1)
        UNION ALL
        SELECT following.* FROM pairs, LATERAL (
            SELECT tenant_id, name FROM outbox_doorbell d WHERE (d.tenant_id, d.name) > (pairs.tenant_id, pairs.name)
            ORDER BY d.tenant_id, d.name LIMIT 1) following
    ), wanted AS (
        SELECT tenant_id, name, count(*) OVER () AS pairs FROM pairs WHERE name <> ALL(:held_back) AND EXISTS (
            SELECT FROM outbox_doorbell d WHERE d.tenant_id = pairs.tenant_id AND d.name = pairs.name AND d.due_at <= now())
    ), in_hands AS (
        SELECT tenant_id, name, count(*) AS many FROM outbox_doorbell
        WHERE attempts > 0 AND due_at > now() AND last_error IS NULL GROUP BY tenant_id, name
    ), ranked AS (
        SELECT next.event_id, row_number() OVER (PARTITION BY wanted.tenant_id ORDER BY next.due_at) AS turn, next.due_at
        FROM wanted LEFT JOIN in_hands USING (tenant_id, name), LATERAL (
            SELECT d.event_id, d.due_at FROM outbox_doorbell d
            WHERE d.tenant_id = wanted.tenant_id AND d.name = wanted.name AND d.due_at <= now() ORDER BY d.due_at
            LIMIT least(greatest(:share - coalesce(in_hands.many, 0), 0), greatest(:most / wanted.pairs, 1))) next
    ), taken AS (
        SELECT d.event_id, ranked.turn FROM outbox_doorbell d JOIN ranked USING (event_id)
        WHERE d.due_at <= now() ORDER BY ranked.turn, ranked.due_at LIMIT :most FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE outbox_doorbell bell SET attempts = attempts + 1,
           due_at = now() + least(interval '60 seconds' * power(2, least(attempts, 6)), interval '1 hour')
    FROM taken WHERE bell.event_id = taken.event_id
    RETURNING bell.event_id, bell.tenant_id, bell.name, taken.turn""")
RECORD = text("""INSERT INTO reactions_done (tenant_id, id, reaction)
    SELECT :tenant_id, told.id, :reaction FROM unnest(CAST(:ids AS uuid[])) AS told(id) ON CONFLICT DO NOTHING RETURNING id""")
WAITS = text("SELECT EXISTS (SELECT FROM outbox_doorbell WHERE due_at <= now())")
BRING_BACK = text("UPDATE outbox_doorbell SET due_at = now() WHERE due_at > now() AND attempts > 0")


def write(told: str, *, request_id: str, after: timedelta | None = None) -> None:
    """Write events of the bound tenant, given as a JSON list of id, name and payload, and ring for them, by one statement."""
    given = {"tenant_id": scope.tenant_id(), "told": told, "request_id": request_id, "after": after}
    db.session.execute(WRITE, given)


def claim(*, most: int, held_back: Sequence[str] = ()) -> list[Any]:
    """Take events that are due for handing out; each comes back after a lease unless it is finished by then.

    Companies take turns, and of one kind of a company's events no more than SHARE are in hands at a time: however much one
    has announced, another's next event is handed out at once and waits for no more than that. Events whose names are held
    back stay where they are.
    """
    found = db.session.execute(CLAIM, {"most": most, "held_back": list(held_back), "share": SHARE})
    return sorted(found, key=lambda row: row.turn)


def due() -> bool:
    """Tell whether events are due that nobody was given: a queue is full, or a company has its share in hands."""
    return bool(db.session.scalar(WAITS))


def bring_back(event_ids: Sequence[UUID] | None = None) -> None:
    """Make what was handed out due again, all of it or these events: whoever had it, lost it or gives it back."""
    if event_ids is None:
        db.session.execute(BRING_BACK)
    else:
        db.session.execute(update(Doorbell).where(Doorbell.event_id.in_(event_ids)).values(due_at=func.now()))


def forget(event_ids: list[UUID]) -> None:
    """Take events off the doorbell to which nobody reacts."""
    db.session.execute(delete(Doorbell).where(Doorbell.event_id.in_(event_ids)))


def record_reaction(*, event_id: UUID, reaction: str) -> bool:
    """Record a reaction of the bound tenant before its effect; False when it is recorded already.

    A second hand that does the same waits here for the first to commit, and then finds it done.
    """
    return bool(record_reactions(event_ids=[event_id], reaction=reaction))


def record_reactions(*, event_ids: Sequence[UUID], reaction: str) -> set[UUID]:
    """Record a reaction to several events; returns those to which it was not recorded yet."""
    given = {"tenant_id": scope.tenant_id(), "ids": sorted(event_ids), "reaction": reaction}
    return set(db.session.execute(RECORD, given).scalars())


def one(event_id: UUID) -> OutboxEvent | None:
    return db.session.scalars(select(OutboxEvent).where(OutboxEvent.id == event_id)).one_or_none()


def many(event_ids: Iterable[UUID]) -> list[OutboxEvent]:
    """Return events in the order in which they were announced."""
    query = select(OutboxEvent).where(OutboxEvent.id.in_(list(event_ids))).order_by(OutboxEvent.id)
    return list(db.session.scalars(query))


def finish(*, event_ids: Sequence[UUID], wanted: dict[str, set[str]]) -> None:
    """Take events off the doorbell when every reaction that their names want is recorded."""
    held = select(Doorbell.event_id, Doorbell.name).where(Doorbell.event_id.in_(event_ids))
    bells = db.session.execute(held.order_by(Doorbell.event_id).with_for_update()).all()
    if not bells:
        return
    done: dict[UUID, set[str]] = {bell.event_id: set() for bell in bells}
    query = select(ReactionDone.id, ReactionDone.reaction).where(ReactionDone.id.in_(list(done)))
    for event_id, reaction in db.session.execute(query):
        done[event_id].add(reaction)
    finished = [bell.event_id for bell in bells if wanted.get(bell.name, set()) <= done[bell.event_id]]
    if finished:
        db.session.execute(delete(Doorbell).where(Doorbell.event_id.in_(finished)))
        db.session.execute(update(OutboxEvent).where(OutboxEvent.id.in_(finished)).values(done_at=func.now()))


def note_failure(*, event_id: UUID, error: Exception) -> None:
    """Write down which kind of failure a reaction met and where; its own words may quote somebody's data."""
    words = " at ".join([logs.named(error), *logs.places(error)[-2:-1]])[:500]
    db.session.execute(update(Doorbell).where(Doorbell.event_id == event_id).values(last_error=words))


def waiting(tenant_ids: list[int]) -> int:
    """Return how many events of these tenants still wait for a reaction."""
    return db.session.scalar(select(func.count()).select_from(Doorbell).where(Doorbell.tenant_id.in_(tenant_ids))) or 0


OLD = (
    text("""DELETE FROM outbox WHERE announced_at < now() - interval '7 days'
            AND NOT EXISTS (SELECT FROM outbox_doorbell WHERE event_id = outbox.id)"""),
    text("DELETE FROM reactions_done WHERE done_at < now() - interval '14 days'"),
)


def tidy() -> None:
    """Throw away finished events and records of reactions that can no longer be asked for."""
    for statement in OLD:
        db.session.execute(statement)


FAILING = select(Doorbell).where(Doorbell.last_error.is_not(None)).order_by(Doorbell.due_at)


def failing(*, most: int = 100) -> list[dict[str, Any]]:
    """Return events with a reaction that failed: whose, which, how often, why and when it is tried again."""
    return [
        {
            "id": bell.event_id, "tenant_id": bell.tenant_id, "name": bell.name, "attempts": bell.attempts,
            "reason": bell.last_error, "due_at": bell.due_at,
        }
        for bell in db.session.scalars(FAILING.limit(most))
    ]  # fmt: skip


def give_up(event_id: UUID) -> Doorbell | None:
    """Take an event that keeps failing off the doorbell for good, and return what it was; None when it is not failing."""
    bell = db.session.scalars(FAILING.where(Doorbell.event_id == event_id)).one_or_none()
    if bell is not None:
        db.session.delete(bell)
    return bell
