"""The few shapes that everything is drawn with, each flattened to one polygon.

Curves become polygons here and not in the two outputs, so that the SVG and the PNG of a product are the same picture.
"""

from dataclasses import dataclass, field

import numpy as np

SIDE = 480


@dataclass(frozen=True)
class Shape:
    points: np.ndarray
    colour: str
    alpha: float = 1.0


@dataclass
class Sheet:
    """A square of paper, 480 units wide with y pointing down, and the shapes laid on it one over the other."""

    shapes: list = field(default_factory=list)

    def polygon(self, points, colour, alpha=1.0):
        self.shapes.append(Shape(np.asarray(points, dtype=float), colour, alpha))

    def ellipse(self, cx, cy, rx, ry, colour, alpha=1.0):
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        self.polygon(np.column_stack((cx + rx * np.cos(turn), cy + ry * np.sin(turn))), colour, alpha)

    def box(self, x, y, width, height, colour, radius=0.0, alpha=1.0):
        radius = min(radius, width / 2, height / 2)
        if radius == 0:
            return self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour, alpha)
        corners = [(x + width - radius, y + radius, -90), (x + width - radius, y + height - radius, 0),
                   (x + radius, y + height - radius, 90), (x + radius, y + radius, 180)]  # fmt: skip
        arcs = [arc(cx, cy, radius, radius, start, start + 90, steps=8) for cx, cy, start in corners]
        return self.polygon(np.concatenate(arcs), colour, alpha)

    def blob(self, points, colour, alpha=1.0):
        """This function will lay down a closed smooth curve through `points`."""
        self.polygon(through(points, closed=True), colour, alpha)

    def line(self, points, width, colour, alpha=1.0, taper=1.0):
        """This function will draw a smooth line with round ends; its width at the end is `width` times `taper`."""
        path = through(points) if len(points) > 2 else np.asarray(points, dtype=float)
        along = np.gradient(path, axis=0)
        normal = np.column_stack((-along[:, 1], along[:, 0])) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
        half = np.linspace(width / 2, width * taper / 2, len(path))[:, None]
        angles = [np.degrees(np.arctan2(*normal[end][::-1])) for end in (-1, 0)]
        end = arc(*path[-1], half[-1, 0], half[-1, 0], angles[0], angles[0] - 180, steps=8)
        begin = arc(*path[0], half[0, 0], half[0, 0], angles[1] + 180, angles[1], steps=8)
        outline = np.concatenate((path + normal * half, end, (path - normal * half)[::-1], begin))
        self.polygon(outline, colour, alpha)

    def lathe(self, cx, profile, colour, alpha=1.0, left=-1.0, right=1.0, top=None, bottom=None):
        """This function will draw a turned body from its profile, a list of (y, half width) from the top down.

        `left` and `right` cut a strip out of it (for light and shade), `top` and `bottom` a band (for glaze).
        """
        y, half = swept(profile)
        keep_top, keep_bottom = y[0] if top is None else top, y[-1] if bottom is None else bottom
        inside = np.unique(np.concatenate(([keep_top, keep_bottom], y[(y > keep_top) & (y < keep_bottom)])))
        width = np.interp(inside, y, half)
        outline = np.concatenate(
            (np.column_stack((cx + left * width, inside)), np.column_stack((cx + right * width, inside))[::-1])
        )
        self.polygon(outline, colour, alpha)


def arc(cx, cy, rx, ry, start, stop, steps=24):
    """This function will return points on an ellipse between two angles in degrees (0 is right, 90 is down)."""
    turn = np.radians(np.linspace(start, stop, steps))
    return np.column_stack((cx + rx * np.cos(turn), cy + ry * np.sin(turn)))


def through(points, closed=False, steps=10):
    """This function will return a Catmull-Rom curve through `points`."""
    p = np.asarray(points, dtype=float)
    p = np.vstack((p[-1:], p, p[:2])) if closed else np.vstack((p[:1], p, p[-1:]))
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.concatenate(pieces if closed else [*pieces, p[-1:]])


def swept(profile):
    """This function will smooth a profile without overshooting (monotone cubic, Fritsch and Butland 1984)."""
    y, w = np.asarray(profile, dtype=float).T
    slope = np.diff(w) / np.diff(y)
    inner = np.zeros(len(y))
    same = slope[:-1] * slope[1:] > 0
    inner[1:-1][same] = 2 * slope[:-1][same] * slope[1:][same] / (slope[:-1] + slope[1:])[same]
    inner[0], inner[-1] = slope[0], slope[-1]
    t = np.linspace(0, 1, 9)[:-1]
    ys, ws = [], []
    for i, h in enumerate(np.diff(y)):
        ys.append(y[i] + t * h)
        ws.append(
            (1 + 2 * t) * (1 - t) ** 2 * w[i] + t * (1 - t) ** 2 * h * inner[i]
            + t**2 * (3 - 2 * t) * w[i + 1] + t**2 * (t - 1) * h * inner[i + 1]
        )  # fmt: skip
    return np.append(np.concatenate(ys), y[-1]), np.append(np.concatenate(ws), w[-1])


def mix(one, other, share):
    """This function will return the colour `share` of the way from one #rrggbb to the other."""
    a, b = (np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) for colour in (one, other))
    return "#" + "".join(f"{int(round(value)):02x}" for value in a + (b - a) * share)


def darker(colour, share=0.25):
    return mix(colour, "#1c1a17", share)


def lighter(colour, share=0.35):
    return mix(colour, "#fffaf0", share)
