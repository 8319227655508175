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
    assert was_here, "nobody was here"
"""
FAULTY = """
import pytest
class TestFault:
    @pytest.mark.parametrize("size", ["a.b"])
    def test_fails_alone_too(self, size):
        raise ValueError("the kettle is cold\\nand so is the tea")
@pytest.fixture
def kettle():
    raise LookupError("no kettle")
def test_has_nothing_to_begin_with(kettle):
    pass
"""
FIRST, SECOND = "FAILED IN THE FIRST TRY", "FAILED IN THE SECOND TRY"
MANY = """
import pytest
@pytest.mark.parametrize("one", range(6))
def test_many_fail(one):
    assert False
"""
BROKEN = "import nothing_of_that_name\n"
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin", "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"}
"""One worker, and none of the plug-ins that the suite's own tests need and take long to import."""


@pytest.fixture
def suite(tmp_path):
    """Run a suite of one file and return the finished run, and the last paragraph of what it said."""

    def run(tests):
        (tmp_path / "test_one.py").write_text(tests)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, str(ROOT / "tests" / "__main__.py")]
        done = subprocess.run(command, cwd=tmp_path, env={**os.environ, **PLAIN}, capture_output=True, text=True, check=False)  # fmt: skip
        return done, done.stdout.rpartition("\n\n")[2]

    return run


@pytest.mark.parametrize(
    ("tests", "code", "said"),
    [
        (UNSTEADY, 0, "UNSTEADY"),
        (UNSTEADY + FAULTY, 1, "Once more, alone: 3"),
        (MANY, 1, "6 failed"),
        (BROKEN, 2, "nothing_of_that_name"),
    ],
    ids=["unsteady", "some-fail-alone-too", "too-many", "broken-off"],
)
def test_what_comes_of_a_run(suite, tests, code, said):
    run, _last = suite(tests)
    assert run.returncode == code, run.stdout + run.stderr
    assert said in run.stdout
    assert ("Once more" in run.stdout) == (tests != MANY)
    assert ("UNSTEADY" in run.stdout) == (tests == UNSTEADY)


def test_the_last_paragraph_names_what_failed_in_each_try_and_what_it_said(suite):
    _run, last = suite(UNSTEADY + FAULTY)
    first, _, second = last.partition(SECOND)
    fault, error = "test_one.py::TestFault::test_fails_alone_too[a.b]", "test_one.py::test_has_nothing_to_begin_with"
    assert first.startswith(f"{FIRST}, beside the others: 3\n") and second.startswith(", alone: 2\n")
    for part in (first, second):
        assert f"  {fault}\n    ValueError: the kettle is cold\n" in part
        assert f"  {error}\n    " in part and "no kettle" in part
    assert "  test_one.py::test_fails_only_the_first_time\n    AssertionError: nobody was here" in first
    assert "only_the_first_time" not in second


def test_the_last_paragraph_tells_that_all_passed_at_the_second_try(suite):
    _run, last = suite(UNSTEADY)
    assert last.startswith(f"{FIRST}, beside the others: 1\n") and f"{SECOND}, alone: 0\n" in last
    assert last.endswith("all passed, 1 of them at the second try\n")


def test_the_last_paragraph_tells_why_there_was_no_second_try(suite):
    _run, last = suite(MANY)
    assert last.startswith(f"{FIRST}: 6\n") and last.endswith("NO SECOND TRY: more than 5 are no chance\n")


def test_the_last_paragraph_tells_why_a_file_could_not_be_read(suite):
    _run, last = suite(BROKEN)
    assert last.count("ModuleNotFoundError: No module named 'nothing_of_that_name'") == 2


def test_a_run_in_which_all_passed_adds_nothing(suite):
    run, _last = suite("def test_passes():\n    pass\n")
    assert run.returncode == 0 and "TRY" not in run.stdout
