"""How a customer stands with the company, as conditions ask for it: tags, agreement, suppression, and whose they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, any_, literal, not_, or_, select

from saas.audiences import values
from saas.audiences.models import Suppression
from saas.customers import consent, purposes
from saas.customers.models import Customer
from saas.kit import access
from saas.kit.text import gettext as _

ME = "me"


def suppressed(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether no mail goes to a customer's address."""
    found = Customer.email_norm.in_(select(Suppression.email_norm))
    return found if values.truth(value) else or_(not_(found), Customer.email_norm.is_(None))


def tagged(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer has a tag."""
    found = literal(str(value)) == any_(Customer.tags)
    return found if operator == "has" else not_(found)


def agreed(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer's newest word about a purpose by a channel is yes; the value is written `purpose.channel`."""
    purpose, _dot, channel = str(value or "").rpartition(".")
    if channel not in purposes.CHANNELS or purpose not in purposes.known({purpose}):
        raise ValueError(_("Choose what they agreed to."))
    if (channel, purpose) == ("email", purposes.MAIN):
        found = Customer.email_consent == "granted"
    else:
        found = Customer.id.in_(consent.agreed(channel=channel, purpose=purpose))
    return found if operator == "is" else not_(found)


def owned(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
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
