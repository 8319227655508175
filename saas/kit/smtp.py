"""Hands mails to a server over as few round trips as it allows, and says of each what became of it.

With PIPELINING (RFC 2920) the final dot of one mail and the envelope of the next travel together, so a mail costs one
round trip; smtplib needs five. Every mail ends as one of four outcomes. `unknown` is the one that matters: the final
dot may have arrived and the answer was lost, so the mail may or may not have been taken (RFC 1047), and only the
caller's policy can say whether to send it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from saas.kit import figures
from saas.kit.smtp_server import Server
from saas.kit.smtp_session import Dropped, Refused, Reply, Session

ACCEPTED, TEMPORARY, PERMANENT, UNKNOWN = "accepted", "temporary", "permanent", "unknown"
_PATH = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_SETTING_UP = ("connect", "greeting", "starttls", "auth")


@dataclass(frozen=True)
class Envelope:
    """One mail for one recipient. `sender` is the bounce address (may be empty), `data` the mail with CRLF lines."""

    sender: str
    recipient: str
    data: bytes

    def __post_init__(self) -> None:
        for path in (self.sender or "a@b", self.recipient):
            if not _PATH.fullmatch(path):
                raise ValueError(f"{path!r} cannot stand in an SMTP envelope.")
        ends = self.data.count(b"\r\n")
        if self.data.count(b"\n") != ends or self.data.count(b"\r") != ends:
            raise ValueError("A mail needs CRLF line ends; a bare one could smuggle in a second mail.")


@dataclass(frozen=True)
class Outcome:
    """What became of a mail: `kind`, the server's `code` (0 when it gave none) and `text`, and at which `stage`.

    Stages: connect, greeting, starttls, auth, mail, rcpt, data, final.
    """

    kind: str
    stage: str
    text: str
    code: int = 0

    @property
    def status(self) -> str:
        """The enhanced status (RFC 3463) such as 5.1.1, or nothing."""
        found = _STATUS.match(self.text)
        return found.group(1) if found else ""

    @property
    def recipient_is_bad(self) -> bool:
        """Whether the server says that this address does not exist (and not that it dislikes us or the content)."""
        if self.kind != PERMANENT:
            return False
        if self.status:
            return self.status.startswith(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"))
        return self.stage == "rcpt" and self.code in (550, 551, 553)


class Client:
    """Keeps one connection and uses it again; not for two threads at once. Use it in a `with` block."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session: Session | None = None
        self._down: Outcome | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """This function will end the connection politely."""
        if self.session:
            self.session.quit()
            self.session = None

    def send(self, envelope: Envelope) -> Outcome:
        """This function will hand over one mail."""
        return [outcome for _, outcome in self.send_many([envelope])][0]

    def send_many(self, envelopes: Iterable[Envelope]) -> Iterator[tuple[Envelope, Outcome]]:
        """This function will hand over mails in order and yield each with its outcome.

        The next envelope is fetched before the answer to the last one is read, so a generator may render lazily
        while the server works. When it raises, the mail on the wire is finished and yielded first. Once the server
        cannot be reached, the rest of this call is `temporary` without further attempts.
        """
        self._down = None
        source, announced, clean = iter(envelopes), False, False
        current, fault = _pull(source)
        try:
            while current is not None:
                clean = False
                following, fault = _pull(source)
                outcome, announced = self._exchange(current, announced, following)
                clean = not announced
                figures.MAILS.labels(outcome.kind).inc()
                yield current, outcome
                current = following
            clean = True
        finally:
            if not clean:
                self._drop()
        if fault:
            raise fault

    def _exchange(self, mail: Envelope, announced: bool, following: Envelope | None) -> tuple[Outcome, bool]:
        """Carry one mail through; the flag returned tells whether `following`'s envelope is already on the wire."""
        if self._down:
            return self._down, False
        while True:
            fresh = self.session is None
            try:
                session = self._ready()
                refusal = _announce(session, mail, announced)
            except Refused as no:
                # Whatever the server has against us, it says nothing about this mail.
                return self._lost(Outcome(TEMPORARY, no.stage, no.reply.text, no.reply.code)), False
            except Dropped as drop:
                lost = self._lost(Outcome(TEMPORARY, drop.stage, drop.text, drop.code))
                if fresh:
                    return lost, False
                # The server closed a connection that lay idle: nothing of this mail had left, so try a fresh one.
                announced, self._down = False, None
                continue
            return (refusal, False) if refusal else self._deliver(session, mail, following)

    def _ready(self) -> Session:
        if self.session and self.session.sent >= self.server.most_per_connection:
            self.close()
        if self.session is None:
            self.session = Session(self.server)
        return self.session

    def _deliver(self, session: Session, mail: Envelope, following: Envelope | None) -> tuple[Outcome, bool]:
        content = _stuffed(mail.data)
        more = session.sent + 1 < self.server.most_per_connection
        ahead = following is not None and session.pipelining and more
        block = content + b"".join(_commands(session, following)) if ahead else content
        try:
            session.write(block, stage="final")
        except Dropped as drop:
            return self._broken_off(session, drop, dot_left=len(block) - drop.unsent >= len(content)), False
        try:
            reply = session.read("final", self.server.timeouts.final)
        except Dropped as drop:
            self._drop()
            return Outcome(UNKNOWN, "final", drop.text), False
        session.sent += 1
        if reply.code == 421:
            self._drop()
        return _judged(reply, "final"), ahead and reply.code != 421

    def _broken_off(self, session: Session, drop: Dropped, *, dot_left: bool) -> Outcome:
        """A server that refuses in the middle of the content says why before it hangs up: hear it out."""
        try:
            reply = session.read("final", 1)
            outcome = _judged(reply, "final") if not reply.good else None
        except Dropped:
            outcome = None
        self._drop()
        return outcome or Outcome(UNKNOWN if dot_left else TEMPORARY, "final", drop.text)

    def _lost(self, outcome: Outcome) -> Outcome:
        self._drop()
        if outcome.stage in _SETTING_UP:
            self._down = outcome
        return outcome

    def _drop(self) -> None:
        if self.session:
            self.session.abandon()
            self.session = None


