"""The sandbox's mail server for tests: a real process that takes mails over SMTP and shows what it has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path


class Mailbox:
    """A running mailbox and what is in it."""

    def __init__(self, state: Path, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            "sandbox.mailbox",
            "--smtp-port=0",
            "--http-port=0",
            f"--state={state}",
            *options,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
        found = re.search(r"127\.0\.0\.1:(\d+), page on (http\S+)/", self.process.stdout.readline())
        self.smtp_port, self.url = int(found.group(1)), found.group(2)

    def _get(self, path: str, method: str = "GET") -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=10) as answer:
            return answer.read()

    def items(self) -> list[dict]:
        """Return all mails, newest first, without their bodies."""
        found, before = [], ""
        while True:
            page = json.loads(self._get(f"/api/messages?limit=1000{before}"))
            found += page["items"]
            if not page["next"]:
                return found
            before = f"&before={page['next']}"

    def mail(self, to: str) -> EmailMessage:
        """Return the newest mail to somebody, parsed."""
        item = json.loads(self._get(f"/api/messages?to={to}"))["items"][0]
        return message_from_bytes(self._get(f"/api/messages/{item['id']}/raw"), policy=policy.default)

    def clear(self) -> None:
        self._get("/api/messages", method="DELETE")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stdout.close()


def part(mail: EmailMessage, kind: str) -> str:
    """Return the HTML or plain part of a mail."""
    return mail.get_body(preferencelist=(kind,)).get_content()
