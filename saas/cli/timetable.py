"""Start what is due by the clock."""

from __future__ import annotations

import argparse
import importlib


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(args: argparse.Namespace) -> int:
    from saas.app import create_app

    with create_app(only_rooms=True).app_context():
        importlib.import_module("workers.timetable").run()
    return 0
