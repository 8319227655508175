"""The bin: what was deleted stays here for 30 days with all that hung on it, and can be brought back as it was.

A record is taken out of its tables, not marked: no list, count or report has to remember to leave it out. What is taken is
journalled inside the database by set-based statements (`kit.belongings`), so deleting a million takes no memory here. Shop
data always enters: an order for the address of somebody in the bin makes a new customer, and who brings the old one back is
told that the address is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, delete, func, insert, literal, select, update

from saas.kit import access, arrays, belongings, clock, errors, identifiers, scope
from saas.kit import db as kit_db
from saas.kit.belongings.splitting import split
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit
from saas.tenancy.models import BinItem

KEPT = timedelta(days=30)
PEOPLES = ("customer", "order")
"""Kinds of which somebody who sees only some customers sees in the bin what they deleted themselves."""
TOGETHER = 1_000
"""Records that share a journal when many are deleted."""
NEWEST = ((BinItem.deleted_at, "desc"), (BinItem.id, "desc"))
Ids = Sequence[UUID]


def _nothing(ids: Ids) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """A kind of record that goes to the bin: its table, the permission, and what its room does when records come and go.

    `strict` are the tables whose places matter: of all others that go along, rows whose place is taken stay away. `taken` says in a sentence what has the record's place; `without` changes the journal so that the
    record comes back without it.
    """

    name: str
    table: str
    permission: str
    restored: str
    label: Any = ""
    gone: Callable[[Ids], None] = _nothing
    back: Callable[[Ids], None] = _nothing
    strict: tuple[str, ...] = ()
    taken: Callable[[Sequence[Any]], str] | None = None
    without: Callable[[UUID, UUID], None] | None = None

    @property
    def leave(self) -> list[str]:
        return [name for name in belongings.reached(self.table) if name not in (self.table, *self.strict)]


_kinds: dict[str, Kind] = {}
_ended: dict[str, list[Callable[[Ids, Ids], None]]] = {}


class NotInTheBin(errors.NotFound):
    """This is not in the bin (any more)."""


class PlaceTaken(errors.Conflict):
    """Something else has the record's place by now; `holder` is its id, `without` tells whether it can come back without it."""

    code = "place_taken"

    def __init__(self, sentence: str, *, holder: UUID | None, without: bool) -> None:
        super().__init__(sentence)
        self.holder, self.without = holder, without


def register(kind: Kind) -> None:
    """Have records of a kind go to the bin; said by the room that owns them."""
    _kinds[kind.name] = kind


def at_the_end(kind: str, tell: Callable[[Ids, Ids], None]) -> None:
    """Have a room learn when records of a kind are thrown away for good: it gets their ids and the journals, which still are."""
    _ended.setdefault(kind, []).append(tell)


def kind_of(name: str) -> Kind:
    return _kinds[name]


def kinds() -> list[Kind]:
    return list(_kinds.values())


def put(kind: str, titles: Mapping[UUID, str], *, batch: UUID | None = None) -> None:
    """Take records (their ids with what they are called) and all that hangs on them out, into the bin."""
    known, actor, now = _kinds[kind], scope.actor(), clock.now()
    ids = sorted(titles)
    for start in range(0, len(ids), TOGETHER):
        part = ids[start : start + TOGETHER]
        journal = belongings.take_out(known.table, part)
        own = arrays.table(
            id=(identifiers.many(len(part)), Uuid), record_id=(part, Uuid), title=([titles[one][:200] for one in part], Text)
        )  # fmt: skip
        row = {
            "tenant_id": scope.tenant_id(), "id": own.c.id, "kind": kind, "record_id": own.c.record_id, "title": own.c.title,
            "deleted_at": now, "deleted_by": actor.name, "deleted_by_id": actor.id, "batch": batch or scope.batch(),
            "journal": journal, "until": now + KEPT,
        }  # fmt: skip
        chosen = select(*(_of(BinItem, name, value) for name, value in row.items()))
        db.session.execute(insert(BinItem).from_select(list(row), chosen, include_defaults=False))
        known.gone(part)


def _of(model: Any, name: str, value: Any) -> Any:
    return value if isinstance(value, ColumnElement) else literal(value, getattr(model, name).type)


