"""What every connector reads from a delivery, and how it refuses one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
