"""Calling addresses that tenants gave us, without being led into our own network.

A name is resolved once, every address it has is judged by our own list, and the connection goes to exactly the address
that was judged (`requests-hardened` pins it), so that a name cannot change its mind in between. No redirects, no credentials
in the address, a time-out always, and at most so many bytes of an answer.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests_hardened import Config, Manager

from saas import config
from saas.kit import errors

MOST_BYTES = 32 * 1024 * 1024
TIMEOUT = (5, 30)
# Python 3.11 calls several of these global (NAT64, 6to4, multicast) or forgets them, so the list is our own.
FORBIDDEN = [
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
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


def judge(url: str) -> None:
    """Raise Unreachable unless every address of the URL's host may be called by us."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreachable("The address must begin with https://.")
    if parts.username or parts.password:
        raise Unreachable("The address must not carry a name or password.")
    private = config.get().outgoing_private_hosts
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = {item[4][0] for item in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError, ValueError):
        raise Unreachable("This host name leads nowhere.") from None
    if not private and port not in (80, 443):
        raise Unreachable("Only the ports 80 and 443 are called.")
    for text in found:
        address = ipaddress.ip_address(text.split("%")[0])
        if private and address.is_loopback:
            continue
        if any(address in net for net in FORBIDDEN if net.version == address.version):
            raise Unreachable("This address is inside a private network.")


def _session() -> Any:
    private = config.get().outgoing_private_hosts
    manager = Manager(
        Config(
            default_timeout=TIMEOUT, never_redirect=True, ip_filter_enable=True, ip_filter_allow_loopback_ips=private,
            user_agent_override="Regulars/1.0",
        )
    )  # fmt: skip
    return manager.get_session()


def call(
    method: str, url: str, *, params: Mapping[str, Any] | None = None, auth: tuple[str, str] | None = None, json: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:  # fmt: skip
    """Call an address a tenant gave and return what came back, whatever its status; raises Unreachable."""
    judge(url)
    try:
        with _session() as session:
            session.trust_env = False
            with session.request(
                method, url, params=params, auth=auth, json=json, headers=headers, stream=True
            ) as answer:
                body = bytearray()
                for chunk in answer.iter_content(65_536):
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise Unreachable("The answer is too large.")
                return Answer(answer.status_code, dict(answer.headers), bytes(body))
    except (requests.RequestException, OSError, ValueError) as error:
        raise Unreachable(f"This address does not answer ({type(error).__name__}).") from None
