"""What a condition's value may be (a number, days, minutes, yes or no), and how it narrows a question in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, not_

from saas.customers.models import Customer
from saas.kit import clock
from saas.kit.text import gettext as _

DAYS = ("in_last_days", "not_in_last_days")
DENIED = ("never", "not_in_last_days")


def whole(value: Any) -> int:
    """Return a whole number; raises ValueError with a sentence, as all of these do."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(_("Give a whole number.")) from None


def days(value: Any) -> int:
    """Return a number of days."""
    given = whole(value)
    if not 0 < given <= 36_500:
        raise ValueError(_("Give a number of days between 1 and 36,500."))
    return given


def minutes(value: Any) -> int:
    """Return a number of minutes, up to a day."""
    given = whole(value)
    if not 0 < given <= 1440:
        raise ValueError(_("Give a number of minutes between 1 and 1,440."))
    return given


def truth(value: Any) -> bool:
    """Tell whether a value stands for yes."""
    return value in (True, "true", "yes", "1", 1)


def happened(query: Select[Any], at: ColumnElement[Any], operator: str, value: Any) -> ColumnElement[bool]:
    """Return whether a customer is among those of a query whose moment `at` lies in the days asked for, or is not."""
    if operator in DAYS:
        query = query.where(at >= clock.now() - timedelta(days=days(value)))
    return found(query, operator)


def found(query: Select[Any], operator: str) -> ColumnElement[bool]:
    """Return whether a customer is among those of a query, or is not when the operator denies it."""
    if operator not in DENIED:
        return Customer.id.in_(query)
    # NOT IN would look up everybody who did before it looks at the first customer: for one of a million a second.
    return not_(query.where(query.selected_columns[0] == Customer.id).correlate(Customer).exists())


def said(query: Select[Any], value: Any) -> ColumnElement[bool]:
    """Return whether a customer is among those of a query when the value says yes, or is not when it says no."""
    held = Customer.id.in_(query)
    return held if truth(value) else not_(held)
