"""What both servers have in common: a folder, a port on loopback, a process, a log, and a patient start."""

import importlib.util
import os
import pathlib
import signal
import socket
import subprocess
import time

from saas.kit import launch

PATIENCE = 600


class ServerFailed(RuntimeError):
    """The server did not come up; the sentence names its log."""


class Server:
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


def inside(package, path):
    """This function will return a path inside an installed package without importing it."""
    found = importlib.util.find_spec(package)
    if found is None:
        raise ServerFailed(f"The package {package} is not installed: run make setup.")
    return pathlib.Path(found.origin).parent / path
