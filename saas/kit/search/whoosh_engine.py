"""The embedded engine: one Whoosh index per tenant in a folder of this machine.

A tenant's folder holds generations, each a whole index, and a small file naming the one that counts, so that building
anew is one rename and a process killed halfway leaves the old index in place. Whoosh keeps pickles in its files: these
folders are written by us alone, belong to us alone, and are never taken from a backup, an upload or another machine.
What is lost is built again from the rows.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import struct
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from uuid import UUID

from whoosh import fields, formats, index

from saas.kit.search import terms, whoosh_lookups
from saas.kit.search.queries import Query
from saas.kit.search.ranking import Candidate
from saas.kit.search.whoosh_open import Opened, Searchers

HEADS = range(1, 4)
WRITER_MEGABYTES = 64
WRITER_WAIT = 30.0
OPEN_ATTEMPTS = 10
_BROKEN = (OSError, EOFError, KeyError, IndexError, ValueError, TypeError, AttributeError, ImportError)
_BROKEN += (AssertionError, struct.error, pickle.PickleError, index.IndexError)


class NoIndex(Exception):
    """There is no index of this tenant here, or it cannot be read; it has to be built from the rows."""


class Terms(fields.FieldType):
    """A field that takes ready-made terms and remembers nothing but in which record they are."""

    def __init__(self) -> None:
        super().__init__(formats.Existence(), None)

    def index(self, value: Iterable[str], **_: object) -> list[tuple[bytes, int, float, bytes]]:
        return [(term.encode(), 1, 1.0, b"") for term in value]


SCHEMA = fields.Schema(key=Terms(), terms=Terms(), data=fields.STORED())


class WhooshEngine:
    """Every tenant's index below one folder; safe to use from several threads and processes of one machine."""

    name = "whoosh"

    def __init__(self, folder: Path, *, open_searchers: int = 64) -> None:
        self.folder = folder
        self.searchers = Searchers(self._open, most=open_searchers)

    def put(self, connection: object, tenant_id: int, entries: Sequence[terms.Entry]) -> None:
        """Write entries in one commit, in place of what they were before."""
        self._write(tenant_id, entries, [(entry.kind, entry.id) for entry in entries])

    def remove(self, connection: object, tenant_id: int, keys: Sequence[tuple[str, UUID]]) -> None:
        self._write(tenant_id, (), keys)

    def replace(self, connection: object, tenant_id: int, entries: Iterable[terms.Entry]) -> int:
        """Build a whole index beside the present one, then let it count; returns how many entries it has."""
        home = self._home(tenant_id)
        generation = f"v{terms.VERSION}-{uuid.uuid4().hex}"
        (home / generation).mkdir(mode=0o700)
        writer = index.create_in(str(home / generation), SCHEMA).writer(limitmb=WRITER_MEGABYTES)
        count = 0
        try:
            for entry in entries:
                writer.add_document(**_document(entry))
                count += 1
        except BaseException:
            writer.cancel()
            raise
        writer.commit()
        _point(home, generation)
        self._sweep(home, keep=generation)
        return count

    def clear(self, connection: object, tenant_id: int) -> None:
        """Forget a tenant."""
        self.searchers.close(tenant_id)
        shutil.rmtree(self.folder / str(int(tenant_id)), ignore_errors=True)

    def count(self, connection: object, tenant_id: int, *, most: int) -> int:
        return min(most, self._index(tenant_id).doc_count())

    def candidates(
        self, connection: object, tenant_id: int, query: Query, *, kinds: Sequence[str], enough: int, most: int
    ) -> list[Candidate]:
        """Return what the passes of the query find, at most `most` of each, until `enough` are found."""
        try:
            with self.searchers.use(tenant_id) as opened:
                return _collect(opened, query, kinds, enough, most)
        except _BROKEN as error:
            self.searchers.close(tenant_id)
            raise NoIndex(f"tenant {tenant_id}: {error!r}") from error

    def _write(self, tenant_id: int, entries: Sequence[terms.Entry], keys: Sequence[tuple[str, UUID]]) -> None:
        try:
            writer = self._index(tenant_id).writer(timeout=WRITER_WAIT, limitmb=WRITER_MEGABYTES)
        except _BROKEN as error:
            raise NoIndex(f"tenant {tenant_id}: {error!r}") from error
        try:
            reader = writer.reader()
            for key in {_key(kind, record_id) for kind, record_id in keys}:
                for document in _all_ids(reader, key):
                    writer.delete_document(document)
            reader.close()
            for entry in {(entry.kind, entry.id): entry for entry in entries}.values():
                writer.add_document(**_document(entry))
        except BaseException:
            writer.cancel()
            raise
        writer.commit()

    def _home(self, tenant_id: int) -> Path:
        home = self.folder / str(int(tenant_id))
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return home

    def _current(self, tenant_id: int) -> Path:
        """Return the folder of the index that counts; raises NoIndex where there is none that we made ourselves."""
        home = self.folder / str(int(tenant_id))
        try:
            generation = (home / "current").read_text()
            owner = os.stat(home)
        except OSError:
            raise NoIndex(f"tenant {tenant_id} has no index here") from None
        version, _, name = generation.partition("-")
        if version != f"v{terms.VERSION}" or not name.isalnum():
            raise NoIndex(f"tenant {tenant_id} has an index of another version")
        if owner.st_uid != os.geteuid() or owner.st_mode & 0o022:
            raise NoIndex(f"others may write to {home}; its index is not to be trusted")
        return home / generation

    def _index(self, tenant_id: int) -> index.FileIndex:
        try:
            return index.open_dir(str(self._current(tenant_id)), schema=SCHEMA)
        except _BROKEN as error:
            raise NoIndex(f"tenant {tenant_id}: {error!r}") from error

    def _open(self, tenant_id: int, held: Opened | None) -> Opened:
        """Return the newest view, also when a commit takes away the files we are about to open."""
        for _ in range(OPEN_ATTEMPTS - 1):
            with contextlib.suppress(FileNotFoundError, index.EmptyIndexError):
                return self._open_once(tenant_id, held)
        return self._open_once(tenant_id, held)

    def _open_once(self, tenant_id: int, held: Opened | None) -> Opened:
        """Return the newest view of a tenant's index: the one that is held unless something was committed since.

        Whoosh's own `refresh` reuses the readers it has, and with them forgets what was deleted meanwhile (3.54).
        """
        place = self._current(tenant_id)
        if held is not None and held.place == place and held.generation == held.index.latest_generation():
            return held
        found = index.open_dir(str(place), schema=SCHEMA)
        generation = found.latest_generation()  # before reading: a commit in between is merely opened again
        return Opened(place, found, generation, found.searcher())

    @staticmethod
    def _sweep(home: Path, *, keep: str) -> None:
        """Remove other generations; whoever still reads one keeps its open files."""
        for old in home.glob("v*-*"):
            if old.name != keep:
                shutil.rmtree(old, ignore_errors=True)


