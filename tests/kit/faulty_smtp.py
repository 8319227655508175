"""A small SMTP server for tests: does what a script tells it at each stage, and remembers what it took."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, defaultdict

GOOD = {
    "greeting": "220 ready",
    "mail": "250 2.1.0 ok",
    "rcpt": "250 2.1.5 ok",
    "data": "354 go",
    "final": "250 2.0.0 taken",
}


class FaultySmtp:
    """`script[stage]` is a list of actions, used up in order, then the good answer: an answer, `drop`, `silence`,
    `drip` (one byte at a time, never a whole line) or `drop:<answer>` (answer, then hang up)."""

    def __init__(self, *, extensions=("PIPELINING", "8BITMIME"), tls=None, implicit=False, **script):
        self.extensions, self.tls, self.implicit = list(extensions), tls, implicit
        self.script = defaultdict(list, {stage: list(actions) for stage, actions in script.items()})
        self.taken, self.commands, self.seen, self.connections = [], [], Counter(), 0
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.ready.wait(60)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(60)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self):
        self.stop = asyncio.Event()
        tls = self.tls if self.implicit else None
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=tls, limit=1 << 22)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await self.stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _act(self, writer, stage):
        """Do what the script says for this stage; False means that the talk is over."""
        self.seen[stage] += 1
        action = self.script[stage].pop(0) if self.script[stage] else GOOD[stage]
        if action == "silence":
            await self.stop.wait()
        if action == "drip":
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.01)
        if action == "drop":
            return None
        hang_up = action.startswith("drop:")
        action = action.removeprefix("drop:")
        writer.write(action.encode() + b"\r\n")
        await writer.drain()
        return None if hang_up else action

    async def _talk(self, reader, writer):
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _converse(self, reader, writer):
        if not await self._act(writer, "greeting"):
            return
        envelope = []
        while line := await reader.readline():
            text = line.decode().strip()
            self.commands.append(text)
            verb = text[:4].upper()
            if verb == "EHLO":
                for word in ["sink", *self.extensions]:
                    writer.write(b"250-%s\r\n" % word.encode())
                writer.write(b"250 OK\r\n")
            elif verb == "STAR":
                writer.write(b"220 go ahead\r\n")
                await writer.start_tls(self.tls)
                self.extensions.remove("STARTTLS")
            elif verb == "AUTH":
                await self._sign_in(text, reader, writer)
            elif verb in ("MAIL", "RCPT"):
                answer = await self._act(writer, verb.lower())
                if answer is None:
                    return
                envelope.append(text if answer.startswith("250") else None)
            elif verb == "DATA":
                answer = await self._act(writer, "data")
                if answer is None:
                    return
                if answer.startswith("354"):
                    content = await reader.readuntil(b"\r\n.\r\n") if await self._more(reader) else b""
                    if not content:
                        writer.write(b"554 no content\r\n")
                        continue
                    answer = await self._act(writer, "final")
                    if answer is None or answer.startswith("250"):
                        self.taken.append((envelope, content))
                    envelope = []
                    if answer is None:
                        return
            elif verb == "RSET":
                envelope = []
                writer.write(b"250 ok\r\n")
            elif verb == "QUIT":
                return
            else:
                writer.write(b"500 what\r\n")

    async def _more(self, reader):
        """Whether content follows, or only the final dot."""
        first = await reader.readexactly(3)
        if first == b".\r\n":
            return False
        reader._buffer[:0] = first
        return True

    async def _sign_in(self, text, reader, writer):
        words = text.split()
        if words[1] == "LOGIN":
            for prompt in (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"):
                writer.write(prompt)
                self.commands.append((await reader.readline()).decode().strip())
        self.script["auth"] = self.script["auth"] or ["235 2.7.0 welcome"]
        await self._act(writer, "auth")
