"""One request, one webhook, one job = one unit of work = one transaction, committed at the edge.

Raised means rolled back. Rooms neither commit nor know who opened the unit. Each unit has a session of its own, so a
unit inside a unit (to record a refusal, say) is a transaction of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from saas.kit import scope
from saas.kit.db import NoUnitOfWork, db, slot

log = logging.getLogger(__name__)

_SAME: object = object()


class Unit:
    """What an open unit of work remembers until it ends."""

    def __init__(self) -> None:
        self.hooks: dict[object, Callable[[], None]] = {}
        self.forgotten = False
        self.notes: dict[str, object] = {}


@contextmanager
def unit(*, tenant_id: int | None | object = _SAME, actor: scope.Actor | None = None) -> Iterator[Unit]:
    """Open a transaction for a tenant (None: for no tenant; left out: for the one that is bound) and commit it at the end."""
    bound = scope.tenant_or_none() if tenant_id is _SAME else tenant_id
    with scope.tenant(bound, actor=actor):
        opened = Unit()
        token = slot.set(opened)
        try:
            yield opened
            if opened.forgotten:
                db.session.rollback()
                opened.hooks.clear()
            else:
                db.session.commit()
        except BaseException:
            db.session.rollback()
            raise
        finally:
            db.session.remove()
            slot.reset(token)
        _run_hooks(opened)


@contextmanager
def platform_unit(*, reason: str) -> Iterator[None]:
    """Open a unit of work over all tenants, as the platform's role; recorded with its reason."""
    with scope.across_tenants(reason=reason), unit():
        yield


@contextmanager
def acting_for(tenant_id: int) -> Iterator[None]:
    """Bind a tenant inside an open unit that has none: a company that is only just being founded, say."""
    session = db.session()
    session.flush()
    with scope.tenant(tenant_id):
        session.info["tenant"] = tenant_id
        session.connection().exec_driver_sql(f"SET LOCAL app.tenant_id = '{int(tenant_id)}'")
        yield
        session.flush()
    session.info["tenant"] = None
    session.connection().exec_driver_sql("SET LOCAL app.tenant_id = ''")


def after_commit(hook: Callable[[], None], *, key: object | None = None) -> None:
    """Have `hook` run once the open unit has committed; the same key is kept once. It must not raise: it is a nudge."""
    opened = slot.get()
    if not isinstance(opened, Unit):
        raise NoUnitOfWork("open work.unit() before asking for something after it")
    opened.hooks[key if key is not None else hook] = hook


def take_long() -> None:
    """Let the statements of the open unit, and what is done between them, take as long as they need: for jobs that go over all of a
    company's rows."""
    db.session.connection().exec_driver_sql("SET LOCAL statement_timeout = 0")
    db.session.connection().exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def note(name: str, value: object) -> None:
    """Remember something for the rest of the open unit of work: what was just traced, say, for the door to offer its undo."""
    opened = slot.get()
    if isinstance(opened, Unit):
        opened.notes[name] = value


def noted(name: str) -> object | None:
    """Return what was remembered under a name in the open unit of work."""
    opened = slot.get()
    return opened.notes.get(name) if isinstance(opened, Unit) else None


def forget() -> None:
    """Have the open unit rolled back at its end, though nothing is raised: the answer tells of the failure."""
    opened = slot.get()
    if isinstance(opened, Unit):
        opened.forgotten = True


def _run_hooks(opened: Unit) -> None:
    for hook in opened.hooks.values():
        try:
            hook()
        except Exception:
            log.exception("a nudge after a commit failed; the sweeper will do its work")
