"""Found a company from the command line, with its owner and keys; and list them with plan, standing and use."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

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

    listed = actions.add_parser("list", help="list the companies with plan, standing and use")
    listed.add_argument("--standing", choices=["free", "trialing", "active", "past_due", "unpaid"])
    listed.add_argument("--json", action="store_true", help="print one JSON object a line")


def run(args: argparse.Namespace) -> int:
    return _list(args) if args.action == "list" else _create(args)


def _list(args: argparse.Namespace) -> int:
    from saas.app import create_app

    with create_app(only_rooms=True).app_context():
        for row in rows(standing=args.standing):
            if args.json:
                print(json.dumps(row, default=str))
            else:
                use = ", ".join(
                    f"{name} {used}/{'∞' if most is None else most}"
                    for name, (used, most) in sorted(row["use"].items())
                )
                print(row["tenant_id"], row["name"], row["plan"] or "-", row["standing"], row["state"], use, sep="\t")
    return 0


def rows(*, standing: str | None = None) -> Iterator[dict[str, object]]:
    """Yield every company as plain values, a page at a time."""
    from dataclasses import asdict

    from saas.billing import overview
    from saas.kit import work

    after = 0
    while True:
        with work.platform_unit(reason="list the companies on the command line"):
            found = overview.companies(after=after, standing=standing)
        yield from (asdict(one) for one in found)
        if not found:
            return
        after = found[-1].tenant_id


def _create(args: argparse.Namespace) -> int:
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
