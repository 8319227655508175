"""Start everything: the servers, the database, the demo, the programs of the Procfile, and the sandbox around them.

Runs until Ctrl-C. `saas.kit.supervisor` keeps the programs alive and ends them; here is which, in what order and with
what settings. What can start together does, for a second start has ten seconds and the imports take most of them.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import shlex
import signal
import socket
import time
import urllib.parse
from functools import partial

from saas.cli._place import Place
from saas.kit import guard, keychain, launch, procfile, servers, supervisor

ALONE = True  # needs no database to be there
ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 120


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--with-parent", action="store_true", help="stop when the program that started this one ends")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    root = args.root.resolve()
    place = Place(pathlib.Path(os.environ.get("VAR") or root / "var").resolve())
    if not place.taken():
        place.state.unlink(missing_ok=True)  # of a launcher that was killed
    interrupted = None
    if args.with_parent:
        interrupted = partial(launch.interrupted, os.getppid())
        launch.die_with_parent(os.getppid(), signal.SIGTERM)
    try:
        return guard.guarded(Copy(root=root, place=place).run, unwanted=interrupted)
    finally:
        place.forget()


class Stopped(Exception):
    """The start was interrupted; what has been started is ended."""


class Copy:
    """One running copy of Regulars: its programs, in the order they need each other."""

    def __init__(self, *, root: pathlib.Path, place: Place):
        self.root = root
        self.place = place
        self.began = time.monotonic()
        self.ready = False

    def run(self) -> int:
        with self.place.alone():
            self.boss = supervisor.Supervisor(say=self._say, on_change=self._tell)
            try:
                self.settings = self.place.choose_settings()
                self._start_servers()
                self._start_sandbox("stripe", "mailbox")
                self._prepare_database()
                self._start_programs("web")
                self._load_demo()
                self._start_sandbox("shop")
                self._wait_until_ready()
                self._start_programs()  # last: their imports would keep the first page waiting
                self._announce()
                self.boss.watch()
            except Stopped:
                pass
            finally:
                self.place.forget()
                self._say("Stopping.")
                self.boss.stop(last=("postgres", "valkey"))
        return 0

    def _start_servers(self) -> None:
        wanted = []
        if "DATABASE_URL" not in self.settings:
            self.postgres = servers.Postgres(self.place.var / "postgres", self.place.ports["POSTGRES_PORT"])
            wanted.append(("postgres", self.postgres))
        if "REDIS_URL" not in self.settings:
            valkey = servers.Valkey(self.place.var / "valkey", self.place.ports["VALKEY_PORT"])
            wanted.append(("valkey", valkey))
        for name, server in wanted:
            server.prepare()
            self._add(name, lambda server=server: server.prepare() or server.command(), like=server)
        for _, server in wanted:
            self._until(server.answers, f"{server.name} to answer")
        if "REDIS_URL" not in self.settings:
            self.settings["REDIS_URL"] = valkey.url

    def _prepare_database(self) -> None:
        from saas.kit import roles

        passwords = {
            role: self.place.secrets[f"{role.upper()}_PASSWORD"] for role in (roles.OWNER, roles.APP, roles.ADMIN)
        }
        if "DATABASE_URL" not in self.settings:
            self.settings |= roles.prepare(self.postgres.url, passwords=passwords).environment()
        elif "DATABASE_OWNER_URL" not in self.settings:
            self.settings |= roles.from_superuser(self.settings["DATABASE_URL"], passwords=passwords).environment()
        if not roles.up_to_date(self.settings["DATABASE_OWNER_URL"], self.root / "migrations" / "versions"):
            self._say("Bringing the database up to date.")
            self._complete("migrate", "python -m saas db migrate")

    def _load_demo(self) -> None:
        """Once per database, through the web like any shop; what it hands back is kept beside the secrets.

        The sandbox hands back {"email", "password", "site_key", "hook_url", "hook_secret", "until", "form"}: who signs in, how
        the demo shop is connected, when its simulated past ends, and which form stands on its home page.
        """
        self.demo: dict = {}
        possible = (self.root / "sandbox" / "demo" / "__main__.py").exists()
        if not possible or os.environ.get("DEMO", "1") in ("0", "no", "false", ""):
            return
        database = self.settings["DATABASE_URL"].rpartition("@")[2]
        if "postgres" in self.boss.children:
            database = str(self.postgres.data_dir)
        file, new = self.place.var / "demo.json", self.place.var / "demo.new"
        known = json.loads(file.read_text()) if file.exists() else {}
        if known.get("database") != database:
            self._await_web()
            self._start_programs("relay", "events")  # figures come along with the orders; who indexes and fits waits
            self._say("Making the demo shop's two years; this happens once.")
            self._complete("demo", f"python -m sandbox.demo --output {shlex.quote(str(new))}")
            known = {"database": database, **json.loads(new.read_text())}
            keychain.write_private(file, json.dumps(known))
            new.unlink()
        self.demo = known
        for name in ("site_key", "hook_secret", "until"):
            self.settings[f"DEMO_{name.upper()}"] = known[name]
        self.settings["DEMO_FORM"] = known.get("form", "")  # a demo made before there were forms has none
        # the web may have another port than when the demo was made
        self.settings["DEMO_HOOK_URL"] = self.place.urls["web"] + urllib.parse.urlsplit(known["hook_url"]).path

    def _start_sandbox(self, *names: str) -> None:
        for name, line in procfile.read(self.root / "sandbox" / "Procfile").items():
            if name in names and not (name == "stripe" and "STRIPE_SECRET_KEY" in os.environ):
                self._add(name, lambda line=line: procfile.command(line))

    def _start_programs(self, *names: str) -> None:
        for name, line in procfile.read(self.root / "Procfile").items():
            if name not in self.boss.children and (not names or name in names):
                self._add(name, lambda line=line: procfile.command(line))

    def _await_web(self) -> None:
        self._until(lambda: _status(self.place.ports["PORT"], "/readyz") == 200, "the web to be ready")

    def _wait_until_ready(self) -> None:
        self._await_web()
        for name in ("shop", "mailbox", "stripe"):
            port = self.place.ports[f"{name.upper()}_PORT"]
            if name in self.boss.children:
                self._until(lambda port=port: _listens(port), f"the {name} to answer")

    def _announce(self) -> None:
        self.ready = True
        self._tell()
        lines = [("Regulars is ready", f"in {time.monotonic() - self.began:.1f} s")]
        lines += [("Sign in", f"{self.place.urls['web']}/")]
        if self.demo:
            lines += [("  as", f"{self.demo['email']}   password {self.demo['password']}")]
        lines += [("Demo shop", f"{self.place.urls['shop']}/"), ("Mailbox", f"{self.place.urls['mailbox']}/")]
        lines += [("API", f"{self.place.urls['web']}/docs/api"), ("Logs", str(self.place.var / "log"))]
        lines += [("Stop", "Ctrl-C")]
        rule = "-" * 72
        print("", rule, *(f"  {name:<18}{text}" for name, text in lines), rule, "", sep="\n", flush=True)

    def _tell(self) -> None:
        """Only once all is ready; and again when a program has been replaced."""
        if self.ready:
            pids = {name: child.process.pid for name, child in self.boss.children.items()}
            self.place.tell(settings=self.settings, pids=pids)

    def _add(self, name, command, *, like=None):
        child = self._child(name, command)
        if like:
            child.stop_signal, child.identity = like.stop_signal, like.identity
        return self.boss.add(child)

    def _complete(self, name: str, line: str) -> None:
        self.boss.complete(self._child(name, lambda: procfile.command(line)))
        self._go_on()

    def _go_on(self) -> None:
        if self.boss.stopping:
            raise Stopped

    def _child(self, name, command):
        log = self.place.var / "log" / f"{name}.log"
        if log.exists() and log.stat().st_size > 10_000_000:
            log.rename(log.with_suffix(".old.log"))
        return supervisor.Child(name=name, command=command, log=log, environment=self.settings, folder=self.root)

    def _until(self, holds, what: str) -> None:
        """Waits, tending all children; gives up when one keeps dying, for whoever starts the whole wants to know."""

        def settled():
            for child in self.boss.children.values():
                if child.failures > 3:
                    text = f"{child.name} does not start. The end of {child.log}:\n{child.last_words(15)}"
                    raise supervisor.GaveUp(text)
            return holds()

        self.boss.watch(until=settled, patience=PATIENCE, what=what)
        self._go_on()

    def _say(self, sentence: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


def _status(port: int, path: str) -> int:
    with contextlib.suppress(OSError, http.client.HTTPException):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            line.request("GET", path)
            return line.getresponse().status
        finally:
            line.close()
    return 0


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
