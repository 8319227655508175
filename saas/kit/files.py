"""Files that belong to a company: what people bring to import and what they asked to take away.

They lie in PostgreSQL in parts of up to a mebibyte, behind the same wall as everything else, so that every host sees them
and a backup holds them; each is thrown away after its time. Nothing here reads a whole file into memory.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, Text, UniqueConstraint, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import clock, errors, identifiers, scope, text, work
from saas.kit import db as kit_db
from saas.kit.db import Stamped, TenantModel, db, tenant_fk

PART = 1024 * 1024


class StoredFile(Stamped, TenantModel):
    """A file: its name for people, its size, who may fetch it and until when."""

    __tablename__ = "stored_files"

    name: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text, default="application/octet-stream")
    permission: Mapped[str] = mapped_column(Text, default="")
    made_by: Mapped[str] = mapped_column(Text, default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str] = mapped_column(Text, default="")
    complete: Mapped[bool] = mapped_column(Boolean, default=False)
    expires_at: Mapped[datetime]


class FilePart(TenantModel):
    """One part of a file; all but the last are full."""

    __tablename__ = "file_parts"
    __table_args__ = (
        tenant_fk("file_id", "stored_files", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "file_id", "position"),
    )

    file_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class NoSuchFile(errors.NotFound):
    """There is no such file, or its time is over."""


class TooLarge(errors.Refusal):
    """The file is larger than what is allowed."""

    status, code, message = 413, "too_large", "This file is too large."


class Writer(io.RawIOBase):
    """What is written goes into parts of the open unit of work; `close` completes the file, leaving it unclosed does not."""

    def __init__(self, file: StoredFile, *, most: int | None = None) -> None:
        self.file, self.most = file, most
        self._held = bytearray()
        self._digest = hashlib.sha256()
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.file.size + len(self._held)

    def write(self, data: Any) -> int:
        """Take more of the file; raises TooLarge."""
        view = memoryview(data).cast("B")
        self._held += view
        self._digest.update(view)
        if self.most is not None and self.tell() > self.most:
            raise TooLarge
        while len(self._held) >= PART:
            self._put(bytes(self._held[:PART]))
            del self._held[:PART]
        return len(view)

    def close(self) -> None:
        if not self.closed:
            if self._held:
                self._put(bytes(self._held))
                self._held.clear()
            self.file.sha256, self.file.complete = self._digest.hexdigest(), True
            db.session.flush()
        super().close()

    def _put(self, data: bytes) -> None:
        db.session.execute(
            insert(FilePart),
            [{"tenant_id": self.file.tenant_id, "id": identifiers.new(), "file_id": self.file.id, "position": self._position, "data": data}],
        )  # fmt: skip
        self._position += 1
        self.file.size += len(data)


def writer(
    *, name: str, content_type: str = "application/octet-stream", permission: str = "", keep: timedelta = timedelta(days=1), most: int | None = None,
) -> Writer:  # fmt: skip
    """Return something to write a new file into, within the open unit of work; `.file` is the file.

    `permission` is what a member needs to fetch it, `most` its largest size in bytes.
    """
    actor = scope.actor()
    file = StoredFile(
        name=text.clean(name.replace("/", "_").replace("\\", "_"), most=200), content_type=content_type, permission=permission, made_by=actor.id, expires_at=clock.now() + keep, size=0,
    )  # fmt: skip
    db.session.add(file)
    db.session.flush()
    return Writer(file, most=most)


def write(chunks: Iterable[bytes], **about: Any) -> StoredFile:
    """Keep a file whose bytes come in pieces; `about` is what `writer` takes. Raises TooLarge."""
    into = writer(**about)
    for chunk in chunks:
        into.write(chunk)
    into.close()
    return into.file


def one(file_id: UUID | str) -> StoredFile:
    """Return a complete file that is still kept; raises NoSuchFile."""
    file = kit_db.one(StoredFile, file_id, NoSuchFile)
    if not file.complete or file.expires_at <= clock.now():
        raise NoSuchFile
    return file


def part(file_id: UUID, position: int) -> bytes | None:
    """Return one part of a file; None after the last."""
    return db.session.scalar(select(FilePart.data).where(FilePart.file_id == file_id, FilePart.position == position))


def chunks(file_id: UUID) -> Iterator[bytes]:
    """Yield a file's parts in order, within the open unit of work."""
    position = 0
    while (data := part(file_id, position)) is not None:
        yield data
        position += 1


def streamed(tenant_id: int, file_id: UUID) -> Iterator[bytes]:
    """Yield a file's parts, each read in a unit of work of its own: a slow reader must not hold a transaction open."""
    position = 0
    while True:
        with work.unit(tenant_id=tenant_id):
            data = part(file_id, position)
        if data is None:
            return
        yield data
        position += 1


class Reader(io.RawIOBase):
    """A file to read and seek in; it holds one part at a time."""

    def __init__(self, file: StoredFile) -> None:
        self.file = file
        self._at = 0
        self._part: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.file.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        position, within = divmod(self._at, PART)
        if self._part[0] != position:
            self._part = (position, part(self.file.id, position) or b"")
        data = self._part[1][within : within + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def open(file_id: UUID | str) -> io.BufferedReader:  # noqa: A001 - reads as files.open(...)
    """Return a file's bytes to read and seek in, within the open unit of work; raises NoSuchFile."""
    return io.BufferedReader(Reader(one(file_id)), buffer_size=256 * 1024)


def remove(file_id: UUID | str) -> None:
    """Throw a file away before its time."""
    db.session.execute(delete(StoredFile).where(StoredFile.id == file_id))


def kept() -> list[StoredFile]:
    """Return all files of the company, the oldest first."""
    return list(db.session.scalars(select(StoredFile).order_by(StoredFile.id)))


def tidy() -> int:
    """Throw away files whose time is over; platform work over all tenants. Returns how many."""
    return db.session.execute(delete(StoredFile).where(StoredFile.expires_at <= clock.now())).rowcount
