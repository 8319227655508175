"""Where a run's time went: each folder's seconds and the twenty slowest tests, so that growth is seen when it begins."""

import collections

FROM = 500  # tests; of a smaller run one knows what it was about
SHOWN = 20


def pytest_terminal_summary(terminalreporter):
    tests = seconds(report for reports in terminalreporter.stats.values() for report in reports)
    if len(tests) < FROM:
        return
    folders = collections.defaultdict(list)
    for nodeid, took in tests.items():
        folders[folder(nodeid)].append(took)
    terminalreporter.section(f"where {sum(tests.values()):.0f} seconds of tests went")
    for name, took in sorted(folders.items(), key=lambda pair: -sum(pair[1])):
        terminalreporter.line(f"{sum(took):8.1f} s {len(took):5} tests  {name}")
    terminalreporter.section(f"the {SHOWN} slowest")
    for nodeid, took in sorted(tests.items(), key=lambda pair: -pair[1])[:SHOWN]:
        terminalreporter.line(f"{took:8.1f} s  {nodeid}")


def seconds(reports):
    """This function will add up what setting up, the test itself and clearing away took, by test."""
    found = collections.Counter()
    for report in reports:
        if hasattr(report, "duration") and hasattr(report, "when"):
            found[report.nodeid] += report.duration
    return found


def folder(nodeid):
    """This function will return the part of the suite a test is in: a folder of `tests`, of `rooms` each room."""
    parts = nodeid.split("::", 1)[0].split("/")[1:-1]
    return "/".join(parts[:2]) or "tests"
