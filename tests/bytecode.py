"""Compiled modules are kept during tests, also where the environment asks Python not to.

A run starts some hundred Python processes. Without this each compiles the whole product and its libraries anew, which is
most of what starting it takes, and each process of pytest rewrites every test's assertions.
"""

import os
import pathlib
import sys

KEPT = pathlib.Path(__file__).resolve().parent.parent / ".pytest_cache" / "bytecode"


def keep():
    """This function will have this process and all that it starts write what they compile to a folder of the tests' own."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None) is None:
        return
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(KEPT))
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
    sys.dont_write_bytecode = False
