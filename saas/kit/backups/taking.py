"""Taking a backup: every table as of one moment, by the platform's role, which row-level security does not cut short."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from saas import config
from saas.kit import clock
from saas.kit.backups import tables, vault

SUFFIX = ".backup"
PATIENT = (
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=10000 -c application_name=backup"
)


@dataclass(frozen=True)
class Taken:
    """What came of it."""

    path: Path
    rows: int
    size: int
    seconds: float


def folder() -> Path:
    """Return where backups are kept."""
    settings = config.get()
    return Path(settings.backup_dir) if settings.backup_dir else Path(settings.var_dir) / "backups"


def take(*, to: Path | None = None, tenant_id: int | None = None, say: Callable[[str], None] = lambda _: None) -> Taken:
    """Write a backup of everything, or of one company, and return where it is. A file is there whole or not at all."""
    began, moment = time.monotonic(), clock.now()
    whose = f"-tenant-{tenant_id}" if tenant_id is not None else ""
    path = to or folder() / f"regulars{whose}-{moment:%Y%m%dT%H%M%S}Z{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(path.name + ".part")
    try:
        with (
            open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            psycopg.connect(config.get().database_admin_url, options=PATIENT) as connection,
        ):
            rows = _write(connection, file, tenant_id=tenant_id, made_at=moment.isoformat(), say=say)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return Taken(path, rows, path.stat().st_size, time.monotonic() - began)


def _write(
    connection: psycopg.Connection, file, *, tenant_id: int | None, made_at: str, say: Callable[[str], None]
) -> int:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    about = {"made_at": made_at, "revision": revision, "tenant_id": tenant_id}
    writer = vault.Writer(file, about=about, key=config.get().backup_key)
    total = 0
    for part in tables.all_parts(connection):
        writer.say({"table": part.name, "columns": part.columns, "key": part.key})
        digest = hashlib.sha256()
        with connection.cursor() as cursor:
            with cursor.copy(part.query(tenant_id=tenant_id)) as rows:
                for block in _blocks(rows):
                    digest.update(block)
                    writer.data(block)
            writer.say({"end": part.name, "rows": cursor.rowcount, "sha256": digest.hexdigest()})
            total += cursor.rowcount
            if cursor.rowcount:
                say(f"{part.name}: {cursor.rowcount}")
    writer.finish()
    return total


def _blocks(rows):
    """PostgreSQL hands rows one by one; whole rows together make fewer and larger blocks."""
    held = bytearray()
    for row in rows:
        held += row
        if len(held) >= 262_144:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def tidy(*, keep: int) -> list[Path]:
    """Throw away all but the newest backups of everything, and return which; what is not ours is left alone."""
    found = sorted(folder().glob(f"regulars-[0-9]*Z{SUFFIX}")) if folder().is_dir() else []
    old = found[: -keep or None] if keep > 0 else []
    for path in old:
        path.unlink()
    return old


def newest() -> Path | None:
    """Return the newest backup of everything."""
    found = sorted(folder().glob(f"regulars-[0-9]*Z{SUFFIX}")) if folder().is_dir() else []
    return found[-1] if found else None
