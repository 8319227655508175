"""The rooms at the left of every page, as one table.

A room or page is shown only when its endpoint exists in the running application and its door is open to the member, so
a room appears by being built and needs no change here beyond its line, and nothing leads to a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Flask, url_for
from flask_babel import lazy_gettext as _l

from saas.kit import doors


@dataclass(frozen=True)
class Place:
    """One entry of the navigation; `right` is what a member needs beside what its door asks, `keys` the letters after `g`.

    Where the door of `endpoint` is closed to a member, the room leads to the first of `instead` (page, right) that is open.
    """

    key: str
    label: object
    endpoint: str
    icon: str = ""
    right: str | None = None
    keys: str = ""
    children: tuple[Place, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Shown:
    """A place as this member sees it on this page."""

    key: str
    label: str
    url: str
    icon: str
    keys: str
    active: bool
    children: tuple[Shown, ...] = ()


PLACES = (
    Place("home", _l("Home"), "home.index", "home", right="reports.read", keys="h"),
    Place("customers", _l("Customers"), "customers.index", "users", keys="c", children=(
        Place("presence", _l("On the site now"), "presence.index"),
        Place("segments", _l("Segments"), "segments.index"),
        Place("imports", _l("Imports"), "imports.index", right="customers.edit"),
        Place("duplicates", _l("Duplicates"), "duplicates.index"),
    )),
    Place("orders", _l("Orders"), "orders.index", "receipt", keys="o", children=(
        Place("carts", _l("Carts"), "carts.index"),
        Place("payments", _l("Payments"), "payments.index"),
        Place("returns", _l("Returns"), "returns.index"),
    )),
    Place("products", _l("Products"), "products.index", "package", keys="p"),
    Place("sales", _l("Sales"), "sales.index", "target", keys="s"),
    Place("marketing", _l("Marketing"), "marketing.index", "send", keys="m", children=(
        Place("campaigns", _l("Campaigns"), "campaigns.index"),
        Place("templates", _l("Mail designs"), "templates.index"),
        Place("forms", _l("Forms and pop-ups"), "forms.index"),
        Place("coupons", _l("Coupons"), "coupons.index"),
        Place("watches", _l("Waiting for products"), "watches.index"),
        Place("reviews", _l("Reviews"), "reviews.index"),
    )),
    Place("service", _l("Service"), "service.index", "headset", keys="v"),
    Place("recommend", _l("Recommendations"), "recommend.index", "sparkles", keys="r"),
    Place("insights", _l("Insights"), "insights.index", "chart-histogram", keys="i"),
    Place("shops", _l("Shops"), "shops.index", "building-store", keys="b"),
    Place("settings", _l("Settings"), "settings.index", "settings", keys="t", instead=(
        ("plan.index", "plan.read"), ("members.index", "members.read"), ("own_fields.index", "fields.edit"), ("history.index", "audit.read"),
        ("bin.index", "operations.read"), ("keys.index", "keys.edit"), ("webhooks.index", "hooks.edit"),
    )),
)  # fmt: skip


def _show(place: Place, *, app: Flask, rights: frozenset[str] | None, active: set[str]) -> Shown | None:
    children = tuple(
        child
        for child in (_show(inner, app=app, rights=rights, active=active) for inner in place.children)
        if child is not None
    )
    allowed = place.right is None or rights is None or place.right in rights
    pages = [place.endpoint, *(page for page, right in place.instead if rights is None or right in rights)]
    open_here = next((page for page in pages if _is_open(page, app=app, rights=rights)), None)
    if not allowed or not (open_here or children):
        return None
    return Shown(
        key=place.key,
        label=str(place.label),
        url=url_for(open_here) if open_here else children[0].url,
        icon=place.icon,
        keys=place.keys,
        active=place.key in active or any(child.active for child in children),
        children=children,
    )


def _is_open(endpoint: str, *, app: Flask, rights: frozenset[str] | None) -> bool:
    """Return whether a page exists and its door lets somebody with these rights in."""
    if endpoint not in app.view_functions:
        return False
    entrance = doors.entrance_of(app.view_functions[endpoint], "GET")
    return rights is None or entrance is None or entrance.permission is None or entrance.permission in rights


def shown(
    *, app: Flask, active: str | None = None, rights: Iterable[str] | None = None, places: tuple[Place, ...] = PLACES
) -> list[Shown]:
    """Return the places this member may see, with the active one marked.

    `active` is the key of a place; without rights (None) nothing is hidden by right.
    """
    held = None if rights is None else frozenset(rights)
    entries = (_show(place, app=app, rights=held, active={active} if active else set()) for place in places)
    return [entry for entry in entries if entry is not None]
