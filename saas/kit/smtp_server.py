"""Where mail is handed over, and how long to wait for it: what a Client of `saas.kit.smtp` is made from."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait; after RFC 5321, section 4.5.3.2, which asks for ten minutes after the final dot."""

    connect: float = 30
    reply: float = 120
    data: float = 120
    send: float = 180
    final: float = 600


@dataclass(frozen=True)
class Server:
    """Where and how to hand over mail. `tls` is `none`, `offered` (STARTTLS when offered), `required` or `implicit`."""

    host: str
    port: int = 25
    tls: str = "offered"
    username: str = ""
    password: str = field(default="", repr=False)
    local_name: str = ""
    timeouts: Timeouts = Timeouts()
    context: ssl.SSLContext | None = None
    most_per_connection: int = 500


def server(url: str, **more) -> Server:
    """This function will read `smtp[s]://user:password@host:port?tls=required`; further Server fields come by name."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("A mail server is written smtp[s]://user:password@host:port.")
    implicit = parts.scheme == "smtps"
    chosen = parse_qs(parts.query).get("tls", ["implicit" if implicit else "offered"])[0]
    if chosen not in ("none", "offered", "required", "implicit"):
        raise ValueError("tls of a mail server is none, offered, required or implicit.")
    return Server(
        host=parts.hostname,
        port=parts.port or (465 if implicit else 25),
        tls=chosen,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        **more,
    )
