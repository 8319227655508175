"""Work off one queue."""

from __future__ import annotations

import argparse
import importlib


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("queue", choices=["events", "mail", "heavy"])


def run(args: argparse.Namespace) -> int:
    importlib.import_module("workers.__main__").run(args.queue)
    return 0
