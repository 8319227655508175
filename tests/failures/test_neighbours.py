"""A company that hammers: it is put off, nobody else is, and it gets its turn again."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.parse

import pytest

from tests.failures.copies import until
from tests.failures.ground import Ground

pytestmark = pytest.mark.failure


@pytest.fixture(scope="module")
def ground(test_servers, tmp_path_factory):
    made = Ground(tmp_path_factory.mktemp("neighbours"), test_servers)
    made.start_web()
    yield made
    made.stop()


class Hand(threading.Thread):
    """One connection that asks as fast as it is answered and minds no Retry-After."""

    def __init__(self, address: str, key: str) -> None:
        super().__init__(daemon=True)
        self.address, self.key = urllib.parse.urlsplit(address), key
        self.seen: list[int] = []
        self.enough = threading.Event()

    def run(self) -> None:
        line = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30)
        while not self.enough.is_set():
            self.seen.append(ask(line, self.key))
        line.close()


def ask(line, key: str) -> int:
    line.request("GET", "/api/v1/customers?limit=200", headers={"Authorization": f"Bearer {key}"})
    answer = line.getresponse()
    answer.read()
    return answer.status


def test_who_hammers_is_put_off_and_the_others_never(ground):
    quiet, noisy = ground.found("quiet")["api_key"], ground.found("noisy")["api_key"]
    address = urllib.parse.urlsplit(ground.web)
    line = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    answers = [ask(line, quiet)]
    hands = [Hand(ground.web, noisy) for _ in range(8)]
    for hand in hands:
        hand.start()

    def put_off() -> bool:
        began = time.monotonic()
        answers.append(ask(line, quiet))
        # somebody with a pace of its own, who never comes near its share however long the machine takes
        hands[0].enough.wait(0.1 + 6 * (time.monotonic() - began))
        return sum(hand.seen.count(429) for hand in hands) > 20

    until(put_off)
    for hand in hands:
        hand.enough.set()
    for hand in hands:
        hand.join(30)
    assert set(answers) == {200}
    assert {status for hand in hands for status in hand.seen} == {200, 429}
    until(lambda: ask(line, noisy) == 200)
    line.close()
