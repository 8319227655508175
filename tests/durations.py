"""Where a run's time went: each folder's seconds and the twenty slowest tests, so that growth is seen when it begins.

Beside the seconds stand those of the processor, for a busy machine stretches the former: what the test's own process and the
programs it waited for used. The database's are not among them.
"""

import collections
import os

import pytest

FROM = 500  # tests; of a smaller run one knows what it was about
SHOWN = 20
BROWSER = "browser"
KEPT = "regulars/seconds"

_used = 0.0


def pytest_runtest_logstart():
    global _used
    _used = _processor()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """This function will note in each report what its phase took of the processor."""
    global _used
    report = yield
    before, _used = _used, _processor()
    report.processor = round(_used - before, 3)
    return report


def _processor():
    return sum(os.times()[:4])


def pytest_terminal_summary(terminalreporter, config):
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    tests, processor = seconds(reports), seconds(reports, "processor")
    if len(tests) < FROM:
        return
    remember(config, tests)
    folders = collections.defaultdict(list)
    for nodeid in tests:
        folders[folder(nodeid)].append(nodeid)
    terminalreporter.section(f"where {sum(tests.values()):.0f} seconds of tests went")

    def line(name, nodeids):
        took, used = (sum(of[nodeid] for nodeid in nodeids) for of in (tests, processor))
        terminalreporter.line(f"{took:8.1f} s {used:8.1f} s of the processor {len(nodeids):5} tests  {name}")

    line("in the browser", folders.get(BROWSER, ()))
    line("all else", [nodeid for name, nodeids in folders.items() if name != BROWSER for nodeid in nodeids])
    terminalreporter.section("by folder")
    for name, nodeids in sorted(folders.items(), key=lambda pair: -sum(tests[nodeid] for nodeid in pair[1])):
        line(name, nodeids)
    terminalreporter.section(f"the {SHOWN} slowest")
    for nodeid, took in sorted(tests.items(), key=lambda pair: -pair[1])[:SHOWN]:
        terminalreporter.line(f"{took:8.1f} s {processor[nodeid]:8.1f} s of the processor  {nodeid}")


def seconds(reports, of="duration"):
    """This function will add up what setting up, the test itself and clearing away took, by test."""
    found = collections.Counter()
    for report in reports:
        if hasattr(report, of) and hasattr(report, "when"):
            found[report.nodeid] += getattr(report, of)
    return found


def remember(config, tests):
    """This function will keep what each file took, for the order of the next run (see `turns`)."""
    files = collections.Counter()
    for nodeid, took in tests.items():
        files[file_of(nodeid)] += round(took, 1)
    config.cache.set(KEPT, {**config.cache.get(KEPT, {}), **files})


def file_of(nodeid):
    return nodeid.split("::", 1)[0]


def folder(nodeid):
    """This function will return the part of the suite a test is in: a folder of `tests`, of `rooms` each room."""
    parts = nodeid.split("::", 1)[0].split("/")[1:-1]
    return "/".join(parts[:2]) or "tests"
