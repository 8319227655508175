"""A mail server for tests, which keeps every letter it is given."""

from __future__ import annotations

import email
from contextlib import contextmanager
from email.policy import default

import pytest
from aiosmtpd.controller import Controller

from saas import config
from saas.kit import servers


class Pile:
    """Takes every letter and keeps it."""

    def __init__(self):
        self.letters = []

    async def handle_DATA(self, server, session, envelope):
        self.letters.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 kept"

    def to(self, address):
        return [letter for letter in self.letters if address in letter["To"]]


@contextmanager
def kept():
    """Keep the letters that are sent; the settings point at this server for as long."""
    pile, patched = Pile(), pytest.MonkeyPatch()
    controller = Controller(pile, hostname="127.0.0.1", port=servers.free_port())
    controller.start()
    try:
        patched.setenv("SMTP_URL", f"smtp://127.0.0.1:{controller.port}")
        config.get.cache_clear()
        yield pile
    finally:
        controller.stop()
        patched.undo()
        config.get.cache_clear()


@pytest.fixture
def mailbox(app):
    """The letters that were sent while the test runs."""
    with kept() as pile:
        yield pile
