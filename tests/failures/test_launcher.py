"""The launcher under attack: whatever is killed, nothing is left running and nothing stored is lost.

A tiny product stands in for the whole one: a web that forks a process into a session of its own and, where the test
says so, ignores the request to end: real workers and servers do both at the worst moment.
"""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import psycopg
import pytest
import redis

from saas.kit import servers

pytestmark = pytest.mark.failure

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


class Copy:
    """A running copy of the tiny product, and what it takes to look at it from outside."""

    def __init__(self, folder, *, through_make=False, **environment):
        self.folder = folder
        self.var = folder / "var"
        self.through_make = through_make
        (folder / "sandbox").mkdir(exist_ok=True)
        (folder / "web.py").write_text(WEB)
        (folder / "Procfile").write_text("web: python web.py $PORT\n")
        (folder / "sandbox" / "Procfile").write_text("mailbox: python web.py $MAILBOX_PORT\n")
        environment = {"DEMO": "0", "VAR": str(self.var), "MARK": str(folder), **environment}
        command = [sys.executable, "-m", "saas", "up", "--root", str(folder)]
        if through_make:
            (folder / "Makefile").write_text(f"run:\n\t@exec {shlex.join(command)} --with-parent\n")
            command = ["make", "-f", str(folder / "Makefile"), "run"]
        output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if "URL" not in name} | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(output)

    def until_ready(self):
        until(lambda: self.is_ready() or self.process.poll() is not None)
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
        self.process.wait(60)


@pytest.fixture
def start(tmp_path):
    copies = []

    def begin(name="a folder", **environment):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        copies.append(Copy(folder, **environment))
        return copies[-1]

    yield begin
    for copy in copies:
        with contextlib.suppress(ProcessLookupError):
            copy.process.kill()
        copy.process.wait(60)
    for copy in copies:
        until(lambda copy=copy: not copy.left())
        shutil.rmtree(copy.folder, ignore_errors=True)


def until(holds, seconds=40):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class TestStopping:
    def test_ctrl_c_leaves_no_process_and_no_state_file(self, start):
        copy = start().until_ready()
        assert len(copy.left()) >= 8
        os.killpg(copy.process.pid, signal.SIGINT)
        assert copy.process.wait(60) == 0
        assert copy.left() == []
        assert not (copy.var / "run.json").exists()
        assert not (copy.var / "environment.json").exists()

    def test_kill_9_of_the_launcher_leaves_nothing_even_of_programs_that_ignore_the_request(self, start):
        copy = start(STUBBORN="1").until_ready()
        copy.process.kill()
        copy.process.wait()
        until(lambda: not copy.left())
        assert not (copy.var / "run.json").exists()

    def test_kill_9_of_the_supervisor_leaves_nothing(self, start):
        copy = start().until_ready()
        os.kill(copy.state["pids"]["supervisor"], signal.SIGKILL)
        copy.process.wait(60)
        assert copy.left() == []
        assert not (copy.var / "run.json").exists()

    def test_a_stop_while_starting_leaves_nothing(self, start):
        copy = start()
        until(lambda: (copy.var / "log" / "postgres.log").exists())
        copy.end()
        assert copy.left() == []

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_a_make_that_alone_is_told_to_end_takes_everything_with_it(self, start, number):
        copy = start(through_make=True).until_ready()
        copy.process.send_signal(number)
        copy.process.wait(60)
        until(lambda: not copy.left())
        assert not (copy.var / "run.json").exists()


class TestRepair:
    def test_postgres_comes_back_on_its_port_with_the_data(self, start):
        copy = start().until_ready()
        admin = copy.addresses[0]
        owner = admin.replace(admin.split("@")[0], f"postgresql://postgres:{postgres_password(copy)}")
        with psycopg.connect(owner) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        before = copy.state["pids"]["postgres"]
        os.kill(before, signal.SIGKILL)
        until(lambda: copy.state["pids"]["postgres"] != before and answers(owner))
        with psycopg.connect(owner) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)

    def test_valkey_comes_back_on_its_port_with_the_data(self, start):
        copy = start().until_ready()
        with redis.from_url(copy.addresses[1]) as client:
            client.set("kept", "42")
            until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
        before = copy.state["pids"]["valkey"]
        os.kill(before, signal.SIGKILL)
        until(lambda: copy.state["pids"]["valkey"] != before and pings(copy.addresses[1]))
        with redis.from_url(copy.addresses[1]) as client:
            assert client.get("kept") == b"42"

    def test_a_killed_program_is_replaced_and_its_orphan_goes(self, start):
        copy = start().until_ready()
        before, many = copy.state["pids"]["web"], len(copy.left())
        os.kill(before, signal.SIGKILL)
        until(lambda: copy.state["pids"]["web"] != before and len(copy.left()) == many)
        until(lambda: copy_answers(copy))

    def test_the_data_is_there_after_kill_9_of_a_launcher_that_nobody_buries(self, start):
        copy = start().until_ready()
        with redis.from_url(copy.addresses[1]) as client:
            client.set("kept", "42")
        copy.process.kill()
        again = start().until_ready()
        with redis.from_url(again.addresses[1]) as client:
            assert client.get("kept") == b"42"
        assert answers(again.addresses[0])


class TestSecrets:
    def test_what_holds_passwords_is_for_its_owner_only(self, start):
        copy = start().until_ready()
        for name in ("secrets", "environment.json", "postgres", "valkey"):
            assert (copy.var / name).stat().st_mode & 0o077 == 0, name
        passwords = (
            copy.addresses[0].split(":")[2].split("@")[0],
            (copy.var / "valkey" / "regulars.password").read_text(),
        )
        listed = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        assert not [password for password in passwords if password in listed]

    def test_the_second_start_keeps_secrets_and_addresses(self, start):
        first = start().until_ready()
        before = first.addresses, first.state["urls"], (first.var / "secrets").read_text()
        first.end()
        again = start().until_ready()
        assert (again.addresses, again.state["urls"], (again.var / "secrets").read_text()) == before


class TestPlaces:
    def test_two_copies_run_side_by_side(self, start):
        one, other = start("one").until_ready(), start("other").until_ready()
        assert set(one.state["urls"].values()).isdisjoint(other.state["urls"].values())
        one.end()
        assert copy_answers(other)

    def test_a_second_copy_with_the_same_files_is_refused(self, start):
        first = start().until_ready()
        second = start()
        assert second.process.wait(30) == 1
        assert "already runs" in second.said()
        assert copy_answers(first)

    def test_a_port_that_was_asked_for_and_is_taken_is_named(self, start):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            copy = start(PORT=str(taken.getsockname()[1]))
            assert copy.process.wait(30) == 1
        assert "is in use" in copy.said()
        assert copy.left() == []

    def test_a_port_that_was_asked_for_is_taken_when_free(self, start):
        port = servers.free_port()
        assert start(PORT=str(port)).until_ready().state["urls"]["web"] == f"http://127.0.0.1:{port}"

    def test_a_deep_folder_with_spaces_and_other_letters_will_do(self, start):
        copy = start("caf\u00e9 \u5ba2\u6237, a 'quoted' folder " + "deep " * 20).until_ready()
        assert answers(copy.addresses[0])

    def test_a_program_that_cannot_start_is_shown_with_its_reason(self, start):
        copy = start()
        (copy.folder / "Procfile").write_text("web: python -c 'raise SystemExit(\"no such wheel\")'\n")
        assert copy.process.wait(60) == 1
        assert "no such wheel" in copy.said()
        assert copy.left() == []


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
