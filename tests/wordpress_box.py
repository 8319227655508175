"""A WooCommerce store in a box for tests, and a Regulars that it can reach over HTTP."""

from __future__ import annotations

import logging
import threading

import pytest
from werkzeug.serving import make_server

from saas import config
from sandbox.wordpress.server import Box


@pytest.fixture
def woo():
    """A store whose messages leave at once, as though its minute were always over."""
    made = Box(cron=True).start()
    yield made
    made.stop()


@pytest.fixture
def reachable(app, monkeypatch, settings_in_environment):
    """The address under which the application answers over HTTP, which is also what it calls its own."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("PUBLIC_URL", address)
    config.get.cache_clear()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()
    monkeypatch.undo()
    config.get.cache_clear()
