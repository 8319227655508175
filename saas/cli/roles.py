"""Make the database and its three roles once, as a superuser, and print the addresses the settings want."""

from __future__ import annotations

import argparse

ALONE = True  # it makes the database the others need


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("superuser", metavar="URL", help="postgresql://superuser:password@host:port/postgres")
    parser.add_argument("--database", default="regulars", help="the name of the database to make")


def run(args: argparse.Namespace) -> int:
    from saas.kit import roles

    made = roles.prepare(args.superuser, database=args.database)
    print(*(f"{name}={value}" for name, value in made.environment().items()), sep="\n")
    return 0
