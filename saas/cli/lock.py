"""Write the lock files anew from pyproject.toml: every package with its hashes, no address, no path of a machine."""

from __future__ import annotations

import argparse
import pathlib
import shutil
import subprocess
import sys

ALONE = True  # needs no database to be there
ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCKS = {
    "requirements.lock": ["pyproject.toml"],
    "requirements-dev.lock": ["pyproject.toml", "--group", "dev"],
    "requirements-setup.lock": ["--group", "setup"],
}
OPTIONS = ("--universal", "--python-version=3.11", "--no-header", "--no-annotate", "--generate-hashes")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of those locked")


def run(args: argparse.Namespace) -> int:
    uv = shutil.which("uv", path=str(pathlib.Path(sys.executable).parent)) or shutil.which("uv")
    if not uv:
        print("uv is missing: run make setup.", file=sys.stderr)
        return 1
    for name, which in LOCKS.items():
        more = ["--upgrade"] if args.upgrade else []
        command = [uv, "pip", "compile", "-q", *OPTIONS, *more, *which, "-o", name]
        if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            return 1
        if "://" in (ROOT / name).read_text():
            print(f"{name} names an address; take it out of pyproject.toml.", file=sys.stderr)
            return 1
    return 0
