"""Reports over so many orders that nobody can wait for them: worked out by a job and shown as of when they were.

What sums of the days can tell is told at once (`reports.sums`). Who came back, who brings the money and what is bought together
are looked up here: a scope of few orders is worked out while one looks, of one with many the last result is shown, and a job is
asked for a newer one when it is old. Who must not see all records sees no result of all of them.

What is many goes by the orders that would have to be read: those of the time, whatever country they came from.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select, update
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
ASKED_MOST = 10
"""So many of a company are worked out or wait for it; another one is asked for when one of these is there."""
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
PRODUCTS, PAIRS, SHOWN = 1_000, 200, 10
SHOWN_AT_ONCE = ("sales", "cohorts", "shares", "products", "pairs")
"""Reports that the page shows of few orders; its months come of the sums of days."""
WAIT = (2, 30)
"""Seconds after which to look again, at least and at most."""


@dataclass(frozen=True)
class Told:
    """What reports say of a scope: `made_at` is None for what was worked out just now, `rows` while there is nothing yet.

    Of what is being worked out `done` of `of` reports are; `wait` is after how many seconds to look again.
    """

    rows: dict[str, Any] | None
    made_at: datetime | None = None
    done: int = 0
    of: int = 0
    wait: int = WAIT[0]


def many(asked: Scope) -> bool:
    """Tell whether so many orders would be read for a scope that nobody can wait for it."""
    return access.limiting() is None and reports.read_for(asked, most=MANY) >= MANY


def look(
    asked: Scope, *, zone: str, only: str = "", about: dict[str, Any] | None = None, orders: int | None = None
) -> Told:
    """Return what reports say of a scope: what a page shows of all, or `only` one of them whole.

    `about` names what is worked out by itself, a `pair` of products or `shares` of the customers; it goes with `only`. Who knows
    already how many `orders` would be read says it.
    """
    if not (many(asked) if orders is None else orders >= MANY and access.limiting() is None):
        wanted = _reports(
            asked, zone, products=PRODUCTS if only else SHOWN, pairs=PAIRS if only else SHOWN, about=about
        )
        return Told(
            {name: report() for name, report in wanted.items() if (name == only if only else name in SHOWN_AT_ONCE)}
        )
    reports.require_visible()
    content, now = _content(asked, zone, about), clock.now()
    key = _key(content)
    run = db.session.scalars(select(ReportRun).where(ReportRun.key == key)).one_or_none()
    held = run.result if run is not None and run.result is not None and (not only or only in run.result) else None
    fresh = held is not None and run is not None and run.made_at is not None and run.made_at > now - OLD
    asking = run is not None and run.asked_at is not None and run.asked_at > now - PATIENCE
    if not fresh and not asking and _asked() < ASKED_MOST:
        _ask(key, content)
    elif run is not None and run.seen_at < now - timedelta(days=1):
        run.seen_at = now
    if held is not None and run is not None:
        return Told(_read(held), run.made_at)
    return _told(run if asking else None, len(_reports(asked, zone, products=0, pairs=0, about=about)), now)


def _told(run: ReportRun | None, of: int, now: datetime) -> Told:
    """Return how far a report is that is not there yet, and how long it may take by what it has taken so far."""
    if run is None or run.asked_at is None or not run.done:
        return Told(None, of=of)
    left = (now - run.asked_at).total_seconds() / run.done * (of - run.done)
    return Told(None, done=run.done, of=of, wait=min(max(WAIT[0], math.ceil(left)), WAIT[1]))


def _asked() -> int:
    query = select(func.count()).select_from(ReportRun).where(ReportRun.asked_at > clock.now() - PATIENCE)
    return db.session.scalar(query) or 0


def _ask(key: str, content: dict[str, Any]) -> None:
    now = clock.now()
    row = insert(ReportRun).values(
        tenant_id=scope.tenant_id(), id=identifiers.new(), key=key, scope=content, asked_at=now, seen_at=now, took_ms=0
    )
    again = {"asked_at": now, "seen_at": now, "done": 0}
    db.session.execute(row.on_conflict_do_update(index_elements=["tenant_id", "key"], set_=again))
    announce(ReportsWanted(key=key))


def work_out(key: str) -> bool:
    """Work out what was asked for; tells whether it still was."""
    found = db.session.scalars(select(ReportRun).where(ReportRun.key == key)).one_or_none()
    if found is None or found.asked_at is None:
        return False
    work.take_long()
    began = clock.now()
    asked, rows = found.scope, {}
    wanted = _reports(_scope(asked), asked["zone"], products=PRODUCTS, pairs=PAIRS, about=asked.get("about"))
    for name, report in wanted.items():
        rows[name] = report()
        _reached(found.id, len(rows))
    found.result, found.made_at, found.asked_at = (
        orjson.loads(orjson.dumps(rows, default=str, option=orjson.OPT_NON_STR_KEYS)),
        began,
        None,
    )
    found.took_ms = int((clock.now() - began).total_seconds() * 1000)
    return True


def _reached(run_id: UUID, done: int) -> None:
    """Have who waits see how far it is: in a unit of its own, for the job's ends with the last report."""
    with work.unit():
        db.session.execute(update(ReportRun).where(ReportRun.id == run_id).values(done=done))


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


def _reports(
    asked: Scope, zone: str, *, products: int, pairs: int, about: dict[str, Any] | None = None
) -> dict[str, Callable[[], Any]]:
    if about is not None:
        alone: dict[str, Callable[[], Any]] = {
            "shares": lambda: reports.concentrations(about["shares"], asked), "pair": lambda: reports.pair(*about["pair"], asked),
        }  # fmt: skip
        return {name: alone[name] for name in about}
    return {
        "sales": lambda: reports.sales(asked), "cohorts": lambda: reports.cohorts(asked, zone=zone),
        "months": lambda: reports.sales_by_month(asked, zone=zone), "shares": lambda: reports.concentrations(SHARES, asked),
        "products": lambda: reports.best_products(asked, limit=products), "pairs": lambda: reports.bought_together(asked, limit=pairs),
        "days": lambda: reports.sales_by_day(asked, zone=zone), "products_sold": lambda: reports.products_sold(asked),
    }  # fmt: skip


def _read(result: dict[str, Any]) -> dict[str, Any]:
    """Return what was kept as JSON as the reports themselves say it."""
    found = dict(result)
    for name, moment in (("months", "month"), ("days", "day")):
        if name in found:
            found[name] = [{**row, moment: date.fromisoformat(row[moment])} for row in found[name]]
    if "cohorts" in found:
        found["cohorts"] = {date.fromisoformat(month): row for month, row in found["cohorts"].items()}
    if "products" in found:
        found["products"] = [
            {**row, "product_id": row["product_id"] and UUID(row["product_id"])} for row in found["products"]
        ]
    return found


def _content(asked: Scope, zone: str, about: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "since": asked.since and asked.since.isoformat(), "until": asked.until and asked.until.isoformat(), "country": asked.country,
        "cleaned": asked.cleaned, "currency": asked.currency or tenants.settings().currency, "zone": zone,
        **({} if about is None else {"about": about}),
    }  # fmt: skip


def _scope(content: dict[str, Any]) -> Scope:
    moments = {name: content[name] and datetime.fromisoformat(content[name]) for name in ("since", "until")}
    return Scope(**moments, **{name: content[name] for name in ("country", "cleaned", "currency")})


def _key(content: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
