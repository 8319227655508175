"""Bring a backup back into an empty database, or one company out of it into this one, and verify what arrived."""

from __future__ import annotations

import argparse
import pathlib
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--tenant", type=int, help="only this company, into a database that lives")
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
    return _verify_traces(args.tenant)


def _verify_traces(tenant_id: int | None) -> int:
    """Nobody may have changed the companies' histories on the way either."""
    from saas.cli import audit

    return audit.run(argparse.Namespace(action="verify", tenant=tenant_id, expect=None))


def _migrate(revision: str, *, alone: bool) -> None:
    """An empty database gets the tables of the backup's version; one that lives must have them."""
    from saas.cli import db

    if alone:
        db.migrate(to=revision)
