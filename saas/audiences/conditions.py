"""What a segment may ask of a customer: one table of fields, each with the operators it has and how it becomes SQL.

A definition is a tree: `{"match": "all" | "any", "conditions": [...]}`, where a condition is another such tree or
`{"field", "operator", "value", ...}`. Only what stands in this table can be asked, so a definition is never SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, and_, any_, case, cast, func, literal, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from saas.audiences.models import Suppression
from saas.catalog.models import Product
from saas.commerce import batches, coupon_codes, disputes
from saas.commerce.coupon_models import CouponCode, CouponUse
from saas.commerce.models import COUNTED, Order, OrderLine, ShopEvent, Visit
from saas.commerce.payment_models import Dispute, Payment
from saas.commerce.windows import BEHIND
from saas.customers import consent, purposes
from saas.customers.models import Customer, Facts, VisitorPart
from saas.kit import access, clock, errors, identifiers, money, records
from saas.kit.text import gettext as _
from saas.reviews.models import Review
from saas.tenancy import custom_filters

MOST_CONDITIONS, DEEPEST = 50, 4


class BadDefinition(errors.Invalid):
    """A definition asks something that cannot be asked; `fields` says where."""


@dataclass(frozen=True)
class Field:
    """One thing that may be asked: its kind of value (which gives its operators) and the column or subquery behind it."""

    name: str
    kind: str
    column: InstrumentedAttribute | None = None
    build: Callable[[str, Any, dict[str, Any]], ColumnElement[bool]] | None = None
    fact: bool = False
    choices: tuple[str, ...] = ()
    own: records.Field | None = None


OPERATORS = {
    "number": ("at_least", "at_most", "is"),
    "money": ("at_least", "at_most"),
    "moment": ("in_last_days", "not_in_last_days", "before", "after", "never"),
    "text": ("is", "is_not", "contains", "begins_with", "is_empty", "is_not_empty"),
    "choice": ("is", "is_not"),
    "tags": ("has", "has_not"),
    "done": ("in_last_days", "not_in_last_days", "in_last_minutes", "ever", "never"),
    "happened": ("in_last_days", "not_in_last_days", "ever", "never"),
    "yes_no": ("is",),
    "owner": ("is", "is_not", "is_empty", "is_not_empty"),
    "agreement": ("is", "is_not"),
    **{kind: ways for kind, ways in custom_filters.WAYS.items() if kind != "text"},
}
PROPERTY_WAYS = ("equals", "contains", "at_least")
ME = "me"
TELLS_OF = {
    "bought": ("orders_count", "first_order_at", "last_order_at"), "viewed": ("visits_count", "views_count", "last_visit_at"),
    **dict.fromkeys(("payment_failed", "open_dispute", "used_coupon", "has_coupon", "praised", "complained"), ("orders_count", "spent_amount")),
    **dict.fromkeys(("did", "searched", "came_from"), ("visits_count", "last_visit_at")), "suppressed": ("email",), "agreed": ("email_consent",),
}  # fmt: skip
"""Fields that a question would tell of though it does not name them: who must not see one cannot ask."""
VALUELESS = ("never", "ever", "is_empty", "is_not_empty")


def _bought(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer bought something: anything, a product, or of a category."""
    query = select(Order.customer_id).where(Order.customer_id.is_not(None), Order.status.in_(COUNTED))
    if condition.get("product") or condition.get("category"):
        query = query.join(
            OrderLine, (OrderLine.tenant_id == Order.tenant_id) & (OrderLine.order_id == Order.id)
        ).where(OrderLine.quantity > 0)
        if condition.get("product"):
            query = query.where(OrderLine.product_key == str(condition["product"]))
        if condition.get("category"):
            wanted = select(Product.id).where(literal(str(condition["category"])) == any_(Product.categories))
            query = query.where(OrderLine.product_id.in_(wanted))
    if operator in ("in_last_days", "not_in_last_days"):
        query = query.where(Order.placed_at >= clock.now() - timedelta(days=_days(value)))
    found = Customer.id.in_(query)
    return not_(found) if operator in ("never", "not_in_last_days") else found


