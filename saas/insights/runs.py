"""Reports over so many orders that nobody can wait for them: worked out by a job and shown as of when they were.

What sums of the days can tell is told at once (`reports.sums`). Who came back, who brings the money and what is bought together
are looked up here: a scope of few orders is worked out while one looks, of one with many the last result is shown, and a job is
asked for a newer one when it is old. Who must not see all records sees no result of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from saas.insights import reports
from saas.insights.events import ReportsWanted
from saas.insights.models import DayBook, DaySum, ReportRun
from saas.insights.reports import Scope
from saas.kit import access, clock, identifiers, scope, work
from saas.kit.db import db
from saas.kit.events import announce
from saas.tenancy import tenants

MANY = 10_000
"""Orders from which on nobody waits for a report."""
OLD, PATIENCE = timedelta(minutes=15), timedelta(minutes=15)
"""After so long a result is asked for anew, and a job that has not answered is asked again."""
UNSEEN, MOST = timedelta(days=30), 100
"""What nobody looked at for so long is thrown away, and of what programs think up so many are kept."""
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
PRODUCTS, PAIRS, SHOWN = 1_000, 200, 10


@dataclass(frozen=True)
class Told:
    """What reports say of a scope: `made_at` is None for what was worked out just now, `rows` while there is nothing yet."""

    rows: dict[str, Any] | None
    made_at: datetime | None = None


def look(asked: Scope, *, zone: str, orders: int, only: str = "") -> Told:
    """Return what reports say of a scope of so many orders: what a page shows of all, or `only` one of them whole."""
    if orders < MANY or access.limiting() is not None:
        wanted = _reports(asked, zone, products=PRODUCTS if only else SHOWN, pairs=PAIRS if only else SHOWN)
        return Told({name: report() for name, report in wanted.items() if (name == only if only else name != "months")})
    reports.require_visible()
    content, now = _content(asked, zone), clock.now()
    key = _key(content)
    run = db.session.scalars(select(ReportRun).where(ReportRun.key == key)).one_or_none()
    fresh = run is not None and run.made_at is not None and run.made_at > now - OLD
    asking = run is not None and run.asked_at is not None and run.asked_at > now - PATIENCE
    if not fresh and not asking:
        _ask(key, content)
    elif run is not None and run.seen_at < now - timedelta(days=1):
        run.seen_at = now
    return Told(run.result and _read(run.result), run.made_at) if run is not None else Told(None)


def _ask(key: str, content: dict[str, Any]) -> None:
    now = clock.now()
    row = insert(ReportRun).values(
        tenant_id=scope.tenant_id(), id=identifiers.new(), key=key, scope=content, asked_at=now, seen_at=now, took_ms=0
    )
    db.session.execute(
        row.on_conflict_do_update(index_elements=["tenant_id", "key"], set_={"asked_at": now, "seen_at": now})
    )
    announce(ReportsWanted(key=key))


def work_out(key: str) -> bool:
    """Work out what was asked for; tells whether it still was."""
    found = db.session.scalars(select(ReportRun).where(ReportRun.key == key)).one_or_none()
    if found is None or found.asked_at is None:
        return False
    work.take_long()
    began = clock.now()
    asked = found.scope
    wanted = _reports(_scope(asked), asked["zone"], products=PRODUCTS, pairs=PAIRS)
    rows = {name: report() for name, report in wanted.items()}
    found.result, found.made_at, found.asked_at = (
        orjson.loads(orjson.dumps(rows, default=str, option=orjson.OPT_NON_STR_KEYS)),
        began,
        None,
    )
    found.took_ms = int((clock.now() - began).total_seconds() * 1000)
    return True


def large() -> list[int]:
    """Return the companies whose reports are worked out each night; asked over all companies."""
    counted = select(DaySum.tenant_id).group_by(DaySum.tenant_id).having(func.sum(DaySum.all_orders) >= MANY)
    return sorted(db.session.scalars(counted.where(DaySum.tenant_id.in_(select(DayBook.tenant_id)))))


def prepare() -> str:
    """Throw away what nobody looks at, and ask for what the bound company's page shows first; returns its key."""
    db.session.execute(delete(ReportRun).where(ReportRun.seen_at < clock.now() - UNSEEN))
    old = select(ReportRun.id).order_by(ReportRun.seen_at.desc(), ReportRun.id).offset(MOST)
    db.session.execute(delete(ReportRun).where(ReportRun.id.in_(old)))
    known = tenants.settings()
    content = _content(Scope(currency=known.currency), known.zone)
    _ask(_key(content), content)
    return _key(content)


def _reports(asked: Scope, zone: str, *, products: int, pairs: int) -> dict[str, Callable[[], Any]]:
    return {
        "sales": lambda: reports.sales(asked), "cohorts": lambda: reports.cohorts(asked, zone=zone),
        "months": lambda: reports.sales_by_month(asked, zone=zone), "shares": lambda: reports.concentrations(SHARES, asked),
        "products": lambda: reports.best_products(asked, limit=products), "pairs": lambda: reports.bought_together(asked, limit=pairs),
    }  # fmt: skip


def _read(result: dict[str, Any]) -> dict[str, Any]:
    """Return what was kept as JSON as the reports themselves say it."""
    return {
        **result,
        "cohorts": {date.fromisoformat(month): row for month, row in result["cohorts"].items()},
        "months": [{**row, "month": date.fromisoformat(row["month"])} for row in result["months"]],
        "products": [
            {**row, "product_id": row["product_id"] and UUID(row["product_id"])} for row in result["products"]
        ],
    }


def _content(asked: Scope, zone: str) -> dict[str, Any]:
    return {
        "since": asked.since and asked.since.isoformat(), "until": asked.until and asked.until.isoformat(), "country": asked.country,
        "cleaned": asked.cleaned, "currency": asked.currency or tenants.settings().currency, "zone": zone,
    }  # fmt: skip


def _scope(content: dict[str, Any]) -> Scope:
    moments = {name: content[name] and datetime.fromisoformat(content[name]) for name in ("since", "until")}
    return Scope(**moments, **{name: content[name] for name in ("country", "cleaned", "currency")})


def _key(content: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
