"""One row per figure: ours, what others reach, our limit, and whether we are within it."""

from __future__ import annotations

from typing import NamedTuple

COLUMNS = ("bench", "what", "ours", "others", "limit", "")


class Row(NamedTuple):
    """A figure as text; `ok` is None where there is no limit to keep."""

    what: str
    ours: str
    others: str
    limit: str
    ok: bool | None


def at_least(what: str, value: float, limit: float, *, others: str = "-", form: str = ".3f", unit: str = "") -> Row:
    """Make a row for a figure that should be great."""
    return Row(what, f"{value:{form}}{unit}", others, f">= {limit:{form}}{unit}", value >= limit)


def at_most(what: str, value: float, limit: float, *, others: str = "-", form: str = ".3f", unit: str = "") -> Row:
    """Make a row for a figure that should be small."""
    return Row(what, f"{value:{form}}{unit}", others, f"<= {limit:{form}}{unit}", value <= limit)


def exactly(what: str, value: float, limit: float, *, others: str = "-", form: str = ".6f") -> Row:
    """Make a row for a figure that is right or wrong, to the digits of `form`."""
    ours, right = f"{value:{form}}", f"{limit:{form}}"
    return Row(what, ours, others, f"= {right}", ours == right)


def render(rows: list[tuple[str, Row]]) -> str:
    """Align rows, each with the name of its bench, under one heading."""
    verdict = {True: "ok", False: "MISSED", None: ""}
    lines = [COLUMNS] + [(name, row.what, row.ours, row.others, row.limit, verdict[row.ok]) for name, row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([text[0], "-" * max(map(len, text)), *text[1:]])
