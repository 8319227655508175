"""Long work in slices: each takes a few seconds and rings again, so that no company keeps the others waiting."""

from __future__ import annotations

from uuid import UUID

from redis.exceptions import RedisError

from saas.kit import queues, scope, ticks, valkey, work
from saas.tenancy import operations
from workers.handing_out import AUTOMATION

RUN = "workers.jobs.operations.run_some"
WAITS = 25  # seconds after which a ring that nobody heard is repeated


def start(*, operation_id: str, **_: object) -> None:
    """Ring for an operation that was asked for."""
    tenant_id = scope.tenant_id()
    work.after_commit(lambda: ring(tenant_id, operation_id))


def ring(tenant_id: int, operation_id: str) -> None:
    """Ask for a worker, unless one is asked for already."""
    if valkey.client().set(f"operation-rung:{operation_id}", b"1", nx=True, ex=WAITS):
        queues.enqueue("mail", RUN, tenant_id=tenant_id, operation_id=operation_id)


def run_some(*, tenant_id: int, operation_id: str, **_: object) -> None:
    """Work on an operation for a while, and ring again when it is not done."""
    try:
        valkey.client().delete(f"operation-rung:{operation_id}")
    except RedisError:
        pass
    with scope.tenant(tenant_id, actor=AUTOMATION):
        more = operations.run(UUID(operation_id))
    if more:
        try:
            ring(tenant_id, operation_id)
        except RedisError:
            pass  # the sweep rings


def sweep(*, run_at: str, **_: object) -> None:
    """Ring for operations that nobody works on."""
    with work.platform_unit(reason="find long work that nobody is at"):
        waiting = operations.left_alone()
    for tenant_id, operation_id in waiting:
        ring(tenant_id, str(operation_id))
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.operations.sweep", run_at=run_at)
