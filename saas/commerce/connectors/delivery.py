"""What every connector reads from a delivery, and how it refuses one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from saas.kit import errors


class BadSignature(errors.NotSignedIn):
    """The delivery is not signed by the shop it says it comes from."""

    code = "bad_signature"
    message = "The signature does not fit this shop's secret."


class Unmappable(ValueError):
    """A delivery that is genuine but cannot be understood; it waits with this reason and can be replayed."""


@dataclass(frozen=True)
class Delivery:
    """A genuine delivery: what it is about and a key that is the same when the same delivery comes again."""

    topic: str
    resource: str
    key: str


Headers = Mapping[str, str]
Body = dict[str, Any]


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
        raise Unmappable(f"{names[0]} is not a time: {said[:40]}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


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
