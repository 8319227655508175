"""Writing on pictures: which font has which letters, and how a text is broken into lines.

Our own pages' font has all Latin letters. Others are written with a font of this machine, or of PICTURE_FONTS, that has them;
a text of which any letter is in none of them is not written at all, since nobody wants to read boxes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

from saas import config

OWN = Path(__file__).parents[2] / "tenant_admin" / "static" / "vendor"
SHARED = "/usr/share/fonts"
PLACES = (
    *(str(OWN / f"{name}.woff2") for name in ("inter-latin", "inter-latin-ext")),
    f"{SHARED}/opentype/noto/NotoSansCJK-Regular.ttc", f"{SHARED}/noto-cjk/NotoSansCJK-Regular.ttc",
    f"{SHARED}/noto/NotoSansCJK-Regular.ttc", f"{SHARED}/google-noto-cjk/NotoSansCJK-Regular.ttc",
    f"{SHARED}/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc", f"{SHARED}/truetype/wqy/wqy-microhei.ttc",
    f"{SHARED}/wenquanyi/wqy-microhei/wqy-microhei.ttc", f"{SHARED}/truetype/wqy/wqy-zenhei.ttc",
    f"{SHARED}/truetype/droid/DroidSansFallbackFull.ttf", "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc", f"{SHARED}/truetype/noto/NotoSans-Regular.ttf",
    f"{SHARED}/truetype/dejavu/DejaVuSans.ttf", f"{SHARED}/dejavu/DejaVuSans.ttf", f"{SHARED}/dejavu-sans-fonts/DejaVuSans.ttf",
)  # fmt: skip
NOBODYS = "\U0010fffe"  # a letter that no font has: it looks as all look that a font lacks
MARKS = ("Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk", "Mn", "Me")
"""Signs and marks that a text can do without, such as small pictures of faces."""
WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
DOTS = "..."


@lru_cache(maxsize=1)
def files() -> tuple[str, ...]:
    """Return the font files there are, the ones to take first in front."""
    return tuple(one for one in (*config.get().picture_fonts, *PLACES) if Path(one).is_file() and _opens(one))


def _opens(path: str) -> bool:
    try:
        ImageFont.truetype(path, 12)
    except OSError:
        return False
    return True


@lru_cache(maxsize=64)
def font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=32)
def _missing(path: str) -> bytes:
    return bytes(font(path, 16).getmask(NOBODYS))


@lru_cache(maxsize=20_000)
def _writer(letter: str) -> str | None:
    """Return the first font that has a letter."""
    if letter.isspace():
        return next(iter(files()), None)
    return next((path for path in files() if bytes(font(path, 16).getmask(letter)) != _missing(path)), None)


def writable(text: str) -> str | None:
    """Return a text as it can be written, without signs that no font has; None where a letter of it is in no font."""
    found = []
    for letter in " ".join(unicodedata.normalize("NFC", text).split()):
        if _writer(letter) is not None:
            found.append(letter)
        elif unicodedata.category(letter) not in MARKS:
            return None
    return "".join(found).strip() if files() else None


def runs(text: str) -> Iterator[tuple[str, str]]:
    """Part a writable text into pieces of one font each, as (font file, piece)."""
    path, piece = "", ""
    for letter in text:
        wanted = path if letter.isspace() and path else _writer(letter) or path
        if wanted != path and piece:
            yield path, piece
            piece = ""
        path, piece = wanted, piece + letter
    if piece:
        yield path, piece


def width(text: str, size: int) -> float:
    """Return how wide a writable text is."""
    return sum(font(path, size).getlength(piece) for path, piece in runs(text))


def broken(text: str, *, size: int, most: float, lines: int) -> list[str]:
    """Break a writable text into lines of at most a width: between words, or anywhere in Chinese; the last ends with dots if cut."""
    words = [
        one
        for one in re.split(r"(\s+)", WIDE.sub(lambda found: f"\0{found.group()}\0", text).replace("\0\0", "\0"))
        if one
    ]
    pieces = [piece for word in words for piece in word.split("\0") if piece]
    found, line = [], ""
    for piece in _fitting(pieces, size, most):
        if line and width(line + piece.rstrip(), size) > most:
            found.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece if line else piece.lstrip()
    found += [line.rstrip()] if line.strip() else []
    if len(found) <= lines:
        return found
    last = found[lines - 1]
    while last and width(last + DOTS, size) > most:
        last = last[:-1].rstrip()
    return [*found[: lines - 1], last + DOTS]


def _fitting(pieces: list[str], size: int, most: float) -> Iterator[str]:
    """Break what is wider than a line by itself, such as an address."""
    for piece in pieces:
        while len(piece) > 1 and width(piece, size) > most:
            at = next((n for n in range(len(piece) - 1, 0, -1) if width(piece[:n], size) <= most), 1)
            yield piece[:at]
            piece = piece[at:]
        yield piece


def write(
    drawing: ImageDraw.ImageDraw, text: str, *, at: tuple[float, float], size: int, fill: str, bold: bool = False
) -> None:
    """Write a line, its letters standing on the height of `at`."""
    left, base = at
    for path, piece in runs(text):
        drawn = font(path, size)
        drawing.text(
            (left, base), piece, font=drawn, fill=fill, anchor="ls", stroke_width=0.45 if bold else 0, stroke_fill=fill
        )
        left += drawn.getlength(piece)
