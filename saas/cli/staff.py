"""Say who belongs to the platform's own staff: add, remove and list them."""

from __future__ import annotations

import argparse
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    for name, told in (("add", "make a person staff"), ("remove", "make a person staff no longer")):
        action = actions.add_parser(name, help=told)
        action.add_argument("email")
    actions.add_parser("list", help="say who is staff")


def run(args: argparse.Namespace) -> int:
    from saas.app import create_app
    from saas.kit import work
    from saas.tenancy import staff

    with create_app(only_rooms=True).app_context(), work.unit(tenant_id=None):
        if args.action == "list":
            print(
                *[
                    f"{login.email}{'' if has_factor(login) else '  (no second factor yet)'}"
                    for login in staff.listed()
                ],
                sep="\n",
            )
            return 0
        try:
            login = staff.add(args.email) if args.action == "add" else staff.remove(args.email)
        except staff.NoSuchPerson as refusal:
            print(refusal.message, file=sys.stderr)
            return 1
        print(f"{login.email} is {'staff now' if login.staff else 'staff no longer'}.")
    return 0


def has_factor(login) -> bool:
    """Tell whether a person has a second factor, without which the staff's pages do not open."""
    from saas.tenancy import factors

    return factors.of(login).any
