"""What a customer said to an offer that a person made them: they took it, or not, and why not.

What was declined is offered to them nowhere for some time: not in the shop, in no mail and not by a colleague. Where it is
decided what is shown, `declined` answers from a copy in Valkey; PostgreSQL is the truth.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from redis.exceptions import RedisError
from sqlalchemy import Select, and_, func, or_, select

from saas.catalog import products
from saas.customers import profiles, timeline
from saas.kit import clock, errors, identifiers, pool, scope, text, work
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.recommend import copies
from saas.recommend.answer_models import DECLINES, VERDICTS, OfferAnswer
from saas.recommend.stock import number_of
from saas.tenancy import audit

log = logging.getLogger(__name__)
LONGEST = 3650  # days a decline may be kept to
SAME_DAY = timedelta(days=1)
DECLINED = """
    SELECT customer_id, product_id, extract(epoch FROM until)::float8 FROM offer_answers
    WHERE customer_id = ANY(%s) AND verdict = 'declined' AND taken_back_at IS NULL AND until > now()
"""
ORDER = ((OfferAnswer.id, "desc"),)


class NoSuchAnswer(errors.NotFound):
    """There is no such answer to an offer."""


class BadAnswer(errors.Invalid):
    """A field of the answer is out of range."""


def one(answer_id: UUID | str, *, lock: bool = False) -> OfferAnswer:
    """Return an answer; raises NoSuchAnswer."""
    return kit_db.one(OfferAnswer, answer_id, NoSuchAnswer, lock=lock)


def query(*, customer_id: UUID | None = None, verdict: str | None = None, reason: str | None = None) -> Select:
    """Return a select of the answers that stand, of one customer, of one kind, or all."""
    wanted = {"customer_id": customer_id, "verdict": verdict, "reason": reason}
    narrowed = {name: value for name, value in wanted.items() if value is not None}
    return select(OfferAnswer).where(OfferAnswer.taken_back_at.is_(None)).filter_by(**narrowed)


def say(
    *, customer_id: UUID | str, product_id: UUID | str, verdict: str, reason: str = "", note: str = "", days: int | None = None,
    slot: str = "", offer_code: str = "", algorithm: str = "",
) -> OfferAnswer:  # fmt: skip
    """Write down what a customer said to a product; the same said again (a doubled click) is the answer from before.

    Their newest word counts: what was declined and is taken now is declined no more. `reason` is one of DECLINES and sets for
    how long a declined product is left alone, `days` sets it otherwise. Raises NoSuchCustomer, NoSuchProduct or BadAnswer.
    """
    customer, product = profiles.one(customer_id, lock=True), products.one(product_id)
    _judge(verdict=verdict, reason=reason, days=days)
    now, mine = clock.now(), OfferAnswer.product_id == product.id
    standing = list(db.session.scalars(query(customer_id=customer.id).where(mine, _counts(now))))
    same = next((held for held in standing if (held.verdict, held.reason) == (verdict, reason)), None)
    if same is not None and days is None:
        return same
    for held in standing:
        held.taken_back_at = now
        _untell(held)
    kept_for = DECLINES[reason] if days is None else days
    answer = OfferAnswer(
        id=identifiers.new(), customer_id=customer.id, product_id=product.id, verdict=verdict, reason=reason,
        note=text.clean(note, most=500), slot=slot, offer_code=offer_code[:40], algorithm=algorithm[:40], answered_at=now,
        answered_by=scope.actor().name, until=now + timedelta(days=kept_for) if verdict == "declined" else None,
    )  # fmt: skip
    db.session.add(answer)
    db.session.flush()
    _tell(answer, product.name)
    _trace(answer, verdict, product.name)
    return answer


def _judge(*, verdict: str, reason: str, days: int | None) -> None:
    wrong = {}
    if verdict not in VERDICTS:
        wrong["verdict"] = [_("Choose accepted or declined.")]
    if reason not in DECLINES or (reason and verdict == "accepted"):
        wrong["reason"] = [_("Choose one of the reasons for declining.")]
    if days is not None and (verdict == "accepted" or not 1 <= days <= LONGEST):
        wrong["days"] = [_("A number from 1 to %(most)s, for what is declined.", most=LONGEST)]
    if wrong:
        raise BadAnswer(fields=wrong)


def _counts(now: datetime) -> Any:
    """A decline counts until it ends; that something was taken is news again the next day."""
    taken = and_(OfferAnswer.verdict == "accepted", OfferAnswer.answered_at > now - SAME_DAY)
    return or_(OfferAnswer.until > now, taken)


def take_back(answer_id: UUID | str) -> OfferAnswer:
    """Take an answer back that was a mistake; raises NoSuchAnswer. Once is as good as twice."""
    answer = one(answer_id, lock=True)
    if answer.taken_back_at is None:
        answer.taken_back_at = clock.now()
        db.session.flush()
        _untell(answer)
        _trace(answer, "taken_back", products.one(answer.product_id).name)
    return answer


def stand_again(answer_id: UUID | str) -> OfferAnswer:
    """Have an answer stand that was taken back; raises NoSuchAnswer."""
    answer = one(answer_id, lock=True)
    if answer.taken_back_at is not None:
        answer.taken_back_at = None
        db.session.flush()
        product = products.one(answer.product_id)
        _tell(answer, product.name)
        _trace(answer, answer.verdict, product.name)
    return answer


def _tell(answer: OfferAnswer, name: str) -> None:
    titles = {"accepted": f"Took {name}, which was offered", "declined": f"Declined {name}"}
    timeline.add(
        customer_id=answer.customer_id, kind="offer", at=answer.answered_at, key=f"answer:{answer.id}", title=titles[answer.verdict],
        link=f"/products/{answer.product_id}",
        details={"verdict": answer.verdict, "name": name, "reason": answer.reason, "note": answer.note, "by": answer.answered_by},
    )  # fmt: skip


def _untell(answer: OfferAnswer) -> None:
    timeline.remove_many([("offer", answer.answered_at, f"answer:{answer.id}")])


def _trace(answer: OfferAnswer, what: str, name: str) -> None:
    """Write it into the history, and have it count everywhere from now on."""
    told = {"answer": str(answer.id), "product": name, "reason": answer.reason}
    audit.record(action=f"offer_answers.{what}", kind="customer", record_id=answer.customer_id, after=told)
    tenant_id, customer_id = scope.tenant_id(), answer.customer_id
    work.after_commit(lambda: _drop(tenant_id, customer_id), key=("declined", customer_id))


# What is asked while shoppers wait


def _name(tenant_id: int, customer_id: UUID | str) -> str:
    return f"declined:{tenant_id}:{customer_id}"


def declined(tenant_id: int, customer_id: UUID) -> frozenset[int]:
    """Return the numbers of the products that a customer declined and that are not offered to them now."""
    name = _name(tenant_id, customer_id)
    held = copies.read(name, lambda: orjson.dumps(_read(tenant_id, [customer_id]).get(customer_id, [])))
    return _now(orjson.loads(held))


def declined_by(tenant_id: int, customer_ids: Sequence[UUID]) -> dict[UUID, frozenset[int]]:
    """Return the same for many customers in one query; who declined nothing is left out."""
    return {customer_id: _now(rows) for customer_id, rows in _read(tenant_id, customer_ids).items()}


def _read(tenant_id: int, customer_ids: Sequence[UUID]) -> dict[UUID, list[tuple[int, float]]]:
    found: dict[UUID, list[tuple[int, float]]] = {}
    with pool.connection(tenant_id=tenant_id) as opened:
        for customer_id, product_id, until in opened.execute(DECLINED, [list(customer_ids)]):
            found.setdefault(customer_id, []).append((number_of(product_id), until))
    return found


def _now(rows: Iterable[Sequence[Any]]) -> frozenset[int]:
    present = time.time()
    return frozenset(number for number, until in rows if until > present)


def _drop(tenant_id: int, customer_id: UUID) -> None:
    try:
        forget(tenant_id=tenant_id, customer_ids=[customer_id])
    except (RedisError, OSError) as error:
        log.warning("what customer %s declined is told everywhere only in some minutes: %s", customer_id, error)


def forget(*, tenant_id: int, customer_ids: Sequence[UUID | str]) -> None:
    """Drop the copies about these customers; raises Valkey's errors."""
    copies.drop([_name(tenant_id, one_of_them) for one_of_them in customer_ids])


# What came of it


def counted(*, since: datetime) -> list[dict[str, Any]]:
    """Count the answers that stand since a moment, by verdict, reason of a decline, place and algorithm."""
    by = (OfferAnswer.verdict, OfferAnswer.reason, OfferAnswer.slot, OfferAnswer.algorithm)
    found = select(*by, func.count()).where(OfferAnswer.answered_at >= since, OfferAnswer.taken_back_at.is_(None))
    rows = db.session.execute(found.group_by(*by).order_by(*by))
    return [dict(zip(("verdict", "reason", "slot", "algorithm", "count"), row, strict=True)) for row in rows]