def _key(kind: str, record_id: UUID) -> str:
    return f"{kind}:{record_id.hex}"


def _document(entry: terms.Entry) -> dict[str, object]:
    found = set(entry.terms)
    for word in entry.terms:
        if word[0] not in terms.MARKS:
            found.update(whoosh_lookups.HEAD + word[:length] for length in HEADS if len(word) >= length)
    for part in entry.parts:
        found.update(whoosh_lookups.TAIL + tail for tail in terms.tails(part))
    data = (entry.kind, entry.id.bytes, entry.title, entry.subtitle, entry.words)
    return {"key": [_key(entry.kind, entry.id)], "terms": found, "data": data}


def _all_ids(reader, key: str) -> Iterator[int]:
    if ("key", key.encode()) in reader:
        yield from reader.postings("key", key.encode()).all_ids()


def _collect(opened: Opened, query: Query, kinds: Sequence[str], enough: int, most: int) -> list[Candidate]:
    found: dict[tuple[str, bytes], Candidate] = {}
    for wanted in query.passes:
        limited = whoosh_lookups.of_kinds(wanted, kinds)
        for reader, _ in opened.searcher.reader().leaf_readers():
            for document in islice(whoosh_lookups.documents(reader, limited), most):
                kind, record_id, title, subtitle, words = reader.stored_fields(document)["data"]
                found[kind, record_id] = Candidate(kind, UUID(bytes=record_id), title, subtitle, words)
        if len(found) >= enough:
            break
    return list(found.values())


def _point(home: Path, generation: str) -> None:
    new = home / "current.new"
    with open(new, "w") as file:
        file.write(generation)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, home / "current")
