"""What the acting person may see and do: permissions, whose records, and which fields.

It is bound once at an edge, like the tenant (`scope`), and asked here by every room and door. Nothing bound means the
platform's own work, which is bound by nothing. Whose records are visible is also kept by the database itself: a
transaction of somebody who may not see all works as a role that the second wall narrows (see `walls.rows`), so a count,
a report or raw SQL needs no thought. Fields have no such wall: whoever shows, filters, sorts or groups by a field asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from saas.kit import errors, scope
from saas.kit.text import gettext as _

ALL, TEAM, OWN = LEVELS = ("all", "team", "own")
EVERYTHING = frozenset({"*"})


class MayNot(errors.Forbidden):
    """The acting person's role does not include this."""


class Locked(errors.Forbidden):
    """The acting person may see a field and not change it."""

    code = "field_locked"


class UnknownField(errors.Invalid):
    """There is no such field, or none that the acting person may know of: nobody can tell the two apart."""


@dataclass(frozen=True)
class Access:
    """What somebody may do. `rows` says by kind of record whose they see; what it does not name, all of it.

    `member` is who they are, `owners` are the members whose records they see when not all (themselves, their team),
    `teams` those they belong to or lead. `hidden` and `locked` name fields as `customer.phone`.
    """

    permissions: frozenset[str] = EVERYTHING
    rows: Mapping[str, str] = field(default_factory=dict)
    member: UUID | None = None
    owners: tuple[UUID, ...] = ()
    teams: tuple[UUID, ...] = ()
    hidden: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()

    @property
    def limited(self) -> bool:
        """Whether some records are not theirs to see."""
        return any(level != ALL for level in self.rows.values())

    def may(self, permission: str) -> bool:
        return "*" in self.permissions or permission in self.permissions


FULL = Access()
_bound: ContextVar[Access] = ContextVar("access", default=FULL)
_lifted: ContextVar[str | None] = ContextVar("access_lifted", default=None)
_switch: tuple[Callable[[], None], Callable[[], None]] = (lambda: None, lambda: None)


def current() -> Access:
    """Return what the acting person may do; FULL where nobody is bound."""
    return _bound.get()


@contextmanager
def bound(access: Access) -> Iterator[None]:
    """Bind what somebody may do. Open the unit of work inside: a transaction keeps the rows it began with."""
    tokens = _bound.set(access), _lifted.set(None)
    try:
        yield
    finally:
        _bound.reset(tokens[0])
        _lifted.reset(tokens[1])


def limiting() -> Access | None:
    """Return the access that narrows this moment's transactions to some rows, or None."""
    access = _bound.get()
    if not access.limited or _lifted.get() is not None or scope.across() or scope.tenant_or_none() is None:
        return None
    return access


def register_switch(*, write: Callable[[], None], turn: Callable[[], None]) -> None:
    """Have an open transaction follow when rows are lifted; `db`, which knows the session, registers itself here.

    `write` sends what is pending as whoever one was until now, `turn` has the transaction go on as whoever one is.
    """
    global _switch
    _switch = write, turn


@contextmanager
def lifted(*, reason: str) -> Iterator[None]:
    """Look at the whole tenant inside the open unit, to see whether an address is taken, say. `reason` is for readers.

    Whoever uses it must not show what it finds.
    """
    if limiting() is None:
        yield
        return
    write, turn = _switch
    write()
    token = _lifted.set(reason)
    try:
        turn()
        yield
        write()
    finally:
        _lifted.reset(token)
        turn()


def may(permission: str) -> bool:
    """Tell whether the acting person may do this; a permission is `<kind of records>.<action>`."""
    return current().may(permission)


def require(permission: str) -> None:
    """Raise MayNot unless the acting person may do this."""
    if not may(permission):
        raise MayNot(_("Your role does not allow this. Ask an owner or administrator."))


def rows(kind: str) -> str:
    """Return whose records of a kind the acting person sees: all, team or own."""
    return current().rows.get(kind, ALL)


def hidden(kind: str) -> frozenset[str]:
    """Return the names of a kind's fields that the acting person must not see or learn anything from."""
    return _named(current().hidden, kind)


def locked(kind: str) -> frozenset[str]:
    """Return the names of a kind's fields that the acting person cannot change; hidden ones are among them."""
    return _named(current().locked, kind) | hidden(kind)


def _named(fields: frozenset[str], kind: str) -> frozenset[str]:
    return frozenset(name.removeprefix(f"{kind}.") for name in fields if name.startswith(f"{kind}."))


def readable(kind: str, name: str) -> bool:
    return name not in hidden(kind)


def require_readable(kind: str, names: Iterable[str]) -> None:
    """Raise UnknownField when one of the names is hidden; where a list of names is known, rather leave hidden ones out of it."""
    barred = hidden(kind)
    for name in names:
        if name in barred:
            raise UnknownField(fields={name: [unknown(name)]})


def unknown(name: object) -> str:
    """Return the sentence about a field that does not exist, or must not be known to."""
    return _("Nothing is known about “%(name)s”.", name=str(name)[:40])


def require_writable(kind: str, names: Iterable[str]) -> None:
    """Raise UnknownField for a hidden field and Locked for one that may only be read."""
    wanted = list(names)
    require_readable(kind, wanted)
    barred = {name: [_("You can see this field and not change it.")] for name in wanted if name in locked(kind)}
    if barred:
        raise Locked(_("You can see this field and not change it."), fields=barred)


def blanked(kind: str, values: dict[str, Any], **behind: str) -> dict[str, Any]:
    """Return the values, empty where the field is hidden, for pages; `behind` names the field of a value called otherwise."""
    barred = hidden(kind)
    empty: dict[type, Any] = {str: "", list: []}
    return {
        name: empty.get(type(value)) if behind.get(name, name) in barred else value for name, value in values.items()
    }  # fmt: skip


def shown(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values without those of hidden fields."""
    barred = hidden(kind)
    return {name: value for name, value in values.items() if name not in barred} if barred else values
