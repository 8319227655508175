"""A mail server that takes everything and keeps nothing, lean enough not to be what is measured.

`python -m bench.smtp_sink` prints its port and serves until its input is closed.
"""

from __future__ import annotations

import asyncio
import sys

ANSWERS = {b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"RSET": b"250 ok\r\n", b"NOOP": b"250 ok\r\n"}


class Sink(asyncio.Protocol):
    """One connection: answers commands in the order they come, several in one write."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport, self.buffer, self.content = transport, bytearray(), False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        searched = max(len(self.buffer) - 4, 0)
        self.buffer += data
        answers = []
        while True:
            ending = b"\r\n.\r\n" if self.content else b"\r\n"
            at = self.buffer.find(ending, searched)
            if at < 0:
                break
            searched = 0
            command = bytes(self.buffer[:4]).upper()
            del self.buffer[: at + len(ending)]
            if self.content:
                self.content = False
                answers.append(b"250 taken\r\n")
            elif command == b"DATA":
                self.content = True
                answers.append(b"354 go\r\n")
            elif command == b"EHLO":
                answers.append(b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n")
            elif command == b"QUIT":
                self.transport.write(b"221 bye\r\n")
                self.transport.close()
                return
            else:
                answers.append(ANSWERS.get(command, b"500 what\r\n"))
        if answers:
            self.transport.write(b"".join(answers))


async def serve() -> None:
    """Serve until the parent goes away."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
