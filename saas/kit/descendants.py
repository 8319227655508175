"""What we started and what that started in turn: seen to the end, whoever dies first.

Linux hands the children of a dead process to the nearest ancestor that asked for them. A launcher that asks finds even
workers that made a session of their own, which killing process groups alone would leave running.
"""

import contextlib
import ctypes
import os
import pathlib
import signal
import sys
import time

_SET_CHILD_SUBREAPER = 36


def adopt():
    """This function will make orphans below us our children. Other systems than Linux do not have that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def lives(pid):
    """This function will tell whether a process runs under this id; one that waits to be buried does not."""
    try:
        os.kill(pid, 0)
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's, or a system without /proc
        return True


def children():
    """This function will return the ids of our children that have not ended, adopted ones included."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat") if sys.platform == "linux" else ():
        with contextlib.suppress(OSError):
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state not in "ZX":
                found.append(int(entry.parent.name))
    return found


def reap(known=()):
    """This function will bury adopted children that have ended; those in `known` have someone who waits for them."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in known:
                return
            os.waitpid(ended.si_pid, 0)


def end_all(*, grace):
    """This function will ask every descendant to end, and after `grace` seconds kill what is left, to the last."""
    deadline = time.monotonic() + grace
    asked = set()
    while left := children():
        for pid in left:
            late = time.monotonic() > deadline
            if late or pid not in asked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            asked.add(pid)
        time.sleep(0.02)
        reap()
    reap()
