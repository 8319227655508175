"""Check that nobody changed what companies' histories say, or print the anchors to keep elsewhere."""

from __future__ import annotations

import argparse
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    verify = actions.add_parser("verify", help="make every seal again and name the first place that does not agree")
    verify.add_argument("--tenant", type=int, help="one company's number; all of them unless given")
    verify.add_argument("--expect", metavar="POSITION:HASH", help="an anchor of this company that was kept elsewhere")
    anchors = actions.add_parser("anchors", help="print each company's newest seal, to be kept elsewhere")
    anchors.add_argument("--tenant", type=int, help="one company's number; all of them unless given")
    seal = actions.add_parser("seal", help="seal now what waits for it, as the timetable does every minute")
    seal.add_argument("--tenant", type=int, help="one company's number; all of them unless given")


def run(args: argparse.Namespace) -> int:
    from saas.app import create_app
    from saas.kit import work
    from saas.tenancy import sealing, tenants, verifying

    if getattr(args, "expect", None) and not args.tenant:
        sys.exit("--expect needs --tenant.")
    with create_app(only_rooms=True).app_context():
        with work.platform_unit(reason=f"audit {args.action} by command"):
            wanted = [args.tenant] if args.tenant else tenants.all_ids()
        if args.action == "anchors":
            for tenant_id in wanted:
                anchor = sealing.anchor(tenant_id)
                if anchor:
                    print(f"{tenant_id} {anchor[0]}:{anchor[1]}")
            return 0
        if args.action == "seal":
            print(f"{sum(sealing.seal(tenant_id) for tenant_id in wanted)} entries sealed")
            return 0
        expected = _anchor(args.expect) if args.expect else None
        reports = [_told(verifying.verify(tenant_id, expected=expected)) for tenant_id in wanted]
    return 1 if any(report.broken for report in reports) else 0


def _anchor(text: str) -> tuple[int, str]:
    position, _colon, hashed = text.partition(":")
    return int(position), hashed.strip()


def _told(report):
    """Print a line about a company and hand the report on."""
    counted = f"{report.seals} seals, {report.rows} entries, {report.erased} erased, {report.unsealed} not sealed yet"
    print(
        f"tenant {report.tenant_id}: {'BROKEN: ' + report.broken if report.broken else 'whole'} ({counted})", flush=True
    )
    return report
