"""Making a small picture of what came from a foreign address, which may be anything.

Only what begins like one of four kinds of picture is looked at, only by those decoders, in one frame, and only when its
header says that it is not larger than what is worth decoding: a bomb of a few kilobytes unfolds to gigabytes. What comes out
is a new JPEG without anything that was hidden in the old file.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

MOST_PIXELS, MOST_SIDE = 40_000_000, 20_000
SIDE, QUALITY = 480, 82
FORMATS = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF8", "WEBP": b"RIFF"}


class NoPicture(ValueError):
    """This cannot be made into a small picture; the sentence says why."""


def made(data: bytes) -> tuple[bytes, int, int]:
    """Return a small JPEG of a picture, its width and height. Raises NoPicture."""
    kind = next((name for name, sign in FORMATS.items() if data.startswith(sign)), None)
    if kind is None or (kind == "WEBP" and data[8:12] != b"WEBP"):
        raise NoPicture("The address does not lead to a JPEG, PNG, GIF or WebP picture.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pixels we judge below, of odd metadata we keep nothing
            with Image.open(io.BytesIO(data), formats=[kind]) as opened:
                return _made(opened)
    except NoPicture:
        raise
    except (OSError, SyntaxError, ValueError, ArithmeticError, MemoryError, KeyError, IndexError, TypeError) as error:
        raise NoPicture(f"The picture is broken ({type(error).__name__}).") from None
    except Image.DecompressionBombError:
        raise NoPicture("The picture has too many pixels.") from None


def _made(opened: Image.Image) -> tuple[bytes, int, int]:
    width, height = opened.size
    if width < 1 or height < 1 or width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise NoPicture("The picture has too many pixels.")
    opened.draft("RGB", (SIDE * 2, SIDE * 2))  # a JPEG is decoded no larger than is needed
    turned = ImageOps.exif_transpose(opened)
    turned.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        clear = turned.convert("RGBA")
        ground = Image.new("RGB", clear.size, (255, 255, 255))
        ground.paste(clear, mask=clear.getchannel("A"))
        turned = ground
    written = io.BytesIO()
    turned.convert("RGB").save(written, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return written.getvalue(), *turned.size
