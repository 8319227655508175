"""Ports on loopback for the programs of one copy, such that two copies on a machine do not meet.

Asking whether a port is free is not enough: between the question and the listening another copy may ask too, and
granian shares a port with whoever else is willing. So a port is claimed by a lock that lasts as long as we do.
"""

import fcntl
import os
import pathlib
import tempfile

from saas.kit import servers

_claims = {}


class PortTaken(RuntimeError):
    """The port that was asked for is in use."""


def claim(preferred, *, insist=False):
    """This function will return `preferred` if it is free, else another free port, and hold it until we end.

    With `insist` it raises PortTaken instead of taking another.
    """
    wish = preferred
    while True:
        port = servers.free_port(wish)
        if (port == wish or not insist) and _lock(port):
            return port
        if insist:
            raise PortTaken(f"Port {preferred} is in use. Choose another with PORT=, or leave PORT out.")
        wish = None


def _lock(port):
    folder = pathlib.Path(tempfile.gettempdir()) / f"regulars-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    held = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return False
    _claims[port] = held
    return True
