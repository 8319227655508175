"""The platform's own page: the companies, the programs, what waits and what failed. For staff of the platform only.

It shows counts, states and our own words, never what a company keeps of its customers.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from psycopg import Error as PostgresError
from redis.exceptions import RedisError

from saas.billing import plans, platform
from saas.kit import beats, doors, errors, outbox, queues, standing, text, work
from saas.kit import pages as paging
from saas.kit.backups import taking
from saas.tenancy import audit
from tenant_admin import frame

pages = Blueprint("platform", __name__)


class NotFailing(errors.NotFound):
    """It is not failing any more: done, tried again or given up meanwhile."""


@pages.get("/platform")
@doors.open_to("staff")
def index() -> str:
    """Show how the platform is: companies, programs, queues, the timetable, the newest backup."""
    with work.platform_unit(reason="look at the platform's overview"):
        told = {"states": platform.states(), "signups": platform.signups(), "operations": platform.going()}
    return _page("index", **told, **_programs(), backup=_newest_backup())


def _programs() -> dict[str, Any]:
    """What Valkey and the outbox say; a server that is away is said to be so."""
    try:
        signs = beats.heard()
        known = {"signs": signs, "silent": beats.silent(signs), "queues": standing.lined_up(), "valkey": True}
    except (RedisError, OSError):
        known = {"signs": [], "silent": [], "queues": [], "valkey": False}
    try:
        return known | {"outbox": standing.outbox(), "ticks": sorted(standing.ticks().items())}
    except (PostgresError, OSError):
        return known | {"outbox": None, "ticks": []}


def _newest_backup() -> dict[str, Any] | None:
    newest = taking.newest()
    if newest is None:
        return None
    there = newest.stat()
    return {"hours": max(time.time() - there.st_mtime, 0) / 3600, "megabytes": there.st_size / 1e6}


@pages.get("/platform/companies")
@doors.open_to("staff")
def companies() -> str:
    """Show the companies, the newest first."""
    wanted = text.clean(request.args.get("q"), most=80)
    with work.platform_unit(reason="look at the list of companies"):
        page = paging.page(
            platform.companies(wanted), order=platform.NEWEST, cursor=request.args.get("cursor"), limit=25
        )
        rows = platform.told(list(page.items))
    for row in rows:
        row["plan"] = _plan(row["plan"])
        row["use"] = [row["use"].get(name, (0, None)) for name in ("contacts", "mails_month")]
    return _page("companies", rows=rows, next=page.next, search=wanted)


@pages.get("/platform/companies/<int:tenant_id>")
@doors.open_to("staff")
def company(tenant_id: int) -> str:
    """Show one company: plan, use and size."""
    with work.platform_unit(reason=f"look at the plan and use of company {tenant_id}"):
        told = platform.one(tenant_id)
    told["plan"] = _plan(told["plan"])
    return _page("company", company=told)


@pages.get("/platform/failures")
@doors.open_to("staff")
def failures() -> str:
    """Show what failed, and why in our own words."""
    try:
        jobs = queues.failed()
    except (RedisError, OSError):
        jobs = []
    return _page("failures", events=outbox.failing(), jobs=jobs)


@pages.post("/platform/events/<uuid:event_id>/retry")
@doors.open_to("staff", fresh=True)
def retry_event(event_id: UUID) -> Any:
    """Have an event handed out again at once."""
    outbox.bring_back([event_id])
    audit.record_platform_act(f"try event {event_id} again")
    frame.toast(_("It is handed out again."))
    return frame.go(url_for("platform.failures"))


@pages.post("/platform/events/<uuid:event_id>/give-up")
@doors.open_to("staff", fresh=True)
def give_up_event(event_id: UUID) -> Any:
    """Let go of an event that keeps failing; raises NotFailing."""
    given = outbox.give_up(event_id)
    if given is None:
        raise NotFailing
    audit.record_platform_act(f"give up event {event_id} ({given.name} of company {given.tenant_id})")
    frame.toast(_("It is given up and will not be tried again."))
    return frame.go(url_for("platform.failures"))


@pages.post("/platform/jobs/<queue>/<job_id>/<act>")
@doors.open_to("staff", fresh=True)
def settle_job(queue: str, job_id: str, act: str) -> Any:
    """Try a failed job again or throw it away; raises NotFailing."""
    settle = {"retry": queues.retry, "give-up": queues.give_up}.get(act)
    if settle is None or queue not in queues.QUEUES or not settle(queue, job_id):
        raise NotFailing
    audit.record_platform_act(f"{act} job {job_id} of {queue}")
    frame.toast(
        _("It waits in its queue again.") if act == "retry" else _("It is given up and will not be tried again.")
    )
    return frame.go(url_for("platform.failures"))


@pages.get("/platform/acts")
@doors.open_to("staff")
def acts() -> str:
    """Show what the platform's people and jobs did over companies, the newest first."""
    page = paging.page(platform.acts(), order=platform.ACTS, cursor=request.args.get("cursor"), limit=50)
    rows = [{"id": act.id, "acted_at": act.acted_at, "actor": act.actor, "reason": act.reason} for act in page.items]
    return _page("acts", rows=rows, next=page.next)


def _plan(key: str | None) -> str:
    found = plans.PLANS.get(key or "free")
    return found.name if found else str(key)


def _page(name: str, **values: Any) -> str:
    labels = [
        ("index", _("Overview")),
        ("companies", _("Companies")),
        ("failures", _("Failures")),
        ("acts", _("Who looked")),
    ]
    current = "companies" if name == "company" else name
    tabs = [{"label": label, "url": url_for(f"platform.{view}"), "active": view == current} for view, label in labels]
    return render_template(f"platform/{name}.html", tabs=tabs, **values)
