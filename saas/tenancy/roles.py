"""What each role may do: one table, asked by every door.

A permission is `<kind of record>.<action>`; `*` stands for all. Owners alone handle money and the company itself.
"""

from __future__ import annotations

from saas.kit import errors
from saas.kit.text import gettext as _

ROLES = ("owner", "admin", "marketer", "sales", "service", "read_only")

_READ = {"customers.read", "products.read", "orders.read", "segments.read", "campaigns.read", "offers.read", "reports.read", "shops.read"}
_STAFF = _READ | {"customers.edit"}
PERMISSIONS: dict[str, set[str]] = {
    "owner": {"*"},
    "admin": _STAFF
    | {"customers.delete", "products.edit", "orders.edit", "segments.edit", "campaigns.edit", "campaigns.send", "offers.edit"}
    | {"shops.edit", "members.read", "members.edit", "settings.read", "settings.edit", "keys.edit", "plan.read"},
    "marketer": _STAFF | {"products.edit", "segments.edit", "campaigns.edit", "campaigns.send", "offers.edit"},
    "sales": _STAFF,
    "service": _STAFF,
    "read_only": _READ,
}


class MayNot(errors.Forbidden):
    """The member's role does not include this."""


def may(role: str, permission: str) -> bool:
    """Tell whether a role includes a permission."""
    held = PERMISSIONS.get(role, set())
    return "*" in held or permission in held


def permissions(role: str) -> frozenset[str]:
    """Return every permission a role holds, with an owner's `*` written out."""
    held = PERMISSIONS.get(role, set())
    every = set().union(*PERMISSIONS.values()) | {"plan.edit", "company.close"}
    return frozenset(every - {"*"} if "*" in held else held)


def require(role: str, permission: str) -> None:
    """Raise MayNot unless the role includes the permission."""
    if not may(role, permission):
        raise MayNot(_("Your role does not allow this. Ask an owner or administrator."))
