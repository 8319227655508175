"""One frame per mailing, one mail per recipient.

What is the same for everybody (From, List-Id, the MIME skeleton) is written once by `Frame`; `Frame.fill` writes what
differs and encodes the two bodies. The result is a `Message`: header pairs and a body, exactly as they go over the
wire, so that `saas.kit.dkim` signs the same bytes that `saas.kit.smtp` sends. Building on `email.message` instead
costs a hundred times as much.
"""

from __future__ import annotations

import binascii
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from saas.kit import dkim, mail_headers

Header = tuple[bytes, bytes]
RECURRING = 200  # characters from which a piece of a mail is worth remembering in its encoded form
ONE_CLICK = (b"List-Unsubscribe-Post", b"List-Unsubscribe=One-Click")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]")


@dataclass(frozen=True)
class Message:
    """A mail ready to be signed and sent: headers in order (names and folded values) and the encoded body."""

    recipient: str
    headers: tuple[Header, ...]
    body: bytes

    def as_bytes(self, *, signers: Iterable[dkim.Signer] = (), at: datetime | None = None) -> bytes:
        """This function will return the whole mail, with one DKIM-Signature per signer on top."""
        lines = dkim.sign(headers=self.headers, body=self.body, signers=signers, at=at)
        lines += [name + b": " + value for name, value in self.headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class Frame:
    """All that the mails of one mailing share.

    `list_name` and `list_id` (a domain-like name, RFC 2919) name the stream that people can leave; `feedback_id` is
    Gmail's `a:b:c:sender`; `unsubscribe_mailbox` takes the mailto half of List-Unsubscribe. A text sample tells which
    transfer encoding is shorter: quoted-printable for Latin scripts, base64 for others.
    """

    sender_email: str
    sender_name: str = ""
    reply_to: str = ""
    list_id: str = ""
    list_name: str = ""
    feedback_id: str = ""
    unsubscribe_mailbox: str = ""
    sample: str = ""
    fixed: tuple[Header, ...] = field(init=False, repr=False)
    encoding: str = field(init=False)
    boundary: bytes = field(init=False, repr=False)
    encoded: dict[str, bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_once = object.__setattr__
        data = self.sample.encode("utf-8", "replace")
        outside = sum(byte > 127 for byte in data)
        # A byte outside ASCII costs three signs in quoted-printable; base64 makes four signs of any three bytes.
        shorter = "base64" if outside * 5 > len(data) - outside else "quoted-printable"
        set_once(self, "encoding", shorter)
        set_once(self, "boundary", b"=_" + secrets.token_hex(12).encode())
        set_once(self, "fixed", tuple(self._fixed()))
        set_once(self, "encoded", {})

    def _fixed(self) -> Iterable[Header]:
        yield b"From", mail_headers.mailbox(email=self.sender_email, display=self.sender_name, name="From")
        if self.reply_to:
            yield b"Reply-To", mail_headers.mailbox(email=self.reply_to, name="Reply-To")
        if self.list_id:
            yield b"List-Id", _list_id(self.list_id, self.list_name)
        if self.feedback_id:
            yield b"Feedback-ID", mail_headers.text(self.feedback_id, name="Feedback-ID")
        yield b"MIME-Version", b"1.0"

    def fill(
        self,
        *,
        to_email: str,
        to_name: str = "",
        subject: str,
        text: str,
        html: str | Sequence[str] = "",
        message_id: str,
        at: datetime,
        unsubscribe_url: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """This function will make one recipient's mail.

        `text` is required, `html` may be missing; it is given whole or in pieces, of which long ones that come again
        are encoded once. `message_id` comes without brackets and stays the same when a mail
        is sent again. With `unsubscribe_url` the mail carries List-Unsubscribe and, for https, one-click (RFC 8058).
        Raises HeaderRefused or AddressRefused when something would not stay on its line.
        """
        recipient = mail_headers.address(to_email)
        pairs = [
            (b"To", mail_headers.mailbox(email=recipient, display=to_name, name="To")),
            (b"Subject", mail_headers.text(subject, name="Subject")),
            (b"Date", _date(int(at.timestamp()))),
            (b"Message-ID", mail_headers.url("mid:" + message_id, name="Message-ID").replace(b"mid:", b"", 1)),
            *self.fixed,
            *self._leaving(unsubscribe_url),
            *((name.encode("ascii"), mail_headers.text(value, name=name)) for name, value in (headers or {}).items()),
        ]
        kind, body = self._body(text, html)
        pairs.extend(kind)
        return Message(recipient=recipient, headers=tuple(pairs), body=body)

    def _leaving(self, unsubscribe_url: str) -> list[Header]:
        targets = []
        if unsubscribe_url:
            targets.append(mail_headers.url(unsubscribe_url, name="List-Unsubscribe"))
        if self.unsubscribe_mailbox:
            mailbox = "mailto:" + mail_headers.address(self.unsubscribe_mailbox) + "?subject=unsubscribe"
            targets.append(mail_headers.url(mailbox, name="List-Unsubscribe"))
        if not targets:
            return []
        pairs = [(b"List-Unsubscribe", b",\r\n ".join(targets))]
        # RFC 8058 asks for https; plain http on loopback is let through so that a developer sees the real mail.
        if unsubscribe_url.startswith("https://") or _LOOPBACK.match(unsubscribe_url):
            pairs.append(ONE_CLICK)
        return pairs

    def _body(self, text: str, html: str | Sequence[str]) -> tuple[list[Header], bytes]:
        encoding = self.encoding.encode()
        encode = _base64 if self.encoding == "base64" else self._quoted
        if not html:
            kind = [
                (b"Content-Type", b"text/plain; charset=utf-8"),
                (b"Content-Transfer-Encoding", encoding),
            ]
            return kind, encode(text)
        kind = [(b"Content-Type", b'multipart/alternative;\r\n boundary="' + self.boundary + b'"')]
        part = b"--" + self.boundary + b"\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: "
        part += encoding + b"\r\n\r\n%s\r\n"
        body = part % (b"plain", encode(text)) + part % (b"html", encode(html)) + b"--" + self.boundary + b"--\r\n"
        return kind, body

    def _quoted(self, content: str | Sequence[str]) -> bytes:
        """Quoted-printable of a text, or of pieces, put together at soft line breaks (RFC 2045, section 6.7)."""
        if isinstance(content, str):
            return _quoted_printable(content)
        chunks, loose = [], []
        for piece in content:
            if len(piece) < RECURRING:
                loose.append(piece)
                continue
            if loose:
                chunks.append(_quoted_printable("".join(loose)))
                loose = []
            done = self.encoded.get(piece)
            if done is None:
                done = _quoted_printable(piece)
                if len(self.encoded) < 500:
                    self.encoded[piece] = done
            chunks.append(done)
        chunks.append(_quoted_printable("".join(loose)))
        # After a chunk that ends its line an empty soft break does no harm.
        return b"=\r\n".join(chunks)


def message_id(*, local: str, domain: str) -> str:
    """This function will name one recipient's mail for good: `local` is the recipient row's id, for example."""
    return mail_headers.address(f"{local}@{domain}")


def _list_id(list_id: str, list_name: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", list_id):
        raise mail_headers.HeaderRefused("List-Id needs a name like news.shop.example.")
    bracketed = b"<" + list_id.encode("ascii") + b">"
    if not list_name:
        return bracketed
    phrase = mail_headers.mailbox(email="x@x", display=list_name, name="List-Id")
    return phrase.removesuffix(b"<x@x>") + bracketed


@lru_cache(maxsize=64)
def _date(seconds: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(seconds, UTC)).encode("ascii")


def _lines(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.replace(b"\n", b"\r\n")


def _quoted_printable(text: str) -> bytes:
    # b2a_qp breaks long lines as the first line of its input ends: give it one that ends in CRLF.
    return binascii.b2a_qp(b"\r\n" + _lines(text), istext=True)[2:]


def _base64(text: str | Sequence[str]) -> bytes:
    flat = binascii.b2a_base64(_lines("".join(text)), newline=False)
    return b"\r\n".join([flat[at : at + 76] for at in range(0, len(flat), 76)])
