"""The command line: `python -m saas COMMAND`. Each command is a module of `saas.cli` with `arguments` and `run`.

Nothing is imported before the command is known: starting the product must not wait for parts it does not use.
"""

import argparse
import ast
import importlib
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "saas" / "cli"


def main(given=None):
    given = sys.argv[1:] if given is None else given
    parser = argparse.ArgumentParser(prog="python -m saas")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for path in sorted(HERE.glob("[a-z]*.py")):
        command = commands.add_parser(path.stem, help=_first_line(path), description=_first_line(path))
        if path.stem in given[:1]:
            importlib.import_module(f"saas.cli.{path.stem}").arguments(command)
    chosen = parser.parse_args(given)
    command = importlib.import_module(f"saas.cli.{chosen.command}")
    if not getattr(command, "ALONE", False):
        join_running_copy()
        if not os.environ.get("DATABASE_URL"):
            sys.exit("There is no database to work with: start Regulars with make run, or set DATABASE_URL.")
    return command.run(chosen)


def join_running_copy():
    """This function will take the settings of the copy that runs in this folder, unless the environment has its own.

    So `python -m saas tenants create` in a second terminal works with the database that `make run` started, or with the
    roles it made where only a superuser's DATABASE_URL was given.
    """
    file = pathlib.Path(os.environ.get("VAR") or ROOT / "var") / "environment.json"
    if "DATABASE_ADMIN_URL" not in os.environ and file.exists():
        told = json.loads(file.read_text())
        os.environ.update({name: value for name, value in told.items() if name.startswith("DATABASE_")})
        for name, value in told.items():
            os.environ.setdefault(name, value)


def _first_line(path):
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
