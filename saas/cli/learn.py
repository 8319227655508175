"""Learn a company's recommendations anew now, instead of at the next full hour."""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenant", type=int, required=True, help="the company's number")
    parser.add_argument("--later", action="store_true", help="have a worker do it and do not wait")


def run(args: argparse.Namespace) -> int:
    from saas.app import create_app
    from saas.kit import queues
    from saas.recommend import fitting
    from workers.jobs import recommend

    with create_app(only_rooms=True).app_context():
        if args.later:
            queues.allow([recommend.FIT])
            queues.enqueue("heavy", recommend.FIT, tenant_id=args.tenant)
            return 0
        for kind, notes in fitting.fit(args.tenant).items():
            print(f"{kind}: {'learnt' if notes['fitted'] else 'not enough to learn from'}")
    return 0
