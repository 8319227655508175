"""The stand-in as a process of its own: started by its command, killed, and started again with all it knew."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.conftest import client_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(tmp_path: Path):
    running = []

    def run() -> tuple[subprocess.Popen, str]:
        command = [
            sys.executable,
            "-m",
            "sandbox.stripe",
            "--port",
            "0",
            "--state",
            str(tmp_path / "state" / "stripe.sqlite"),
        ]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process, re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]

    yield run
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


class TestProcess:
    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
    def test_what_was_answered_is_still_there_after_it_was_stopped(self, start, how):
        process, url = start()
        made = client_of(url).v1.customers.create({"email": "a@example.com"})
        process.send_signal(how)
        code = process.wait(timeout=60)
        assert code == (0 if how == signal.SIGTERM else -signal.SIGKILL)
        _, again = start()
        assert client_of(again).v1.customers.retrieve(made.id).email == "a@example.com"
