"""Codes of coupons: drawn, kept ready, and given to people, each once.

A code is drawn at random from letters nobody confuses; what it says about its end is decided when it is made, so that
giving one that lies ready needs no call to the shop. Whoever holds a code that they can still use is given that one again
and not a second one; `given_key` makes the same wish the same code, however often it is made.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from saas.commerce import coupons
from saas.commerce.coupon_events import CodesWanted, CouponGiven, CouponMailWanted
from saas.commerce.coupon_models import CODE_STATES, GIVEN_BY, Coupon, CouponCode, CouponUse
from saas.customers import timeline
from saas.kit import arrays, clock, errors, identifiers, scope
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import tenants

SIGNS = "234679ACDEFGHJKMNPQRTVWXYZ"
"""No 0 and O, 1, I and L, 5 and S, 8 and B, U and V: somebody reads a code out or types it from paper."""
LENGTH = 10
STATES, BY = CODE_STATES, GIVEN_BY
LIVE = ("waiting", "ready")
CHUNK = 500
NEWEST = ((CouponCode.id, "desc"),)


class NoSuchCode(errors.NotFound):
    """There is no such code."""


class HadAlready(errors.Conflict):
    """Somebody had as many codes of a coupon as one person may have."""

    code, message = "coupon_had", "They had this coupon already, as often as one person may."


def one(code_id: UUID | str, *, lock: bool = False) -> CouponCode:
    """Return a code; raises NoSuchCode."""
    return kit_db.one(CouponCode, code_id, NoSuchCode, lock=lock)


def many(code_ids: Sequence[UUID]) -> dict[UUID, CouponCode]:
    """Return codes by their ids."""
    query = select(CouponCode).where(CouponCode.id == arrays.among(list(code_ids)))
    return {code.id: code for code in db.session.scalars(query)}


def used() -> ColumnElement[bool]:
    """Whether a code was used in an order that counts."""
    return exists().where(CouponUse.code_id == CouponCode.id, CouponUse.counted).correlate(CouponCode)


def usable() -> ColumnElement[bool]:
    """Whether a code can still be used: its shop has it or is about to, its time is not over, and it was not used up."""
    uses = (
        select(func.count()).where(CouponUse.code_id == CouponCode.id, CouponUse.counted).correlate(CouponCode)
    ).scalar_subquery()
    most = select(Coupon.uses).where(Coupon.id == CouponCode.coupon_id).correlate(CouponCode).scalar_subquery()
    return and_(
        CouponCode.state.in_(LIVE), or_(CouponCode.ends_at.is_(None), CouponCode.ends_at > clock.now()), uses < most
    )


def ends(coupon: Coupon, *, given: datetime, spare: int = 0) -> datetime | None:
    """Return until when a code is good that is given at a moment: to the end of its last day where the company is, and
    never longer than the coupon. `spare` days are added for a code that is made ahead and given later."""
    if not coupon.days:
        return coupon.ends_at
    zone = _zone()
    last = given.astimezone(zone).date() + timedelta(days=coupon.days + spare)
    until = datetime.combine(last, time(23, 59, 59), zone).astimezone(UTC)
    return min(until, coupon.ends_at) if coupon.ends_at else until


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(tenants.settings().zone)
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


def draw(prefix: str) -> str:
    """Return a code nobody can guess."""
    drawn = "".join(secrets.choice(SIGNS) for _sign in range(LENGTH))
    return f"{prefix}-{drawn}" if prefix else drawn


def make(coupon: Coupon, count: int, **columns: Any) -> list[UUID]:
    """Write so many new codes, waiting for their shop; `columns` as lists, one value a code. Returns their ids in order."""
    made: list[UUID] = []
    while len(made) < count:
        place = len(made)
        ids = identifiers.many(count - place)
        rows = [
            {
                "tenant_id": scope.tenant_id(), "id": code_id, "coupon_id": coupon.id, "shop_id": coupon.shop_id, "state": "waiting",
                "code": (code := draw(coupon.prefix)), "norm": code.upper(), "made_at": clock.now(),
                **{name: values[place + number] for name, values in columns.items()},
            }
            for number, code_id in enumerate(ids)
        ]  # fmt: skip
        for start in range(0, len(rows), 2000):
            part = rows[start : start + 2000]
            statement = insert(CouponCode).on_conflict_do_nothing(index_elements=["tenant_id", "shop_id", "norm"])
            kept = set(db.session.scalars(statement.returning(CouponCode.id), part))
            if len(kept) == len(part):
                made += [row["id"] for row in part]
                continue
            made += [row["id"] for row in part if row["id"] in kept]  # a code that is there already: draw others
            if columns:
                raise errors.Conflict(_("Two of the codes were the same. Try again."))
            break
    return made


def fresh(coupon: Coupon) -> ColumnElement[bool]:
    """Whether a code of the pool is good for long enough to be given now."""
    least = ends(coupon, given=clock.now())
    mine = and_(CouponCode.coupon_id == coupon.id, CouponCode.given_at.is_(None))
    return mine if least is None else and_(mine, or_(CouponCode.ends_at.is_(None), CouponCode.ends_at >= least))


def fill(coupon_id: UUID, *, most: int = 1000) -> int:
    """Draw what a coupon's pool lacks and let go of what is good for too short a time; returns how many were drawn."""
    coupon = coupons.one(coupon_id, lock=True)
    if coupon.state != "active" or coupons.over(coupon) or not (coupon.pool or coupon.days):
        return 0
    if coupon.days:
        stale = and_(
            CouponCode.coupon_id == coupon.id, CouponCode.given_at.is_(None), CouponCode.state.in_(LIVE), ~fresh(coupon)
        )
        db.session.execute(
            update(CouponCode).where(stale).values(state="stopping", claimed_until=None)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    held = db.session.scalar(
        select(func.count()).select_from(CouponCode).where(fresh(coupon), CouponCode.state.in_(LIVE))
    )
    lacking = min(coupon.pool - (held or 0), most)
    if lacking > 0:
        make(coupon, lacking, ends_at=[ends(coupon, given=clock.now(), spare=1)] * lacking)
    return max(lacking, 0)


def give(
    coupon_id: UUID | str, *, customer_id: UUID | None, by: str, key: str | None = None, given_for: UUID | None = None,
    only_ready: bool = False,
) -> CouponCode | None:  # fmt: skip
    """Give somebody a code of a coupon: the one this wish got before, one they hold and can still use, one that lies ready,
    or a new one, which its shop has soon. With `only_ready` None where none lies ready.

    Raises NoSuchCoupon, Stopped or HadAlready.
    """
    coupon = coupons.one(coupon_id, lock=customer_id is not None)
    if key and (held := by_key(coupon.id, key)) is not None:
        return held
    coupons.require_open(coupon)
    if customer_id is not None:
        held_now, had = _holding(coupon.id, [customer_id])
        if customer_id in held_now:
            return one(held_now[customer_id])
        if had.get(customer_id, 0) >= coupon.per_customer:
            raise HadAlready(_(HadAlready.message))
    now = clock.now()
    found = db.session.scalars(
        select(CouponCode).where(fresh(coupon), CouponCode.state == "ready").order_by(CouponCode.id).limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()  # fmt: skip
    if found is None and only_ready:
        want(coupon)
        return None
    values = {"customer_id": customer_id, "given_at": now, "given_by": by, "given_for": given_for, "given_key": key}
    if found is None:
        [code_id] = make(
            coupon, 1, ends_at=[ends(coupon, given=now)], **{name: [value] for name, value in values.items()}
        )
        found = one(code_id)
    else:
        for name, value in values.items():
            setattr(found, name, value)
        db.session.flush()
    want(coupon)
    if customer_id is not None:
        _tell(coupon, [(found.id, customer_id)], by=by, at=now)
    return found


def want(coupon: Coupon) -> None:
    """Have the workers look after a coupon's codes."""
    announce(CodesWanted(shop_id=str(coupon.shop_id)))


def by_key(coupon_id: UUID, key: str) -> CouponCode | None:
    """Return the code that a wish got, or None."""
    query = select(CouponCode).where(CouponCode.coupon_id == coupon_id, CouponCode.given_key == key)
    return db.session.scalars(query).one_or_none()


def _holding(coupon_id: UUID, customer_ids: Sequence[UUID]) -> tuple[dict[UUID, UUID], dict[UUID, int]]:
    """Return of these people the code each can still use, and how many each had that were not taken back."""
    theirs = and_(CouponCode.coupon_id == coupon_id, CouponCode.customer_id == arrays.among(list(customer_ids)))
    newest = (
        select(CouponCode.customer_id, CouponCode.id).where(theirs, usable())
        .ext(distinct_on(CouponCode.customer_id)).order_by(CouponCode.customer_id, CouponCode.given_at.desc(), CouponCode.id.desc())
    )  # fmt: skip
    counted = (
        select(CouponCode.customer_id, func.count())
        .where(theirs, or_(CouponCode.state.in_(LIVE), used()))
        .group_by(CouponCode.customer_id)
    )
    return dict(db.session.execute(newest).all()), dict(db.session.execute(counted).all())


def give_many(coupon_id: UUID, customer_ids: Sequence[UUID], *, by: str, given_for: UUID) -> dict[UUID, UUID]:
    """Give many people a code each, and return it by the person; who had it as often as one may is left out.

    New codes are drawn for those who hold none; the pool is for who cannot wait. Raises Stopped.
    """
    coupon = coupons.one(coupon_id, lock=True)
    coupons.require_open(coupon)
    found, had = _holding(coupon.id, customer_ids)
    new = [one for one in dict.fromkeys(customer_ids) if one not in found and had.get(one, 0) < coupon.per_customer]
    if new:
        now = clock.now()
        many_ = len(new)
        made = make(
            coupon, many_, ends_at=[ends(coupon, given=now)] * many_, customer_id=new, given_at=[now] * many_, given_by=[by] * many_,
            given_for=[given_for] * many_, given_key=[f"{given_for}:{customer}" for customer in new],
        )  # fmt: skip
        pairs = list(zip(made, new, strict=True))
        found |= {customer: code for code, customer in pairs}
        _tell(coupon, pairs, by=by, at=now)
        want(coupon)
    return found


def _tell(coupon: Coupon, pairs: Sequence[tuple[UUID, UUID]], *, by: str, at: datetime) -> None:
    timeline.add_many([
        {"customer_id": customer, "kind": "offer", "at": at, "title": f"Got the coupon {coupon.name}", "key": f"coupon:{code}",
         "link": f"/coupons/{coupon.id}", "details": {"coupon": coupon.name, "coupon_id": str(coupon.id), "by": by}}
        for code, customer in pairs
    ])  # fmt: skip
    announce(*[
        CouponGiven(
            coupon_id=str(coupon.id), code_ids=[str(code) for code, _customer in part],
            customer_ids=[str(customer) for _code, customer in part], by=by,
        )
        for start in range(0, len(pairs), CHUNK) if (part := pairs[start : start + CHUNK])
    ])  # fmt: skip


def tie(code_id: UUID, customer_id: UUID) -> CouponCode | None:
    """Say whose a code is that a browser was shown before we knew who sat there; returns it, or None where it was taken back.

    Codes they hold of the same coupon give way to it, so that sending a form again brings no second one; where they used
    it up already, this one is taken back. Nothing of that is told to the browser, which may be anybody's.
    """
    code = one(code_id, lock=True)
    coupon = coupons.one(code.coupon_id, lock=True)
    if code.customer_id is not None or code.state not in LIVE:
        return code if code.customer_id == customer_id else None
    theirs = and_(CouponCode.coupon_id == coupon.id, CouponCode.customer_id == customer_id, CouponCode.id != code.id)
    spent = db.session.scalar(select(func.count()).select_from(CouponCode).where(theirs, used())) or 0
    if spent >= coupon.per_customer:
        _stop_where(CouponCode.id == code.id)
        want(coupon)
        return None
    db.session.execute(
        update(CouponCode)
        .where(CouponCode.id.in_(select(CouponCode.id).where(theirs, usable())))
        .values(state="stopping", claimed_until=None)
        .execution_options(synchronize_session=False)
    )
    code.customer_id = customer_id
    db.session.flush()
    want(coupon)
    _tell(coupon, [(code.id, customer_id)], by=code.given_by, at=code.given_at or clock.now())
    return code


def mail(code: CouponCode, *, language: str) -> None:
    """Have a code brought to its customer by mail."""
    announce(CouponMailWanted(code_id=str(code.id), language=language))


def stop_one(code_id: UUID | str) -> CouponCode:
    """Have the shop refuse one code from now on; raises NoSuchCode."""
    code = one(code_id, lock=True)
    if code.state in LIVE:
        _stop_where(CouponCode.id == code.id)
        want(coupons.one(code.coupon_id))
        db.session.refresh(code)
    return code


def take_back(code_ids: Sequence[UUID]) -> None:
    """Take codes back that never reached who they were given to; those that were used stay."""
    if not code_ids:
        return
    _stop_where(and_(CouponCode.id == arrays.among(list(code_ids)), CouponCode.state.in_(LIVE), ~used()))
    for shop_id in set(
        db.session.scalars(select(CouponCode.shop_id).where(CouponCode.id == arrays.among(list(code_ids))))
    ):
        announce(CodesWanted(shop_id=str(shop_id)))


def _stop_where(condition: ColumnElement[bool]) -> None:
    db.session.execute(
        update(CouponCode).where(condition).values(state="stopping", claimed_until=None)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.session.expire_all()


def of_customer(customer_id: UUID, *, most: int = 50) -> list[tuple[CouponCode, Coupon, bool]]:
    """Return the codes that were given to somebody, newest first, with their coupons and whether each was used."""
    query = (
        select(CouponCode, Coupon, used().label("used"))
        .join(Coupon, and_(Coupon.tenant_id == CouponCode.tenant_id, Coupon.id == CouponCode.coupon_id))
        .where(CouponCode.customer_id == customer_id)
        .order_by(CouponCode.given_at.desc(), CouponCode.id.desc())
        .limit(most)
    )
    return [(code, coupon, was) for code, coupon, was in db.session.execute(query)]


SHOWN = ("open", "given", "used", "waiting", "stopped", "over")


def listed(coupon_id: UUID, *, shown: str | None = None, words: str = "") -> Select:
    """Return a select of a coupon's codes: open (nobody's yet), given (and not used), used, waiting, stopped or over."""
    query = select(CouponCode).where(CouponCode.coupon_id == coupon_id)
    wanted = {
        "open": and_(CouponCode.given_at.is_(None), CouponCode.state.in_(LIVE)),
        "given": and_(CouponCode.given_at.is_not(None), CouponCode.state.in_(LIVE), ~used()), "used": used(),
        "waiting": CouponCode.state.in_(("waiting", "stopping")), "stopped": CouponCode.state.in_(("stopping", "stopped", "gone", "failed")),
        "over": and_(CouponCode.ends_at < clock.now(), ~used()),
    }  # fmt: skip
    if shown in wanted:
        query = query.where(wanted[shown])
    return query.where(CouponCode.norm.startswith(words.strip().upper(), autoescape=True)) if words.strip() else query


def for_shop(shop_id: UUID) -> Select:
    """Return a select of the codes that a shop is to take now, for one that fetches them."""
    return select(CouponCode).where(
        CouponCode.shop_id == shop_id, CouponCode.state.in_(LIVE),
        or_(CouponCode.ends_at.is_(None), CouponCode.ends_at > clock.now()),
    )  # fmt: skip


def used_of(code_ids: Sequence[UUID]) -> dict[UUID, list[CouponUse]]:
    """Return the orders that codes were used in, by the code."""
    found: dict[UUID, list[CouponUse]] = {}
    query = (
        select(CouponUse).where(CouponUse.code_id == arrays.among(list(code_ids))).order_by(CouponUse.at, CouponUse.id)
    )
    for use in db.session.scalars(query):
        found.setdefault(use.code_id, []).append(use)
    return found


def tidy(*, most: int = 5000) -> int:
    """Throw away codes that nobody got and that were stopped, or whose time was over a month ago; returns how many."""
    long_ago = clock.now() - timedelta(days=30)
    gone = select(CouponCode.id).where(
        CouponCode.given_at.is_(None),
        or_(
            and_(CouponCode.state.in_(("stopped", "gone", "failed")), CouponCode.made_at < long_ago),
            CouponCode.ends_at < long_ago,
        ),
        ~exists().where(CouponUse.code_id == CouponCode.id).correlate(CouponCode),
    )
    return db.session.execute(
        delete(CouponCode).where(CouponCode.id.in_(gone.limit(most))).execution_options(synchronize_session=False)
    ).rowcount
