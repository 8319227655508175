"""Found a company from the command line: with its owner, a key for programs and the key of its site."""

from __future__ import annotations

import argparse
import json
import sys

from saas.billing.plans import PLANS


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="found a company")
    create.add_argument("--company", required=True)
    create.add_argument("--email", required=True)
    create.add_argument("--password", required=True)
    create.add_argument("--plan", default="free", choices=list(PLANS))
    create.add_argument("--currency", default="EUR")
    create.add_argument("--simulated", action="store_true", help="label everything in it as simulated")
    create.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from saas.app import create_app
    from saas.kit import errors
    from saas.tenancy import founding

    with create_app(only_rooms=True).app_context():
        try:
            made = founding.from_command(
                company=args.company, email=args.email, password=args.password, allowed=PLANS[args.plan].limits,
                currency=args.currency, simulated=args.simulated,
            )  # fmt: skip
        except errors.Refusal as refusal:
            print(refusal.message, *[f"{k}: {' '.join(v)}" for k, v in refusal.fields.items()], file=sys.stderr)
            return 1
    if args.json:
        print(json.dumps(made))
    else:
        print(*[f"{name}: {value}" for name, value in made.items()], sep="\n")
    return 0
