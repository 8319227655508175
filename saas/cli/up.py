"""Start everything: the servers, the database, the demo, the programs of the Procfile, and the sandbox around them.

Runs until Ctrl-C. `saas.kit.supervisor` keeps the programs alive and ends them; here is which, in what order and with
what settings. What can start together does, for a second start has ten seconds and the imports take most of them.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import sys
import time
from functools import partial

from saas.kit import descendants, keychain, launch, ports, procfile, servers, supervisor

ALONE = True  # needs no database to be there
ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRETS = (
    "SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "BOUNCE_SECRET",
    "REGULARS_OWNER_PASSWORD",
    "REGULARS_APP_PASSWORD",
    "REGULARS_ADMIN_PASSWORD",
)
PORTS = {
    "PORT": 8000,
    "SHOP_PORT": 8001,
    "MAILBOX_PORT": 8002,
    "STRIPE_PORT": 8003,
    "SMTP_PORT": 8025,
    "POSTGRES_PORT": 8054,
    "VALKEY_PORT": 8063,
}
PATIENCE = 120


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--with-parent", action="store_true", help="stop when the program that started this one ends")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    return Copy(root=args.root.resolve(), with_parent=args.with_parent).begin()


class Copy:
    """One running copy of Regulars: its folder for files, its settings, its programs."""

    def __init__(self, *, root: pathlib.Path, with_parent: bool):
        self.root = root
        self.with_parent = with_parent
        self.launcher = os.getpid()
        self.var = pathlib.Path(os.environ.get("VAR") or root / "var").resolve()
        self.state = self.var / "run.json"
        self.environment = self.var / "environment.json"  # for commands in other terminals; holds passwords
        self.began = time.monotonic()
        self.settings: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        self.ready = False

    def run(self) -> int:
        for folder in (self.var, self.var / "log", self.var / "sandbox"):
            folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            shutil.rmtree(self.var / "figures", ignore_errors=True)
            (self.var / "figures").mkdir()
            self.boss = supervisor.Supervisor(say=self._say, on_change=self._write_state)
            try:
                self._choose_settings()
                self._start_servers()
                self._start_sandbox("stripe", "mailbox")
                self._prepare_database()
                self._start_programs("web")
                self._load_demo()
                self._start_sandbox("shop")
                self._wait_until_ready()
                self._start_programs()  # last: their imports would keep the first page waiting
                if not self.boss.stopping:
                    self._announce()
                self.boss.watch()
            finally:
                self.forget()
                self._say("Stopping.")
                self.boss.stop(last=("postgres", "valkey"))
        return 0

    def begin(self) -> int:
        """This function will run the copy until it is told to stop, and leave nothing behind; returns the exit code."""
        if not self._other_lives():
            self.state.unlink(missing_ok=True)  # of a launcher that was killed
        parent = os.getppid()
        interrupted = partial(launch.interrupted, parent) if self.with_parent else None
        if self.with_parent:
            launch.die_with_parent(parent, signal.SIGTERM)
        try:
            return supervisor.guarded(self.run, unwanted=interrupted)
        finally:
            self.forget()

    def forget(self) -> None:
        """This function will remove what tells others about this copy, if it is ours."""
        with contextlib.suppress(OSError, ValueError):
            if json.loads(self.state.read_text())["pids"]["launcher"] == self.launcher:
                self.state.unlink()
                self.environment.unlink()

    @contextlib.contextmanager
    def _alone(self):
        """One copy per folder. The one before may need a moment to leave."""
        with open(self.var / "lock", "w") as lock:
            deadline = time.monotonic() + 2 * supervisor.GRACE
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if self._other_lives() or time.monotonic() > deadline:
                        sys.exit(f"Regulars already runs with the files in {self.var}; VAR= chooses another folder.")
                    time.sleep(0.1)
            yield

    def _other_lives(self) -> bool:
        try:
            return descendants.lives(json.loads(self.state.read_text())["pids"]["launcher"])
        except (OSError, ValueError, KeyError):
            return False

    def _choose_settings(self) -> None:
        """The environment wins over what was chosen last time, and that over the defaults."""
        given = os.environ
        remembered = self.var / "ports.json"
        last = json.loads(remembered.read_text()) if remembered.exists() else {}
        chosen = {}
        for name, default in PORTS.items():
            wish = given.get(name)
            chosen[name] = ports.claim(int(wish or last.get(name, default)), insist=bool(wish))
        remembered.write_text(json.dumps(chosen))
        self.ports = chosen
        self.secrets = keychain.load(self.var / "secrets", SECRETS)
        address = {name: f"http://127.0.0.1:{port}" for name, port in chosen.items()}
        self.urls = {"web": given.get("PUBLIC_URL", address["PORT"]), "shop": address["SHOP_PORT"]}
        self.urls |= {"mailbox": address["MAILBOX_PORT"], "stripe": address["STRIPE_PORT"]}
        programs = os.path.dirname(sys.executable)
        self.settings = {
            "PATH": f"{programs}{os.pathsep}{given.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "VAR_DIR": str(self.var),
            "PROMETHEUS_MULTIPROC_DIR": str(self.var / "figures"),
            "PUBLIC_URL": self.urls["web"],
            "TRUSTED_HOSTS": given.get("TRUSTED_HOSTS", "localhost,127.0.0.1"),
            "SMTP_URL": given.get("SMTP_URL", f"smtp://127.0.0.1:{chosen['SMTP_PORT']}"),
            "OUTGOING_PRIVATE_HOSTS": given.get("OUTGOING_PRIVATE_HOSTS", "1"),
            "PAGE_IMAGE_HOSTS": given.get("PAGE_IMAGE_HOSTS", self.urls["shop"]),
            **{name: str(port) for name, port in chosen.items()},
            **{name: given.get(name, value) for name, value in self.secrets.items() if "PASSWORD" not in name},
            **{name: given[name] for name in given if name.startswith("DATABASE_") or name == "REDIS_URL"},
        }
        if "STRIPE_SECRET_KEY" not in given:
            self.settings["STRIPE_API_BASE"] = self.urls["stripe"]

    def _start_servers(self) -> None:
        wanted = []
        if "DATABASE_URL" not in self.settings:
            self.postgres = servers.Postgres(self.var / "postgres", self.ports["POSTGRES_PORT"])
            wanted.append(("postgres", self.postgres))
        if "REDIS_URL" not in self.settings:
            valkey = servers.Valkey(self.var / "valkey", self.ports["VALKEY_PORT"])
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

        passwords = {role: self.secrets[f"{role.upper()}_PASSWORD"] for role in (roles.OWNER, roles.APP, roles.ADMIN)}
        if "DATABASE_URL" not in self.settings:
            self.settings |= roles.prepare(self.postgres.url, passwords=passwords).environment()
        elif "DATABASE_OWNER_URL" not in self.settings:
            self.settings |= roles.from_superuser(self.settings["DATABASE_URL"], passwords=passwords).environment()
        if not roles.up_to_date(self.settings["DATABASE_OWNER_URL"], self.root / "migrations" / "versions"):
            self._say("Bringing the database up to date.")
            self._complete("migrate", "python -m saas db migrate")

    def _load_demo(self) -> None:
        """Once per database, through the web like any shop; what it hands back is kept beside the secrets.

        The sandbox hands back {"email", "password", "site_key", "hook_url", "hook_secret", "until"}: who signs in, how
        the demo shop is connected, and when its simulated past ends.
        """
        self.demo: dict = {}
        possible = (self.root / "sandbox" / "demo" / "__main__.py").exists()
        if not possible or os.environ.get("DEMO", "1") in ("0", "no", "false", ""):
            return
        database = self.settings["DATABASE_URL"].rpartition("@")[2]
        if "postgres" in self.boss.children:
            database = str(self.postgres.data_dir)
        file, new = self.var / "demo.json", self.var / "demo.new"
        known = json.loads(file.read_text()) if file.exists() else {}
        if known.get("database") != database:
            self._await_web()
            self._start_programs()
            self._say("Making the demo shop's two years; this happens once.")
            self.settings["SHOP_URL"] = self.urls["shop"]
            self._complete("demo", f"python -m sandbox.demo --output {shlex.quote(str(new))}")
            if self.boss.stopping:
                return
            known = {"database": database, **json.loads(new.read_text())}
            keychain.write_private(file, json.dumps(known))
        self.demo = known
        for name in ("site_key", "hook_url", "hook_secret", "until"):
            self.settings[f"DEMO_{name.upper()}"] = known[name]

    def _start_sandbox(self, *names: str) -> None:
        for name, line in procfile.read(self.root / "sandbox" / "Procfile").items():
            if name in names and not (name == "stripe" and "STRIPE_SECRET_KEY" in os.environ):
                self._add(name, lambda line=line: procfile.command(line))

    def _start_programs(self, *names: str) -> None:
        for name, line in procfile.read(self.root / "Procfile").items():
            if name not in self.boss.children and (not names or name in names):
                self._add(name, lambda line=line: procfile.command(line))

    def _await_web(self) -> None:
        self._until(lambda: _status(self.ports["PORT"], "/readyz") == 200, "the web to be ready")

    def _wait_until_ready(self) -> None:
        self._await_web()
        for name in ("shop", "mailbox", "stripe"):
            port = self.ports[f"{name.upper()}_PORT"]
            if name in self.boss.children:
                self._until(lambda port=port: _listens(port), f"the {name} to answer")

    def _announce(self) -> None:
        self.ready = True
        self._write_state()
        lines = [("Regulars is ready", f"in {time.monotonic() - self.began:.1f} s")]
        lines += [("Sign in", f"{self.urls['web']}/")]
        if self.demo:
            lines += [("  as", f"{self.demo['email']}   password {self.demo['password']}")]
        lines += [("Demo shop", f"{self.urls['shop']}/"), ("Mailbox", f"{self.urls['mailbox']}/")]
        lines += [("API", f"{self.urls['web']}/api/v1/openapi.json"), ("Logs", str(self.var / "log"))]
        lines += [("Stop", "Ctrl-C")]
        rule = "-" * 72
        print("", rule, *(f"  {name:<18}{text}" for name, text in lines), rule, "", sep="\n", flush=True)

    def _write_state(self) -> None:
        """Only once all is ready; and again when a program has been replaced."""
        if not self.ready:
            return
        pids = {name: child.process.pid for name, child in self.boss.children.items()}
        pids = {"launcher": self.launcher, "supervisor": os.getpid(), **pids}
        ours = {name: value for name, value in self.settings.items() if name not in ("PATH", "PYTHONUNBUFFERED")}
        keychain.write_private(self.environment, json.dumps(ours) + "\n")
        keychain.write_private(self.state, json.dumps({"urls": self.urls, "pids": pids}) + "\n")
        self.state.chmod(0o644)

    def _add(self, name, command, *, like=None):
        child = self._child(name, command)
        if like:
            child.stop_signal, child.identity = like.stop_signal, like.identity
        return self.boss.add(child)

    def _complete(self, name: str, line: str) -> None:
        self.boss.complete(self._child(name, lambda: procfile.command(line)))

    def _child(self, name, command):
        log = self.var / "log" / f"{name}.log"
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
