"""Two processes where one would do, so that either may be killed: the one outside guards what the one inside runs."""

import os
import signal
import time
import traceback

from saas.kit import descendants, launch

GRACE = 10  # seconds for what the one inside leaves


def guarded(work, *, unwanted=None):
    """This function will run `work()` in a process of its own, end all its descendants after it, and return its code.

    `unwanted`, where given, is asked a few times a second whether it is time to stop.

    Of the two processes either may be killed: the one inside stops in good order when the one outside is gone; the
    one outside adopts and ends what the one inside leaves.
    """
    descendants.adopt()
    outside = os.getpid()
    inside = os.fork()
    if inside == 0:
        os._exit(_inside(work, outside))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, lambda *_: os.kill(inside, signal.SIGTERM))
    pid = status = 0
    while pid != inside:
        pid, status = os.waitpid(-1, os.WNOHANG if unwanted else 0)
        if unwanted and pid == 0:
            time.sleep(0.25)
            if unwanted():
                unwanted = None
                os.kill(inside, signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    descendants.end_all(grace=GRACE)
    return os.waitstatus_to_exitcode(status)


def _inside(work, outside):
    os.setsid()  # Ctrl-C in the terminal reaches the process outside, which asks us to stop
    launch.die_with_parent(outside, signal.SIGTERM)
    try:
        return work() or 0
    except (OSError, RuntimeError) as failure:
        print(f"\n{failure}", flush=True)
        return 1
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            print(leaving.code, flush=True)
        return leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: B036 -- a copy of the process must never run on in the place of the one outside
        traceback.print_exc()
        return 1
