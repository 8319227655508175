"""The launcher under attack: whatever is killed, nothing is left running and nothing stored is lost."""

import os
import signal
import socket
import subprocess

import psycopg
import pytest
import redis

from saas.kit import servers
from tests.failures.copies import answers, copy_answers, pings, postgres_password, until

pytestmark = pytest.mark.failure


class TestStopping:
    def test_ctrl_c_leaves_no_process_and_no_state_file(self, start):
        copy = start(fresh=True).until_ready()
        assert len(copy.left()) >= 8
        os.killpg(copy.process.pid, signal.SIGINT)
        assert copy.process.wait(180) == 0
        assert copy.left() == []
        assert not (copy.var / "run.json").exists()
        assert not (copy.var / "environment.json").exists()

    def test_kill_9_of_the_launcher_leaves_nothing_even_of_programs_that_ignore_the_request(self, start):
        copy = start(STUBBORN="1").until_ready()
        copy.process.kill()
        copy.process.wait()
        until(lambda: not copy.left())
        assert not (copy.var / "run.json").exists()

    def test_kill_9_of_the_supervisor_leaves_nothing(self, start):
        copy = start().until_ready()
        os.kill(copy.state["pids"]["supervisor"], signal.SIGKILL)
        copy.process.wait(180)
        assert copy.left() == []
        assert not (copy.var / "run.json").exists()

    def test_a_stop_while_starting_leaves_nothing(self, start):
        copy = start(fresh=True)
        until(lambda: (copy.var / "log" / "postgres.log").exists())
        copy.end()
        assert copy.left() == []
        assert copy.process.returncode == 0, copy.said()
        assert "Traceback" not in copy.said()

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_a_make_that_alone_is_told_to_end_takes_everything_with_it(self, start, number):
        copy = start(through_make=True).until_ready()
        copy.process.send_signal(number)
        copy.process.wait(180)
        until(lambda: not copy.left())
        assert not (copy.var / "run.json").exists()


class TestRepair:
    def test_postgres_comes_back_on_its_port_with_the_data(self, start):
        copy = start().until_ready()
        admin = copy.addresses[0]
        owner = admin.replace(admin.split("@")[0], f"postgresql://postgres:{postgres_password(copy)}")
        with psycopg.connect(owner) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        before = copy.state["pids"]["postgres"]
        os.kill(before, signal.SIGKILL)
        until(lambda: copy.state["pids"]["postgres"] != before and answers(owner))
        with psycopg.connect(owner) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)

    def test_valkey_comes_back_on_its_port_with_the_data(self, start):
        copy = start().until_ready()
        with redis.from_url(copy.addresses[1]) as client:
            client.set("kept", "42")
            until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
        before = copy.state["pids"]["valkey"]
        os.kill(before, signal.SIGKILL)
        until(lambda: copy.state["pids"]["valkey"] != before and pings(copy.addresses[1]))
        with redis.from_url(copy.addresses[1]) as client:
            assert client.get("kept") == b"42"

    def test_a_killed_program_is_replaced_and_its_orphan_goes(self, start):
        copy = start().until_ready()
        before, many = copy.state["pids"]["web"], len(copy.left())
        os.kill(before, signal.SIGKILL)
        until(lambda: copy.state["pids"]["web"] != before and len(copy.left()) == many)
        until(lambda: copy_answers(copy))

    def test_the_data_is_there_after_kill_9_of_a_launcher_that_nobody_buries(self, start):
        copy = start().until_ready()
        with redis.from_url(copy.addresses[1]) as client:
            client.set("kept", "42")
        copy.process.kill()
        again = start().until_ready()
        with redis.from_url(again.addresses[1]) as client:
            assert client.get("kept") == b"42"
        assert answers(again.addresses[0])


class TestSecrets:
    def test_what_holds_passwords_is_for_its_owner_only(self, start):
        copy = start(fresh=True).until_ready()
        for name in ("secrets", "environment.json", "postgres", "valkey"):
            assert (copy.var / name).stat().st_mode & 0o077 == 0, name
        passwords = (
            copy.addresses[0].split(":")[2].split("@")[0],
            (copy.var / "valkey" / "regulars.password").read_text(),
        )
        listed = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        assert not [password for password in passwords if password in listed]

    def test_the_second_start_keeps_secrets_and_addresses(self, start):
        first = start().until_ready()
        before = first.addresses, first.state["urls"], (first.var / "secrets").read_text()
        first.end()
        again = start().until_ready()
        assert (again.addresses, again.state["urls"], (again.var / "secrets").read_text()) == before


class TestPlaces:
    def test_two_copies_run_side_by_side(self, start):
        one, other = start("one").until_ready(), start("other").until_ready()
        assert set(one.state["urls"].values()).isdisjoint(other.state["urls"].values())
        one.end()
        assert copy_answers(other)

    def test_a_second_copy_with_the_same_files_is_refused(self, start):
        first = start().until_ready()
        second = start()
        assert second.process.wait(180) == 1
        assert "already runs" in second.said()
        assert copy_answers(first)

    def test_a_port_that_was_asked_for_and_is_taken_is_named(self, start):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            copy = start(PORT=str(taken.getsockname()[1]))
            assert copy.process.wait(180) == 1
        assert "is in use" in copy.said()
        assert copy.left() == []

    def test_a_port_that_was_asked_for_is_taken_when_free(self, start):
        port = servers.free_port()
        assert start(PORT=str(port)).until_ready().state["urls"]["web"] == f"http://127.0.0.1:{port}"

    def test_a_deep_folder_with_spaces_and_other_letters_will_do(self, start):
        copy = start("caf\u00e9 \u5ba2\u6237, a 'quoted' folder " + "deep " * 20, fresh=True).until_ready()
        assert answers(copy.addresses[0])

    def test_a_program_that_cannot_start_is_shown_with_its_reason(self, start):
        copy = start(fresh=True)
        (copy.folder / "Procfile").write_text("web: python -c 'raise SystemExit(\"no such wheel\")'\n")
        assert copy.process.wait(180) == 1
        assert "no such wheel" in copy.said()
        assert copy.left() == []
