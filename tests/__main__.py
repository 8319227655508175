"""The whole suite, as `make test` runs it: what fails beside the others is tried once more, alone.

Tests share two processors, one PostgreSQL server and a browser with hundreds of others. A fault of the product fails alone as
well; a test that was merely too slow for once does not, and is named at the end, to be mended. More than MOST that fail are no
chance, nor is a run that broke off: then there is no second try.
"""

import json
import pathlib
import subprocess
import sys

MOST = 5
FAILED = pathlib.Path(".pytest_cache/v/cache/lastfailed")
SOME_FAILED = 1  # pytest's own code; others mean that it broke off


def main(arguments):
    """This function will run the suite with pytest's own arguments and return its exit code."""
    FAILED.unlink(missing_ok=True)  # what an earlier run left
    code = run("-n", "auto", "--dist", "loadfile", *arguments)
    failed = sorted(json.loads(FAILED.read_text("utf-8"))) if code == SOME_FAILED and FAILED.exists() else []
    if not 1 <= len(failed) <= MOST:
        return code
    print(f"\nOnce more, alone: {len(failed)} of the tests above.\n", flush=True)
    again = run("-n", "0", *failed)
    if again == 0:
        print("\nUNSTEADY: failed beside the others, passed alone. What they said stands above; mend them:")
        print("\n".join(f"  {one}" for one in failed))
        print(f"all passed, {len(failed)} of them at the second try", flush=True)
    return again


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
