"""The suite's second try forgives slowness and nothing else."""

import os
import subprocess
import sys

import pytest

from tests.servers import ROOT

UNSTEADY = """
import pathlib
def test_fails_only_the_first_time():
    mark = pathlib.Path("mark")
    was_here = mark.exists()
    mark.touch()
    assert was_here
"""
FAULTY = "def test_fails_alone_too():\n    assert False\n"
MANY = """
import pytest
@pytest.mark.parametrize("one", range(6))
def test_many_fail(one):
    assert False
"""
BROKEN = "import nothing_of_that_name\n"
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin", "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"}
"""One worker, and none of the plug-ins that the suite's own tests need and take long to import."""


@pytest.mark.parametrize(
    ("tests", "code", "said"),
    [
        (UNSTEADY, 0, "UNSTEADY"),
        (UNSTEADY + FAULTY, 1, "Once more, alone: 2"),
        (MANY, 1, "6 failed"),
        (BROKEN, 2, "nothing_of_that_name"),
    ],
    ids=["unsteady", "one-fails-alone-too", "too-many", "broken-off"],
)
def test_what_comes_of_a_run(tmp_path, tests, code, said):
    (tmp_path / "test_one.py").write_text(tests)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    suite = [sys.executable, str(ROOT / "tests" / "__main__.py")]
    run = subprocess.run(suite, cwd=tmp_path, env={**os.environ, **PLAIN}, capture_output=True, text=True, check=False)
    assert run.returncode == code, run.stdout + run.stderr
    assert said in run.stdout
    assert ("Once more" in run.stdout) == (tests != MANY)
    assert ("UNSTEADY" in run.stdout) == (tests == UNSTEADY)
