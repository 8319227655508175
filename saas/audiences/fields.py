"""What a segment may ask of a customer: one table of fields, each with the operators it has and how it becomes SQL.

Only what stands in this table can be asked, so a definition is never SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from saas.audiences import behaviour, purchases, standing
from saas.customers.models import Customer, Facts
from saas.kit import access, records
from saas.tenancy import custom_filters


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
TELLS_OF = {
    "bought": ("orders_count", "first_order_at", "last_order_at"), "viewed": ("visits_count", "views_count", "last_visit_at"),
    **dict.fromkeys(("payment_failed", "open_dispute", "used_coupon", "has_coupon", "praised", "complained"), ("orders_count", "spent_amount")),
    **dict.fromkeys(("did", "searched", "came_from"), ("visits_count", "last_visit_at")), "suppressed": ("email",), "agreed": ("email_consent",),
}  # fmt: skip
"""Fields that a question would tell of though it does not name them: who must not see one cannot ask."""
VALUELESS = ("never", "ever", "is_empty", "is_not_empty")


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
        Field("tags", "tags", build=standing.tagged), Field("bought", "done", build=purchases.bought), Field("viewed", "done", build=behaviour.viewed),
        Field("suppressed", "yes_no", build=standing.suppressed), Field("owner_id", "owner", build=standing.owned),
        Field("agreed", "agreement", build=standing.agreed), Field("did", "done", build=behaviour.did), Field("searched", "done", build=behaviour.searched),
        Field("came_from", "done", build=behaviour.came_from),
        Field("has_coupon", "yes_no", build=purchases.has_coupon), Field("used_coupon", "happened", build=purchases.used_coupon),
        Field("praised", "happened", build=purchases.reviewed(4, 5)), Field("complained", "happened", build=purchases.reviewed(1, 2)),
        Field("payment_failed", "happened", build=purchases.payment_failed), Field("open_dispute", "yes_no", build=purchases.open_dispute),
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
