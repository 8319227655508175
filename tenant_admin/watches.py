"""Who waits for which product to be back or to cost less: the demand for buying, the people, and how they are told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from saas.catalog import products
from saas.kit import access, doors, errors, work
from saas.kit import pages as paging
from saas.marketing import watch_letters, watch_settings, watching
from tenant_admin import form_fields, frame

LIMIT, MOST_WANTED = 25, 20
NUMBERS = ("per_item", "again_hours", "expires_days", "price_percent", "price_amount")
pages = Blueprint("watches", __name__)


def kinds() -> dict[str, str]:
    """Return what people wait for, by name."""
    return {"stock": _("Back in stock"), "price": _("Lower price")}


def states() -> dict[str, tuple[str, str]]:
    """Return how a wish may stand, each with its tone."""
    return {
        "asked": ("grey", _("Not confirmed")), "waiting": ("accent", _("Waits")), "due": ("accent", _("Is being told")), "told": ("good", _("Told")),
        "ended": ("grey", _("Stopped")), "expired": ("grey", _("Over")),
    }  # fmt: skip


@pages.get("/marketing/watches")
@doors.open_to("member", "products.read")
def index() -> str:
    """Show what is waited for most, and by whom."""
    kind = request.args.get("kind") if request.args.get("kind") in watching.KINDS else None
    rows, following = [], None
    if access.may("customers.read"):
        page = paging.page(
            watching.listed(kind=kind), order=watching.NEWEST, cursor=request.args.get("cursor"), limit=LIMIT
        )
        names = products.many([watch.product_id for watch in page.items])
        hidden = "email" in access.hidden("customer")
        rows = [
            {"id": watch.id, "customer_id": watch.customer_id, "name": _("Customer") if hidden else watch.email, "state": watch.state, "kind": watch.kind,
             "product": names[watch.product_id].name, "variant": watch.variant, "at": watch.asked_at, "open": watch.state in ("asked", "waiting", "due")}
            for watch in page.items
        ]  # fmt: skip
        following = page.next
    tabs = [
        {"label": label, "url": url_for("watches.index", kind=key or None), "active": (kind or "") == key}
        for key, label in (("", _("All")), *kinds().items())
    ]
    return render_template(
        "watches/index.html", wanted=watching.demand(kind=kind, limit=MOST_WANTED), rows=rows, next=following, kinds=kinds(), states=states(), tabs=tabs,
        may_read=access.may("customers.read"),
    )  # fmt: skip


@pages.post("/marketing/watches/<watch_id>/end")
@doors.open_to("member", "customers.edit")
def end(watch_id: UUID | str) -> Response:
    """Tell somebody no more."""
    watching.end(watch_id)
    frame.toast(_("They are not told any more."))
    return frame.go(url_for("watches.index"))


@pages.route("/marketing/watches/settings", methods=["GET", "POST"])
@doors.open_to("member", "campaigns.edit")
def settings() -> Any:
    """Show how people are told, or change it."""
    if request.method == "GET":
        return _form(watch_settings.held())
    form = request.form
    letters: dict[str, Any] = {
        code: {
            kind: {part: form.get(f"{kind}.{code}.{part}", "") for part in watch_settings.PARTS}
            for kind in watching.KINDS
        }
        for code, _name in form_fields.tongues()
    }
    given = {name: form.get(name, "") for name in NUMBERS} | {
        "stock": bool(form.get("stock")),
        "price": bool(form.get("price")),
        "letters": letters,
    }
    try:
        watch_settings.change(**given)
    except errors.Invalid as refusal:
        work.forget()
        return _form(watch_settings.held() | given, refusal.fields), refusal.status
    frame.toast(_("Saved."))
    return frame.go(url_for("watches.settings"))


def _form(values: dict[str, Any], problems: dict | None = None) -> str:
    ours = {
        code: {kind: watch_letters.words(kind, code) for kind in watching.KINDS}
        for code, _name in form_fields.tongues()
    }
    return render_template(
        "watches/settings.html",
        values=values,
        problems=problems or {},
        tongues=form_fields.tongues(),
        ours=ours,
        kinds=kinds(),
    )
