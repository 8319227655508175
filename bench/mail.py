"""Section B of the targets: campaign mail from data to the server's "taken", two processes, no ledger.

Each mail is a newsletter of about 20 kB: Liquid with a person's own words and three offers, both parts, a dozen signed
links of its own, one-click unsubscribing, DKIM. It goes through our SMTP client in micro-batches of ten into a lean
sink in a process of its own. Beside it the same bytes, rendered beforehand, through one smtplib loop.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from bench.table import Row, at_least
from saas.kit import dkim, mail, smtp, smtp_server
from saas.marketing import links, rendering, starter_letters

SECTION = "B"
PROCESSES, BATCH = 2, 10
MAILS = {"ed25519": 3_000, "rsa2048": 1_500}
LIMITS = {"ed25519": 1_000, "rsa2048": 400}
NAMES = {"ed25519": "Ed25519", "rsa2048": "RSA-2048"}
PEERS = "Tryton 294/s, Creme 161/s, EspoCRM 13/s; listmonk ships 100/s"
STORY = (
    '<mj-text><h2>{title}</h2><p>{{{{ customer.first_name }}}}, {words}</p><p><a href="https://shop.example/story/{number}">'
    'Read on</a> or <a href="https://shop.example/shelf/{number}">see the shelf</a>.</p></mj-text>'
)


class Press:
    """Everything a process needs to write and sign the mails of one mailing."""

    def __init__(self, kind: str, pem: str) -> None:
        compiled = newsletter()
        self.letter = rendering.Letter(compiled)
        self.count = len(compiled.links)
        self.addresses = links.Addresses(
            base_url="https://go.shop.example", key=b"k" * 32, tenant_id=12, mailing_id=UUID(int=7 << 64)
        )
        self.frame = mail.Frame(
            sender_email="news@shop.example",
            sender_name="North & Pine",
            reply_to="hello@shop.example",
            list_id="news.shop.example",
            feedback_id="7:12:regulars:shop",
            unsubscribe_mailbox="leave@shop.example",
            sample=compiled.text,
        )
        self.signers = [dkim.Signer(domain="shop.example", selector="s1", pem=pem)]

    def rendered(self, number: int) -> rendering.Parts:
        """Write one person's parts."""
        recipient = UUID(int=number)
        return self.letter.fill(
            person(number, self.addresses.offers(recipient, 3)),
            tracked=self.addresses.tracked(recipient, self.count),
            unsubscribe_url=self.addresses.address(links.UNSUBSCRIBE, recipient),
            open_url=self.addresses.address(links.OPEN, recipient),
        )

    def framed(self, number: int, parts: rendering.Parts) -> mail.Message:
        """Put the parts into a mail."""
        return self.frame.fill(
            to_email=f"person{number}@mail.example",
            to_name=f"Ann O'Hara {number}",
            subject=parts.subject,
            text=parts.text,
            html=parts.pieces,
            message_id=f"{number}.7@shop.example",
            at=datetime.now(UTC),
            unsubscribe_url=self.addresses.address(links.UNSUBSCRIBE, UUID(int=number)),
        )

    def envelope(self, number: int) -> smtp.Envelope:
        """Make the mail that goes out."""
        message = self.framed(number, self.rendered(number))
        data = message.as_bytes(signers=self.signers)
        return smtp.Envelope(sender="bounce@shop.example", recipient=message.recipient, data=data)


def written() -> tuple[str, str]:
    """Write subject and body of a mail that comes to about 20 kB on the wire."""
    words = "here is what our makers did this week, from the first sketch to the last layer of oil. " * 2
    stories = "".join(STORY.format(title=f"Story {n}", words=words, number=n) for n in range(4))
    starter = starter_letters.one(key="welcome")
    body = starter.body.replace('<mj-button href="{{ shop.url }}">', stories + '<mj-button href="{{ shop.url }}">')
    return starter.subject, body


def newsletter() -> rendering.Compiled:
    """Compile that mail."""
    subject, body = written()
    made = rendering.compile(subject=subject, body=body)
    if made.problems:
        raise RuntimeError(made.problems[0].sentence)
    return made


