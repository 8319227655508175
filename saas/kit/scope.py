"""Whose data this is: the tenant that the running request, job or command acts for.

The tenant is bound once at an edge and read by the session and the raw pool. Nothing passes it from function to
function, so nothing can forget to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class NoTenant(Exception):
    """Tenant data was asked for where no tenant is bound. It is a mistake in the code, never the user's."""


@dataclass(frozen=True)
class Actor:
    """Who acts: kind is member, key, shop, shopper, automation or platform; `id` is theirs, `name` is for people."""

    kind: str
    id: str
    name: str = ""


PLATFORM = Actor("platform", "platform", "Regulars")

_tenant: ContextVar[int | None] = ContextVar("tenant", default=None)
_across: ContextVar[str | None] = ContextVar("across", default=None)
_actor: ContextVar[Actor] = ContextVar("actor", default=PLATFORM)
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
