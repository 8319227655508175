"""Look at everything Regulars stands on and say in one line each whether it will hold."""

from __future__ import annotations

import argparse
import os
import pathlib
import socket
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator

ALONE = True  # it says itself what is missing
ROOT = pathlib.Path(__file__).resolve().parents[2]
LATE, TOO_LONG = 300, 1800  # seconds


class Unfit(Exception):
    """What is wrong and what to do about it, in one sentence."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(args: argparse.Namespace) -> int:
    from saas.__main__ import join_running_copy

    join_running_copy()
    failed = 0
    for name, check in checks():
        try:
            answer = check()
        except Exception as wrong:  # noqa: BLE001 -- whatever a check stumbles over is its finding
            failed += 1
            print(f"  wrong  {name}: {str(wrong).strip().splitlines()[0] if str(wrong) else type(wrong).__name__}")
        else:
            print(f"  fine   {name}: {answer}")
    print(f"{failed} of the above must be mended." if failed else "All is well.")
    return 1 if failed else 0


def checks() -> Iterator[tuple[str, Callable[[], str]]]:
    yield "Python", lambda: sys.version.split()[0]
    yield "settings", settings
    yield "the application's role", application_role
    yield "the owner's role", owner_role
    yield "the platform's role", platform_role
    yield "migrations", migrations
    yield "Valkey", valkey
    yield "mail", mail
    yield "files", files
    yield "the page's files", page
    yield "programs", programs
    yield "what waits", waiting
    yield "what fails", failing
    yield "backups", backups


def settings() -> str:
    from saas import config

    return f"{config.get().environment}, {config.get().public_url}"


def application_role() -> str:
    found = _role("DATABASE_URL")
    if found["rolsuper"] or found["rolbypassrls"]:
        raise Unfit("DATABASE_URL must not be a superuser's nor have BYPASSRLS, or no policy keeps tenants apart.")
    if found["owns"]:
        raise Unfit("DATABASE_URL's role owns tables; they must belong to the owner's role.")
    return f"{found['name']} on PostgreSQL {found['version']}, bound by row-level security"


def owner_role() -> str:
    return f"{_role('DATABASE_OWNER_URL')['name']} owns {_role('DATABASE_OWNER_URL')['owns']} tables"


def platform_role() -> str:
    found = _role("DATABASE_ADMIN_URL")
    if not found["rolbypassrls"] and not found["rolsuper"]:
        raise Unfit("DATABASE_ADMIN_URL's role lacks BYPASSRLS, so platform work would see nothing.")
    return found["name"]


def migrations() -> str:
    from saas.kit import roles

    if not roles.up_to_date(_given("DATABASE_OWNER_URL"), ROOT / "migrations" / "versions"):
        raise Unfit("The database is not up to date: run python -m saas db migrate.")
    return "all have run"


def valkey() -> str:
    import redis

    with redis.Redis.from_url(_given("REDIS_URL"), socket_timeout=5) as client:
        told, policy = client.info("server"), client.config_get("maxmemory-policy")["maxmemory-policy"]
        kept = client.info("persistence")["aof_enabled"]
    if tuple(map(int, told["redis_version"].split(".")[:2])) < (6, 2):
        raise Unfit(f"Version {told['redis_version']} is too old; 6.2 or newer keeps jobs when a worker dies.")
    if policy != "noeviction":
        raise Unfit(f"maxmemory-policy is {policy}: it would throw jobs away; set noeviction.")
    return f"version {told.get('valkey_version', told['redis_version'])}, append-only file {'on' if kept else 'OFF'}"


def mail() -> str:
    parts = urllib.parse.urlsplit(_given("SMTP_URL"))
    with socket.create_connection((parts.hostname, parts.port or 25), timeout=5):
        return f"{parts.hostname}:{parts.port or 25} answers"


def files() -> str:
    folder = pathlib.Path(os.environ.get("VAR_DIR", "var")).resolve()
    if not os.access(folder, os.W_OK):
        raise Unfit(f"{folder} cannot be written to.")
    return str(folder)


def page() -> str:
    if not (ROOT / "tenant_admin" / "static" / "vendor" / "tabler.css").exists():
        raise Unfit("They are not in place: run make setup.")
    return "in place"


def programs() -> str:
    """Each worker, the relay and the timetable leave a sign of life every few seconds."""
    from saas.kit import beats

    signs = beats.heard()
    if gone := beats.silent(signs):
        raise Unfit(f"Nothing is heard of {', '.join(gone)}: start the lines of the Procfile that are missing.")
    alive = [sign for sign in signs if sign["age"] < beats.SILENT]
    busy = max(alive, key=lambda sign: sign["busy"] or 0)
    if (busy["busy"] or 0) > TOO_LONG:
        raise Unfit(
            f"{busy['program']} (pid {busy['pid']}) is in {busy['doing']} for {busy['busy']:.0f} s: look at its log."
        )
    return f"{len(alive)} run, the last sign {min(sign['age'] for sign in alive):.0f} s ago"


def waiting() -> str:
    from saas.kit import standing

    outbox, lines = standing.outbox(), standing.lined_up()
    behind = [f"{line['queue']} by {line['oldest']:.0f} s" for line in lines if line["oldest"] > LATE]
    if outbox["oldest"] > LATE or behind:
        said = [f"events by {outbox['oldest']:.0f} s"] if outbox["oldest"] > LATE else []
        raise Unfit(f"Work is behind: {', '.join(said + behind)}. More workers of that queue help, or one hangs.")
    return f"{outbox['waiting']} events, {sum(line['jobs'] for line in lines)} jobs, nothing late"


def failing() -> str:
    from saas.kit import standing

    failed = standing.outbox()["failed"]
    if failed:
        raise Unfit(f"{failed} events meet a failure again and again: see /platform/failures for why.")
    return "nothing"


def backups() -> str:
    from saas import config
    from saas.kit.backups import taking

    newest = taking.newest()
    if newest is None:
        if not config.get().production:
            return "none yet; python -m saas backup takes one"
        raise Unfit(f"There is none in {taking.folder()}: run python -m saas backup every night.")
    hours = (time.time() - newest.stat().st_mtime) / 3600
    if config.get().production and hours > 26:
        raise Unfit(f"The newest is {hours:.0f} hours old: {newest}.")
    if config.get().production and not config.get().backup_key:
        raise Unfit("They are not encrypted: set BACKUP_KEY.")
    return f"{newest.name}, {hours:.0f} hours old, {newest.stat().st_size / 1e6:.1f} MB"


def _given(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise Unfit(f"{name} is not set.")
    return value


def _role(setting: str) -> dict:
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(_given(setting), connect_timeout=5, row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT rolname AS name, rolsuper, rolbypassrls, current_setting('server_version') AS version,"
            " (SELECT count(*) FROM pg_class WHERE relowner = r.oid AND relkind IN ('r', 'p')) AS owns"
            " FROM pg_roles r WHERE rolname = current_user"
        ).fetchone()
