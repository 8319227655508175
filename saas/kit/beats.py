"""Signs of life: each worker, relay and timetable leaves one in Valkey every few seconds, with what it is doing.

They run out by themselves, so that a program that is gone is seen by its silence. A relay or a timetable beats from its own
loop: one that hangs falls silent. A worker may be in a long job, so a thread beats for it and tells since when it is in it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable

import orjson
from redis.exceptions import RedisError

from saas.kit import errand, valkey

PREFIX = "beat:"
EVERY, FORGOTTEN, SILENT = 5, 3600, 30
PROGRAMS = ("worker-events", "worker-mail", "worker-heavy", "relay", "timetable")
_doing: list[tuple[str, float] | None] = [None]
_last = [0.0]


def doing(what: str | None) -> None:
    """Say what this process is in the middle of, or that it waits."""
    _doing[0] = (what, time.time()) if what else None


def beat() -> None:
    """Leave a sign, if the last is some seconds old. Raises nothing: who cannot beat still works."""
    if time.monotonic() - _last[0] < EVERY:
        return
    _last[0] = time.monotonic()
    now = _doing[0]
    said = {"at": time.time(), "doing": now[0] if now else "", "since": now[1] if now else None}
    try:
        valkey.client().set(_key(), orjson.dumps(said), ex=FORGOTTEN)
    except (RedisError, OSError):
        pass


def _key() -> str:
    return f"{PREFIX}{errand.program()}:{socket.gethostname()}:{os.getpid()}"


def keep_beating() -> None:
    """Beat from a thread for as long as the process lives."""

    def on_and_on() -> None:
        while True:
            beat()
            time.sleep(EVERY)

    threading.Thread(target=on_and_on, name="beats", daemon=True).start()


def leave() -> None:
    """Take the sign away at an orderly end."""
    try:
        valkey.client().delete(_key())
    except (RedisError, OSError):
        pass


def heard() -> list[dict]:
    """Return the signs that were left in the last hour: program, host, pid, age in seconds, what it is doing and for how long.

    Raises Valkey's errors when it is away.
    """
    keys = list(valkey.client().scan_iter(f"{PREFIX}*", count=500))
    found = []
    for key, said in zip(keys, valkey.client().mget(keys) if keys else (), strict=True):
        if said is None:
            continue
        program, host, pid = key.decode().removeprefix(PREFIX).split(":", 2)
        told = orjson.loads(said)
        found.append(
            {
                "program": program, "host": host, "pid": int(pid), "age": max(time.time() - told["at"], 0.0),
                "doing": told["doing"], "busy": time.time() - told["since"] if told["since"] else None,
            }
        )  # fmt: skip
    return sorted(found, key=lambda one: (one["program"], one["host"], one["pid"]))


def silent(signs: Iterable[dict]) -> list[str]:
    """Return the programs of which none has been heard lately."""
    alive = {sign["program"] for sign in signs if sign["age"] < SILENT}
    return [name for name in PROGRAMS if name not in alive]
