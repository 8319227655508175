"""The one search box: what Ctrl-K shows while somebody types, and the same as a page of its own."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask_babel import gettext as _

from saas.kit import doors, scope, search
from tenant_admin.frame import viewer

IN_THE_BOX, ON_THE_PAGE = 12, 60
# kind -> endpoint, its argument, icon, the right to see it
KINDS = {
    "customer": ("customers.show", "customer_id", "user", "customers.read"),
    "order": ("orders.show", "order_id", "receipt", "orders.read"),
    "product": ("products.show", "product_id", "package", "products.read"),
    "segment": ("segments.show", "segment_id", "users-group", "segments.read"),
    "campaign": ("campaigns.show", "campaign_id", "send", "campaigns.read"),
}
pages = Blueprint("search", __name__)


@pages.get("/search")
@doors.open_to("member", "customers.read")
def index():
    """Answer what the typed text finds, by kind: links alone for the box, a page for everybody else."""
    typed = request.args.get("q", "").strip()[:200]
    in_the_box = (
        "HX-Request" in request.headers and "HX-Target" not in request.headers
    )  # htmx names a target, the box is no htmx
    kinds = _allowed()
    hits = (
        search.find(scope.tenant_id(), typed, kinds=kinds, limit=IN_THE_BOX if in_the_box else ON_THE_PAGE)
        if typed
        else []
    )
    groups = _grouped(hits)
    if in_the_box:
        return render_template("search/hits.html", groups=groups, query=typed)
    return render_template("search/index.html", groups=groups, query=typed, count=len(hits), most=ON_THE_PAGE)


def _allowed() -> list[str]:
    """Return the kinds whose pages are there and that this member may see."""
    rights = viewer().rights or frozenset()
    return [
        kind
        for kind, (endpoint, _id, _icon, right) in KINDS.items()
        if right in rights and endpoint in current_app.view_functions
    ]


def _grouped(hits: list[Any]) -> list[dict[str, Any]]:
    """Return the hits by kind, the kind of the best hit first."""
    labels = {
        "customer": _("Customers"),
        "order": _("Orders"),
        "product": _("Products"),
        "segment": _("Segments"),
        "campaign": _("Campaigns"),
    }
    groups: dict[str, dict[str, Any]] = {}
    for hit in hits:
        endpoint, name, icon, _right = KINDS[hit.kind]
        group = groups.setdefault(hit.kind, {"kind": hit.kind, "label": labels[hit.kind], "items": []})
        group["items"].append(
            {
                "label": hit.title,
                "hint": hit.subtitle if hit.subtitle != hit.title else "",
                "icon": icon,
                "url": url_for(endpoint, **{name: hit.id}),
            }
        )
    return list(groups.values())
