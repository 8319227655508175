"""The ledger of the timetable: each run of a task is one row, written once however many timetables run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Text, text
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import GlobalModel, db


class Tick(GlobalModel):
    """One run of a task of the timetable. Global, because the timetable is the platform's."""

    __tablename__ = "ticks"

    task: Mapped[str] = mapped_column(Text, primary_key=True)
    run_at: Mapped[datetime] = mapped_column(primary_key=True)
    claimed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


NOTE = text("INSERT INTO ticks (task, run_at, claimed_at) VALUES (:task, :run_at, now()) ON CONFLICT DO NOTHING")
DONE = text("UPDATE ticks SET done_at = now() WHERE task = :task AND run_at = CAST(:run_at AS timestamptz)")
OLD = text("DELETE FROM ticks WHERE run_at < now() - interval '7 days'")
AGAIN = text("""
    UPDATE ticks SET claimed_at = now() WHERE (task, run_at) IN (
        SELECT task, run_at FROM ticks WHERE done_at IS NULL AND claimed_at < now() - interval '20 minutes'
        AND run_at > now() - interval '1 day' FOR UPDATE SKIP LOCKED) RETURNING task, run_at""")


def database_now() -> datetime:
    """Return the database's clock: leases never trust a worker's."""
    return db.session.scalar(text("SELECT now()"))


def note(*, task: str, run_at: datetime) -> bool:
    """Write down that a task is due; False when somebody did already."""
    return db.session.execute(NOTE, {"task": task, "run_at": run_at}).rowcount == 1


def unfinished() -> list[Any]:
    """Claim runs that were rung for and not finished."""
    return list(db.session.execute(AGAIN))


def done(*, task: str, run_at: str) -> None:
    """Record that a run is finished."""
    db.session.execute(DONE, {"task": task, "run_at": run_at})


def tidy() -> None:
    db.session.execute(OLD)
