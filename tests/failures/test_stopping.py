"""An orderly end: what has begun is finished, nothing new is taken, nothing is lost."""

from __future__ import annotations

import http.client
import signal
import threading
import time
import urllib.parse

import psycopg
import pytest

from tests.failures.copies import busy, until
from tests.failures.ground import Ground

pytestmark = pytest.mark.failure


@pytest.fixture(scope="module")
def ground(test_servers, tmp_path_factory):
    made = Ground(tmp_path_factory.mktemp("stopping"), test_servers)
    yield made
    made.stop()


class Caller(threading.Thread):
    """A program that calls until nobody listens, and remembers how each call ended."""

    def __init__(self, address: str, key: str) -> None:
        super().__init__(daemon=True)
        self.address, self.key = urllib.parse.urlsplit(address), key
        self.answered: list[int] = []
        self.broken: list[str] = []
        self.refused = False

    def run(self) -> None:
        while not self.refused:
            line = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=20)
            try:
                line.connect()
            except ConnectionRefusedError:
                self.refused = True
                return
            try:
                line.request(
                    "GET", "/api/v1/customers", headers={"Authorization": f"Bearer {self.key}", "Connection": "close"}
                )
                answer = line.getresponse()
                answer.read()
                self.answered.append(answer.status)
            except OSError as error:
                self.broken.append(f"{type(error).__name__}: {error}")
            except http.client.HTTPException as error:
                self.broken.append(f"{type(error).__name__}: {error}")
            finally:
                line.close()


def test_a_web_that_is_asked_to_end_answers_all_it_has_taken(ground):
    ground.start_web()
    company = ground.found("stopping")
    callers = [Caller(ground.web, company["api_key"]) for _ in range(6)]
    for caller in callers:
        caller.start()
    until(lambda: all(len(caller.answered) > 20 for caller in callers))
    web = ground.programs[-1]
    began = time.monotonic()
    web.send_signal(signal.SIGTERM)
    assert web.wait(240) == 0
    assert time.monotonic() - began < 10 * busy(), "supervisors wait ten seconds"
    for caller in callers:
        caller.join(30)
        assert caller.refused and set(caller.answered) == {200}
    # a connection that the kernel took and no worker ever saw is reset when the listener closes: nothing was begun on it
    broken = [how for caller in callers for how in caller.broken]
    assert all("reset" in how.lower() or "RemoteDisconnected" in how for how in broken) and len(broken) <= len(
        callers
    ), broken


def test_a_worker_that_is_asked_to_end_finishes_its_reaction_and_leaves_the_rest_to_others(ground):
    ground.start_announcer()
    relay, mail, worker = ground.start("relay"), ground.start("worker", "mail"), ground.start("worker", "events")
    with ground.switched(f"hold-{ground.next}"):
        numbers = ground.announce(60)
        ground.until_held(numbers[0])
        worker.send_signal(signal.SIGTERM)
        assert worker.poll() is None
    assert worker.wait(60) == 0
    assert ground.counted(numbers[:1]) == [1], "what had begun is done"
    assert 0 in ground.counted(numbers), "nothing new was begun"
    fresh = ground.start("worker", "events")
    ground.let_leases_pass()
    until(ground.at_rest)
    assert ground.counted(numbers) == ground.counted(numbers, "test.counted_too") == [1] * len(numbers)
    for program in (relay, mail, fresh):
        program.send_signal(signal.SIGTERM)
    for program in (relay, mail, fresh):
        assert program.wait(60) == 0


def test_the_rest_of_its_job_is_handed_out_again_at_once(ground):
    """It gives back what it will not begin, and nobody waits for a lease of a minute."""
    relay, mail, worker = ground.start("relay"), ground.start("worker", "mail"), ground.start("worker", "events")
    with ground.switched(f"hold-{ground.next}"):
        numbers = ground.announce(20)
        ground.until_held(numbers[0])
        worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    ground.stretch_leases()
    fresh = ground.start("worker", "events")
    until(lambda: ground.counted(numbers) == [1] * len(numbers))
    for program in (relay, mail, fresh):
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0


def test_nobody_waits_inside_the_database_afterwards(ground):
    with psycopg.connect(ground.urls.admin) as admin:
        left = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'regulars_app' AND state LIKE 'idle in%'"
        assert admin.execute(left).fetchone() == (0,)


def test_no_words_of_a_failed_reaction_are_in_the_logs(ground):
    relay, worker = ground.start("relay"), ground.start("worker", "events")
    with ground.switched(f"fail-{ground.next}"):
        numbers = ground.announce(1)
        until(lambda: ground.ask("SELECT last_error FROM outbox_doorbell WHERE last_error LIKE 'RuntimeError%%'"))
    said = (ground.switches.parent / "programs.log").read_text()
    assert "RuntimeError" in said and '"program":"worker-events"' in said
    assert f"{numbers[0]} was to fail" not in said
    ground.end(relay, worker)
