"""The command line: `python -m saas COMMAND`. Each command is a module of `saas.cli` with `arguments` and `run`.

Nothing is imported before the command is known: starting the product must not wait for parts it does not use.
"""

import argparse
import ast
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).parent / "cli"


def main(given=None):
    given = sys.argv[1:] if given is None else given
    parser = argparse.ArgumentParser(prog="python -m saas")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for path in sorted(HERE.glob("[a-z]*.py")):
        command = commands.add_parser(path.stem, help=_first_line(path), description=_first_line(path))
        if path.stem in given[:1]:
            importlib.import_module(f"saas.cli.{path.stem}").arguments(command)
    chosen = parser.parse_args(given)
    return importlib.import_module(f"saas.cli.{chosen.command}").run(chosen)


def _first_line(path):
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
