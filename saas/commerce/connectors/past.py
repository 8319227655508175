"""What every store that can be read has in common: its past comes in portions, and it may ask to be left alone for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.exc import DataError, IntegrityError

from saas.commerce.connectors.delivery import Body, Unmappable
from saas.commerce.refusal_words import Reason
from saas.kit import errors
from saas.kit.db import db

log = logging.getLogger("regulars.shops")


class StoreRefused(errors.Refusal):
    """The store answered, and refused: wrong keys, no API, an error of its own."""

    status, code = 422, "store_refused"


class KeysRefused(StoreRefused):
    """The store does not take our keys, or they may not do this."""


class StoreBusy(StoreRefused):
    """The store asks to be left alone for `seconds`; when it is our pace and not its trouble, `quiet` is true.

    `place` says where and how to go on when that is otherwise than before, such as with a smaller page.
    """

    def __init__(
        self, message: str, *, seconds: float, quiet: bool = False, place: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.seconds, self.quiet, self.place = seconds, quiet, place


@dataclass(frozen=True)
class Origin:
    """Whose things these are: the shop, what it sells in where a thing does not say, and the address of its pages.

    With `news` what happened to its orders is announced: they were looked for because they should have been told of.
    """

    source_id: UUID
    currency: str
    url: str = ""
    news: bool = False


@dataclass(frozen=True)
class Portion:
    """Some of a store's past. `place` says where to go on, None when this kind is all here; `share` how far this kind is,
    `wait` how many seconds the store wants before it is asked again, `rest` how many it is spared so that it serves its
    shoppers, `total` how many there are of this kind, if the store says."""

    bodies: Sequence[Body]
    place: dict[str, Any] | None
    share: float
    wait: float = 0.0
    rest: float = 0.0
    total: int | None = None


@dataclass(frozen=True)
class Tended:
    """What looking after a store's webhooks came to, what the store says of itself, and keys to be kept with more than before."""

    webhooks: dict[str, int]
    shop: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one thing of a portion: created, updated, unchanged, stale, failed (with its reason) or left_out.

    `changed_at` is when it last changed in the store, `made_at` when it was made there, where the store says.
    """

    body: Body
    status: str
    reason: str = ""
    changed_at: datetime | None = None
    made_at: datetime | None = None


@dataclass(frozen=True)
class Written:
    """What became of a portion."""

    outcomes: Sequence[Outcome]

    @property
    def changed(self) -> int:
        return sum(one.status in ("created", "updated") for one in self.outcomes)

    @property
    def unread(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.status == "failed"]


class Past(Protocol):
    """A store whose past can be read. Nothing of it is called inside a transaction."""

    def renewed(self) -> dict[str, Any] | None:
        """Return the keys to be kept from now on when the old ones were about to end, or None."""

    def tend(self, *, address: str, secret: str, renew: bool = False) -> Tended:
        """Have every topic delivered to our address, with `renew` signed by this secret again; raises StoreRefused or
        Unreachable."""

    def kinds(self, *, since: datetime | None, deep: bool = False) -> tuple[str, ...]:
        """Return what is read, in this order; `since` when only what changed is wanted, `deep` when what the store cannot be
        asked for by that is looked through, too, and what it deleted."""

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind of the past, as far as the store says."""

    def portion(self, kind: str, place: dict[str, Any], *, since: datetime | None) -> Portion:
        """Return what comes next; raises StoreRefused, StoreBusy or Unreachable."""

    def absent(self, kind: str, keys: Sequence[str]) -> list[str]:
        """Return which of these the store has no more (kind is orders or products); raises as `portion` does."""


def write(
    bodies: Iterable[Body], *, read: Callable[[Body], Any], store: Callable[[list[Any]], Sequence[Any]]
) -> Written:
    """Write a portion, and say of each thing what became of it. None from `read` is left out; one bad thing fails alone."""
    outcomes, good = [], []
    for body in bodies:
        try:
            item = read(body)
        except (Unmappable, KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            outcomes.append(Outcome(body, "failed", said(error)))
            continue
        if item is None:
            outcomes.append(Outcome(body, "left_out"))
        else:
            good.append((body, item))
    results = _stored([item for _body, item in good], store)
    for (body, item), (status, reason) in zip(good, results, strict=True):
        outcomes.append(
            Outcome(body, status, reason, _moment(item, "updated_at"), _moment(item, "placed_at", "created_at"))
        )
    return Written(outcomes)


def _stored(items: list[Any], store: Callable[[list[Any]], Sequence[Any]]) -> list[tuple[str, str]]:
    """Store things together, or one by one when the database does not take them together."""
    if not items:
        return []
    try:
        with db.session.begin_nested():
            return [(one.status, one.error) for one in store(items)]
    except TROUBLE as error:
        if len(items) == 1:
            return [("failed", said(error))]
        return [one for item in items for one in _stored([item], store)]


TROUBLE = (DataError, IntegrityError, Unmappable, KeyError, TypeError, ValueError, AttributeError, ArithmeticError)


def said(error: Exception) -> str:
    """Return why a thing could not be understood, for the people of the shop."""
    if isinstance(error, Unmappable):
        return error.reason
    if isinstance(error, KeyError):
        return Reason("field_missing", name=str(error.args[0] if error.args else error)[:60])
    log.warning("something of a shop could not be read", exc_info=error)
    what = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
    if isinstance(error, (TypeError, AttributeError)):
        return Reason("other_kind", said=what)
    return Reason("not_understood", said=what)


def _moment(item: Any, *names: str) -> datetime | None:
    for name in names:
        held = item.get(name) if isinstance(item, dict) else None
        if isinstance(held, str):
            try:
                held = datetime.fromisoformat(held)
            except ValueError:
                held = None
        if isinstance(held, datetime):
            return held if held.tzinfo else held.replace(tzinfo=UTC)
    return None
