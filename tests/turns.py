"""Which process of a run has which tests, and in which order.

A file's tests stay together, as with `--dist loadfile`. The files that want the whole running product are one, so that it is
started once and not for each process. What takes longest begins first: a long file that begins last leaves the other processes
with nothing to do. And there is one process more than processors, for many of these wait for programs that they killed.
"""

import functools
import os
import pathlib
import re

from xdist.scheduler import LoadFileScheduling

ROOT = pathlib.Path(__file__).resolve().parent.parent
WANTS_THE_PRODUCT = re.compile(r"^\s*def \w+\([^)]*\b(product|demo)\b", re.M)
LONG = (
    "tests/failures/",
    "tests/browser/",
    "tests/doors/test_api_fuzz",
    "tests/rooms/tenancy/test_access_search",
    "tests/rooms/commerce/test_visits",
    "tests/rooms/records/test_formulas",
    "tests/workers/",
)


def pytest_xdist_auto_num_workers():
    return min((os.cpu_count() or 1) + 1, 5)


def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # ours is the better order
    return Files(config, log)


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.nodeid))


class Files(LoadFileScheduling):
    """By file, but for those that share the running product."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return "the running product" if wants_the_product(file) else file


def rank(nodeid):
    """This function will return when a test's file has its turn: first what shares the product, then what is long."""
    file = nodeid.split("::", 1)[0]
    if wants_the_product(file):
        return -1
    return next((place for place, begin in enumerate(LONG) if file.startswith(begin)), len(LONG))


@functools.cache
def wants_the_product(file):
    """This function will tell whether a file's tests or fixtures ask for the running product."""
    return "tests/browser/" in file and bool(WANTS_THE_PRODUCT.search((ROOT / file).read_text("utf-8")))
