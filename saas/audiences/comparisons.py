"""A column compared with a value, by the kind of value it holds; what cannot be compared raises ValueError with a sentence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, not_, or_

from saas.audiences import values
from saas.kit import clock
from saas.kit import money as amounts
from saas.kit.text import gettext as _


def number(column: ColumnElement[Any], operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    wanted = values.whole(value)
    if abs(wanted) > 2**31 - 1:
        raise ValueError(_("This number is out of range."))
    return {"at_least": column >= wanted, "at_most": column <= wanted, "is": column == wanted}[operator]


def amount(column: ColumnElement[Any], operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    try:
        wanted = amounts.parse_amount(value, condition.get("currency") or "EUR")
    except amounts.NotMoney:
        raise ValueError(_("Give an amount such as 12.50.")) from None
    return column >= wanted if operator == "at_least" else column <= wanted


def moment(column: ColumnElement[Any], operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    if operator == "never":
        return column.is_(None)
    if operator in values.DAYS:
        since = clock.now() - timedelta(days=values.days(value))
        return column >= since if operator == "in_last_days" else or_(column < since, column.is_(None))
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(_("Give a date such as 2026-05-21.")) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=clock.now().tzinfo)
    return column < moment if operator == "before" else column >= moment


def text(column: ColumnElement[Any], operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
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


def choice(column: ColumnElement[Any], operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    return column == value if operator == "is" else column != value


BY_KIND = {"number": number, "money": amount, "moment": moment, "text": text, "choice": choice}
