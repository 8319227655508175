"""Every component with made-up data, to look at and to test: /_gallery, registered only where a setting allows it.

Its templates are also the examples to copy from: a list, a record, a form, an entrance.
"""

from __future__ import annotations

import datetime
import math

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext as _

from saas.kit import doors
from tenant_admin import frame, navigation

NOW = datetime.datetime(2026, 11, 21, 14, 0, tzinfo=datetime.UTC)
NAMES = (
    "Ada Lovelace", "Grace Hopper", "王小明", "Mary Jackson", "Hedy Lamarr", "Katherine Johnson", "李娜",
    "Annie Easley", "Radia Perlman", "Emmy Noether", "Chien-Shiung Wu", "Rosalind Franklin",
)  # fmt: skip


def make_pages() -> Blueprint:
    """Return the gallery's pages as a blueprint of its own."""
    blueprint = Blueprint("gallery", __name__, url_prefix="/_gallery")
    views = {
        "": _components, "/list": _list, "/record": _record, "/form": _form, "/entrance": _entrance,
        "/error": _error, "/work": _work, "/search": _search,
    }  # fmt: skip
    for path, view in views.items():
        open_view = doors.open_to("anyone", unit=False)(view)
        blueprint.add_url_rule(path, view.__name__.strip("_"), open_view, methods=["GET", "POST"])
    return blueprint


def _customers() -> list[dict]:
    people = []
    for index, name in enumerate(NAMES):
        people.append({
            "id": index + 1,
            "name": name,
            "email": f"customer{index + 1}@example.com",
            "orders": (index * 7) % 13 + 1,
            "worth": 1250 * (index * 37 % 41 + 3),
            "consent": ("granted", "unknown", "withdrawn")[index % 3],
            "last": datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=7 * index**2 + 1),
        })  # fmt: skip
    return people


def _rooms() -> list[navigation.Shown]:
    rooms = [
        ("home", _("Home"), "home", "/_gallery"), ("customers", _("Customers"), "users", "/_gallery/list"),
        ("marketing", _("Marketing"), "send", "/_gallery/work"),
        ("recommend", _("Recommendations"), "sparkles", "/_gallery/record"),
        ("shops", _("Shops"), "building-store", "/_gallery/form"),
        ("settings", _("Settings"), "settings", "/_gallery/error"),
    ]  # fmt: skip
    shown = []
    for key, label, icon, url in rooms:
        children = ()
        if key == "customers":
            children = (navigation.Shown("segments", _("Segments"), "/_gallery/list?segments=1", "", "", False),)
        shown.append(navigation.Shown(key, label, url, icon, key[0], request.path == url, children))
    return shown


def _weeks(count: int = 26) -> list[str]:
    return [(NOW.date() - datetime.timedelta(weeks=count - index)).isoformat() for index in range(count)]


def _charts() -> dict:
    weeks = _weeks()
    revenue = [int(180_000 + 60_000 * math.sin(index / 4) + index * 9_000) for index in range(len(weeks))]
    share = [0.024, 0.031, 0.018]
    return {
        "revenue": {
            "x": weeks, "x_name": _("Week"), "y_name": _("Revenue"),
            "series": [
                {"name": _("This year"), "values": revenue, "interval": [[v * 9 // 10, v * 11 // 10] for v in revenue]},
                {"name": _("Last year"), "values": [int(v * 0.78) for v in revenue], "tone": "grey"},
            ],
        },
        "lift": {
            "x": [_("Spring mail"), _("Summer mail"), _("Welcome")], "y_name": _("Extra buyers"),
            "series": [{"name": _("Lift"), "values": share, "interval": [[v - 0.012, v + 0.012] for v in share]}],
        },
        "orders": {
            "x": weeks[-8:], "series": [
                {"name": _("First orders"), "values": [32, 41, 38, 44, 29, 51, 47, 60]},
                {"name": _("Repeat orders"), "values": [61, 58, 70, 73, 80, 79, 91, 99], "tone": "good"},
            ],
        },
        "empty": {"x": [], "series": []},
    }  # fmt: skip


def _timeline() -> list[dict]:
    day = datetime.timedelta(days=1)
    return [
        {"at": NOW, "icon": "eye", "title": _("Looked at the desk lamp three times"), "who": _("Shop")},
        {"at": NOW - day / 12, "icon": "mail-opened", "title": _("Opened “Autumn light”"), "tone": "info", "url": "#"},
        {"at": NOW - day, "icon": "receipt", "title": _("Ordered for €128.50"),
         "text": _("Order 10231, 3 things"), "tone": "good", "url": "#"},
        {"at": NOW - 3 * day, "icon": "shopping-cart", "title": _("Left a cart behind"), "tone": "warning"},
        {"at": NOW - 9 * day, "icon": "user-plus", "title": _("Became a customer"), "tone": "accent"},
    ]  # fmt: skip


def _page(template: str, **values):
    g.viewer = g.get("viewer") or frame.Viewer(
        "Ada Lovelace",
        "ada@example.com",
        "Lamp & Light",
        menu=((_("My settings"), "#", "user"),),
        sign_out_url="/_gallery",
    )
    return render_template(template, rooms=_rooms(), **values)


def _components():
    if request.args.get("toast"):
        frame.toast(_("12 customers tagged"), undo="/_gallery")
    return _page(
        "gallery/components.html", charts=_charts(), timeline=_timeline(), now=datetime.datetime.now(datetime.UTC)
    )


def _list():
    rows = _customers()
    query = request.args.get("q", "")
    if query:
        rows = [row for row in rows if query.lower() in row["name"].lower()]
    sort = request.args.get("sort", "-worth")
    rows.sort(key=lambda row: row[sort.lstrip("-")], reverse=sort.startswith("-"))
    return _page("gallery/list.html", rows=rows, q=query, sort=sort, bought=request.args.get("bought"))


def _record():
    return _page("gallery/record.html", timeline=_timeline(), charts=_charts(), person=_customers()[0])


def _form():
    errors = {}
    if request.method == "POST":
        if not request.form.get("name"):
            errors["name"] = [_("Please give a name.")]
        if "@" not in request.form.get("email", ""):
            errors["email"] = [_("An e-mail address has an @ in it.")]
        if not errors:
            frame.toast(_("Saved"))
            return frame.go(url_for("gallery.list"))
    return _page("gallery/form.html", errors=errors, values=request.form), 422 if errors else 200


def _work():
    done = int(request.args.get("done", 1200))
    return _page("gallery/work.html", done=min(done + 400, 5000))


def _entrance():
    return render_template("gallery/entrance.html")


def _error():
    return render_template(
        "error.html", status=404, title=_("This page does not exist"),
        text=_("It may have been deleted, or the address has a slip."),
        action=(_("Home"), "/_gallery"),
    ), 404  # fmt: skip


def _search():
    query = request.args.get("q", "").lower()
    hits = [
        {"label": row["name"], "hint": row["email"], "url": "/_gallery/record", "icon": "user"}
        for row in _customers()
        if query in row["name"].lower()
    ]
    return render_template("gallery/search.html", groups=[{"label": _("Customers"), "items": hits}], query=query)


pages = make_pages()
