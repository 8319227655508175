"""Keeps programs running: starts them, starts them again when they die, and ends them all, down to their grandchildren.

One thread and one loop, because the kernel ties the death signal of a child to the thread that started it. Each program
writes to its own log; the terminal hears only what a person must know.
"""

import contextlib
import os
import pathlib
import selectors
import signal
import socket
import subprocess
import time
import typing
from dataclasses import dataclass, field

from saas.kit import descendants, launch

GRACE = 10  # seconds; granian ignores a TERM that comes while it starts, and its workers would serve old code for ever
FIRST_PAUSE, LONGEST_PAUSE, LONG_ENOUGH = 0.1, 10, 30
TOLD = 5  # after so many ends in a row the terminal has heard enough


class GaveUp(RuntimeError):
    """A program could not be brought up; the sentence says which and shows the end of its log."""


@dataclass
class Child:
    """A program to keep running, and how it is faring."""

    name: str
    command: typing.Callable[[], list]
    log: pathlib.Path
    environment: dict = field(default_factory=dict)
    folder: pathlib.Path | None = None
    stop_signal: int = signal.SIGTERM
    identity: str = "self"
    again: bool = True

    process: subprocess.Popen | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    failures: int = 0
    ended: bool = False

    def start(self):
        with open(self.log, "ab") as log:
            self.process = launch.start(
                self.command(),
                stop=self.stop_signal,
                identity=self.identity,
                env={**os.environ, **self.environment},
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self.started_at = time.monotonic()

    def last_words(self, lines=12):
        """This function will return the end of its log."""
        with open(self.log, "rb") as log:
            log.seek(max(0, os.path.getsize(self.log) - 8_000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])


class Supervisor:
    """All children of one launcher. Use it from the main thread; INT, TERM and HUP ask it to stop."""

    def __init__(self, *, say=print, on_change=lambda: None):
        self.children = {}
        self.say = say
        self.on_change = on_change
        self.stopping = False
        self._wake, theirs = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._wake.setblocking(False)
        theirs.setblocking(False)
        self._their_end = theirs
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        descendants.adopt()

    def add(self, child):
        """This function will start `child` and from now on start it again whenever it ends."""
        self.children[child.name] = child
        child.start()
        self.on_change()
        return child

    def complete(self, child):
        """This function will run `child` once to its end, tending the others meanwhile; raises GaveUp if it fails."""
        child.again = False
        self.add(child)
        self.watch(until=lambda: child.ended or self.stopping)
        if child.ended:
            del self.children[child.name]
            if child.process.returncode != 0:
                raise GaveUp(f"{child.name} failed. The end of {child.log}:\n{child.last_words(40)}")

    def watch(self, *, until=None, patience=None, what="everything to come up"):
        """This function will tend the children until `until()` holds (asked every 50 ms) or a stop was asked for."""
        deadline = time.monotonic() + patience if patience else None
        while not self.stopping and not (until and until()):
            if deadline and time.monotonic() > deadline:
                raise GaveUp(f"Waited {patience} s in vain for {what}.")
            self._tend()
            self._sleep(0.05 if until else None)

    def stop(self, *, last=()):
        """This function will end every child, those named in `last` after the others, and whatever they left behind."""
        self.stopping = True
        first = [child for name, child in self.children.items() if name not in last]
        self._end(first)
        self._end([child for name, child in self.children.items() if name in last])
        descendants.end_all(grace=1)

    def _asked_to_stop(self, *_):
        self.stopping = True

    def _sleep(self, seconds):
        """Until a signal comes, a restart falls due or `seconds` pass."""
        due = [child.due_at for child in self.children.values() if child.due_at]
        if due:
            seconds = min(max(0.0, min(due) - time.monotonic()), seconds if seconds is not None else LONGEST_PAUSE)
        if self._selector.select(seconds):
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(4096)

    def _tend(self):
        for child in list(self.children.values()):
            if child.due_at and time.monotonic() >= child.due_at:
                child.due_at = 0.0
                child.start()
                self.on_change()
            elif not child.due_at and not child.ended and child.process.poll() is not None:
                self._bury(child)
        descendants.reap(self._known())

    def _bury(self, child):
        """What a dead program leaves (workers on its port, half a job) would run on unseen: it goes with it."""
        _kill_group(child.process.pid)
        for pid in set(descendants.children()) - self._known():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not child.again:
            child.ended = True
            return
        lasted = time.monotonic() - child.started_at
        child.failures = 1 if lasted > LONG_ENOUGH else child.failures + 1
        pause = min(FIRST_PAUSE * 2 ** (child.failures - 1), LONGEST_PAUSE)
        child.due_at = time.monotonic() + pause
        if child.failures < TOLD:
            self.say(f"{child.name} ended ({_how(child.process.returncode)}); starting it again.")
        elif child.failures == TOLD:
            self.say(f"{child.name} keeps ending; it is tried every few seconds. The end of {child.log}:")
            self.say(child.last_words())

    def _end(self, children):
        running = [child for child in children if child.process.poll() is None]
        for child in running:
            child.process.send_signal(child.stop_signal)
        deadline = time.monotonic() + GRACE
        while any(child.process.poll() is None for child in running) and time.monotonic() < deadline:
            self._sleep(0.05)
            descendants.reap(self._known())
        for child in children:
            _kill_group(child.process.pid)
            child.process.wait()

    def _known(self):
        return {child.process.pid for child in self.children.values() if child.process.returncode is None}


def _kill_group(pid):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _how(code):
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
