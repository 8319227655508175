"""The file of a backup: comes back as it went, in pieces, and tells of every change to it."""

from __future__ import annotations

import io
import os
import random

import pytest

from saas.kit.backups import vault

KEY = "a key that lies elsewhere"


def written(*, key: str = KEY, blocks: int = 40) -> bytes:
    file = io.BytesIO()
    writer = vault.Writer(file, about={"revision": "0001", "tenant_id": None}, key=key)
    writer.say({"table": "customers"})
    chance = random.Random(7)
    for number in range(blocks):
        writer.data(b"somebody@shop.example\t%d\n" % number + chance.randbytes(100_000))
    writer.say({"end": "customers", "rows": blocks})
    writer.finish()
    return file.getvalue()


def read(data: bytes, *, key: str = KEY) -> list:
    return list(vault.Reader(io.BytesIO(data), key=key).messages())


@pytest.mark.parametrize("key", ["", KEY])
class TestAFile:
    def test_comes_back(self, key):
        messages = read(written(key=key), key=key)
        assert messages[0] == {"table": "customers"} and messages[-1] == {"end": "customers", "rows": 40}
        assert [block.split(b"\t")[1].split(b"\n")[0] for block in messages[1:-1]] == [
            b"%d" % number for number in range(40)
        ]

    def test_says_what_it_is_before_it_is_read(self, key):
        about = vault.Reader(io.BytesIO(written(key=key)), key=key).about
        assert (about["revision"], about["sealed"]) == ("0001", bool(key))

    @pytest.mark.parametrize("part", range(12))
    def test_one_bit_anywhere(self, key, part):
        data = bytearray(written(key=key, blocks=12))
        place = random.Random(part).randrange(len(data))
        data[place] ^= 1
        with pytest.raises((vault.Damaged, ValueError)):
            read(bytes(data), key=key)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
    def test_cut_off(self, key, share):
        data = written(key=key, blocks=12)
        with pytest.raises(vault.Damaged):
            read(data[: int(len(data) * share)], key=key)

    def test_something_added(self, key):
        with pytest.raises(vault.Damaged):
            read(written(key=key, blocks=2) + b"x", key=key)

    def test_pieces_of_another_file(self, key):
        one, other = written(key=key, blocks=2), written(key=key, blocks=2)
        head = one.index(b"\n") + 1
        with pytest.raises(vault.Damaged):
            read(one[:head] + other[other.index(b"\n") + 1 :], key=key)


def test_the_last_piece_left_out():
    data = written(blocks=12)
    at, starts = data.index(b"\n") + 1, []
    while at < len(data):
        starts.append(at)
        at += 5 + int.from_bytes(data[at + 1 : at + 5], "big")
    assert len(starts) == 2
    shorter = bytearray(data[: starts[-1]])
    shorter[starts[-2]] = 1  # says that it is the last
    with pytest.raises(vault.Damaged):
        read(bytes(shorter))


def test_sealed_it_holds_nothing_readable():
    assert b"somebody" not in written() and b"customers" not in written()


def test_with_another_key_or_none():
    for key in ("another", ""):
        with pytest.raises(vault.Damaged):
            read(written(), key=key)


def test_anything_else_is_refused():
    for data in (
        b"",
        b"\n",
        b"{}\n",
        b"PK\x03\x04",
        os.urandom(1000),
        b'{"kind":"regulars backup","format":2,"salt":"","sealed":false}\n',
    ):
        with pytest.raises(vault.Damaged):
            read(data)


def test_a_piece_that_would_unpack_to_gigabytes_is_refused():
    import struct
    import zlib

    file = io.BytesIO()
    writer = vault.Writer(file, about={}, key=KEY)
    bomb = writer._seal.close(zlib.compress(bytes(64 * 1024 * 1024)), number=0, last=True)
    data = file.getvalue() + struct.pack(">BI", 1, len(bomb)) + bomb
    with pytest.raises(vault.Damaged):
        read(data)
