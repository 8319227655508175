"""What the columns of a file mean, guessed from what they are called and from what stands in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from saas.integrations.targets import Target
from saas.kit import text, values

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\+?[\d\s()./-]{7,20}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*")
MOSTLY = 0.8
OURS = ("reason", "why it failed", "为什么失败", "line", "行")
"""Columns that we put into files of failed lines; they mean nothing."""


def guess(headers: Sequence[str], sample: Sequence[Sequence[str]], targets: Mapping[str, Target]) -> dict[str, str]:
    """Return the field that each column fills ({"0": "email"}); a column that means nothing we know is left out.

    A name that is known counts more than what the values look like, and each field is filled once.
    """
    wishes = []
    for place, header in enumerate(headers):
        cells = [row[place].strip() for row in sample if place < len(row) and row[place].strip()]
        for rank, target in enumerate(targets.values()):
            score = _by_name(header, target) + _by_values(cells, target)
            if score >= 50:
                wishes.append((-score, rank, place, target.name))
    found: dict[str, str] = {}
    for _score, _rank, place, name in sorted(wishes):
        if str(place) not in found and name not in found.values():
            found[str(place)] = name
    return dict(sorted(found.items(), key=lambda pair: int(pair[0])))


@lru_cache(maxsize=4096)
def squeezed(words: str) -> str:
    """Return a name as it is compared: "E-Mail Address" and "email_address" are the same."""
    return re.sub(r"[\W_]+", "", text.fold(words))


@lru_cache(maxsize=1024)
def _known(words: str) -> tuple[str, ...]:
    return tuple(squeezed(word) for word in words.split())


def _by_name(header: str, target: Target) -> int:
    name = squeezed(header)
    if not name or text.fold(header) in OURS:
        return 0
    if name in (squeezed(target.name), squeezed(str(target.label))):
        return 120
    known = _known(target.words)
    if name in known:
        return 110 - min(known.index(name), 9)  # what comes first in the list is the surer sign
    if len(name) > 4 and any(len(word) > 4 and (name.endswith(word) or name.startswith(word)) for word in known):
        return 60
    return 0


def _by_values(cells: Sequence[str], target: Target) -> int:
    if not cells:
        return 0
    looks = LOOKS.get(target.like)
    if looks is None:
        return 0
    share = sum(bool(looks.fullmatch(cell)) for cell in cells) / len(cells)
    if target.like == "email":
        return 80 if share > MOSTLY else -200 if share < 0.3 else 0
    if target.like == "phone" and target.name == "phone":
        digits = sum(sum(sign.isdigit() for sign in cell) >= 7 and ("+" in cell or " " in cell) for cell in cells)
        return 55 if share > MOSTLY and digits / len(cells) > MOSTLY else 0
    return 5 if share > MOSTLY else -70 if share < 0.2 else 0


LOOKS = {
    "email": EMAIL, "phone": PHONE, "moment": MOMENT, "money": re.compile(r"\D{0,4}[+-]?[\d.,'\s]+\D{0,4}"), "number": re.compile(r"[+-]?[\d.,'\s]+"),
    "link": re.compile(r"https?://\S+|www\.\S+|[\w-]+(\.[\w-]+)+/\S*"), "currency": re.compile(r"[A-Za-z]{3}|[€$£¥]"),
    "consent": re.compile(r"(?i)[a-z0-9_ -]{1,16}|[\u4e00-\u9fff]{1,6}"),
}  # fmt: skip


def manner_of(columns: Mapping[str, Sequence[str]], targets: Mapping[str, Target]) -> dict[str, str]:
    """Return how dates and decimals are written in the sample, where that can be told: {"dates": "dmy", "decimal": ","}."""
    found: dict[str, str] = {}
    for name, cells in columns.items():
        like = targets[name].like if name in targets else ""
        for cell in cells:
            numbered = re.fullmatch(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T].*)?", cell.strip())
            if like in ("moment", "date") and numbered:
                if int(numbered[1]) > 12:
                    found["dates"] = "dmy"
                elif int(numbered[3]) > 12:
                    found.setdefault("dates", "mdy")
            if like in ("money", "number") and re.search(r",\d{1,2}(?!\d)\D*$", cell):
                found["decimal"] = ","
    return found


TYPES = (("yes_no", values.yes_no), ("number", values.number), ("date", values.day), ("link", values.link))


def type_of(cells: Sequence[str]) -> str:
    """Return the type of field that suits what stands in a column: the first that all of its cells can be read as."""
    for name, read in TYPES:
        if (
            cells
            and (name != "link" or all("://" in cell for cell in cells))
            and all(_reads(read, cell) for cell in cells)
        ):
            return name
    return "text" if all(len(cell) <= 200 for cell in cells) else "long_text"


def _reads(read: Callable[[str], object], cell: str) -> bool:
    try:
        read(cell)
    except ValueError:
        return False
    return True
