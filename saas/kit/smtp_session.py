"""One connection to a mail server: greeting, TLS, sign-in, replies. `saas.kit.smtp` decides what is said over it.

smtplib waits for every reply and has no time limit of its own; here every wait has an end that counts from its
start, so that a server that drips a byte a second cannot hold a worker.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import time
from dataclasses import dataclass

from saas.kit.smtp_server import Server

LONGEST_REPLY = 64 * 1024


class Dropped(Exception):
    """The connection is gone or useless; `stage` says while waiting for what, `text` says why."""

    def __init__(self, stage: str, text: str, *, code: int = 0, unsent: int = 0) -> None:
        super().__init__(text)
        self.stage, self.text, self.code, self.unsent = stage, text, code, unsent


class Refused(Exception):
    """The server answered, and said no, before any mail was offered."""

    def __init__(self, stage: str, reply: Reply) -> None:
        super().__init__(reply.text)
        self.stage, self.reply = stage, reply


@dataclass(frozen=True)
class Reply:
    """A server's answer: its code and its text, lines joined by a space."""

    code: int
    text: str

    @property
    def good(self) -> bool:
        return 200 <= self.code < 400


class Session:
    """An open, greeted, signed-in connection. Raises Dropped or Refused, never a bare socket error."""

    def __init__(self, server: Server) -> None:
        self.server, self.timeouts = server, server.timeouts
        self.extensions: dict[str, str] = {}
        self.sent = 0
        self.needs_reset = False
        self._buffer = b""
        try:
            self.socket = socket.create_connection((server.host, server.port), timeout=self.timeouts.connect)
        except OSError as error:
            raise Dropped("connect", f"The mail server cannot be reached: {_reason(error)}") from None
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open()
        except BaseException:
            self.abandon()
            raise

    def _open(self) -> None:
        if self.server.tls == "implicit":
            self._wrap()
        self._demand("greeting", self.read("greeting", self.timeouts.reply))
        self._greet()
        if self.server.tls in ("offered", "required") and "STARTTLS" in self.extensions:
            self._demand("starttls", self.ask(b"STARTTLS", stage="starttls"))
            if self._buffer:
                raise Dropped("starttls", "The mail server spoke before TLS was up; that may be a forgery.")
            self._wrap()
            self._greet()
        elif self.server.tls == "required":
            raise Dropped("starttls", "The mail server does not offer TLS, and TLS is required.")
        if self.server.username:
            self._sign_in()

    def _wrap(self) -> None:
        context = self.server.context or ssl.create_default_context()
        try:
            self.socket.settimeout(self.timeouts.connect)
            self.socket = context.wrap_socket(self.socket, server_hostname=self.server.host)
        except OSError as error:
            raise Dropped("starttls", f"TLS failed: {_reason(error)}") from None

    def _greet(self) -> None:
        name = (self.server.local_name or socket.gethostname() or "localhost").encode("idna")
        reply = self.ask(b"EHLO " + name, stage="greeting")
        if reply.code in (500, 501, 502, 504):
            self.extensions = {}
            self._demand("greeting", self.ask(b"HELO " + name, stage="greeting"))
            return
        self._demand("greeting", reply)
        words = (line.partition(" ") for line in self._last_lines[1:])
        self.extensions = {word.upper(): rest for word, _, rest in words}

    def _sign_in(self) -> None:
        private = isinstance(self.socket, ssl.SSLSocket) or self.server.host in ("127.0.0.1", "localhost", "::1")
        if not private:
            raise Dropped("auth", "The mail server offers no TLS, so the password was not sent.")
        ways = self.extensions.get("AUTH", "").upper().split()
        user, password = self.server.username.encode(), self.server.password.encode()
        if "PLAIN" in ways:
            reply = self.ask(b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password), stage="auth")
        elif "LOGIN" in ways:
            reply = self.ask(b"AUTH LOGIN", stage="auth")
            for secret in (user, password):
                if reply.code == 334:
                    reply = self.ask(base64.b64encode(secret), stage="auth")
        else:
            raise Dropped("auth", "The mail server offers neither AUTH PLAIN nor AUTH LOGIN.")
        self._demand("auth", reply)

    @property
    def pipelining(self) -> bool:
        return "PIPELINING" in self.extensions

    def ask(self, command: bytes, *, stage: str) -> Reply:
        """This function will say one command and return the answer."""
        self.write(command + b"\r\n", stage=stage)
        return self.read(stage, self.timeouts.reply)

    def write(self, data: bytes, *, stage: str) -> None:
        """This function will send all of `data`; Dropped.unsent tells how many bytes did not leave."""
        end = time.monotonic() + self.timeouts.send
        view = memoryview(data)
        try:
            while view:
                self.socket.settimeout(max(end - time.monotonic(), 0.001))
                view = view[self.socket.send(view) :]
        except OSError as error:
            text = f"The connection broke while sending: {_reason(error)}"
            raise Dropped(stage, text, unsent=len(view)) from None

    def hear(self, stage: str) -> Reply:
        """This function will return the answer to an envelope command; a 421 means that the server is leaving."""
        reply = self.read(stage, self.timeouts.data if stage == "data" else self.timeouts.reply)
        if reply.code == 421:
            raise Dropped(stage, reply.text, code=421)
        return reply

    def read(self, stage: str, patience: float) -> Reply:
        """This function will return the next answer within `patience` seconds, all its lines counted together."""
        end, lines, taken = time.monotonic() + patience, [], 0
        while True:
            line = self._line(stage, end)
            taken += len(line)
            if not re.match(rb"[2-5][0-9]{2}(?:[ -]|$)", line) or taken > LONGEST_REPLY:
                raise Dropped(stage, "The mail server's answer is not SMTP.")
            lines.append(line[4:].decode("utf-8", "replace").strip())
            if line[3:4] != b"-":
                self._last_lines = lines
                return Reply(int(line[:3]), " ".join(filter(None, lines))[:1000])

    def _line(self, stage: str, end: float) -> bytes:
        while True:
            line, found, rest = self._buffer.partition(b"\n")
            if found:
                self._buffer = rest
                return line.rstrip(b"\r")
            if len(self._buffer) > LONGEST_REPLY:
                raise Dropped(stage, "The mail server's answer is not SMTP.")
            left = end - time.monotonic()
            if left <= 0:
                raise Dropped(stage, "The mail server did not answer in time.")
            try:
                self.socket.settimeout(left)
                piece = self.socket.recv(65536)
            except OSError as error:
                raise Dropped(stage, f"No answer from the mail server: {_reason(error)}") from None
            if not piece:
                raise Dropped(stage, "The mail server closed the connection.")
            self._buffer += piece

    def _demand(self, stage: str, reply: Reply) -> None:
        if not reply.good:
            raise Refused(stage, reply)

    def quit(self) -> None:
        """This function will say good-bye without waiting for the answer."""
        try:
            self.socket.settimeout(1)
            self.socket.send(b"QUIT\r\n")
        except OSError:
            pass
        self.abandon()

    def abandon(self) -> None:
        """This function will close the socket at once."""
        self.socket.close()


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time."
    return f"{error.strerror or error}."
