"""A reaction whose effects can be counted, slowed down and made to fail, and the product's own programs that know it.

`python -m tests.failures.counting worker events` is `python -m saas worker events` with one more line in the table of reactions;
`announcer` founds a company and then announces numbers that are written to it. The effect is a line in the audit trail:
nothing would keep a second one out, so that twice done is seen.
"""

import importlib
import os
import pathlib
import signal
import sys
import time

EVENT, HERE = "Counted", "tests.failures.counting"
SWITCHES = "COUNTING_SWITCHES"  # names a folder: `hold-3` halts reaction 3 in the middle, `fail-3` makes it fail


def count(*, number, **_):
    """Write the number down; in the middle, its effect made and not committed, halt or fail where a switch says so."""
    from saas.kit.db import db
    from saas.tenancy import audit

    audit.record(action="test.counted", record_id=number)
    db.session.flush()
    switches = pathlib.Path(os.environ[SWITCHES])
    if (switches / f"hold-{number}").exists():
        (switches / f"held-{number}").touch()
        while (switches / f"hold-{number}").exists():
            time.sleep(0.02)
    if (switches / f"fail-{number}").exists():
        raise RuntimeError(f"{number} was to fail")


def count_too(*, number, **_):
    """A second reaction to the same event, which never fails."""
    from saas.tenancy import audit

    audit.record(action="test.counted_too", record_id=number)


def announcer():
    """Found a company, print its number, then announce what each line says: the first and the last number."""
    from saas.app import create_app
    from saas.billing.plans import PLANS
    from saas.kit import events, work
    from saas.tenancy import founding

    @events.event
    class Counted:
        number: int

    with create_app(only_rooms=True).app_context():
        limits = PLANS["scale"].limits
        made = founding.from_command(
            company="Counters", email="count@er.example", password="correct horse battery", allowed=limits
        )
        print(made["tenant_id"], flush=True)
        for line in sys.stdin:
            first, last = map(int, line.split())
            for number in range(first, last + 1):
                with work.unit(tenant_id=made["tenant_id"]):
                    events.announce(Counted(number=number))
            print("announced", flush=True)


def main(program, *arguments):
    from saas.kit import launch
    from workers import handing_out, reactions

    launch.die_with_parent(os.getppid(), signal.SIGKILL)
    reactions.REACTIONS[EVENT] = (reactions.Reaction(f"{HERE}.count"), reactions.Reaction(f"{HERE}.count_too", "mail"))
    handing_out.WANTED[EVENT] = {reaction.function for reaction in reactions.REACTIONS[EVENT]}
    if program == "announcer":
        return announcer()
    if program == "worker":
        return importlib.import_module("workers.__main__").run(*arguments)
    return importlib.import_module(f"saas.cli.{program}").run(None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