def visible(*, kind: str = "") -> Select:
    """Return a select of what the acting person may see in the bin, of one kind or all: all of it, or what they deleted themselves."""
    allowed = [one.name for one in kinds() if access.may(one.permission) and kind in ("", one.name)]
    query = select(BinItem).where(BinItem.kind.in_(allowed))
    if access.current().limited:
        query = query.where(BinItem.kind.not_in(PEOPLES) | (BinItem.deleted_by_id == scope.actor().id))
    return query


def one(item_id: UUID | str, *, lock: bool = False) -> BinItem:
    """Return something in the bin that the acting person may see; raises NotInTheBin."""
    item = kit_db.one(BinItem, item_id, NotInTheBin, lock=lock)
    if db.session.scalar(visible().with_only_columns(BinItem.id).where(BinItem.id == item.id)) is None:
        raise NotInTheBin
    return item


def find(kind: str, record_id: UUID | str, *, lock: bool = False) -> BinItem:
    """Return a record in the bin by what it was; raises NotInTheBin."""
    query = visible().where(BinItem.kind == kind, BinItem.record_id == UUID(str(record_id)))
    item = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if item is None:
        raise NotInTheBin
    return item


def restore(item: BinItem, *, without: bool = False) -> UUID:
    """Bring a record back with all that hung on it, and return its id.

    Raises PlaceTaken where something else has its place (an address, a name); `without` brings it back without that.
    """
    known = _kinds[item.kind]
    access.require(known.permission)
    journal = _own_journal(item)
    if without and known.without is not None:
        known.without(journal, item.record_id)
    try:
        belongings.put_back(journal, leave=known.leave)
    except belongings.Clash as clash:
        raise _place_taken(known, clash) from None
    except belongings.Gone:
        raise NotInTheBin from None
    db.session.execute(delete(BinItem).where(BinItem.id == item.id))
    db.session.expunge(item)
    known.back([item.record_id])
    audit.record(action=known.restored, kind=item.kind, record_id=item.record_id, after={"name": item.title})
    return item.record_id


def _place_taken(known: Kind, clash: belongings.Clash) -> PlaceTaken:
    sentence = known.taken(clash.clashes) if known.taken else _("Something else has its place by now.")
    own = [one for one in clash.clashes if one.table == known.table]
    return PlaceTaken(sentence, holder=own[0].holder if own else None, without=known.without is not None)


def _own_journal(item: BinItem) -> UUID:
    """Return a journal that holds this record alone, taking it out of one that many share."""
    shared = db.session.scalar(select(func.count()).select_from(BinItem).where(BinItem.journal == item.journal)) or 0
    if shared > 1:
        item.journal = split(item.journal, _kinds[item.kind].table, [item.record_id])
        db.session.flush()
    return item.journal


def restore_some(batch: UUID) -> tuple[int, list[tuple[UUID, str, str]]] | None:
    """Bring back one journal's worth of a batch: how many, and (record, title, why) of those that stay; None at the end.

    What cannot come back stays in the bin, out of the batch.
    """
    columns = (BinItem.id, BinItem.kind, BinItem.record_id, BinItem.title)
    newest = select(BinItem.kind, BinItem.journal).where(BinItem.batch == batch).order_by(BinItem.id.desc()).limit(1)
    first = db.session.execute(newest).one_or_none()
    if first is None:
        return None
    known, journal = _kinds[first.kind], first.journal
    held = db.session.execute(select(*columns).where(BinItem.journal == journal).with_for_update()).all()
    stay: dict[UUID, str] = {}
    for clash in belongings.clashes(journal):
        if clash.table == known.table or clash.table in known.strict:
            record_id = _whose(known, journal, clash)
            stay[record_id] = known.taken([clash]) if known.taken else _("Something else has its place by now.")
    if stay:
        own = split(journal, known.table, list(stay))
        apart = (
            update(BinItem)
            .where(BinItem.record_id.in_(stay), BinItem.journal == journal)
            .values(journal=own, batch=None)
        )
        db.session.execute(apart.execution_options(synchronize_session=False))
    back = [item for item in held if item.record_id not in stay]
    if back:
        belongings.put_back(journal, leave=known.leave)
        db.session.execute(
            delete(BinItem).where(BinItem.journal == journal).execution_options(synchronize_session=False)
        )
        known.back([item.record_id for item in back])
        audit.record_many([
            {"action": known.restored, "kind": item.kind, "record_id": item.record_id, "after": {"name": item.title}, "detail": True}
            for item in back
        ])  # fmt: skip
    return len(back), [(item.record_id, item.title, stay[item.record_id]) for item in held if item.record_id in stay]


