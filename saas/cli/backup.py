"""Back up the whole database, or one company, into a file, and throw away the oldest files."""

from __future__ import annotations

import argparse
import pathlib
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=pathlib.Path, help="the file to write; else a new one in BACKUP_DIR")
    parser.add_argument("--tenant", type=int, help="only this company, by its number")
    parser.add_argument("--keep", type=int, help="how many backups to keep; else BACKUP_KEEP")


def run(args: argparse.Namespace) -> int:
    import psycopg

    from saas import config
    from saas.app import load_tables
    from saas.kit import logs
    from saas.kit.backups import tables, taking

    logs.begin("backup")
    load_tables()
    try:
        taken = taking.take(to=args.to, tenant_id=args.tenant)
    except (tables.Strange, psycopg.OperationalError, OSError) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    speed = taken.size / 1e6 / max(taken.seconds, 0.001)
    print(f"{taken.path}: {taken.rows} rows, {taken.size / 1e6:.1f} MB in {taken.seconds:.1f} s ({speed:.1f} MB/s)")
    if not config.get().backup_key:
        print("It is not encrypted: set BACKUP_KEY.")
    for old in taking.tidy(keep=args.keep if args.keep is not None else config.get().backup_keep):
        print(f"threw away {old.name}")
    return 0
