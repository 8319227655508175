"""The product's own programs on servers of their own, as the Procfile starts them, for benches that measure them together."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saas.kit import launch, roles, servers

ROOT = Path(__file__).parents[1]
WORK = ("relay", "worker events", "worker mail", "worker heavy")
"""What makes sense of what comes in."""
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Programs:
    """The product running: where the web answers, the addresses of its database, what was founded, and the processes."""

    port: int
    urls: roles.Urls
    made: dict[str, Any]
    web: subprocess.Popen
    environment: dict[str, str]
    others: dict[str, subprocess.Popen]


@contextlib.contextmanager
def running(folder: Path, *, programs: Sequence[str] = (), web_workers: int = 2, **settings: str) -> Iterator[Programs]:
    """Start servers, a company, the web and these programs; all of it is gone afterwards."""
    postgres, valkey = servers.Postgres(folder / "postgres"), servers.Valkey(folder / "valkey")
    started: list[subprocess.Popen] = []
    try:
        urls = roles.prepare(postgres.start().url)
        environment = {
            **os.environ, **urls.environment(), "REDIS_URL": valkey.start().url, "ENVIRONMENT": "development",
            "COLLECT_PER_MINUTE": "100000000", "VAR_DIR": str(folder / "var"), **settings,
        }  # fmt: skip
        made = json.loads(_found(environment))
        port, granian = servers.free_port(), Path(sys.executable).parent / "granian"
        started.append(_start(
            [granian, "--interface", "wsgi", "saas.wsgi:app", "--host", "127.0.0.1", "--port", port, "--workers", web_workers,
             "--blocking-threads", 12, "--no-ws"],
            environment,
        ))  # fmt: skip
        _wait(port, started[0])
        others = {
            program: _start([sys.executable, "-m", "saas", *program.split()], environment) for program in programs
        }
        started += others.values()
        yield Programs(port, urls, made, started[0], environment, others)
    finally:
        for program in reversed(started):
            program.send_signal(signal.SIGTERM)
        for program in started:
            try:
                program.wait(60)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        valkey.stop()
        postgres.stop()


def family_of(server: subprocess.Popen) -> set[int]:
    """Return the processes of a server: itself and its workers."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    family = {server.pid}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def memory_of(server: subprocess.Popen) -> int:
    """Return the bytes in memory of a server and its workers."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE for pid in family_of(server))


def _start(command: list[Any], environment: dict[str, str]) -> subprocess.Popen:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return launch.start(command, env=environment, cwd=ROOT, **quiet)


def _found(environment: dict[str, str]) -> bytes:
    program = [sys.executable, "-m", "saas"]
    company = ["tenants", "create", "--company", "Bench", "--email", "o@bench.example", "--plan", "scale", "--json"]
    subprocess.run([*program, "db", "migrate"], env=environment, cwd=ROOT, check=True, capture_output=True)
    founding = [*program, *company, "--password", secrets.token_hex(12)]
    return subprocess.run(founding, env=environment, cwd=ROOT, check=True, capture_output=True).stdout


def _wait(port: int, web: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and web.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the web workers did not start")
