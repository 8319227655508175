"""The receiving side of SMTP (RFC 5321) with PIPELINING, 8BITMIME, SMTPUTF8 and SIZE, on asyncio alone.

Own code instead of aiosmtpd, because one core of aiosmtpd takes about 1,800 mails of 20 kB a second and the
product is measured against this server, so it must not be the narrow place.
"""

import asyncio
import re

MOST_BYTES = 25 * 1024 * 1024
MOST_RECIPIENTS = 1000
LONGEST_LINE = 4096
END = b"\r\n.\r\n"
PATH = re.compile(r"(?:FROM|TO):\s*<([^<>]*)>(.*)", re.IGNORECASE)
GREETING = "250-mailbox.sandbox\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n"


class Conversation(asyncio.Protocol):
    """One client's connection: either reading command lines or, after DATA, one letter."""

    def __init__(self, *, letters, faults):
        self.letters = letters
        self.faults = faults
        self.buffer = bytearray()
        self.searched = 0
        self.in_letter = False
        self.forget_envelope()

    def forget_envelope(self):
        self.sender = None
        self.recipients = []
        self.late_fault = None

    def connection_made(self, transport):
        self.transport = transport
        self.answer("220 mailbox.sandbox ESMTP takes everything and delivers nothing")

    def answer(self, line):
        self.transport.write(line.encode() + b"\r\n")

    def data_received(self, data):
        self.buffer += data
        while not self.transport.is_closing() and (self.take_letter() if self.in_letter else self.take_line()):
            pass

    def take_line(self):
        """This function will obey one command line if it is all there, and return whether it was."""
        end = self.buffer.find(b"\r\n")
        if end < 0:
            if len(self.buffer) > LONGEST_LINE:
                self.answer("500 5.5.2 The line is too long")
                self.transport.close()
            return False
        line = self.buffer[:end].decode("utf-8", "replace")
        del self.buffer[: end + 2]
        verb, _, rest = line.partition(" ")
        command = getattr(self, f"do_{verb.lower()}", None) if verb.isalpha() else None
        if command:
            command(rest.strip())
        else:
            self.answer("500 5.5.2 Unknown command")
        return True

    def do_ehlo(self, rest):
        self.forget_envelope()
        self.answer(f"{GREETING}250 SIZE {MOST_BYTES}")

    def do_helo(self, rest):
        self.forget_envelope()
        self.answer("250 mailbox.sandbox")

    def do_mail(self, rest):
        found = PATH.fullmatch(rest)
        size = re.search(r"\bSIZE=(\d+)", rest, re.IGNORECASE)
        if self.sender is not None:
            self.answer("503 5.5.1 One MAIL at a time")
        elif not found or not rest.upper().startswith("FROM"):
            self.answer("501 5.5.4 Say MAIL FROM:<address>")
        elif size and int(size.group(1)) > MOST_BYTES:
            self.answer("552 5.3.4 The mail is too large")
        else:
            self.sender = found.group(1)
            self.answer("250 2.1.0 OK")

    def do_rcpt(self, rest):
        found = PATH.fullmatch(rest)
        if self.sender is None:
            self.answer("503 5.5.1 Say MAIL first")
        elif not found or not rest.upper().startswith("TO") or "@" not in found.group(1):
            self.answer("501 5.1.3 Say RCPT TO:<address>")
        elif len(self.recipients) >= MOST_RECIPIENTS:
            self.answer("452 4.5.3 Too many recipients")
        else:
            self.take_recipient(found.group(1))

    def take_recipient(self, address):
        fault = self.faults.for_address(address)
        if fault and not fault.at_data:
            self.answer(fault.answer)
            if fault.hangs_up:
                self.transport.close()
            return
        self.late_fault = self.late_fault or fault
        self.recipients.append(address)
        self.answer("250 2.1.5 OK")

    def do_data(self, rest):
        if not self.recipients:
            self.answer("503 5.5.1 No valid recipients")
            return
        self.in_letter, self.searched = True, 0
        # The line break before the letter belongs to the command, yet an empty letter ends with that very break.
        self.buffer[:0] = b"\r\n"
        self.answer("354 End with a dot on a line of its own")

    def take_letter(self):
        """This function will take the letter if its end is there, and return whether it was."""
        end = self.buffer.find(END, self.searched)
        if end < 0:
            self.searched = max(0, len(self.buffer) - len(END))
            if len(self.buffer) > MOST_BYTES:
                self.answer("552 5.3.4 The mail is too large")
                self.transport.close()
            return False
        raw = bytes(memoryview(self.buffer)[2 : end + 2])
        if self.buffer.find(b"\r\n..", 0, end + 2) >= 0:
            raw = (b"\r\n" + raw).replace(b"\r\n..", b"\r\n.")[2:]
        del self.buffer[: end + len(END)]
        self.in_letter = False
        if self.late_fault:
            self.answer(self.late_fault.answer)
        else:
            self.letters.put(sender=self.sender, recipients=self.recipients, raw=raw)
            self.answer("250 2.0.0 Taken")
        self.forget_envelope()
        return True

    def do_rset(self, rest):
        self.forget_envelope()
        self.answer("250 2.0.0 OK")

    def do_noop(self, rest):
        self.answer("250 2.0.0 OK")

    def do_vrfy(self, rest):
        self.answer("252 2.5.0 Send some mail and see")

    def do_quit(self, rest):
        self.answer("221 2.0.0 Bye")
        self.transport.close()


async def listen(*, port, letters, faults, host="127.0.0.1"):
    """This function will start the server on `port` (0 picks one) and return it with its letters being written."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conversation(letters=letters, faults=faults), host, port, backlog=512)
    keep_writing(loop=loop, server=server, letters=letters)
    return server


def keep_writing(*, loop, server, letters):
    # Nobody may ever look; the mails of the last moments must reach the file all the same.
    if server.is_serving():
        letters.flush()
        loop.call_later(0.2, lambda: keep_writing(loop=loop, server=server, letters=letters))
