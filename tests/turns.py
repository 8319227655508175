"""Which process of a run has which tests, and in which order.

A file's tests stay together, as with `--dist loadfile`. The files that want the whole running product are one, so that it is
started once and not for each process. What takes longest begins first: a long file that begins last leaves the other processes
with nothing to do. How long a file takes is known of the run before, else guessed: those of LONG in their order, then by how many
tests they have. And there is one process more than processors, for many of these wait for programs that they killed.
"""

import collections
import functools
import os
import pathlib
import re

from xdist.scheduler import LoadFileScheduling

from tests.durations import KEPT, file_of

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
        known, counts = config.cache.get(KEPT, {}), collections.Counter(file_of(item.nodeid) for item in items)
        items.sort(key=lambda item: turn(file_of(item.nodeid), known, counts))


class Files(LoadFileScheduling):
    """By file, but for those that share the running product."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return "the running product" if wants_the_product(file) else file


def turn(file, known, counts):
    """This function will return when a file has its turn: first what shares the product, then what takes long."""
    if wants_the_product(file):
        return -1, 0, file
    if file in known:
        return 0, -known[file], file
    place = next((place for place, begin in enumerate(LONG) if file.startswith(begin)), len(LONG))
    return 0, -guess(place, counts[file]), file


def guess(place, tests):
    """This function will return what stands for the seconds of a file that no run has told of."""
    return tests / 3 + 1000 * (len(LONG) - place)


@functools.cache
def wants_the_product(file):
    """This function will tell whether a file's tests or fixtures ask for the running product."""
    return "tests/browser/" in file and bool(WANTS_THE_PRODUCT.search((ROOT / file).read_text("utf-8")))