def _viewed(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
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
    return _did(operator, value, asked)


def _event(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer did what the shop calls `event`: so many `times`, with a `property` that `equals`, `contains` or is
    `at_least` something."""
    name = str(condition.get("event") or "")
    if not batches.NAME.fullmatch(name):
        raise ValueError(_("Give the name of an event, such as wish_list_filled."))
    asked = [ShopEvent.type == name]
    if condition.get("property"):
        asked.append(_property(ShopEvent.details["properties"][str(condition["property"])[:100]].astext, condition))
    times = _whole(condition.get("times", 1))
    if not 0 < times <= 100_000:
        raise ValueError(_("Give a number of times between 1 and 100,000."))
    return _did(operator, value, asked, times=times)


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


def _searched(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer searched in the shop: for anything, or with a word in it."""
    asked = [ShopEvent.type == "search_submitted"]
    if condition.get("term"):
        asked.append(
            func.strpos(func.lower(ShopEvent.details["query"].astext), str(condition["term"])[:200].lower()) > 0
        )
    return _did(operator, value, asked)


def _came_from(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a visit of a customer began at an address, or on one, with a word in it: a referrer, or what a campaign's
    link says of itself (utm_source and its like)."""
    word = str(condition.get("origin") or "")[:200].lower()
    if not word:
        raise ValueError(_("Give a part of the address they came from, such as instagram."))
    query = select(Visit.customer_id).where(
        Visit.customer_id.is_not(None),
        or_(func.strpos(func.lower(Visit.referrer), word) > 0, func.strpos(func.lower(Visit.landing), word) > 0),
    )
    if operator in ("in_last_days", "not_in_last_days"):
        query = query.where(Visit.began_at >= clock.now() - timedelta(days=_days(value)))
    found = Customer.id.in_(query)
    return not_(found) if operator in ("never", "not_in_last_days") else found


def _did(operator: str, value: Any, asked: Sequence[ColumnElement[bool]], *, times: int = 1) -> ColumnElement[bool]:
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
        moment = clock.now() - since * (_minutes(value) if operator == "in_last_minutes" else _days(value))
        query = query.where(ShopEvent.id >= identifiers.floor(moment - BEHIND), ShopEvent.at >= moment)
    if times > 1:
        query = query.group_by(VisitorPart.customer_id).having(func.count() >= times)
    found = Customer.id.in_(query)
    return not_(found) if operator in ("never", "not_in_last_days") else found


def _payment_failed(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a payment of a customer failed and was not made good."""
    query = select(Payment.customer_id).where(Payment.customer_id.is_not(None), Payment.state == "failed")
    if operator in ("in_last_days", "not_in_last_days"):
        query = query.where(Payment.at >= clock.now() - timedelta(days=_days(value)))
    found = Customer.id.in_(query)
    return not_(found) if operator in ("never", "not_in_last_days") else found


def _open_dispute(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    query = select(Dispute.customer_id).where(Dispute.customer_id.is_not(None), Dispute.state.in_(disputes.OPEN))
    found = Customer.id.in_(query)
    return found if _truth(value) else not_(found)


def _reviewed(*stars: int) -> Callable[[str, Any, dict[str, Any]], ColumnElement[bool]]:
    """Whether a customer gave a product one of so many stars, in a review that they did not take back."""

    def build(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
        query = select(Review.customer_id).where(
            Review.customer_id.is_not(None), Review.stars.in_(stars), Review.state != "withdrawn"
        )
        if operator in ("in_last_days", "not_in_last_days"):
            query = query.where(Review.written_at >= clock.now() - timedelta(days=_days(value)))
        found = Customer.id.in_(query)
        return not_(found) if operator in ("never", "not_in_last_days") else found

    return build


def _has_coupon(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer holds a coupon code that they can still use."""
    found = Customer.id.in_(
        select(CouponCode.customer_id).where(CouponCode.customer_id.is_not(None), coupon_codes.usable())
    )
    return found if _truth(value) else not_(found)


def _used_coupon(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer bought with a coupon code of ours."""
    query = (
        select(Order.customer_id)
        .join(CouponUse, (CouponUse.tenant_id == Order.tenant_id) & (CouponUse.order_id == Order.id))
        .where(Order.customer_id.is_not(None), CouponUse.counted)
    )
    if operator in ("in_last_days", "not_in_last_days"):
        query = query.where(CouponUse.at >= clock.now() - timedelta(days=_days(value)))
    found = Customer.id.in_(query)
    return not_(found) if operator in ("never", "not_in_last_days") else found


def _suppressed(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    found = Customer.email_norm.in_(select(Suppression.email_norm))
    return found if _truth(value) else or_(not_(found), Customer.email_norm.is_(None))


def _tagged(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    found = literal(str(value)) == any_(Customer.tags)
    return found if operator == "has" else not_(found)


def _agreed(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer's newest word about a purpose by a channel is yes; the value is written `purpose.channel`."""
    purpose, _dot, channel = str(value or "").rpartition(".")
    if channel not in purposes.CHANNELS or purpose not in purposes.known({purpose}):
        raise ValueError(_("Choose what they agreed to."))
    if (channel, purpose) == ("email", purposes.MAIN):
        found = Customer.email_consent == "granted"
    else:
        found = Customer.id.in_(consent.agreed(channel=channel, purpose=purpose))
    return found if operator == "is" else not_(found)


def _owned(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer is somebody's: a member's by id, the asking member's own (`me`), or nobody's."""
    column = Customer.owner_id
    if operator in ("is_empty", "is_not_empty"):
        return column.is_(None) if operator == "is_empty" else column.is_not(None)
    try:
        wanted = access.current().member if value == ME else UUID(str(value))
    except ValueError:
        raise ValueError(_("Choose one of the company's people.")) from None
    if wanted is None:
        raise ValueError(_("Choose one of the company's people."))
    return column == wanted if operator == "is" else or_(column != wanted, column.is_(None))


def _fact(name: str, kind: str) -> Field:
    return Field(name, kind, getattr(Facts, name), fact=True)


FIELDS = {
    field.name: field
    for field in (
        _fact("orders_count", "number"), _fact("visits_count", "number"), _fact("views_count", "number"),
        _fact("mails_sent", "number"), _fact("mails_opened", "number"), _fact("mails_clicked", "number"),
        _fact("spent_amount", "money"), _fact("refunded_amount", "money"), _fact("cart_amount", "money"),
        _fact("first_order_at", "moment"), _fact("last_order_at", "moment"), _fact("last_visit_at", "moment"),
        _fact("cart_at", "moment"), _fact("last_mail_at", "moment"), _fact("last_open_at", "moment"), _fact("last_click_at", "moment"),
        Field("created_at", "moment", Customer.created_at),
        Field("email_consent", "choice", Customer.email_consent, choices=("granted", "withdrawn", "unknown")),
        Field("country", "text", Customer.country), Field("city", "text", Customer.city), Field("language", "text", Customer.language),
        Field("company", "text", Customer.company), Field("email", "text", Customer.email_norm),
        Field("first_name", "text", Customer.first_name), Field("last_name", "text", Customer.last_name),
        Field("tags", "tags", build=_tagged), Field("bought", "done", build=_bought), Field("viewed", "done", build=_viewed),
        Field("suppressed", "yes_no", build=_suppressed), Field("owner_id", "owner", build=_owned),
        Field("agreed", "agreement", build=_agreed), Field("did", "done", build=_event), Field("searched", "done", build=_searched),
        Field("came_from", "done", build=_came_from),
        Field("has_coupon", "yes_no", build=_has_coupon), Field("used_coupon", "happened", build=_used_coupon),
        Field("praised", "happened", build=_reviewed(4, 5)), Field("complained", "happened", build=_reviewed(1, 2)),
        Field("payment_failed", "happened", build=_payment_failed), Field("open_dispute", "yes_no", build=_open_dispute),
    )
}  # fmt: skip


def known(name: str) -> Field | None:
    """Return what may be asked under a name; a field that the acting member must not see is like none at all."""
    if str(name).startswith(records.CUSTOM):
        return _own(records.kind("customer").fields(archived=True).get(name))
    field = FIELDS.get(name)
    return field if field is not None and not access.hidden("customer") & {name, *TELLS_OF.get(name, ())} else None


def _own(field: records.Field | None) -> Field | None:
    """Return one of the company's own fields as it may be asked; its formula may stand on the facts."""
    if field is None:
        return None
    kind = records.kind("customer")
    read = field.formula.reads(kind) if field.formula is not None else ()
    every = kind.every()
    return Field(
        field.name, custom_filters.kind_of(field), build=lambda operator, value, _condition: custom_filters.ask(field, operator, value),
        fact=any(getattr(every[name].column, "class_", None) is Facts for name in read if name in every),
        choices=tuple(one.key for one in field.choices), own=field,
    )  # fmt: skip


def any_field(name: str) -> Field | None:
    """Return what is asked under a name, whoever may see it: to work out a segment that somebody else made."""
    return (
        _own(records.kind("customer").every().get(name)) if str(name).startswith(records.CUSTOM) else FIELDS.get(name)
    )


def needs_facts(definition: dict[str, Any]) -> bool:
    """Tell whether a definition asks for anything that stands with the facts."""
    return any(
        needs_facts(c) if "conditions" in c else getattr(any_field(c["field"]), "fact", False)
        for c in definition.get("conditions", ())
    )


def check(definition: Any) -> dict[str, Any]:
    """Return the definition when everything in it can be asked; raises BadDefinition with the place."""
    count = _check(definition, "definition", 1)
    if count > MOST_CONDITIONS:
        raise BadDefinition(_("A segment has at most %(most)s conditions.", most=MOST_CONDITIONS))
    return definition


def check_fields(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition that was checked before when the acting member may ask it; raises BadDefinition."""
    for place, condition in enumerate(definition["conditions"]):
        if "conditions" in condition:
            check_fields(condition)
        elif known(condition["field"]) is None:
            raise BadDefinition(fields={f"definition.conditions.{place}": [access.unknown(condition["field"])]})
    return definition


def _check(node: Any, place: str, depth: int) -> int:
    if (
        not isinstance(node, dict)
        or node.get("match", "all") not in ("all", "any")
        or not isinstance(node.get("conditions"), list)
    ):
        raise BadDefinition(fields={place: [_("A group needs “match” (all or any) and a list of “conditions”.")]})
    if depth > DEEPEST:
        raise BadDefinition(fields={place: [_("Groups can be nested %(most)s deep.", most=DEEPEST)]})
    count = 0
    for index, condition in enumerate(node["conditions"]):
        here = f"{place}.conditions.{index}"
        if isinstance(condition, dict) and "conditions" in condition:
            count += _check(condition, here, depth + 1)
            continue
        try:
            one(condition)
            if condition["field"] == "owner_id" and condition.get("value") == ME:
                raise ValueError(_("Choose one of the company's people."))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadDefinition(
                fields={here: [str(error) if isinstance(error, ValueError) else _("This condition is not complete.")]}
            ) from None
        count += 1
    return count


def one(condition: dict[str, Any]) -> ColumnElement[bool]:
    """Return the SQL of one condition; raises ValueError with a sentence, or KeyError when a part is missing."""
    field = known(condition["field"])
    if field is None:
        raise ValueError(access.unknown(condition["field"]))
    operator, value = condition["operator"], condition.get("value")
    if operator not in OPERATORS[field.kind]:
        raise ValueError(_("“%(name)s” cannot be asked that way.", name=field.name))
    if field.choices and value not in field.choices and field.own is None:
        raise ValueError(_("Choose one of the values."))
    if field.build is not None:
        if operator in ("in_last_days", "not_in_last_days"):
            _days(value)
        if operator == "in_last_minutes":
            _minutes(value)
            if field.name in ("bought", "came_from"):
                raise ValueError(_("“%(name)s” cannot be asked that way.", name=field.name))
        return field.build(operator, value, condition)
    return BUILDERS[field.kind](field, operator, value, condition)


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(_("Give a whole number.")) from None


def _days(value: Any) -> int:
    days = _whole(value)
    if not 0 < days <= 36_500:
        raise ValueError(_("Give a number of days between 1 and 36,500."))
    return days


def _minutes(value: Any) -> int:
    minutes = _whole(value)
    if not 0 < minutes <= 1440:
        raise ValueError(_("Give a number of minutes between 1 and 1,440."))
    return minutes


def _truth(value: Any) -> bool:
    return value in (True, "true", "yes", "1", 1)


def _number(field: Field, operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    wanted = _whole(value)
    if abs(wanted) > 2**31 - 1:
        raise ValueError(_("This number is out of range."))
    held = field.column
    return {"at_least": held >= wanted, "at_most": held <= wanted, "is": held == wanted}[operator]


def _money(field: Field, operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    try:
        wanted = money.parse_amount(value, condition.get("currency") or "EUR")
    except money.NotMoney:
        raise ValueError(_("Give an amount such as 12.50.")) from None
    return field.column >= wanted if operator == "at_least" else field.column <= wanted


def _moment(field: Field, operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    if operator == "never":
        return field.column.is_(None)
    if operator in ("in_last_days", "not_in_last_days"):
        since = clock.now() - timedelta(days=_days(value))
        return (
            field.column >= since if operator == "in_last_days" else or_(field.column < since, field.column.is_(None))
        )
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(_("Give a date such as 2026-05-21.")) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=clock.now().tzinfo)
    return field.column < moment if operator == "before" else field.column >= moment


def _text(field: Field, operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    column = field.column
    if operator in ("is_empty", "is_not_empty"):
        empty = func.coalesce(column, "") == ""
        return empty if operator == "is_empty" else not_(empty)
    wanted = str(value or "")[:200]
    if not wanted or "\x00" in wanted:
        raise ValueError(_("Give a text to compare with."))
    asked = {
        "is": column == wanted, "is_not": func.coalesce(column, "") != wanted,
        "contains": column.icontains(wanted, autoescape=True), "begins_with": column.istartswith(wanted, autoescape=True),
    }  # fmt: skip
    return asked[operator]


def _choice(field: Field, operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    return field.column == value if operator == "is" else field.column != value


BUILDERS = {"number": _number, "money": _money, "moment": _moment, "text": _text, "choice": _choice}


def whole(definition: dict[str, Any]) -> ColumnElement[bool]:
    """Return the SQL of a whole definition; an empty group asks nothing and everybody fits."""
    parts = [whole(c) if "conditions" in c else one(c) for c in definition["conditions"]]
    if not parts:
        return literal(True)
    return or_(*parts) if definition.get("match") == "any" else and_(*parts)
