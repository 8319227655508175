"""The rows of an import, read from where the last step ended, and their cells as values.

A step of long work begins where the one before ended. The file lies in the database; each process keeps a copy on its disk
and its place in it, so that going on costs nothing. A process that has neither reads from the start to that place.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from saas.integrations import sheet_writers, sheets, targets
from saas.integrations.models import Import
from saas.integrations.sheets import Broken, Reading, Row
from saas.integrations.targets import Target
from saas.kit import files, values
from saas.kit.text import gettext as _
from saas.tenancy import tenants

KEPT = 3
_copies: OrderedDict[UUID, Path] = OrderedDict()
_places: OrderedDict[UUID, _Place] = OrderedDict()


@dataclass
class _Place:
    """Where this process is in a file: how many rows were read, and what yields the others."""

    way: tuple[Any, ...]
    done: int
    rows: Iterator[Row]
    waiting: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Parsed:
    """A row with its cells as values: `values` by field (None: to be emptied), `problems` as (column, field, sentence)."""

    line: int
    cells: list[str]
    values: dict[str, Any]
    problems: list[tuple[int, str, str]]

    @property
    def reason(self) -> str:
        return " ".join(dict.fromkeys(sentence for _place, _name, sentence in self.problems))


def copy_of(file_id: UUID) -> Path:
    """Return where a copy of a file lies on this host's disk, for as long as this process wants it."""
    if file_id in _copies and _copies[file_id].exists():
        _copies.move_to_end(file_id)
        return _copies[file_id]
    files.one(file_id)
    handle, name = tempfile.mkstemp(prefix="regulars-import-")
    with os.fdopen(handle, "wb") as copy:
        for chunk in files.chunks(file_id):
            copy.write(chunk)
    _copies[file_id] = Path(name)
    while len(_copies) > KEPT:
        _copies.popitem(last=False)[1].unlink(missing_ok=True)
    return Path(name)


@atexit.register
def forget_copies() -> None:
    """Take the copies off the disk."""
    for _way, work in _ahead.values():
        work.cancel()
    _places.clear()
    while _copies:
        with contextlib.suppress(OSError):
            _copies.popitem()[1].unlink(missing_ok=True)


def reading_of(held: Import) -> Reading:
    return Reading(**held.reading)


def take(held: Import, *, start: int, most: int, together: Callable[[list[str]], str] | None = None) -> list[Row]:
    """Return up to `most` rows after the first `start`; none at the end.

    `together` gives a row's group; rows of one group that follow each other are not cut apart.
    """
    way = (tuple(sorted(held.reading.items())), len(held.headers))
    place = _places.get(held.id)
    if place is None or place.way != way or place.done != start:
        rows = sheets.rows(copy_of(held.file_id), reading_of(held), width=len(held.headers))
        place = _places[held.id] = _Place(way, start, itertools.islice(rows, start, None))
        while len(_places) > KEPT:
            _places.popitem(last=False)
    _places.move_to_end(held.id)
    taken = place.waiting + list(itertools.islice(place.rows, most - len(place.waiting)))
    place.waiting = []
    if together is not None and taken:
        last = _group(taken[-1], together)
        for row in place.rows:
            if last is None or _group(row, together) != last or len(taken) > most * 3:
                place.waiting = [row]
                break
            taken.append(row)
    place.done += len(taken)
    return taken


def _group(row: Row, together: Callable[[list[str]], str]) -> str | None:
    return None if isinstance(row[1], Broken) else together(row[1]) or None


_reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import-reader")
_ahead: dict[UUID, tuple[Any, Future[list[Parsed]]]] = {}


def take_parsed(
    held: Import, *, start: int, most: int, together: Callable[[list[str]], str] | None = None
) -> list[Parsed]:
    """Return up to `most` rows after the first `start` as values, and have the rows after them read meanwhile.

    While PostgreSQL works on these rows, a thread reads the next ones: reading and writing each take about half of the time.
    """
    way = (start, most, held.reading, held.mapping, held.options, held.fixes)
    waiting = _ahead.pop(held.id, None)
    parser = Parser(held)
    known = None if waiting is None else waiting[1].result()  # it reads from the same place: let it end first
    if waiting is None or waiting[0] != way or known is None:
        known = [parser.parse(row) for row in take(held, start=start, most=most, together=together)]
    if known:
        copy_of(held.file_id)  # the thread has no unit of work and must find the file on the disk
        after = start + len(known)
        work = _reader.submit(
            lambda: [parser.parse(row) for row in take(held, start=after, most=most, together=together)]
        )
        _ahead.clear()
        _ahead[held.id] = ((after, *way[1:]), work)
    return known


def first(held: Import, most: int) -> list[Row]:
    """Return the first rows, for looking at."""
    path = copy_of(held.file_id)
    return list(itertools.islice(sheets.rows(path, reading_of(held), width=len(held.headers)), most))


class Parser:
    """Turns the cells of one import's rows into values."""

    def __init__(self, held: Import) -> None:
        known = targets.of(held.kind)
        settings = tenants.settings()
        options = held.options
        self.manner = values.Manner(
            decimal=options.get("decimal", ""), dates=options.get("dates", ""), zone=settings.zone,
            currency=settings.currency if held.kind != "order" else "",
        )  # fmt: skip
        self.empties = options.get("empty") == "clear"
        self.columns = [(int(place), known[name]) for place, name in held.mapping.items() if name in known]
        self.known = known
        self.by_value: Mapping[str, Mapping[str, str]] = held.fixes.get("values", {})
        self.by_cell: Mapping[str, str] = held.fixes.get("cells", {})
        self.memory: dict[str, dict[str, Any]] = {target.name: {} for _place, target in self.columns}
        self.constants = self._constants(options.get("constants", {}))

    def _constants(self, given: Mapping[str, str]) -> dict[str, Any]:
        found = {}
        for name, said in given.items():
            if name in self.known and said:
                found[name] = self.known[name].read(said, self.manner)
        return found

    def parse(self, row: Row) -> Parsed:
        """Return a row with its values; what cannot be read is among its problems."""
        line, cells = row
        if isinstance(cells, Broken):
            return Parsed(line, cells.cells, {}, [(-1, "", cells.reason)])
        if self.by_value or self.by_cell:
            self._mend(line, cells)
        found: dict[str, Any] = {}
        problems: list[tuple[int, str, str]] = []
        for place, target in self.columns:
            said = cells[place]
            if not said or said.isspace():
                if self.empties:
                    found[target.name] = None
                continue
            if said[0] == "'":
                said = sheet_writers.unsafe(said)  # our own files mark what a spreadsheet would take for a formula
            memory = self.memory[target.name]
            if said in memory:
                found[target.name] = memory[said]
                continue
            try:
                value = target.read(said, self.manner)
            except ValueError as error:
                problems.append((place, target.name, str(error)))
                continue
            found[target.name] = value
            if len(memory) < 2_000:
                memory[said] = value
        for name, value in self.constants.items():
            if found.get(name) is None:
                found[name] = value
        return Parsed(line, cells, found, problems)

    def _mend(self, line: int, cells: list[str]) -> None:
        for place, replaced in self.by_value.items():
            if cells[int(place)] in replaced:
                cells[int(place)] = replaced[cells[int(place)]]
        for place, _target in self.columns:
            mended = self.by_cell.get(f"{line}:{place}")
            if mended is not None:
                cells[place] = mended

    def name_of(self, place: int) -> Target | None:
        return next((target for at, target in self.columns if at == place), None)


def too_few() -> str:
    return _("Nothing in this row says who or what it is.")
