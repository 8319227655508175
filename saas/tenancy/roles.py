"""What each role may do: one table, asked by every door.

A permission is `<kind of record>.<action>`; `*` stands for all. Owners alone handle money and the company itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from saas.kit import errors
from saas.kit.text import gettext as _

ROLES = ("owner", "admin", "marketer", "sales", "service", "read_only")

_READ = {
    "customers.read", "products.read", "orders.read", "segments.read", "campaigns.read", "offers.read", "reports.read",
    "shops.read",
}  # fmt: skip
_STAFF = _READ | {"customers.edit"}
PERMISSIONS: dict[str, set[str]] = {
    "owner": {"*"},
    "admin": _STAFF
    | {"customers.delete", "products.edit", "orders.edit", "offers.edit"}
    | {"segments.edit", "campaigns.edit", "campaigns.send"}
    | {"shops.edit", "members.read", "members.edit", "settings.read", "settings.edit", "keys.edit", "plan.read"},
    "marketer": _STAFF | {"products.edit", "segments.edit", "campaigns.edit", "campaigns.send", "offers.edit"},
    "sales": _STAFF,
    "service": _STAFF,
    "read_only": _READ,
}


@dataclass(frozen=True)
class Role:
    """A role as people read it: its name, and a sentence that says what it may do."""

    key: str
    name: str
    sentence: str


def described() -> list[Role]:
    """Return every role with what it may do, in the reader's language."""
    return [
        Role("owner", _("Owner"), _("Everything: the plan and its payment, people, shops, campaigns and the company.")),
        Role("admin", _("Administrator"), _("Everything but paying for the plan and making owners.")),
        Role("marketer", _("Marketer"), _("Works on customers, segments, offers and campaigns, and sends them.")),
        Role("sales", _("Sales"), _("Works on customers, and sees orders, products, campaigns and reports.")),
        Role("service", _("Service"), _("Helps customers: edits them and sees their orders and mails.")),
        Role("read_only", _("Read-only"), _("Sees customers, orders, campaigns and reports, and changes nothing.")),
    ]


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