def person(number: int, addresses: list[str]) -> dict:
    """Make up one person's data."""
    return {
        "customer": {"first_name": f"Ann {number}", "city": "Köln", "points": number % 500},
        "company": {"name": "North & Pine", "address": "12 Mill Lane, Leeds LS1 4DT"},
        "shop": {"url": "https://shop.example"},
        "offers": [
            {
                "name": f"Oak bowl {number % 97 + place}",
                "url": address,
                "image_url": f"https://shop.example/pictures/{number % 97 + place}.jpg",
                "price": "12.50",
                "currency": "EUR",
                "reason": {"text": "because you looked at the spoons"},
            }
            for place, address in enumerate(addresses)
        ],
    }


def rows() -> Iterator[Row]:
    """Yield what each step costs, the peer's loop and our rates."""
    pems = {kind: dkim.create_key(kind) for kind in MAILS}
    presses = {kind: Press(kind, pem) for kind, pem in pems.items()}
    press = presses["ed25519"]
    parts = press.rendered(1)
    message = press.framed(1, parts)
    size = len(press.envelope(1).data)
    yield Row("mail: one newsletter on the wire", f"{size / 1000:.1f} kB", "-", "", None)
    steps = {
        "Liquid, text part and links": lambda: press.rendered(2),
        "MIME frame": lambda: press.framed(2, parts),
        "DKIM Ed25519": lambda: message.as_bytes(signers=press.signers),
        "DKIM RSA-2048": lambda: message.as_bytes(signers=presses["rsa2048"].signers),
    }
    for name, step in steps.items():
        yield Row(f"mail: {name}, CPU", f"{cost(step):.0f} us", "-", "", None)
    with sink() as port:
        plain = loop_of_smtplib(port, [press.envelope(number).data for number in range(200)])
        yield Row("mail: rendered beforehand, one smtplib loop", f"{plain:,.0f}/s", "-", "", None)
        for kind, pem in pems.items():
            rate, cpu = campaign(kind, pem, port)
            others = f"{rate / plain:.2f}x smtplib, {cpu:.0f} us CPU a mail; {PEERS}"
            yield at_least(
                f"mail: campaign signed with {NAMES[kind]}", rate, LIMITS[kind], others=others, form=",.0f", unit="/s"
            )


def cost(step: Callable[[], object], times: int = 150) -> float:
    """Return the microseconds of CPU of a step."""
    step()
    started = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - started) / times * 1e6


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Run the lean server for the time of the block."""
    command = [sys.executable, "-m", "bench.smtp_sink"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        yield int(running.stdout.readline())
        running.stdin.close()


def loop_of_smtplib(port: int, mails: list[bytes], times: int = 3_000) -> float:
    """Return mails per second of the plainest loop there is."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        server.ehlo()
        started = time.perf_counter()
        for number in range(times):
            server.sendmail("bounce@shop.example", [f"person{number}@mail.example"], mails[number % len(mails)])
        return times / (time.perf_counter() - started)


def campaign(kind: str, pem: str, port: int) -> tuple[float, float]:
    """Return mails per second of all processes together, and microseconds of CPU a mail."""
    context = multiprocessing.get_context("spawn")
    started, results = context.Barrier(PROCESSES), context.SimpleQueue()
    work = [
        context.Process(target=send, args=(kind, pem, port, MAILS[kind] * place, started, results))
        for place in range(PROCESSES)
    ]
    for process in work:
        process.start()
    for process in work:
        process.join()
    if any(process.exitcode for process in work):
        raise RuntimeError("A sending process failed.")
    told = [results.get() for _ in work]
    wall = max(ended for _, ended, _ in told) - min(begun for begun, _, _ in told)
    return MAILS[kind] * PROCESSES / wall, sum(cpu for _, _, cpu in told) / (MAILS[kind] * PROCESSES) * 1e6


def send(kind: str, pem: str, port: int, first: int, started, results) -> None:
    """Send one process's share; told are when it began and ended, and its CPU seconds."""
    press = Press(kind, pem)
    numbers = iter(range(first, first + MAILS[kind]))
    with smtp.Client(smtp_server.Server(host="127.0.0.1", port=port, tls="none")) as client:
        for number in range(20):
            press.envelope(number)
        started.wait()
        begun, cpu = time.monotonic(), time.process_time()
        while batch := list(islice(numbers, BATCH)):
            for _, outcome in client.send_many(press.envelope(number) for number in batch):
                if outcome.kind != smtp.ACCEPTED:
                    raise RuntimeError(outcome.text)
        results.put((begun, time.monotonic(), time.process_time() - cpu))
