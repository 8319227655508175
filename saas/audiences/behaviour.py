"""What a customer did in the shop, as conditions ask for it: what they viewed and searched, and where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, Numeric, and_, any_, case, cast, func, literal, or_, select

from saas.audiences import values
from saas.catalog.models import Product
from saas.commerce import batches
from saas.commerce.models import ShopEvent, Visit
from saas.commerce.windows import BEHIND
from saas.customers.models import VisitorPart
from saas.kit import clock, identifiers
from saas.kit.text import gettext as _

PROPERTY_WAYS = ("equals", "contains", "at_least")


def viewed(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer looked at something: any product, or one."""
    asked = [ShopEvent.type == "product_viewed"]
    if condition.get("product"):
        asked.append(ShopEvent.product == str(condition["product"]))
    elif condition.get("category"):
        named = str(condition["category"])
        keys = select(Product.external_id).where(literal(named) == any_(Product.categories))
        asked = [
            or_(
                and_(ShopEvent.type == "product_viewed", ShopEvent.product.in_(keys)),
                and_(ShopEvent.type == "category_viewed", ShopEvent.details["category"].astext == named),
            )
        ]
    return _done(operator, value, asked)


def did(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer did what the shop calls `event`: so many `times`, with a `property` that `equals`, `contains` or is
    `at_least` something."""
    name = str(condition.get("event") or "")
    if not batches.NAME.fullmatch(name):
        raise ValueError(_("Give the name of an event, such as wish_list_filled."))
    asked = [ShopEvent.type == name]
    if condition.get("property"):
        asked.append(_property(ShopEvent.details["properties"][str(condition["property"])[:100]].astext, condition))
    times = values.whole(condition.get("times", 1))
    if not 0 < times <= 100_000:
        raise ValueError(_("Give a number of times between 1 and 100,000."))
    return _done(operator, value, asked, times=times)


def _property(held: ColumnElement[str], condition: dict[str, Any]) -> ColumnElement[bool]:
    ways = [way for way in PROPERTY_WAYS if condition.get(way) not in (None, "")]
    if len(ways) != 1:
        raise ValueError(_("Say what the property is compared with: equals, contains or at_least."))
    wanted = str(condition[ways[0]])[:200]
    if "\x00" in wanted:
        raise ValueError(_("Give a text to compare with."))
    if ways[0] == "equals":
        return held == wanted
    if ways[0] == "contains":
        return func.strpos(func.lower(held), wanted.lower()) > 0
    try:
        least = Decimal(wanted)
    except InvalidOperation:
        least = Decimal("NaN")
    if not least.is_finite():
        raise ValueError(_("Give a number to compare with."))
    number = case((held.regexp_match(r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$"), cast(held, Numeric)))
    return number >= least


def searched(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer searched in the shop: for anything, or with a word in it."""
    asked = [ShopEvent.type == "search_submitted"]
    if condition.get("term"):
        asked.append(
            func.strpos(func.lower(ShopEvent.details["query"].astext), str(condition["term"])[:200].lower()) > 0
        )
    return _done(operator, value, asked)


def came_from(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a visit of a customer began at an address, or on one, with a word in it: a referrer, or what a campaign's
    link says of itself (utm_source and its like)."""
    word = str(condition.get("origin") or "")[:200].lower()
    if not word:
        raise ValueError(_("Give a part of the address they came from, such as instagram."))
    query = select(Visit.customer_id).where(
        Visit.customer_id.is_not(None),
        or_(func.strpos(func.lower(Visit.referrer), word) > 0, func.strpos(func.lower(Visit.landing), word) > 0),
    )
    return values.happened(query, Visit.began_at, operator, value)


def _done(operator: str, value: Any, asked: Sequence[ColumnElement[bool]], *, times: int = 1) -> ColumnElement[bool]:
    """Whether a customer did something in the shop, so many times: what was done in a browser while it was theirs.

    A browser may have been several people's, one after the other; the stretch of each says what is whose.
    """
    query = (
        select(VisitorPart.customer_id)
        .join(
            ShopEvent,
            (ShopEvent.tenant_id == VisitorPart.tenant_id) & (ShopEvent.visitor == VisitorPart.visitor)
            & (ShopEvent.at > VisitorPart.since_at) & (ShopEvent.at <= VisitorPart.until_at),
        )
        .where(*asked)
    )  # fmt: skip
    since = {
        "in_last_days": timedelta(days=1),
        "not_in_last_days": timedelta(days=1),
        "in_last_minutes": timedelta(minutes=1),
    }.get(operator)
    if since is not None:
        moment = clock.now() - since * (values.minutes(value) if operator == "in_last_minutes" else values.days(value))
        query = query.where(ShopEvent.id >= identifiers.floor(moment - BEHIND), ShopEvent.at >= moment)
    if times > 1:
        query = query.group_by(VisitorPart.customer_id).having(func.count() >= times)
    return values.found(query, operator)
