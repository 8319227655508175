"""The picture of an offer in a mail: the product with its name, its price and why, drawn when the mail is opened.

All cards of a block have the same size, whatever they show, so that a mail does not jump. What was drawn lately is kept.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from saas.catalog import picture_addresses, pictures
from saas.marketing import lettering

PIXELS = {1: 720, 2: 520, 3: 336, 4: 244}
"""How wide a card is by the columns of its block: about two of ours to one of the mail's."""
WIDTH = 552  # of a mail's body
KEPT = 256
QUALITY = 84
INK, QUIET, PAPER, GROUND, STAR = "#1f2328", "#5b6470", "#ffffff", "#f2f3f5", "#b7791f"


@dataclass(frozen=True)
class Card:
    """What is drawn: where the product's small picture lies with us ("" for none), its words, and how many stand in a row.

    `judged` says how it was judged, such as "4.6 (12)"; a star is drawn before it, beside the price.
    """

    picture: str
    name: str
    price: str
    reason: str
    columns: int = 3
    judged: str = ""


def drawable(*texts: str) -> bool:
    """Tell whether all of these can be written on this machine."""
    return all(lettering.writable(text) is not None for text in texts)


@lru_cache(maxsize=KEPT)
def drawn(card: Card) -> bytes | None:
    """Return a card as a JPEG; None where there is neither a picture nor a font for the words."""
    photo = _photo(card.picture)
    words = [lettering.writable(text) for text in (card.name, card.price, card.reason)]
    name, price, reason = words if words[0] and words[1] is not None else (None, None, None)
    if photo is None and name is None:
        return None
    wide = PIXELS[card.columns]
    unit = wide / (WIDTH // card.columns - 16)  # one pixel of the mail
    tall = round(wide * (0.6 if card.columns == 1 else 1))
    sheet = Image.new("RGB", (wide, tall + (round(_text_height(card.columns) * unit) if name else 0)), PAPER)
    _place(sheet, photo, wide, tall)
    if name is not None:
        drawing = ImageDraw.Draw(sheet)
        under = _write(drawing, (name, 2, INK, True), wide=wide, base=tall + 6 * unit, unit=unit, card=card)
        under = _write_price(drawing, price or "", wide=wide, base=under, unit=unit, card=card)
        _write(drawing, (reason or "", 0, QUIET, False), wide=wide, base=under, unit=unit, card=card)
    written = io.BytesIO()
    sheet.save(written, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return written.getvalue()


def _photo(address: str) -> Image.Image | None:
    """Our own small picture of a product; one that is still to be fetched from the shop is not waited for."""
    _before, ours, name = address.partition(f"{picture_addresses.PATH}/")
    if not ours:
        return None
    try:
        return Image.open(io.BytesIO(pictures.read(name)), formats=["JPEG"]).convert("RGB")
    except (pictures.NoSuchPicture, OSError):
        return None


def _place(sheet: Image.Image, photo: Image.Image | None, wide: int, tall: int) -> None:
    if photo is None:
        ImageDraw.Draw(sheet).rectangle((0, 0, wide, tall), fill=GROUND)
        return
    scale = min(wide / photo.width, tall / photo.height)
    fitted = photo.resize(
        (max(1, round(photo.width * scale)), max(1, round(photo.height * scale))), Image.Resampling.LANCZOS
    )
    sheet.paste(fitted, ((wide - fitted.width) // 2, (tall - fitted.height) // 2))


def _sizes(columns: int) -> tuple[int, int, int]:
    """The sizes of name and price, of the reason, and how many lines the reason has, in pixels of the mail."""
    return (14, 12, 4) if columns > 2 else (16, 13, 2)


def _text_height(columns: int) -> float:
    large, small, lines = _sizes(columns)
    return 10 + 3 * large * 1.4 + lines * small * 1.4 + 4


def _write(drawing: ImageDraw.ImageDraw, words: tuple, *, wide: int, base: float, unit: float, card: Card) -> float:
    """Write (text, at most so many lines, ink, bold) in the middle below a height; no number of lines is the reason's. Returns the
    height of the last line."""
    text, lines, ink, bold = words
    large, small, most = _sizes(card.columns)
    size = round((large if lines else small) * unit)
    for line in lettering.broken(text, size=size, most=wide - 8 * unit, lines=lines or most):
        base += size * 1.4
        left = (wide - lettering.width(line, size)) / 2
        lettering.write(drawing, line, at=(left, base), size=size, fill=ink, bold=bold)
    return base


def _write_price(drawing: ImageDraw.ImageDraw, price: str, *, wide: int, base: float, unit: float, card: Card) -> float:
    """Write the price, and beside it how the product was judged where both fit into the line."""
    size = round(_sizes(card.columns)[0] * unit)
    judged = lettering.writable(card.judged) or ""
    paid = lettering.width(price, size) + 0.8 * size if price else 0.0
    needed = paid + 1.2 * size + lettering.width(judged, size)
    if not judged or needed > wide - 8 * unit:
        return _write(drawing, (price, 1, INK, False), wide=wide, base=base, unit=unit, card=card)
    base += size * 1.4
    left = (wide - needed) / 2
    lettering.write(drawing, price, at=(left, base), size=size, fill=INK)
    left += paid
    drawing.polygon(_star(left + 0.5 * size, base - 0.36 * size, 0.5 * size), fill=STAR)
    lettering.write(drawing, judged, at=(left + 1.2 * size, base), size=size, fill=QUIET)
    return base


def _star(across: float, down: float, wide: float) -> list[tuple[float, float]]:
    """The ten corners of a star with its middle at a place; few fonts have the letter."""
    turns = [(math.pi * (corner / 5 - 0.5), wide if corner % 2 == 0 else 0.42 * wide) for corner in range(10)]
    return [(across + math.cos(turn) * far, down + math.sin(turn) * far) for turn, far in turns]
