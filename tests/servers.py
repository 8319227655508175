"""One PostgreSQL and one Valkey for a whole test run, however many processes it has, and nothing left of them after.

The first process that needs the servers starts a keeper (this file, run as a program). Whoever uses them holds a
shared lock on one file; the kernel lets go of it however a process ends, and when the last lock is gone the keeper
stops the servers and removes their folder.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time

import pytest

from saas.kit import roles, servers

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPLATE = "regulars_template"


@pytest.fixture(scope="session")
def test_servers():
    """The addresses of both servers, and the passwords of the roles."""
    with running() as addresses:
        yield addresses


@pytest.fixture(scope="session")
def database_urls(test_servers):
    """This process's own migrated database, as the three `roles.Urls`."""
    return new_database(test_servers, name=f"regulars_{_process_name()}")


@pytest.fixture(scope="session")
def redis_url(test_servers):
    """This process's own numbered database of the Valkey."""
    number = int(_process_name().removeprefix("gw")) + 1 if _process_name().startswith("gw") else 0
    return test_servers["valkey"].removesuffix("/0") + f"/{number}"


def new_database(addresses, *, name):
    """This function will create a database like the one the migrations make, and return its `roles.Urls`."""
    with _alone(pathlib.Path(addresses["folder"]) / "databases"):
        migrated = pathlib.Path(addresses["folder"]) / "migrated"
        if not migrated.exists():
            migrate(roles.prepare(addresses["postgres"], database=TEMPLATE, passwords=addresses["passwords"]))
            migrated.touch()
        return roles.prepare(addresses["postgres"], database=name, passwords=addresses["passwords"], template=TEMPLATE)


def lay_cluster(addresses, server, *, migrated):
    """This function will give a server that has never run its files, as if it had made them itself and been stopped.

    With `migrated` they hold the roles and the newest database. Making them takes seconds of a disk's or a processor's time, and
    the tests that start servers of their own to kill them are many.
    """
    kept = pathlib.Path(addresses["folder"]) / ("cluster-migrated" if migrated else "cluster")
    with _alone(kept.with_suffix(".lock")):
        if not kept.exists():
            made = servers.Postgres(kept.with_suffix(".new"), durable=False, programs=server.programs)
            if migrated:
                migrate(roles.prepare(made.start().url))
                made.stop()
            else:
                made.prepare()
            made.data_dir.rename(kept)
    server.data_dir.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(kept), str(server.data_dir)], check=True)


def migrate(urls):
    """This function will bring a database to the newest migration, in a process of its own."""
    if not (ROOT / "migrations" / "env.py").exists():
        return
    done = subprocess.run(
        [sys.executable, "-m", "saas", "db", "migrate"],
        cwd=ROOT,
        env={**os.environ, **urls.environment(), "ENVIRONMENT": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"The migrations failed:\n{done.stdout}\n{done.stderr}")


@contextlib.contextmanager
def running():
    """This function will lend the servers of this test run, starting them if nobody did yet."""
    folder = _folder()
    users = _use(folder)
    try:
        with _alone(folder / "starting"):
            if not (folder / "addresses.json").exists():
                _start_keeper(folder)
        yield json.loads((folder / "addresses.json").read_text())
    finally:
        os.close(users)


def keep(folder):
    """This function will run the servers until nobody holds the lock on `users` any more."""
    programs = os.environ.get("TEST_POSTGRES_PROGRAMS") or None
    postgres = servers.Postgres(folder / "postgres", durable=False, programs=programs)
    valkey = servers.Valkey(folder / "valkey")
    try:
        addresses = {"folder": str(folder), "postgres": postgres.start().url, "valkey": valkey.start().url}
        addresses["passwords"] = {role: secrets.token_hex(12) for role in (roles.OWNER, roles.APP, roles.ADMIN)}
        (folder / "addresses.new").write_text(json.dumps(addresses))
        (folder / "addresses.new").rename(folder / "addresses.json")
        with open(folder / "users") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            (folder / "users").unlink()
    finally:
        valkey.stop()
        postgres.stop()
        subprocess.run(["rm", "-rf", str(postgres.data_dir), str(folder)], check=False)


def _folder():
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"alone-{os.getpid()}"
    folder = pathlib.Path(tempfile.gettempdir()) / f"regulars-tests-{os.getuid()}-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _use(folder):
    """A shared lock, taken again if the keeper was just removing the file."""
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        users = os.open(folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(users, fcntl.LOCK_SH)
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(users).st_ino == os.stat(folder / "users").st_ino:
                return users
        os.close(users)
        time.sleep(0.05)


def _start_keeper(folder):
    """By hand, because a Popen complains when it is forgotten, and this process is to outlive whoever started it."""
    log = folder / "keeper.log"
    keeper = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "tests.servers", str(folder)],
        {**os.environ, "PYTHONPATH": str(ROOT)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    while not (folder / "addresses.json").exists():
        if os.waitpid(keeper, os.WNOHANG)[0]:
            raise RuntimeError(f"No servers for the tests:\n{log.read_text()}")
        time.sleep(0.02)


@contextlib.contextmanager
def _alone(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _process_name():
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


if __name__ == "__main__":
    os.setsid()  # Ctrl-C is for the tests; the keeper leaves when they have left
    keep(pathlib.Path(sys.argv[1]))
