"""The whole suite, as `make test` runs it: what fails beside the others is tried once more, alone.

Tests share two processors, one PostgreSQL server and a browser with hundreds of others. A fault of the product fails alone as
well; a test that was merely too slow for once does not, and is named at the end, to be mended. More than MOST that fail are no
chance, nor is a run that broke off: then there is no second try. The last paragraph of a run in which anything failed says which
tests failed in which try, with one line of what each said.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

MOST, NAMED, WIDTH = 5, 40, 220
FAILED = pathlib.Path(".pytest_cache/v/cache/lastfailed")
SOME_FAILED = 1  # pytest's own code; others mean that it broke off


def main(arguments):
    """This function will run the suite with pytest's own arguments and return its exit code."""
    FAILED.unlink(missing_ok=True)  # what an earlier run left
    code, first = run("-n", "auto", "--dist", "loadfile", *arguments)
    failed = sorted(json.loads(FAILED.read_text("utf-8"))) if code == SOME_FAILED and FAILED.exists() else []
    if not 1 <= len(failed) <= MOST:
        if first:
            why = "the run broke off" if code != SOME_FAILED else f"more than {MOST} are no chance"
            print("\n".join(["", *told("FAILED IN THE FIRST TRY", first), f"NO SECOND TRY: {why}"]), flush=True)
        return code
    print(f"\nOnce more, alone: {len(failed)} of the tests above.\n", flush=True)
    again, second = run("-n", "0", *failed)
    last = ["", *told("FAILED IN THE FIRST TRY, beside the others", first), *told("FAILED IN THE SECOND TRY, alone", second)]  # fmt: skip
    if again == 0:
        last += ["UNSTEADY: failed beside the others, passed alone. What they said stands above; mend them.",
                 f"all passed, {len(failed)} of them at the second try"]  # fmt: skip
    print("\n".join(last), flush=True)
    return again


def run(*arguments):
    """This function will run pytest and return its exit code and what failed: the tests' names with what they said."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.xml"
        given = (*arguments, f"--junit-xml={report}", "-o", "junit_family=xunit1")
        code = subprocess.run([sys.executable, "-m", "pytest", *given], check=False).returncode
        return code, failures(report) if report.exists() else {}


def failures(report):
    """This function will read which tests failed, and the first line of what each said, out of pytest's report."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        for fault in (*case.iterfind("failure"), *case.iterfind("error")):
            said = [
                fault.get("message") or "",
                *(line[1:] for line in (fault.text or "").splitlines() if line[:2] == "E "),
            ]
            said = said[1:] if said[0] == "collection failure" else said  # which says nothing
            lines = [line.strip() for line in "\n".join(said).splitlines() if line.strip()]
            found.setdefault(name(case), (lines or ["said nothing"])[0][:WIDTH])
    return found


def name(case):
    """This function will return a test's name as pytest takes it: the file, its class if any, and itself."""
    file, inside = case.get("file") or "", case.get("classname") or ""
    module = file.removesuffix(".py").replace("/", ".")
    classes = inside.removeprefix(module).strip(".").split(".") if file else [inside]
    return "::".join(part for part in (file, *classes, case.get("name")) if part)


def told(heading, found):
    """This function will return a list of failures as lines: how many, then each test and under it what it said."""
    lines = [f"{heading}: {len(found)}"]
    for one, said in list(found.items())[:NAMED]:
        lines += [f"  {one}", f"    {said}"]
    return [*lines, f"  and {len(found) - NAMED} more"] if len(found) > NAMED else lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
