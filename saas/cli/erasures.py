"""Write the ledger of erasures beside the backups, or erase again whoever of it is in a database that came back."""

from __future__ import annotations

import argparse
import pathlib
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["write", "replay"])
    parser.add_argument("file", type=pathlib.Path, nargs="?", help="the ledger; else the one in BACKUP_DIR")
    parser.add_argument("--tenant", type=int, help="replay only for this company")


def run(args: argparse.Namespace) -> int:
    from saas.app import create_app
    from saas.integrations import erasure_ledger
    from saas.kit import work
    from saas.kit.backups import vault

    file = args.file or erasure_ledger.path()
    with create_app(only_rooms=True).app_context():
        if args.action == "write":
            with work.platform_unit(reason="write the ledger of erasures"):
                print(f"{file}: {erasure_ledger.write(file)} people")
            return 0
        try:
            again = erasure_ledger.replay(file, only=args.tenant)
        except (vault.Damaged, OSError) as wrong:
            print(wrong, file=sys.stderr)
            return 1
    print(f"{sum(again.values())} people of {len(again)} companies were erased again.")
    return 0
