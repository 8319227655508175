"""Everything that was announced has its effect exactly once in the end, whatever dies in between.

The programs are the product's own, the servers are this file's own: they are killed, emptied and stopped. Leases of a minute
and more are not waited for; the ledger's own clock is moved on instead (`let_leases_pass`).
"""

import os
import signal

import pytest
import redis

from tests.failures.copies import until
from tests.failures.ground import Ground

pytestmark = pytest.mark.failure


@pytest.fixture(scope="module")
def ground(test_servers, tmp_path_factory):
    made = Ground(tmp_path_factory.mktemp("outbox"), test_servers)
    made.start_announcer()
    made.relay = made.start("relay")
    made.worker = made.start("worker", "events")
    made.mail = made.start("worker", "mail")
    yield made
    made.stop()


def once(ground, numbers):
    """Both effects of each number, once, and nothing waits."""
    until(ground.at_rest)
    each = [1] * len(numbers)
    assert ground.counted(numbers) == ground.counted(numbers, "test.counted_too") == each


class TestEffects:
    def test_everything_has_its_effect_once(self, ground):
        once(ground, ground.announce(60))

    def test_a_reaction_that_fails_is_written_down_and_done_when_it_can_be(self, ground):
        with ground.switched(f"fail-{ground.next}"):
            numbers = ground.announce(3)
            until(
                lambda: (
                    [row[0].split()[0] for row in ground.ask("SELECT last_error FROM outbox_doorbell") if row[0]]
                    == ["RuntimeError"]
                )
            )
            until(lambda: ground.counted(numbers, "test.counted_too") == [1, 1, 1])
            until(lambda: ground.counted(numbers) == [0, 1, 1])
        ground.let_leases_pass()
        once(ground, numbers)


class TestWorkers:
    def test_kill_9_in_the_middle_of_a_reaction(self, ground):
        with ground.switched(f"hold-{ground.next}"):
            numbers = ground.announce(40)
            ground.until_held(numbers[0])
            ground.end(ground.worker)
        assert ground.counted(numbers[:1]) == [0]
        ground.worker = ground.start("worker", "events")
        ground.let_leases_pass()
        once(ground, numbers)

    def test_two_that_have_the_same_reaction_at_once_do_it_once(self, ground):
        with ground.switched(f"hold-{ground.next}"):
            numbers = ground.announce()
            ground.until_held(numbers[0])
            second = ground.start("worker", "events")
            ground.let_leases_pass()
            # the second waits in the database for what the first is about to commit
            waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO reactions_done%'"
            until(lambda: ground.ask_superuser(waits))
        once(ground, numbers)
        ground.end(second)


class TestRelays:
    def test_two_relays_and_two_workers(self, ground):
        more = [ground.start("relay"), ground.start("worker", "events")]
        once(ground, ground.announce(150))
        ground.end(*more)

    def test_kill_9_of_the_relay(self, ground):
        ground.end(ground.relay)
        numbers = ground.announce(30)
        ground.relay = ground.start("relay")
        once(ground, numbers)


class TestValkey:
    def test_emptied_while_jobs_wait_in_it(self, ground):
        ground.end(ground.worker, ground.mail)
        numbers = ground.announce(50)
        until(ground.handed_out)
        with redis.from_url(ground.valkey.url) as client:
            assert client.llen("rq:queue:events") > 0
            client.flushall()
        ground.worker, ground.mail = ground.start("worker", "events"), ground.start("worker", "mail")
        once(ground, numbers)

    def test_killed_and_started_again_while_everything_runs(self, ground):
        os.killpg(ground.valkey.process.pid, signal.SIGKILL)
        ground.valkey.process.wait()
        numbers = ground.announce(30)  # nothing that is announced waits for Valkey
        ground.valkey.start()
        ground.let_leases_pass()
        once(ground, numbers)


class TestPostgres:
    def test_stopped_in_the_middle_of_reactions_and_started_again(self, ground):
        with ground.switched(f"hold-{ground.next}"):
            numbers = ground.announce(40)
            ground.until_held(numbers[0])
            ground.postgres.process.send_signal(signal.SIGQUIT)  # at once, as after a loss of power
            ground.postgres.process.wait(30)
        ground.postgres.start()
        ground.let_leases_pass()
        once(ground, numbers)


class TestTimetables:
    def test_two_ring_once_for_each_moment(self, ground):
        ground.end(ground.worker, ground.mail, ground.relay)
        with redis.from_url(ground.valkey.url) as client:
            client.flushall()
        two = [ground.start("timetable"), ground.start("timetable")]
        again = "SELECT count(DISTINCT run_at) FROM ticks WHERE task = 'workers.jobs.marketing.sweep'"
        until(lambda: ground.ask(again)[0][0] >= 2)
        for program in two:
            program.send_signal(signal.SIGTERM)
        for program in two:
            assert program.wait(60) == 0
        with redis.from_url(ground.valkey.url) as client:
            rung = sum(client.llen(f"rq:queue:{queue}") for queue in ("events", "mail", "heavy"))
        noted = ground.ask("SELECT count(*) FROM ticks")[0][0]
        assert rung == noted, "asked to end, each rings for all that it noted"
