"""What every connector reads from a delivery, and how it refuses one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from html.parser import HTMLParser
from typing import Any

import orjson

from saas.commerce.refusal_words import Reason
from saas.kit import errors


class BadSignature(errors.NotSignedIn):
    """The delivery is not signed by the shop it says it comes from."""

    code = "bad_signature"
    message = "The signature does not fit this shop's secret."


class Unmappable(ValueError):
    """A delivery that is genuine but cannot be understood; it waits with this reason and can be replayed."""

    @property
    def reason(self) -> str:
        """Why, with its code where it has one."""
        return self.args[0] if self.args else ""


@dataclass(frozen=True)
class Delivery:
    """A genuine delivery: what it is about and a key that is the same when the same delivery comes again."""

    topic: str
    resource: str
    key: str


Headers = Mapping[str, str]
Body = dict[str, Any]
HALVES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""What follows a backslash in JSON; in the group is half of a character that lacks its other half."""


def read(raw: bytes) -> Any:
    """Return what a delivery's JSON says; raises ValueError. A shop that cuts its texts cuts emoji in two: the half is left out."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        if b"\\u" not in raw:
            raise
        return orjson.loads(HALVES.sub(lambda found: b"" if found[1] else found[0], raw))


def must(results: Sequence[Any]) -> None:
    """Raise Unmappable with the reason of the first of these that could not be written."""
    for result in results:
        if result.status == "failed":
            raise Unmappable(result.error)


def filled(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something; what is empty in a store stays unsaid here."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


def moment(body: Body, *names: str) -> datetime | None:
    """Return the first of these times that a body has; one without a zone is UTC. Raises Unmappable when it is no time."""
    said = next((str(body[name]) for name in names if body.get(name)), None)
    if said is None:
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise Unmappable(Reason("no_time", name=names[0], said=said[:40])) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def pieces(said: Any) -> int:
    """Return how many pieces a line is about; half a piece is counted as one. Raises Unmappable when it is no number."""
    try:
        found = Decimal(str(said if said not in (None, "") else 0))
        whole = abs(found).to_integral_value(rounding=ROUND_CEILING)
        return int(whole if found >= 0 else -whole)
    except (InvalidOperation, ValueError, OverflowError):
        raise Unmappable(Reason("no_quantity", said=str(said)[:40])) from None


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def plain(html: str) -> str:
    """Return the words of a description without its markup."""
    words = _Words()
    words.feed(html[:50_000])
    return " ".join(" ".join(words.found).split())[:5_000]
