"""The whole product started as a newcomer starts it, with every one of its programs killed in turn."""

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest

from saas.kit import procfile
from tests.failures.copies import ROOT, until

pytestmark = pytest.mark.failure


def found(copy, *, company):
    """As an operator does in a second terminal, who knows nothing but the folder."""
    made = subprocess.run(
        [sys.executable, "-m", "saas", "tenants", "create", "--json", "--plan", "growth", "--company", company]
        + ["--email", f"{company}@example.com", "--password", "correct horse battery"],
        cwd=ROOT,
        env=copy.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def status(copy, path, **headers):
    address = urllib.parse.urlsplit(copy.state["urls"]["web"])
    line = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        line.request("GET", path, headers=headers)
        return line.getresponse().status
    except OSError:
        return 0
    finally:
        line.close()


class TestWhole:
    def test_every_program_that_is_killed_comes_back_and_what_was_stored_is_there(self, start):
        copy = start(whole=True, fresh=True).until_ready()
        company = found(copy, company="first")
        assert set(company) == {"tenant_id", "api_key", "site_key"}
        key = {"Authorization": f"Bearer {company['api_key']}"}
        before = copy.state["pids"]
        programs = set(before) - {"launcher", "supervisor"}
        files = (ROOT / "Procfile", ROOT / "sandbox" / "Procfile")
        assert programs == {"postgres", "valkey"}.union(*(procfile.read(file) for file in files))
        for name in programs:
            os.kill(before[name], signal.SIGKILL)
        until(lambda: all(copy.state["pids"][name] != before[name] for name in programs))
        until(lambda: status(copy, "/readyz") == 200)
        until(lambda: status(copy, "/api/v1/customers", **key) == 200)
        assert status(copy, "/api/v1/customers", Authorization="Bearer rg_wrong") == 401
        with urllib.request.urlopen(copy.state["urls"]["web"] + "/metrics") as answer:
            kinds = [line for line in answer.read().decode().splitlines() if line.startswith("# TYPE")]
        assert len(kinds) == len(set(kinds)) > 3, "a figure was told twice"
        assert found(copy, company="second")["tenant_id"] != company["tenant_id"]

    def test_kill_9_of_the_launcher_leaves_nothing_and_the_next_start_has_all(self, start):
        copy = start(whole=True).until_ready()
        company = found(copy, company="first")
        copy.process.kill()
        copy.process.wait()
        until(lambda: not copy.left())
        again = start(whole=True).until_ready()
        key = {"Authorization": f"Bearer {company['api_key']}"}
        until(lambda: status(again, "/api/v1/customers", **key) == 200)
        again.end()
        assert again.left() == []
