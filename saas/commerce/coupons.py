"""Coupons as records: what is given, in which shop, to whom it may go, and for how long.

The terms of a coupon stand fast once it has codes, for a shop keeps what it was told with each code; name, pool and state
can be changed at any time. How codes come to the shop stands in `coupon_writing`, how to people in `coupon_codes`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update

from saas.commerce import shops
from saas.commerce.coupon_events import CodesWanted
from saas.commerce.coupon_models import COUPON_KINDS, COUPON_STATES, Coupon, CouponCode
from saas.commerce.models import Shop
from saas.kit import clock, errors, money, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, tenants

KINDS, STATES = COUPON_KINDS, COUPON_STATES
NEWEST = ((Coupon.created_at, "desc"), (Coupon.id, "desc"))
MOST, MOST_POOL, MOST_DAYS, MOST_USES, MOST_PARTS = 500, 5000, 730, 1000, 50
LARGEST, FARTHEST = 10**12, timedelta(days=3660)
PREFIX = re.compile(r"[A-Z0-9]([A-Z0-9-]{0,10}[A-Z0-9])?")
CURRENCY = re.compile(r"[A-Z]{3}")
TERMS = (
    "shop_id", "kind", "percent", "amount", "least", "currency", "products", "categories", "alone", "starts_at", "ends_at", "days",
    "uses", "per_customer", "prefix",
)  # fmt: skip


class NoSuchCoupon(errors.NotFound):
    """There is no such coupon."""


class BadCoupon(errors.Invalid):
    """A part of the coupon is wrong; `fields` says which."""


class TermsStandFast(errors.Conflict):
    """Codes of the coupon are out already, with these terms."""

    code = "coupon_has_codes"
    message = "This coupon has codes already, so what it gives stands fast. Make another one, and stop this one."


class Stopped(errors.Conflict):
    """The coupon was stopped, or its time is over."""

    code, message = "coupon_stopped", "This coupon is not given any more."


def one(coupon_id: UUID | str, *, lock: bool = False) -> Coupon:
    """Return a coupon; raises NoSuchCoupon."""
    return kit_db.one(Coupon, coupon_id, NoSuchCoupon, lock=lock)


def listed(*, state: str | None = None, shop_id: UUID | None = None, name: str = "") -> Select:
    """Return a select of coupons; NEWEST is their order."""
    wanted = {"state": state, "shop_id": shop_id}
    query = select(Coupon).filter_by(**{key: value for key, value in wanted.items() if value is not None})
    return query.where(Coupon.name.icontains(name, autoescape=True)) if name else query


def open_ones() -> list[Coupon]:
    """Return the coupons that can be given now, by name."""
    found = db.session.scalars(
        select(Coupon)
        .join(Shop, (Shop.tenant_id == Coupon.tenant_id) & (Shop.id == Coupon.shop_id))
        .where(Coupon.state == "active", Shop.removed_at.is_(None))
        .order_by(func.lower(Coupon.name), Coupon.id)
    )
    return [coupon for coupon in found if not over(coupon)]


def over(coupon: Coupon) -> bool:
    """Tell whether a coupon's time is over."""
    return coupon.ends_at is not None and coupon.ends_at <= clock.now()


def require_open(coupon: Coupon) -> None:
    """Raise Stopped when nobody may be given this coupon any more."""
    if coupon.state != "active" or over(coupon):
        raise Stopped(_(Stopped.message))
    try:
        shops.one(coupon.shop_id)
    except shops.NoSuchShop:
        raise Stopped(_("The shop of this coupon is not connected any more.")) from None


def create(*, name: str, shop_id: UUID | str, kind: str, pool: int = 0, **terms: Any) -> Coupon:
    """Make a coupon; raises BadCoupon or NoSuchShop. Takes what `read` understands."""
    if (db.session.scalar(select(func.count()).select_from(Coupon)) or 0) >= MOST:
        raise BadCoupon(_("A company has at most %(most)s coupons.", most=MOST))
    shop = shops.one(shop_id)
    row = read({"kind": kind, **terms}, shop=shop)
    made = Coupon(shop_id=shop.id, name=_name(name), pool=_pool(pool), at_shop={}, **row)
    db.session.add(made)
    db.session.flush()
    audit.record(action="coupons.created", kind="coupon", record_id=made.id, after=written(made))
    if made.pool:
        announce(CodesWanted(shop_id=str(shop.id)))
    return made