def _announce(session: Session, mail: Envelope, announced: bool) -> Outcome | None:
    """Say the envelope (unless it is on the wire) and hear the answers; returns the refusal, if there is one."""
    refusal, reply = None, None
    if session.pipelining:
        resetting = session.needs_reset and not announced
        if not announced:
            session.write(b"".join(_commands(session, mail)), stage="mail")
        if resetting:
            session.hear("mail")
        for stage in ("mail", "rcpt", "data"):
            reply = session.hear(stage)
            if not reply.good and not refusal:
                refusal = _judged(reply, stage)
    else:
        for command in _commands(session, mail):
            stage = {b"MA": "mail", b"RC": "rcpt", b"DA": "data", b"RS": "mail"}[command[:2]]
            session.write(command, stage=stage)
            reply = session.hear(stage)
            if not reply.good:
                refusal = _judged(reply, stage)
                break
    session.needs_reset = refusal is not None
    if refusal and reply.code == 354:
        # It refused the recipient and yet wants content (RFC 2920, section 3.1): an empty one ends the transaction.
        session.write(b".\r\n", stage="data")
        session.hear("data")
    elif not refusal and reply.code != 354:
        raise Dropped("data", "The mail server's answer is not SMTP.")
    return refusal


def _commands(session: Session, mail: Envelope) -> list[bytes]:
    size = b" SIZE=%d" % len(mail.data) if "SIZE" in session.extensions else b""
    return [
        *([b"RSET\r\n"] if session.needs_reset else []),
        b"MAIL FROM:<%s>%s\r\n" % (mail.sender.encode("ascii"), size),
        b"RCPT TO:<%s>\r\n" % mail.recipient.encode("ascii"),
        b"DATA\r\n",
    ]


def _stuffed(data: bytes) -> bytes:
    """Double the dots that begin a line (RFC 5321, section 4.5.2) and end the content."""
    content = data.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    return content + (b".\r\n" if content.endswith(b"\r\n") or not content else b"\r\n.\r\n")


def _judged(reply: Reply, stage: str) -> Outcome:
    if reply.good:
        kind = ACCEPTED
    elif reply.code < 500 or (reply.code == 552 and stage == "rcpt"):  # 552 there means 452 (RFC 5321, 4.5.3.1.10)
        kind = TEMPORARY
    else:
        kind = PERMANENT
    return Outcome(kind, stage, reply.text, reply.code)


def _pull(source: Iterator[Envelope]) -> tuple[Envelope | None, Exception | None]:
    try:
        return next(source, None), None
    except Exception as error:
        return None, error
