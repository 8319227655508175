"""Copies of the product that tests start, attack and look at from outside.

A tiny product stands in for the whole one where only the launcher matters: a web that forks a process into a session of
its own and, where the test says so, ignores the request to end: real workers and servers do both at the worst moment.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time
import urllib.request

import psycopg
import redis

from saas import config

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = """
import http.server, os, signal, sys, time
if "STUBBORN" in os.environ:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["DATABASE_ADMIN_URL"].encode() + b" " + os.environ["REDIS_URL"].encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""

OURS = {"PORT", "VAR"} | {item.name.upper() for item in dataclasses.fields(config.Settings)}


class Copy:
    """A running copy, and what it takes to look at it from outside."""

    def __init__(self, folder, *, through_make=False, whole=False, **environment):
        self.folder = folder
        self.var = folder / "var"
        self.through_make = through_make
        if not whole:
            _write_tiny_product(folder)
        self.environment = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment |= {"DEMO": "0", "VAR": str(self.var), "MARK": str(folder), **environment}
        command = [sys.executable, "-m", "saas", "up", "--root", str(ROOT if whole else folder)]
        if through_make:
            (folder / "Makefile").write_text(f"run:\n\t@exec {shlex.join(command)} --with-parent\n")
            command = ["make", "-f", str(folder / "Makefile"), "run"]
        output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - nothing else runs in this child
        )
        os.close(output)

    def until_ready(self, seconds=240):
        until(lambda: self.is_ready() or self.process.poll() is not None, seconds)
        assert self.process.poll() is None, self.said()
        return self

    def is_ready(self):
        """A copy that was killed just before may not have taken its state file away yet."""
        with contextlib.suppress(FileNotFoundError):
            return self.state["pids"]["launcher"] == self.process.pid or self.through_make
        return False

    @property
    def state(self):
        return json.loads((self.var / "run.json").read_text())

    @property
    def addresses(self):
        with urllib.request.urlopen(self.state["urls"]["web"] + "/") as answer:
            return answer.read().decode().split()

    def said(self):
        return (self.folder / "output").read_text()

    def left(self):
        """The ids of all processes that carry our mark in their environment or work in our folder."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                ours = f"MARK={self.folder}\0".encode() in (entry / "environ").read_bytes()
                ours = ours or (entry / "cwd").resolve().is_relative_to(self.var)
                if ours and (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                    found.append(int(entry.name))
        return found

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(180)


def _hear_ctrl_c():
    """What is started from a background shell is born deaf to SIGINT, and make hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _write_tiny_product(folder):
    (folder / "sandbox").mkdir(exist_ok=True)
    (folder / "web.py").write_text(WEB)
    (folder / "Procfile").write_text("web: python web.py $PORT\n")
    (folder / "sandbox" / "Procfile").write_text("mailbox: python web.py $MAILBOX_PORT\n")


def until(holds, seconds=240):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def busy():
    """This function will return how many times longer things may take here, where others work too."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def postgres_password(copy):
    return (copy.var / "postgres" / "regulars.password").read_text().strip()


def answers(url):
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def pings(url):
    with redis.from_url(url) as client:
        try:
            return client.ping()
        except redis.ConnectionError:
            return False


def copy_answers(copy):
    with contextlib.suppress(OSError):
        return bool(copy.addresses)
    return False