def change(coupon_id: UUID | str, *, name: str | None = None, pool: int | None = None, **terms: Any) -> Coupon:
    """Change a coupon's name or pool, and its terms while it has no codes; raises NoSuchCoupon, BadCoupon or TermsStandFast."""
    coupon = one(coupon_id, lock=True)
    held = written(coupon)
    if name is not None:
        coupon.name = _name(name)
    if pool is not None:
        coupon.pool = _pool(pool)
    if terms:
        before = {name: told(coupon)[name] for name in TERMS if name != "shop_id"}
        row = read({**before, **terms}, shop=shops.one(coupon.shop_id))
        changed = {key: value for key, value in row.items() if getattr(coupon, key) != value}
        if changed and has_codes(coupon.id):
            raise TermsStandFast(_(TermsStandFast.message))
        for key, value in changed.items():
            setattr(coupon, key, value)
    before, after = audit.differing(held, written(coupon))
    if after:
        db.session.flush()
        audit.record(action="coupons.edited", kind="coupon", record_id=coupon.id, before=before, after=after)
        announce(CodesWanted(shop_id=str(coupon.shop_id)))
    return coupon


def stop(coupon_id: UUID | str) -> Coupon:
    """Give a coupon to nobody any more, and have the shop refuse its codes that were not used; raises NoSuchCoupon."""
    coupon = one(coupon_id, lock=True)
    if coupon.state == "active":
        coupon.state, coupon.trouble, coupon.not_before, coupon.tries = "stopped", "", None, 0
        db.session.flush()
        mine = (CouponCode.coupon_id == coupon.id) & CouponCode.state.in_(("waiting", "ready"))
        db.session.execute(
            update(CouponCode).where(mine).values(state="stopping", claimed_until=None)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        audit.record(
            action="coupons.stopped", kind="coupon", record_id=coupon.id, before={"state": "active"}, after={"state": "stopped"},
        )  # fmt: skip
        announce(CodesWanted(shop_id=str(coupon.shop_id)))
    return coupon


def has_codes(coupon_id: UUID) -> bool:
    """Tell whether a coupon has any code."""
    return db.session.scalar(select(select(CouponCode.id).where(CouponCode.coupon_id == coupon_id).exists())) or False


def read(given: Mapping[str, Any], *, shop: Shop) -> dict[str, Any]:
    """Return the columns of what a coupon gives, as it is told: kind, percent ("10"), amount and least ("5.00"), currency,
    products (the shop's ids) and categories (names) that it is for, alone (not with others), starts_at, ends_at or days,
    uses, per_customer and prefix. Raises BadCoupon."""
    wrong: dict[str, list[str]] = {}
    row: dict[str, Any] = {"kind": given.get("kind"), "alone": bool(given.get("alone"))}
    if row["kind"] not in KINDS:
        wrong["kind"] = [_("Choose one of the values.")]
    row["currency"] = str(given.get("currency") or shop.currency or tenants.settings().currency or "").strip().upper()
    if not CURRENCY.fullmatch(row["currency"]):
        wrong["currency"] = [_("Three letters, such as EUR.")]
        row["currency"] = "EUR"
    row |= _worth(given, row["kind"], row["currency"], wrong)
    row["product_keys"] = _parts("products", given.get("products"), wrong)
    row["categories"] = _parts("categories", given.get("categories"), wrong)
    row |= _time(given, wrong)
    for name, default, most in (("uses", 1, MOST_USES), ("per_customer", 1, MOST_USES)):
        row[name] = _whole(name, given.get(name, default) or default, 1, most, wrong)
    prefix = text.clean(str(given.get("prefix") or ""), most=60).upper()
    if prefix and not PREFIX.fullmatch(prefix):
        wrong["prefix"] = [_("At most 12 letters from A to Z, digits and hyphens, and no hyphen at its ends.")]
    row["prefix"] = prefix
    if wrong:
        raise BadCoupon(fields=wrong)
    return row


def _worth(given: Mapping[str, Any], kind: Any, currency: str, wrong: dict[str, list[str]]) -> dict[str, Any]:
    row = {"percent_hundredths": 0, "off_amount": 0, "least_amount": 0}
    if kind == "percent":
        try:
            hundredths = Decimal(str(given.get("percent") or "0").strip().replace(",", ".")) * 100
            sound = hundredths.is_finite() and hundredths == int(hundredths) and 1 <= hundredths <= 10_000
        except (ArithmeticError, ValueError):
            sound = False
        if sound:
            row["percent_hundredths"] = int(hundredths)
        else:
            wrong["percent"] = [_("A number up to 100, with at most two decimals.")]
    amounts = (("amount", "off_amount", kind == "amount"), ("least", "least_amount", False))
    for name, column, needed in amounts:
        said = str(given.get(name) or "").strip()
        if (name == "amount" and kind != "amount") or not (said or needed):
            continue
        try:
            row[column] = money.parse_amount(said or "0", currency)
        except (ArithmeticError, ValueError, errors.Refusal):
            row[column] = -1
        if not (1 if needed else 0) <= row[column] <= LARGEST:
            wrong[name] = [_("An amount such as 5.00.")]
    return row


def _parts(name: str, given: Any, wrong: dict[str, list[str]]) -> list[str]:
    found = given if isinstance(given, (list, tuple)) else []
    kept = list(dict.fromkeys(part for part in (text.clean(str(one), most=200) for one in found) if part))
    if len(kept) > MOST_PARTS:
        wrong[name] = [_("At most %(most)s of them.", most=MOST_PARTS)]
    return kept[:MOST_PARTS]


def _time(given: Mapping[str, Any], wrong: dict[str, list[str]]) -> dict[str, Any]:
    row: dict[str, Any] = {"starts_at": None, "ends_at": None, "days": None}
    for name in ("starts_at", "ends_at"):
        said = given.get(name)
        if isinstance(said, str) and said.strip():
            try:
                said = datetime.fromisoformat(said.strip())
            except ValueError:
                wrong[name], said = [_("This is not a date.")], None
        if isinstance(said, datetime):
            said = said if said.tzinfo else said.replace(tzinfo=UTC)
            if abs(said - clock.now()) > FARTHEST:
                wrong[name] = [_("This is not a date.")]
            row[name] = said
    if given.get("days") not in (None, ""):
        row["days"] = _whole("days", given["days"], 1, MOST_DAYS, wrong)
    if row["starts_at"] and row["ends_at"] and row["ends_at"] <= row["starts_at"]:
        wrong["ends_at"] = [_("It ends before it starts.")]
    return row


def _whole(name: str, given: Any, least: int, most: int, wrong: dict[str, list[str]]) -> int:
    try:
        number = int(str(given))
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        wrong[name] = [_("A whole number from %(least)s to %(most)s.", least=least, most=most)]
        return least
    return number


def _pool(given: Any) -> int:
    wrong: dict[str, list[str]] = {}
    number = _whole("pool", given or 0, 0, MOST_POOL, wrong)
    if wrong:
        raise BadCoupon(fields=wrong)
    return number


def _name(value: str) -> str:
    name = text.clean(value, most=120)
    if not name:
        raise BadCoupon(fields={"name": [_("Give the coupon a name.")]})
    return name


def told(coupon: Coupon) -> dict[str, Any]:
    """Return a coupon's terms as `read` takes them and as programs see them."""
    return {
        "shop_id": coupon.shop_id, "kind": coupon.kind, "percent": percent_text(coupon), "currency": coupon.currency,
        "amount": money.amount_text(coupon.off_amount, coupon.currency) if coupon.kind == "amount" else None,
        "least": money.amount_text(coupon.least_amount, coupon.currency) if coupon.least_amount else None,
        "products": list(coupon.product_keys), "categories": list(coupon.categories), "alone": coupon.alone, "starts_at": coupon.starts_at,
        "ends_at": coupon.ends_at, "days": coupon.days, "uses": coupon.uses, "per_customer": coupon.per_customer, "prefix": coupon.prefix,
    }  # fmt: skip


def percent_text(coupon: Coupon) -> str | None:
    """Return how many percent a coupon takes off, without needless noughts, or None."""
    if coupon.kind != "percent":
        return None
    return f"{Decimal(coupon.percent_hundredths) / 100:.2f}".rstrip("0").rstrip(".")


def written(coupon: Coupon) -> dict[str, Any]:
    """Return what people write of a coupon, for the trace."""
    plain = {name: str(value) if isinstance(value, (UUID, datetime)) else value for name, value in told(coupon).items()}
    return {"name": coupon.name, "pool": coupon.pool, **plain}
