"""Take over mailings that another mail system sent, with who was held out and what became of them."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help='{"shop": id, "mailings": [{"name", "subject", "source", "segment", "sent_at", '
                        '"holdout_percent", "recipients": [{"customer", "held_out", "sent_at", "opened_at", ...}]}]}')  # fmt: skip
    parser.add_argument("--tenant", type=int, required=True, help="the company's number")


def run(args: argparse.Namespace) -> int:
    from saas.app import create_app
    from saas.kit import errors, work
    from saas.marketing import past

    told = json.loads(args.file.read_text())
    with create_app(only_rooms=True).app_context():
        for one in told["mailings"]:
            try:
                with work.unit(tenant_id=args.tenant):
                    made = past.take_over(
                        name=one["name"], subject=one["subject"], source=one["source"], segment_id=one["segment"],
                        sent_at=datetime.fromisoformat(one["sent_at"]), holdout_percent=one["holdout_percent"], source_id=UUID(told["shop"]),
                        recipients=[past.Recipient(**_moments(row)) for row in one["recipients"]],
                    )  # fmt: skip
            except errors.Refusal as refusal:
                print(f"{one['name']}: {refusal.message}", file=sys.stderr)
                return 1
            print(f"{one['name']}: {'taken over' if made else 'was here already'}")
    return 0


def _moments(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value else value for name, value in row.items()
    }
