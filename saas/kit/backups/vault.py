"""The file: a line that says what it is, then pieces of at most a megabyte, each packed and sealed for its place.

With a key every piece is encrypted (AES-256-GCM) under a key of this file's own, made from the operator's and a salt; without
one it carries a digest. Either way a piece that was changed, moved, left out or cut off at the end is noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PIECE = 1024 * 1024
KIND = "regulars backup"
_HEAD = struct.Struct(">BI")


class Damaged(Exception):
    """The file is not what was written, or the key is not its own."""


class _Seal:
    """Seals and opens the pieces of one file, each for its place."""

    def __init__(self, *, head: bytes, salt: bytes, key: str) -> None:
        self._head = hashlib.sha256(head).digest()
        self._cipher = None
        if key:
            derive = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"regulars backup")
            self._cipher = AESGCM(derive.derive(key.encode()))

    def _place(self, number: int, last: bool) -> bytes:
        return self._head + struct.pack(">QB", number, last)

    def close(self, data: bytes, *, number: int, last: bool) -> bytes:
        place = self._place(number, last)
        if self._cipher:
            return self._cipher.encrypt(struct.pack(">IQ", 0, number), data, place)
        return data + hashlib.blake2b(data, key=hashlib.sha256(place).digest(), digest_size=16).digest()

    def open(self, data: bytes, *, number: int, last: bool) -> bytes:
        place = self._place(number, last)
        if self._cipher:
            try:
                return self._cipher.decrypt(struct.pack(">IQ", 0, number), data, place)
            except InvalidTag:
                raise Damaged(
                    f"Piece {number} cannot be opened: the file was changed, or BACKUP_KEY is another."
                ) from None
        data, mark = data[:-16], data[-16:]
        if not hmac.compare_digest(
            hashlib.blake2b(data, key=hashlib.sha256(place).digest(), digest_size=16).digest(), mark
        ):
            raise Damaged(f"Piece {number} was changed.")
        return data


class Writer:
    """Writes a stream of messages: what a part is (a dict), then its bytes in blocks."""

    def __init__(self, file: BinaryIO, *, about: dict[str, Any], key: str = "") -> None:
        salt = os.urandom(16)
        head = orjson.dumps({"kind": KIND, "format": 1, "sealed": bool(key), "salt": salt.hex(), **about})
        file.write(head + b"\n")
        self._file, self._seal = file, _Seal(head=head, salt=salt, key=key)
        self._held, self._number = bytearray(), 0

    def say(self, message: dict[str, Any]) -> None:
        self._add(b"J", orjson.dumps(message))

    def data(self, block: bytes) -> None:
        self._add(b"D", block)

    def _add(self, kind: bytes, data: bytes) -> None:
        self._held += kind + struct.pack(">I", len(data)) + data
        while len(self._held) >= PIECE:
            self._write(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]

    def _write(self, piece: bytes, *, last: bool) -> None:
        sealed = self._seal.close(zlib.compress(piece, 3), number=self._number, last=last)
        self._file.write(_HEAD.pack(last, len(sealed)) + sealed)
        self._number += 1

    def finish(self) -> None:
        """Write the end; a file without it is not whole."""
        self._write(bytes(self._held), last=True)
        self._held.clear()


class Reader:
    """Reads what a Writer wrote; raises Damaged at the first piece that is not as it was."""

    def __init__(self, file: BinaryIO, *, key: str = "") -> None:
        head = file.readline(65_536).removesuffix(b"\n")
        try:
            self.about: dict[str, Any] = orjson.loads(head)
            salt, sealed = bytes.fromhex(self.about["salt"]), self.about["sealed"]
        except (ValueError, KeyError, TypeError):
            raise Damaged("This is not a backup of Regulars.") from None
        if self.about.get("kind") != KIND or self.about.get("format") != 1:
            raise Damaged("This is not a backup of Regulars that this version can read.")
        if sealed and not key:
            raise Damaged("This backup is encrypted; set BACKUP_KEY.")
        self._file, self._seal = file, _Seal(head=head, salt=salt, key=key if sealed else "")

    def messages(self) -> Iterator[dict[str, Any] | bytes]:
        """Yield what was said (dicts) and the blocks of data (bytes), in order."""
        held = bytearray()
        for piece in self._pieces():
            held += piece
            at = 0
            while len(held) - at >= 5:
                (length,) = struct.unpack_from(">I", held, at + 1)
                if len(held) - at - 5 < length:
                    break
                data = bytes(held[at + 5 : at + 5 + length])
                yield orjson.loads(data) if held[at] == ord("J") else data
                at += 5 + length
            del held[:at]
        if held:
            raise Damaged("The file ends in the middle.")

    def _pieces(self) -> Iterator[bytes]:
        number, last = 0, False
        while not last:
            head = self._file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                raise Damaged("The file ends too early.")
            last, length = _HEAD.unpack(head)
            if length > 2 * PIECE or last not in (0, 1):
                raise Damaged(f"Piece {number} was changed.")
            unpack = zlib.decompressobj()
            piece = unpack.decompress(
                self._seal.open(self._file.read(length), number=number, last=bool(last)), 2 * PIECE
            )
            if unpack.unconsumed_tail:
                raise Damaged(f"Piece {number} is too large.")
            yield piece
            number += 1
        if self._file.read(1):
            raise Damaged("Something was added to the end of the file.")
