"""Programs of the product that begin where importing ends, for tests that start many of them.

A Python that knows the whole product takes seconds of computing to start, and some tests start dozens only to kill them. Here
one process imports everything, does nothing else, and is forked for each program; what the program then does, and how it dies,
is its own. That the commands start by themselves is asked elsewhere: tests/failures/test_whole.py, tests/doors/test_contract.py.
"""

import atexit
import contextlib
import json
import os
import pathlib
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRODUCT = ("saas", "workers", "storefront", "tenant_admin")
NOT_IMPORTED = ("saas.wsgi", "saas.__main__", "saas.marketing.mjml_child")  # what begins to work when it is imported
_line = None


class Program:
    """A program that was forked for us: what subprocess.Popen is for one that was started."""

    def __init__(self, news, stdin, stdout):
        self._news, self.stdin, self.stdout, self.returncode = news, stdin, stdout, None
        self.pid = int.from_bytes(_exactly(news, 4), "big")

    def poll(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            if not select.select([self._news], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"program {self.pid}", timeout)
            self.returncode = os.waitstatus_to_exitcode(int.from_bytes(_exactly(self._news, 4), "big"))
            self._news.close()
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def start(*given, environment, output, errors=None, pipes=False):
    """This function will start `python *given` (`-m module …` or `-c code …`) and return its Program.

    What it says goes to the open files `output` and `errors` (where none is given, to `output`); with `pipes` its input
    and its output are ours instead, as text.
    """
    read, write = os.pipe() if pipes else (os.open(os.devnull, os.O_RDONLY), None)
    hear, say = os.pipe() if pipes else (None, os.dup(output.fileno()))
    ours, its = socket.socketpair()
    wanted = json.dumps([list(map(str, given)), dict(environment)]).encode()
    nursery = _nursery()
    socket.send_fds(nursery, [len(wanted).to_bytes(4, "big")], [its.fileno(), read, say, (errors or output).fileno()])
    nursery.sendall(wanted)
    its.close()
    os.close(read)
    os.close(say)
    return Program(ours, *((os.fdopen(write, "w"), os.fdopen(hear)) if pipes else (None, None)))


def run(*given, environment):
    """This function will run `python *given` to its end and return what subprocess.run would."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        program = start(*given, environment=environment, output=output, errors=errors)
        program.wait(600)
        for file in (output, errors):
            file.seek(0)
        return subprocess.CompletedProcess(given, program.returncode, output.read(), errors.read())


def _nursery():
    """The line to this process's own; it ends when the line is closed, and the kernel ends it when we die."""
    global _line
    if _line is None:
        _line, its = socket.socketpair()
        command = [sys.executable, "-m", "tests.nursery", str(os.getpid()), str(its.fileno())]
        keeper = subprocess.Popen(command, cwd=ROOT, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
        its.close()
        atexit.register(keeper.wait)
        atexit.register(_line.close)
    return _line


def _exactly(line, size):
    """So many bytes; raises EOFError where the other side has closed."""
    found = b""
    while len(found) < size:
        more = line.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _learn():
    """Import all that programs of the product may need."""
    for name in PRODUCT:
        package = __import__(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if module.name not in NOT_IMPORTED:
                __import__(module.name)
    for name in ("alembic.command", "granian", "sqlalchemy.dialects.postgresql.psycopg"):
        __import__(name)


def _tend(line):
    """Fork a program for each wish and tell how each ended; returns only in the programs: their arguments."""
    lines, (bell, ring) = {}, os.pipe()
    os.set_blocking(ring, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests; they let us go
    while True:
        heard = select.select([line, bell], [], [])[0]
        if bell in heard:
            os.read(bell, 4096)
            _bury(lines)
        if line not in heard:
            continue
        size, files, _flags, _from = socket.recv_fds(line, 4, 4)
        if not size:
            os._exit(0)
        given, environment = json.loads(_exactly(line, int.from_bytes(size, "big")))
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for place, file in enumerate(files[1:]):
                os.dup2(file, place)
            for file in (*files, bell, ring, line.detach(), *(other.detach() for other in lines.values())):
                os.close(file)
            os.environ.clear()
            os.environ.update(environment)
            return given
        for file in files[1:]:
            os.close(file)
        lines[pid] = socket.socket(fileno=files[0])
        lines[pid].sendall(pid.to_bytes(4, "big"))


def _bury(lines):
    while lines:
        pid, how = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with contextlib.suppress(OSError), lines.pop(pid) as news:
            news.sendall(how.to_bytes(4, "big"))


def _live(how, what, *more):
    """Be `python -m what *more` or `python -c what *more`."""
    sys.argv = [what if how == "-m" else how, *more]
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


def _die(how):
    """End as Python ends, without taking apart all that was imported, which takes longer than most programs."""
    code = how.code if isinstance(how, SystemExit) else None if how is None else 1
    if how is not None and not isinstance(how, SystemExit):
        traceback.print_exception(how)
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    from saas.kit import launch

    launch.die_with_parent(int(sys.argv[1]), signal.SIGTERM)
    _line = socket.socket(fileno=int(sys.argv[2]))
    _learn()
    wanted, ended = _tend(_line), None
    try:
        _live(*wanted)
    except BaseException as error:
        ended = error
    _die(ended)
