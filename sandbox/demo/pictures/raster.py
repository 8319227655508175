"""Turns a sheet into a PNG with numpy and zlib alone, because mail programs do not show SVG."""

import struct
import zlib

import numpy as np

from sandbox.demo.pictures import pen

ROWS = 4  # sub-rows per pixel row; along the row the covered part of a pixel is exact


def png(sheet, side=pen.SIDE):
    """This function will return the sheet as the bytes of a square PNG."""
    image = np.full((side, side, 3), 255.0)
    for shape in sheet.shapes:
        lay(image, shape.points * (side / pen.SIDE), colour=shape.colour, alpha=shape.alpha)
    rows = np.zeros((side, side * 3 + 1), dtype=np.uint8)
    rows[:, 1:] = np.rint(image).astype(np.uint8).reshape(side, -1)
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + chunk(b"IEND")
    )


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def lay(image, points, *, colour, alpha):
    """This function will paint one polygon (even-odd) over `image` in place, with smooth edges."""
    side = image.shape[0]
    x, y = points[:, 0], points[:, 1]
    top, bottom = max(0, int(y.min())), min(side, int(np.ceil(y.max())) + 1)
    left, right = max(0, int(x.min())), min(side, int(np.ceil(x.max())) + 1)
    if top >= bottom or left >= right:
        return
    covered = coverage(x - left, y - top, rows=bottom - top, columns=right - left) * alpha
    paint = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)
    part = image[top:bottom, left:right]
    part += (paint - part) * covered[:, :, None]


def coverage(x, y, *, rows, columns):
    """This function will return which share of each pixel lies inside the polygon."""
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    level = (np.arange(rows * ROWS) + 0.5) / ROWS
    crosses = (y[None] <= level[:, None]) != (y2[None] <= level[:, None])
    rise = np.where(y2 == y, 1.0, y2 - y)
    at = np.where(crosses, x[None] + (level[:, None] - y[None]) * ((x2 - x) / rise)[None], np.inf)
    at.sort(axis=1)
    # Each crossing opens or closes a span; a running sum over the row turns the openings into covered shares.
    change = np.zeros((rows, columns + 2))
    row, order = np.nonzero(np.isfinite(at))
    place = np.clip(at[row, order], 0, columns)
    sign = np.where(order % 2 == 0, 1.0, -1.0) / ROWS
    pixel = place.astype(int)
    part = place - pixel
    np.add.at(change, (row // ROWS, pixel), sign * (1 - part))
    np.add.at(change, (row // ROWS, pixel + 1), sign * part)
    return np.clip(np.cumsum(change, axis=1)[:, :columns], 0, 1)
