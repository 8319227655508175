"""Calling addresses that tenants gave us, without being led into our own network.

A name is resolved once, every address it has is judged by our own list, and the connection goes to one of the
addresses that were judged (the next one where nobody answers), with the name only in the TLS handshake and the Host header: so a name cannot change its mind in
between. No redirects, no proxy, no credentials in the address, a deadline for the whole call, and at most so many bytes of an
answer. Whoever calls shows a status and never the body.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import certifi
import orjson
import urllib3

from saas import config
from saas.kit import errors, figures

MOST_BYTES = 32 * 1024 * 1024
CONNECT, READ, WHOLE = 5.0, 30.0, 60.0
# Python 3.11 calls several of these global (NAT64, 6to4, multicast) or forgets them, so the list is our own.
FORBIDDEN = [
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
]  # fmt: skip


class Unreachable(errors.Refusal):
    """The address does not answer, or must not be called; the sentence says which."""

    status, code, message = 422, "unreachable", "This address does not answer."


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def judge(url: str) -> list[str]:
    """Return the addresses of the URL's host, all of which may be called by us; raises Unreachable."""
    return _judged(_split(url))


def _split(url: str) -> SplitResult:
    if any(ord(sign) < 33 or sign == "\\" for sign in url):
        raise Unreachable("The address must not hold blanks or backslashes.")
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError:
        raise Unreachable("This is not an address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreachable("The address must begin with https://.")
    if "@" in parts.netloc:
        raise Unreachable("The address must not carry a name or password.")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _judged(parts: SplitResult) -> list[str]:
    private = config.get().outgoing_private_hosts
    if not private and _port(parts) not in (80, 443):
        raise Unreachable("Only the ports 80 and 443 are called.")
    try:
        answers = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
        found = list(dict.fromkeys(str(item[4][0]) for item in answers))
    except (OSError, UnicodeError, ValueError):
        raise Unreachable("This host name leads nowhere.") from None
    if not found or not all(_may_be_called(address, private=private) for address in found):
        raise Unreachable("This address is inside a private network.")
    return found


def _may_be_called(text: str, *, private: bool) -> bool:
    """Tell whether an address is on the public network; with `private` (development) this machine counts too."""
    if "%" in text:
        return False
    address = ipaddress.ip_address(text)
    if private and address.is_loopback:
        return True
    return not any(address in net for net in FORBIDDEN if net.version == address.version)


def call(
    method: str, url: str, *, params: Mapping[str, Any] | None = None, auth: tuple[str, str] | None = None, json: Any = None,
    body: bytes | None = None, headers: Mapping[str, str] | None = None, most: int = MOST_BYTES, seconds: float = WHOLE,
) -> Answer:  # fmt: skip
    """Call an address a tenant gave and return what came back, whatever its status; raises Unreachable.

    `most` are the bytes taken of the answer, `seconds` the deadline for the whole call.
    """
    parts, until = _split(url), time.monotonic() + seconds
    addresses = _judged(parts)
    sent = {"User-Agent": "Regulars/1.0", "Accept": "*/*", "Host": parts.netloc, **(headers or {})}
    if auth is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
    if json is not None:
        body, sent["Content-Type"] = orjson.dumps(json), "application/json"
    query = "&".join(part for part in (parts.query, urlencode(params, doseq=True) if params else "") if part)
    target = urllib3.util.Url(path=parts.path or "/", query=query or None).url
    for place, address in enumerate(addresses, 1):
        try:
            with (
                Line(until - time.monotonic()) as line,
                _connections(parts, address, min(READ, seconds), line) as pool,
            ):
                answer = pool.urlopen(
                    method, target, body=body, headers=sent, redirect=False, retries=False, preload_content=False, decode_content=True,
                )  # fmt: skip
                figures.HOOKS_OUT.labels(f"{answer.status // 100}xx").inc()
                try:
                    whole = Answer(answer.status, dict(answer.headers), _body(answer, most, until))
                finally:
                    answer.close()
                if line.over:  # what was cut off may look as if it had ended
                    raise Unreachable("The answer took too long.")
                return whole
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if isinstance(error, NOBODY) and place < len(addresses) and time.monotonic() < until:
                continue  # such as localhost, which is ::1 first, while a server listens on 127.0.0.1 only
            figures.HOOKS_OUT.labels("away").inc()
            if time.monotonic() >= until:  # whatever the connection said when the clock hung up
                raise Unreachable("The answer took too long.") from None
            raise Unreachable(f"This address does not answer ({type(error).__name__}).") from None
    raise Unreachable


NOBODY = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
"""Nothing was said yet: the next of a name's addresses may be tried."""


class Line:
    """A second handle of a call's connection, by which a clock hangs up when the whole call has lasted too long.

    A timeout of a socket is for one read: who sends a byte of the handshake or of the head every few seconds would hold us
    for days.
    """

    def __init__(self, seconds: float) -> None:
        self.held: socket.socket | None = None
        self.over, self._lock = False, threading.Lock()
        self._clock = threading.Timer(max(seconds, 0.0), self._hang_up)
        self._clock.daemon = True

    def __enter__(self) -> Line:
        self._clock.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._clock.cancel()
        self._clock.join()
        if self.held is not None:
            self.held.close()
            self.held = None

    def hold(self, connected: socket.socket) -> socket.socket:
        """Keep a handle of a connection that was just made, which ends at once where the time is over."""
        with self._lock:
            self.held = connected.dup()
            if self.over:
                self._end()
        return connected

    def _hang_up(self) -> None:
        with self._lock:
            self.over = True
            self._end()

    def _end(self) -> None:
        if self.held is not None:
            with contextlib.suppress(OSError):
                self.held.shutdown(socket.SHUT_RDWR)


def _connections(parts: SplitResult, address: str, read: float, line: Line) -> urllib3.HTTPConnectionPool:
    """Return a pool that connects to this very address, and on https only believes a certificate of the URL's host."""
    timeout = urllib3.Timeout(connect=min(CONNECT, read), read=read)
    if parts.scheme == "http":
        pool = urllib3.HTTPConnectionPool(address, _port(parts), timeout=timeout, maxsize=1)
    else:
        pool = urllib3.HTTPSConnectionPool(
            address, _port(parts), timeout=timeout, maxsize=1, cert_reqs="CERT_REQUIRED", ca_certs=certifi.where(),
            server_hostname=parts.hostname, assert_hostname=parts.hostname,
        )  # fmt: skip
    pool.ConnectionCls = type("Held", (_Held, pool.ConnectionCls), {"line": line})
    return pool


class _Held:
    """A connection of urllib3 that lets a line hold it."""

    line: Line

    def _new_conn(self) -> socket.socket:
        return self.line.hold(super()._new_conn())  # type: ignore[misc]


def _body(answer: urllib3.BaseHTTPResponse, most: int, until: float) -> bytes:
    """Read what comes, in small pieces so that neither a huge nor a dripping answer holds us."""
    held = bytearray()
    for chunk in answer.stream(65_536):
        held += chunk
        if len(held) > most:
            raise Unreachable("The answer is too large.")
        if time.monotonic() > until:
            raise Unreachable("The answer took too long.")
    return bytes(held)
