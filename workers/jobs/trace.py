"""The trace at night and by the minute: sealing what was written, folding what programs read, emptying the bin."""

from __future__ import annotations

from saas.kit import scope, ticks, work
from saas.tenancy import bin, reads, sealing


def seal(*, run_at: str, **_: object) -> None:
    """Chain what companies' histories gained since the last seal."""
    with work.platform_unit(reason="find histories to seal"):
        waiting = sealing.waiting()
    for tenant_id in waiting:
        sealing.seal(tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.trace.seal", run_at=run_at)


def fold_reads(*, run_at: str, **_: object) -> None:
    """Write one entry for each key and hour that is over, of what it read about people."""
    for tenant_id in reads.waiting():
        with work.unit(tenant_id=tenant_id, actor=scope.PLATFORM):
            reads.fold(tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.trace.fold_reads", run_at=run_at)


def empty_bins(*, run_at: str, **_: object) -> None:
    """Throw away for good what has been in a company's bin for 30 days, a part a transaction."""
    with work.platform_unit(reason="find bins to empty"):
        waiting = bin.expired()
    for tenant_id in waiting:
        emptied = 1
        while emptied:
            with work.unit(tenant_id=tenant_id, actor=scope.PLATFORM):
                emptied = bin.empty_some()
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.trace.empty_bins", run_at=run_at)
