"""The platform's own housekeeping."""

from __future__ import annotations

from saas.integrations import deliveries_in, deliveries_out, imports
from saas.kit import files, outbox, ticks, work
from saas.tenancy import repeats, sessions


def tidy(*, run_at: str, **_: object) -> None:
    """Throw away what is finished and old."""
    with work.platform_unit(reason="tidy finished events, old sessions and files"):
        outbox.tidy()
        sessions.tidy()
        ticks.tidy()
        deliveries_in.tidy()
        deliveries_out.tidy()
        imports.tidy()
        files.tidy()
        repeats.tidy()
        ticks.done(task="workers.jobs.platform.tidy", run_at=run_at)
