"""Servers and workers of their own for a test that kills them: real processes, started again as a supervisor would."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import multiprocessing
import os
import secrets
import signal
import time
import traceback
import urllib.request
from pathlib import Path

from saas.kit import roles, servers
from tests import settings
from tests.mailboxes import Mailbox
from tests.servers import lay_cluster


def _run(log: Path, module: str, given: tuple[str, ...]) -> None:
    """Be a worker, the relay or the timetable."""
    with open(log, "ab", buffering=0) as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    faulthandler.disable()
    try:
        if given:
            importlib.import_module(module).run(*given)
            return
        from saas.app import create_app

        with create_app(only_rooms=True).app_context():
            importlib.import_module(module).run()
    except BaseException:
        traceback.print_exc()
        os._exit(1)


class Crew:
    """A database that survives crashes, a Valkey, a mailbox, and the programs that do the work."""

    def __init__(self, folder: Path, addresses: dict) -> None:
        self.folder = folder
        self.postgres = servers.Postgres(folder / "postgres", programs=os.environ.get("TEST_POSTGRES_PROGRAMS") or None)
        lay_cluster(addresses, self.postgres, migrated=True)
        self.postgres.start()
        self.valkey = servers.Valkey(folder / "valkey").start()
        self.mailbox = Mailbox(folder / "mailbox")
        urls = roles.prepare(self.postgres.url)
        self.settings = urls.environment() | {
            "REDIS_URL": self.valkey.url,
            "SMTP_URL": f"smtp://127.0.0.1:{self.mailbox.smtp_port}",
            "ENVIRONMENT": "test",
            "SECRET_KEY": secrets.token_hex(24),
            "VAR_DIR": str(folder / "var"),
            "ARGON2_MEMORY_KIB": "64",
        }
        self.entered = contextlib.ExitStack()
        self.programs: dict[str, tuple[tuple[str, ...], multiprocessing.Process]] = {}
        self.entered.enter_context(settings.entered(self.settings))

    def start(self, name: str, module: str, *given: str) -> None:
        """Start a program of ours under a name: a process of its own that need not load everything anew."""
        process = multiprocessing.get_context("fork").Process(
            target=_run, args=(self.folder / f"{name}.log", module, given)
        )
        process.start()
        self.programs[name] = ((module, *given), process)

    def kill(self, name: str) -> None:
        """Kill a program at once, and start it anew as its supervisor would."""
        command, process = self.programs[name]
        process.kill()
        process.join()
        self.start(name, *command)

    def crash_postgres(self) -> None:
        """Stop the database without letting anybody finish, and start it again."""
        self.postgres.process.send_signal(signal.SIGQUIT)
        self.postgres.process.wait(30)
        self.postgres.start()

    def mend(self) -> None:
        """Start what ended by itself."""
        for name, (command, process) in list(self.programs.items()):
            if not process.is_alive():
                process.join()
                self.start(name, *command)

    def letters(self) -> int:
        """Return how many mails have arrived."""
        with urllib.request.urlopen(self.mailbox.url + "/healthz", timeout=10) as answer:
            return json.load(answer)["letters"]

    def until(self, done, *, seconds: float) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not done():
            self.mend()
            assert time.monotonic() < end, self.logs()
            time.sleep(0.02)

    def logs(self) -> str:
        """Return the ends of the programs' logs."""
        return "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in self.folder.glob("*.log"))

    def stop(self) -> None:
        for _command, process in self.programs.values():
            process.kill()
            process.join()
        self.entered.close()
        self.mailbox.stop()
        self.valkey.stop()
        self.postgres.stop()
