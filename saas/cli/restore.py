"""Bring a backup back into an empty database, or one company out of it into this one, and verify what arrived."""

from __future__ import annotations

import argparse
import pathlib
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--tenant", type=int, help="only this company, into a database that lives")
    parser.add_argument(
        "--erasures", type=pathlib.Path, help="the ledger of erasures; else the one beside the file or in BACKUP_DIR"
    )
    parser.add_argument(
        "--check", action="store_true", help="only read the file from end to end and compare its digests"
    )


def run(args: argparse.Namespace) -> int:
    from saas.app import load_tables
    from saas.kit import logs
    from saas.kit.backups import bringing, tables, vault

    logs.begin("restore")
    load_tables()
    try:
        if args.check:
            found = bringing.check(args.file)
            print(f"{args.file} is whole: {sum(found.rows.values())} rows in {len(found.rows)} tables.")
            return 0
        _migrate(bringing.about(args.file)["revision"], alone=args.tenant is None)
        how = (
            bringing.bring(args.file, say=print)
            if args.tenant is None
            else bringing.bring_one(args.file, args.tenant, say=print)
        )
    except (bringing.NotEmpty, bringing.NotTheSame, vault.Damaged, tables.Strange, OSError) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(
        f"{sum(how.rows.values())} rows of {len(how.tenants)} companies are back and verified, in {how.seconds:.1f} s."
    )
    print("Searches are built by the workers. Empty Valkey if it served another database before.")
    return max(_erase_again(args), _verify_traces(args.tenant))


def _erase_again(args: argparse.Namespace) -> int:
    """Whoever was erased after the backup is in it still, and must not come back with it."""
    from saas.cli import db, erasures
    from saas.integrations import erasure_ledger
    from saas.kit.backups import bringing

    places = [args.erasures] if args.erasures else [args.file.parent / erasure_ledger.NAME, erasure_ledger.path()]
    ledger = next((place for place in places if place.exists()), None)
    if ledger is None:
        print("There is no ledger of erasures: whoever was erased after this backup is here again.")
        print("With the ledger at hand: python -m saas erasures replay LEDGER")
        return 1 if args.erasures else 0
    if bringing.about(args.file)["revision"] != db.newest():
        print(
            f"This backup is of an older version. After python -m saas db migrate run python -m saas erasures replay {ledger}"
        )
        return 0
    return erasures.run(argparse.Namespace(action="replay", file=ledger, tenant=args.tenant))


def _verify_traces(tenant_id: int | None) -> int:
    """Nobody may have changed the companies' histories on the way either."""
    from saas.cli import audit

    return audit.run(argparse.Namespace(action="verify", tenant=tenant_id, expect=None))


def _migrate(revision: str, *, alone: bool) -> None:
    """An empty database gets the tables of the backup's version; one that lives must have them."""
    from saas.cli import db

    if alone:
        db.migrate(to=revision)
