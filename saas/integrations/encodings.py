"""Which encoding a text file is in, found from its bytes: spreadsheets never say.

UTF-8 and UTF-16 prove themselves. The rest is told apart by what real text looks like: in Western pages accented letters stand
alone among ASCII; in Chinese ones bytes come in pairs, and nearly all pairs are of the common characters that GB 2312 and
Big5 each put first. What is neither is left to charset-normalizer.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

import charset_normalizer

NAMES = ("utf-8", "utf-16-le", "utf-16-be", "cp1252", "gb18030", "big5", "shift_jis", "euc_kr", "cp1250", "cp1251", "cp1253", "cp1254", "koi8_r")  # fmt: skip
"""What may be chosen by hand."""
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
CHUNK, SAMPLE = 1024 * 1024, 512 * 1024
RUNS = re.compile(rb"[\x80-\xff]+")
OTHERS = ("shift_jis", "euc_kr", "cp1250", "cp1251", "cp1253", "cp1254", "koi8_r", "cp1252")


def find(path: Path) -> str:
    """Return the name of the encoding a file is most likely in."""
    with path.open("rb") as file:
        start = file.read(64 * 1024)
    for mark, name in MARKS:
        if start.startswith(mark):
            return name
    if b"\x00" in start and (wide := _wide(start)):
        return wide
    sample = _telling(path)
    if not sample or _is_utf8(path):
        return "utf-8"
    return _by_looks(sample)


def mark_of(path: Path, encoding: str) -> int:
    """Return how many bytes at the start of a file only say what encoding it is in."""
    with path.open("rb") as file:
        start = file.read(3)
    return next((len(mark) for mark, name in MARKS if name == encoding and start.startswith(mark)), 0)


def _wide(start: bytes) -> str:
    """Return which UTF-16 this is without a mark, by where the line ends and commas lie; empty when it is none."""
    best = max(("utf-16-le", "utf-16-be"), key=lambda name: _plausible(start, name))
    return best if _plausible(start, best) > 0.9 else ""


def _plausible(start: bytes, name: str) -> float:
    text = start[: len(start) // 2 * 2].decode(name, "replace")
    good = sum(sign.isprintable() or sign in "\r\n\t" for sign in text)
    signs = any(sign in text for sign in "\n\r,;\t")
    return good / max(len(text), 1) if signs and "\ufffd" not in text[:-1] else 0.0


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _telling(path: Path) -> bytes:
    """Return lines of a file that are not plain ASCII, from wherever they stand, up to half a mebibyte."""
    found = bytearray()
    for chunk in _chunks(path):
        if not chunk.isascii():
            for line in chunk.splitlines(keepends=True):
                if not line.isascii():
                    found += line
                if len(found) > SAMPLE:
                    return bytes(found)
    return bytes(found)


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _by_looks(sample: bytes) -> str:
    runs = RUNS.findall(sample)
    alone = sum(len(run) == 1 for run in runs) / len(runs)
    chinese = {
        "gb18030": _share(sample, "gb18030", (0xB0, 0xD7), ((0xA1, 0xFE),)),
        "big5": _share(sample, "big5", (0xA4, 0xC6), ((0x40, 0x7E), (0xA1, 0xFE))),
    }
    best = max(chinese, key=lambda name: chinese[name])
    if chinese[best] > 0.7 and (alone < 0.5 or best == "big5"):
        return best
    if alone > 0.6 and _western(sample):
        return "cp1252"
    guess = charset_normalizer.from_bytes(sample, cp_isolation=list(OTHERS)).best()
    return guess.encoding if guess is not None and guess.encoding in NAMES else "cp1252"


def _share(sample: bytes, name: str, first: tuple[int, int], second: tuple[tuple[int, int], ...]) -> float:
    """Return which share of the double bytes are of the common characters; 0 when the sample is not in this encoding."""
    pairs = common = place = broken = 0
    while place < len(sample) - 1:
        lead = sample[place]
        if lead < 0x80:
            place += 1
            continue
        trail = sample[place + 1]
        pairs += 1
        if trail < 0x30 or trail == 0x7F:
            broken += 1
        if first[0] <= lead <= first[1] and any(low <= trail <= high for low, high in second):
            common += 1
        place += 2
    try:
        sample[: sample.rfind(b"\n") + 1 or None].decode(name)
    except UnicodeDecodeError:
        return 0.0
    return 0.0 if broken else common / max(pairs, 1)


def _western(sample: bytes) -> bool:
    """Whether the accented letters stand with Latin ones, as they do where Western European languages are written."""
    text = sample.decode("cp1252", "replace")
    high = [sign for sign in text if ord(sign) > 127]
    usual = sum(sign in "äöüßÄÖÜéèêëàâáãåæçñóòôõøœúùûíìîïÉÈÀÂÁÅÆÇÑÓØÚÍÎ€£–—’“”„…°§´«»¿¡ºª®©™šžŠŽÿ" for sign in high)
    return usual / max(len(high), 1) > 0.85
