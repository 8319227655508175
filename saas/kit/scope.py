"""Whose data this is: the tenant that the running request, job or command acts for.

The tenant is bound once at an edge and read by the session and the raw pool. Nothing passes it from function to
function, so nothing can forget to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


class NoTenant(Exception):
    """Tenant data was asked for where no tenant is bound. It is a mistake in the code, never the user's."""


@dataclass(frozen=True)
class Actor:
    """Who acts: kind is member, key, shop, shopper, automation or platform; `id` is theirs, `name` is for people."""

    kind: str
    id: str
    name: str = ""


@dataclass(frozen=True)
class Origin:
    """Through which door an act came (page, api, shop, job, command), from which address and browser."""

    door: str = "job"
    address: str = ""
    browser: str = ""


PLATFORM = Actor("platform", "platform", "Regulars")

_tenant: ContextVar[int | None] = ContextVar("tenant", default=None)
_across: ContextVar[str | None] = ContextVar("across", default=None)
_actor: ContextVar[Actor] = ContextVar("actor", default=PLATFORM)
_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)
_batch: ContextVar[UUID | None] = ContextVar("batch", default=None)
_undoes: ContextVar[UUID | None] = ContextVar("undoes", default=None)
_record_across: Callable[[str], None] | None = None


def tenant_id() -> int:
    """Return the bound tenant's id; raises NoTenant when none is bound."""
    bound = _tenant.get()
    if bound is None:
        raise NoTenant("no tenant is bound here")
    return bound


def tenant_or_none() -> int | None:
    return _tenant.get()


def actor() -> Actor:
    return _actor.get()


def origin() -> Origin:
    """Return where the running act came from; outside of a request that is a job."""
    return _origin.get() or Origin()


def batch() -> UUID | None:
    """Return the one id of what belongs together: a bulk edit, an import, a merge."""
    return _batch.get()


def undoes() -> UUID | None:
    """Return the entry of the trace that is being taken back."""
    return _undoes.get()


@contextmanager
def come_from(origin: Origin) -> Iterator[None]:
    """Say where the acts of the block come from."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


@contextmanager
def together(batch: UUID | None, *, undoes: UUID | None = None) -> Iterator[None]:
    """Have everything that is traced in the block carry one id, and say which entry it takes back, if any."""
    tokens = _batch.set(batch or _batch.get()), _undoes.set(undoes or _undoes.get())
    try:
        yield
    finally:
        _batch.reset(tokens[0])
        _undoes.reset(tokens[1])


def across() -> bool:
    """Tell whether the running code does platform work over all tenants."""
    return _across.get() is not None


@contextmanager
def tenant(tenant_id: int | None, *, actor: Actor | None = None) -> Iterator[None]:
    """Bind a tenant (or none) and an actor for the block."""
    token, acting = _tenant.set(None if tenant_id is None else int(tenant_id)), None
    if actor is not None:
        acting = _actor.set(actor)
    try:
        yield
    finally:
        _tenant.reset(token)
        if acting is not None:
            _actor.reset(acting)


def register_recorder(recorder: Callable[[str], None]) -> None:
    """Have every crossing of tenants recorded; tenancy registers itself here, for kit knows nothing of it."""
    global _record_across
    _record_across = recorder


@contextmanager
def across_tenants(*, reason: str) -> Iterator[None]:
    """Do platform work over all tenants in the block; each use is recorded with its reason."""
    if _record_across is not None:
        _record_across(reason)
    tokens = _tenant.set(None), _across.set(reason)
    try:
        yield
    finally:
        _tenant.reset(tokens[0])
        _across.reset(tokens[1])
