"""What each built-in role may do, and everything that may be done: one table, asked by every door.

A permission is `<kind of record>.<action>`; `*` stands for all. Owners alone handle money and the company itself. Roles
that a company makes for itself are in `made_roles`; what a member may do and see is worked out in `rights`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from saas.kit.text import gettext as _
from saas.kit.text import later as _l

ROLES = ("owner", "admin", "marketer", "sales", "service", "read_only")
CUSTOM = "custom"

_READ = {
    "customers.read", "products.read", "orders.read", "segments.read", "campaigns.read", "offers.read", "reports.read",
    "fields.read", "views.keep", "shops.read", "operations.read",
}  # fmt: skip
_STAFF = _READ | {"customers.edit"}
PERMISSIONS: dict[str, set[str]] = {
    "owner": {"*"},
    "admin": _STAFF
    | {"customers.delete", "products.edit", "orders.edit", "orders.answer", "offers.edit"}
    | {"segments.edit", "campaigns.edit", "campaigns.send", "exports.make"}
    | {
        "shops.edit",
        "members.read",
        "members.edit",
        "settings.read",
        "settings.edit",
        "keys.edit",
        "hooks.edit",
        "plan.read",
        "roles.edit",
        "audit.read",
        "support.edit",
        "fields.edit",
        "views.share",
    },
    "marketer": _STAFF
    | {"views.share"}
    | {"products.edit", "segments.edit", "campaigns.edit", "campaigns.send", "offers.edit", "exports.make"},
    "sales": _STAFF,
    "service": _STAFF | {"orders.answer"},
    "read_only": _READ,
}


CATALOGUE: tuple[tuple[str, Any, tuple[tuple[str, Any], ...]], ...] = (
    ("customers", _l("Customers"), (("read", _l("see")), ("edit", _l("change")), ("delete", _l("delete")))),
    ("orders", _l("Orders"), (("read", _l("see")), ("edit", _l("change")), ("answer", _l("answer returns")))),
    ("products", _l("Products"), (("read", _l("see")), ("edit", _l("change")))),
    ("segments", _l("Segments"), (("read", _l("see")), ("edit", _l("change")))),
    ("campaigns", _l("Campaigns"), (("read", _l("see")), ("edit", _l("change")), ("send", _l("send")))),
    ("offers", _l("Recommendations"), (("read", _l("see")), ("edit", _l("change")))),
    ("reports", _l("Reports"), (("read", _l("see")),)),
    ("shops", _l("Shops"), (("read", _l("see")), ("edit", _l("change")))),
    ("exports", _l("Files of records"), (("make", _l("take away")),)),
    ("operations", _l("Background work"), (("read", _l("see")),)),
    ("members", _l("People and teams"), (("read", _l("see")), ("edit", _l("change")))),
    ("roles", _l("Roles"), (("edit", _l("change")),)),
    ("fields", _l("Own fields"), (("read", _l("see")), ("edit", _l("change")))),
    (
        "views",
        _l("Saved views"),
        (
            ("keep", _l("keep")),
            ("share", _l("share with everybody")),
        ),
    ),
    ("settings", _l("The company's settings"), (("read", _l("see")), ("edit", _l("change")))),
    ("keys", _l("Keys for programs"), (("edit", _l("change")),)),
    ("hooks", _l("Webhooks"), (("edit", _l("change")),)),
    ("audit", _l("The company's history"), (("read", _l("see")),)),
    ("plan", _l("Plan and payment"), (("read", _l("see")), ("edit", _l("change")))),
    ("support", _l("Access for Regulars’ support"), (("edit", _l("allow")),)),
    ("company", _l("The company itself"), (("sign_in", _l("rules for signing in")), ("close", _l("close")))),
)
"""Everything that may be allowed: kind of record, its name, and its actions. The form for a role is made of it."""
OWNERS = frozenset({"plan.edit", "company.sign_in", "company.close"})
"""What only owners do: no role that a company makes may hold it."""


def every() -> frozenset[str]:
    """Return every permission there is."""
    return frozenset(f"{kind}.{action}" for kind, _label, actions in CATALOGUE for action, _word in actions)


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


def may(role: str, permission: str) -> bool:
    """Tell whether a built-in role includes a permission."""
    held = PERMISSIONS.get(role, set())
    return "*" in held or permission in held


def permissions(role: str) -> frozenset[str]:
    """Return every permission a built-in role holds, with an owner's `*` written out."""
    return written_out(PERMISSIONS.get(role, set()))


def written_out(held: Iterable[str]) -> frozenset[str]:
    """Return permissions with `*` written out."""
    return every() if "*" in held else frozenset(held)