def _whose(known: Kind, journal: UUID, clash: Any) -> UUID:
    """Return the record that a clash is about: itself, or the one that the clashing row hangs on."""
    if clash.table == known.table:
        return clash.record_id
    column = next(one.column for one in belongings.of(known.table) if one.table == clash.table)
    whole = list(belongings.rows(journal, table=clash.table))
    return next(UUID(row[column]) for _table, record_id, row in whole if record_id == clash.record_id)


def delete_for_good(item: BinItem) -> None:
    """Throw one thing away for good; nothing brings it back."""
    known = _kinds[item.kind]
    access.require(known.permission)
    journal = _own_journal(item)
    audit.record(action="bin.deleted", kind=item.kind, record_id=item.record_id, before={"name": item.title})
    _end(known, [item], [journal])


def throw_away(kind: str, items: Sequence[BinItem]) -> None:
    """Throw records of a kind away for good as part of an erasure, whoever deleted them; whoever erases tells of it."""
    for item in items:
        _end(_kinds[kind], [item], [_own_journal(item)])


def put_back_to_erase(kind: str, items: Sequence[BinItem]) -> list[UUID]:
    """Put records back so that the same unit of work can erase them wherever they hang; returns their ids.

    They come without their place (an address that is somebody else's by now), and nothing tells that they came.
    """
    known = _kinds[kind]
    by_journal: dict[UUID, list[UUID]] = {}
    for item in items:
        by_journal.setdefault(item.journal, []).append(item.record_id)
    db.session.execute(delete(BinItem).where(BinItem.id.in_([item.id for item in items])))
    for journal, ids in by_journal.items():
        shared = db.session.scalar(select(BinItem.id).where(BinItem.journal == journal).limit(1)) is not None
        own = split(journal, known.table, ids) if shared else journal
        for record_id in ids if known.without is not None else ():
            known.without(own, record_id)
        belongings.put_back(own, leave=[name for name in belongings.reached(known.table) if name != known.table])
    return [record_id for ids in by_journal.values() for record_id in ids]


def other_name(journal: UUID, table: str, record_id: UUID) -> str:
    """Return a name for something that comes back although its own is taken: with a mark after it."""
    names = [row["name"] for _table, found, row in belongings.rows(journal, table=table) if found == record_id]
    return f"{names[0]} ({clock.now():%Y-%m-%d %H:%M})"


def expired() -> list[int]:
    """Return the companies in whose bin something's time is over; for the nightly job."""
    return list(db.session.scalars(select(BinItem.tenant_id).where(BinItem.until < clock.now()).distinct()))


def empty_some(*, most: int = TOGETHER) -> int:
    """Throw away for good what has been in the bin for 30 days, a part at a time; returns how many, 0 at the end."""
    due = select(BinItem).where(BinItem.until < clock.now()).order_by(BinItem.until, BinItem.id).limit(most)
    items = list(db.session.scalars(due.with_for_update(skip_locked=True)))
    if not items:
        return 0
    counted: dict[str, int] = {}
    for kind in {item.kind for item in items}:
        mine = [item for item in items if item.kind == kind]
        journals = {item.journal for item in mine}
        ids = {item.id for item in mine}
        beside = select(BinItem.journal).where(BinItem.journal.in_(journals), BinItem.id.not_in(ids)).distinct()
        for journal in db.session.scalars(beside).all():  # shared with what is due in the next part
            fresh = split(journal, _kinds[kind].table, [item.record_id for item in mine if item.journal == journal])
            journals = (journals - {journal}) | {fresh}
        _end(_kinds[kind], mine, sorted(journals))
        counted[kind] = len(mine)
    audit.record(action="bin.emptied", kind="bin", after=counted)
    return len(items)


def _end(known: Kind, items: Sequence[BinItem], journals: Ids) -> None:
    for tell in _ended.get(known.name, ()):
        tell([item.record_id for item in items], journals)
    belongings.forget(journals)
    db.session.execute(delete(BinItem).where(BinItem.id.in_([item.id for item in items])))
