"""Values over a thread's own connection."""

from __future__ import annotations

import threading

import pytest
import redis
from redis.exceptions import ConnectionError as Away

from saas.kit import valkey

pytestmark = pytest.mark.usefixtures("settings_in_environment")


@pytest.fixture
def names():
    given = [f"test-values:{id(object())}:{number}" for number in range(3)]
    valkey.client().set(given[0], b"one")
    valkey.client().set(given[2], b"")
    yield given
    valkey.client().delete(*given)


def test_they_come_in_the_order_of_the_names_and_none_where_there_is_none(names):
    assert valkey.values(names) == [b"one", None, b""] == valkey.values(names)


def test_a_connection_that_died_is_opened_anew(names):
    valkey.values(names)
    connection = valkey._own.held[1]
    connection.send_command("CLIENT", "ID")
    valkey.client().client_kill_filter(_id=str(connection.read_response()))
    assert valkey.values(names) == [b"one", None, b""]
    assert valkey.values(names) == [b"one", None, b""]


def test_each_thread_reads_its_own(names):
    wrong = []

    def read(name: str, wanted: bytes | None) -> None:
        wrong.extend(found for _time in range(200) for found in valkey.values([name]) if found != wanted)

    threads = [
        threading.Thread(target=read, args=asked) for asked in zip(names * 2, [b"one", None, b""] * 2, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_breaks_in_between_leaves_no_answer_for_the_next(names, monkeypatch):
    valkey.values(names)
    connection = valkey._own.held[1]

    def stop():
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(connection, "read_response", stop)
        with pytest.raises(KeyboardInterrupt):
            valkey.values(names[:1])
    assert valkey.values(names[1:]) == [None, b""]


def test_without_a_server_it_says_so(names, monkeypatch):
    nobody = redis.Redis(host="127.0.0.1", port=1, retry=valkey.once_more(), **valkey.HURRY)
    monkeypatch.setattr(valkey, "client", lambda: nobody)
    with pytest.raises(Away):
        valkey.values(names)
