"""The addresses in a mail that come back to us: clicks, opens, unsubscribing. Short, and not to be forged.

A token says who (tenant, mailing, recipient) and which link, and carries 96 bits of HMAC-SHA256 over all of it; where
a click leads is looked up, never taken from the address. What it is for is signed too, so that a click cannot be
turned into an unsubscribe.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from saas.kit import errors

CLICK, OPEN, UNSUBSCRIBE, PREFERENCES, LANDING, VIEW, PICTURE = range(7)
PATHS = {CLICK: "c", OPEN: "o", UNSUBSCRIBE: "u", PREFERENCES: "p", VIEW: "v", PICTURE: "i"}
SIGNATURE = 12
OFFERS = 1000  # links from here on are the person's own offers: number 1000 is the first one shown
_VERSION, _LONGEST = 1, 120
_MAILING_UUID, _RECIPIENT_UUID = 0x08, 0x10


class LinkRefused(errors.NotFound):
    """The address was not made by us, or was changed on the way."""

    code, message = "link_not_found", "This link is not valid. Perhaps it was cut off when it was copied."


@dataclass(frozen=True)
class Opened:
    """What a token says. `link` is the number of the link clicked, from OFFERS on that of an offer; of a picture the offer's place."""

    kind: int
    tenant_id: int
    mailing_id: UUID | int
    recipient_id: UUID | int
    link: int = 0


def make(
    *, key: bytes, kind: int, tenant_id: int, mailing_id: UUID | int, recipient_id: UUID | int, link: int = 0
) -> str:
    """This function will sign one token (66 characters with UUIDs, about 30 with small numbers)."""
    head = _head(kind, tenant_id, mailing_id) + _packed(recipient_id)
    flag = _RECIPIENT_UUID if isinstance(recipient_id, UUID) else 0
    return _signed(key, bytes([head[0] | flag]) + head[1:] + _varint(link))


def read(token: str, *, keys: Sequence[bytes], kind: int) -> Opened:
    """This function will check a token of one kind and say what it holds; `keys` are the present key and past ones.

    Raises LinkRefused for anything that `make` did not write with one of these keys, down to the last bit.
    """
    if not keys:
        raise ValueError("Without a key every token would be refused.")
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise LinkRefused() from None
    payload, signature = raw[:-SIGNATURE], raw[-SIGNATURE:]
    good = [hmac.compare_digest(_signature(key, payload), signature) for key in keys]
    # Base64 leaves spare bits in its last character: only the one spelling that we write is good.
    if not any(good) or len(token) > _LONGEST or _text(raw) != token:
        raise LinkRefused()
    opened = _unpacked(payload)
    if opened.kind != kind:
        raise LinkRefused()
    return opened


class Addresses:
    """The addresses for the recipients of one mailing; what they share is packed once."""

    def __init__(self, *, base_url: str, key: bytes, tenant_id: int, mailing_id: UUID | int) -> None:
        self.base_url, self.key = base_url.rstrip("/") + "/m/", key
        self.heads = {kind: _head(kind, tenant_id, mailing_id) for kind in PATHS}

    def tracked(self, recipient_id: UUID | int, count: int, *, first: int = 0) -> list[str]:
        """This function will return the click addresses of links number `first` and the `count - 1` after it."""
        return self._many(CLICK, recipient_id, range(first, first + count))

    def offers(self, recipient_id: UUID | int, count: int) -> list[str]:
        """This function will return the click addresses of a person's first `count` offers."""
        return self.tracked(recipient_id, count, first=OFFERS)

    def pictures(self, recipient_id: UUID | int, count: int) -> list[str]:
        """This function will return where the pictures of a person's first `count` offers are, drawn when they are asked for."""
        return self._many(PICTURE, recipient_id, range(count))

    def _many(self, kind: int, recipient_id: UUID | int, numbers: range) -> list[str]:
        start, prefix = self._start(kind, recipient_id), f"{self.base_url}{PATHS[kind]}/"
        return [prefix + _signed(self.key, start + _varint(number)) for number in numbers]

    def address(self, kind: int, recipient_id: UUID | int) -> str:
        """This function will return the address that opens (the pixel), unsubscribes, and so on."""
        token = _signed(self.key, self._start(kind, recipient_id) + b"\0")
        return f"{self.base_url}{PATHS[kind]}/{token}"

    def _start(self, kind: int, recipient_id: UUID | int) -> bytes:
        head = self.heads[kind]
        flag = _RECIPIENT_UUID if isinstance(recipient_id, UUID) else 0
        return bytes([head[0] | flag]) + head[1:] + _packed(recipient_id)


def _head(kind: int, tenant_id: int, mailing_id: UUID | int) -> bytes:
    flag = _MAILING_UUID if isinstance(mailing_id, UUID) else 0
    return bytes([_VERSION << 5 | flag | kind]) + _varint(tenant_id) + _packed(mailing_id)


def _signed(key: bytes, payload: bytes) -> str:
    return _text(payload + _signature(key, payload))


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, b"link:" + payload, "sha256")[:SIGNATURE]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _packed(number: UUID | int) -> bytes:
    return number.bytes if isinstance(number, UUID) else _varint(number)


def _varint(number: int) -> bytes:
    if number < 0:
        raise ValueError("Only natural numbers can stand in a link.")
    if number < 128:
        return bytes((number,))
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes(made) + bytes((number,))


def _unpacked(payload: bytes) -> Opened:
    """Take apart what a good signature vouches for."""
    flags, rest = payload[0], payload[1:]
    tenant_id, rest = _number(rest)
    mailing_id, rest = (UUID(bytes=rest[:16]), rest[16:]) if flags & _MAILING_UUID else _number(rest)
    recipient_id, rest = (UUID(bytes=rest[:16]), rest[16:]) if flags & _RECIPIENT_UUID else _number(rest)
    link, _ = _number(rest)
    return Opened(flags & 0x07, tenant_id, mailing_id, recipient_id, link)


def _number(data: bytes) -> tuple[int, bytes]:
    number = 0
    for at, byte in enumerate(data):
        number |= (byte & 127) << (7 * at)
        if byte < 128:
            return number, data[at + 1 :]
    raise LinkRefused()
