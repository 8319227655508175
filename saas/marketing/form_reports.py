"""What came of a form: shown, begun, sent, confirmed, who was won by it, and what they bought in the month after.

How often it was shown and begun is counted of browsers that agreed to statistics alone; so is the share that sent it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy import Select, and_, func, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce.models import COUNTED, Order
from saas.kit import clock, identifiers, kept, scope, valkey
from saas.kit.db import db
from saas.marketing.models import Form, FormCount, FormSubmission, FormTrial, FormTrialDay
from saas.tenancy import tenants

log = logging.getLogger(__name__)
TOLD, FOLDING = "forms-told", "forms-told:folding"
WHAT = ("shown", "started")
MET = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-d]")
AFTER = timedelta(days=30)
NEWEST = ((FormSubmission.sent_at, "desc"), (FormSubmission.id, "desc"))


def note(tenant_id: int, form_id: UUID, what: str, *, met: str = "") -> None:
    """Count that a form was shown or begun, and for whom it was the first time with an arm of a trial (`met`); a Valkey that is away
    loses it, for the shopper must not wait."""
    try:
        valkey.quick().hincrby(TOLD, f"{tenant_id}:{form_id}:{clock.now().date()}:{what}", 1)
        if what == "shown" and MET.fullmatch(met):
            trial, _dot, arm = met.partition(".")
            valkey.quick().hincrby(TOLD, f"{tenant_id}:{trial}:{clock.now().date()}:{arm}", 1)
    except (RedisError, OSError) as error:
        log.warning("a form's count was lost: %s", error)


def gather() -> dict[int, dict[tuple[UUID, date], dict[str, int]]]:
    """Take what was counted out of Valkey, by company; what an earlier try could not write comes again."""
    client = valkey.client()
    if not client.exists(FOLDING) and not (client.exists(TOLD) and client.renamenx(TOLD, FOLDING)):
        return {}
    found: dict[int, dict[tuple[UUID, date], dict[str, int]]] = {}
    for key, number in client.hgetall(FOLDING).items():
        tenant, form, day, what = key.decode().split(":")
        counts = found.setdefault(int(tenant), {}).setdefault((UUID(form), date.fromisoformat(day)), {})
        counts[what] = counts.get(what, 0) + int(number)
    return found


def written_down(tenant_id: int, counted: dict[tuple[UUID, date], dict[str, int]]) -> None:
    """Forget in Valkey what stands in the database now."""
    keys = [f"{tenant_id}:{form}:{day}:{what}" for (form, day), counts in counted.items() for what in counts]
    valkey.client().hdel(FOLDING, *keys)


def add(counted: dict[tuple[UUID, date], dict[str, int]]) -> None:
    """Add counts to the bound company's forms and their trials; those of what is gone are dropped."""
    _add_met(counted)
    there = set(db.session.scalars(select(Form.id).where(Form.id.in_({form for form, _day in counted}))))
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "form_id": form, "day": day}
        | {what: counts.get(what, 0) for what in WHAT}
        for (form, day), counts in counted.items()
        if form in there
    ]
    if rows:
        statement = insert(FormCount).values(rows)
        more = {what: getattr(FormCount, what) + getattr(statement.excluded, what) for what in WHAT}
        db.session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "form_id", "day"], set_=more))


def _add_met(counted: dict[tuple[UUID, date], dict[str, int]]) -> None:
    running = select(FormTrial).where(FormTrial.id.in_({one for one, _day in counted}))
    arms = {trial.id: {arm["key"] for arm in trial.arms} for trial in db.session.scalars(running)}
    rows = [
        {
            "tenant_id": scope.tenant_id(),
            "id": identifiers.new(),
            "trial_id": trial,
            "arm": arm,
            "day": day,
            "seen": seen,
        }
        for (trial, day), counts in counted.items()
        for arm, seen in counts.items()
        if arm in arms.get(trial, ())
    ]
    if rows:
        statement = insert(FormTrialDay).values(rows)
        more = {"seen": FormTrialDay.seen + statement.excluded.seen}
        db.session.execute(
            statement.on_conflict_do_update(index_elements=["tenant_id", "trial_id", "arm", "day"], set_=more)
        )


def of(form_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the figures of forms, in four queries for any number of them."""
    found: dict[UUID, dict[str, Any]] = {
        form: dict.fromkeys(
            ("shown", "started", "sent", "sent_counted", "confirmed", "won", "buyers", "revenue_amount"), 0
        )
        for form in form_ids
    }
    if not found:
        return found
    counts = select(FormCount.form_id, func.sum(FormCount.shown), func.sum(FormCount.started)).where(
        FormCount.form_id.in_(form_ids)
    )
    for form, shown, started in db.session.execute(counts.group_by(FormCount.form_id)):
        found[form] |= {"shown": int(shown), "started": int(started)}
    sent = select(
        FormSubmission.form_id, func.count(), func.count().filter(FormSubmission.counted), func.count(FormSubmission.confirmed_at),
        func.count().filter(FormSubmission.won & FormSubmission.confirmed_at.is_not(None)),
    ).where(FormSubmission.form_id.in_(form_ids)).group_by(FormSubmission.form_id)  # fmt: skip
    for form, number, counted, confirmed, won in db.session.execute(sent):
        found[form] |= {"sent": number, "sent_counted": counted, "confirmed": confirmed, "won": won}
    bought = kept.for_a_while(("forms", *sorted(map(str, form_ids))), lambda: _all_bought(form_ids))
    for form, buyers, revenue in bought:
        found[form] |= {"buyers": buyers, "revenue_amount": int(revenue)}
    for figures in found.values():
        figures["rate"] = figures["sent_counted"] / figures["shown"] if figures["shown"] else None
    return found


def _all_bought(form_ids: Sequence[UUID]) -> Sequence[Any]:
    """Return what was bought after each form, looking at no order older than the first that was sent by any."""
    first = db.session.scalar(select(func.min(FormSubmission.sent_at)).where(FormSubmission.form_id.in_(form_ids)))
    return db.session.execute(_bought(form_ids, first)).all() if first else ()


def _bought(form_ids: Sequence[UUID], since: datetime) -> Select:
    """Return what customers bought within a month of sending a form, each order once, in the company's currency."""
    first = (
        select(FormSubmission.form_id, FormSubmission.customer_id, func.min(FormSubmission.sent_at).label("sent_at"))
        .where(FormSubmission.form_id.in_(form_ids), FormSubmission.customer_id.is_not(None))
        .group_by(FormSubmission.form_id, FormSubmission.customer_id)
        .subquery()
    )
    theirs = and_(
        Order.customer_id == first.c.customer_id, Order.placed_at >= since, Order.placed_at >= first.c.sent_at, Order.placed_at < first.c.sent_at + AFTER,
        Order.status.in_(COUNTED), Order.currency == tenants.settings().currency,
    )  # fmt: skip
    return (
        select(
            first.c.form_id,
            func.count(Order.customer_id.distinct()),
            func.coalesce(func.sum(Order.total_amount - Order.refunded_amount), 0),
        )
        .join(Order, theirs)
        .group_by(first.c.form_id)
    )


def submissions(form_id: UUID) -> Select:
    """Return a select of what was sent by a form."""
    return select(FormSubmission).where(FormSubmission.form_id == form_id)
