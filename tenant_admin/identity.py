"""How we know that a customer is one person: their browsers, addresses and accounts, what speaks for each, and taking one back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.commerce import unjoining
from saas.kit import doors
from tenant_admin import frame

pages = Blueprint("identity", __name__)
KINDS = {
    "email": _l("E-mail address"),
    "phone": _l("Phone number"),
    "external": _l("Account in a shop"),
    "visitor": _l("Browser"),
}
ICONS = {"email": "mail", "phone": "phone", "external": "building-store", "visitor": "device-desktop"}
WAYS = {
    "signature": _l("Signed in at the shop"), "mail_link": _l("Came by a link in a mail"), "order": _l("Placed an order"), "checkout": _l("Filled in the checkout"),
    "form": _l("Sent a form"), "claim": _l("Somebody typed the address"), "member": _l("Entered by hand"), "program": _l("A program said so"), "merge": _l("Two customers were merged"),
    "shop": _l("The shop said so"), "shopify": _l("The shop said so"), "woocommerce": _l("The shop said so"), "generic": _l("The shop said so"), "tracker": _l("Told in the browser"),
    "api": _l("A program said so"), "key": _l("A program said so"), "import": _l("Came with a file"), "platform": _l("Known from the beginning"), "parting": _l("Taken off another customer"),
}  # fmt: skip


@pages.get("/customers/<customer_id>/identity")
@doors.open_to("member", "customers.read")
def show(customer_id: str) -> str:
    """Show all joins with their evidence, and what was taken apart."""
    found = unjoining.of(customer_id)
    customer, shown = found["customer"], [_join(one) for one in found["joins"]]
    return render_template(
        "identity/show.html",
        customer={"id": customer.id, "name": customer.name},
        names=[one for one in shown if one["kind"] != "visitor"],
        browsers=[one for one in shown if one["kind"] == "visitor"],
        partings=[_parting(one) for one in found["partings"]],
    )  # fmt: skip


def _browser(visitor: str) -> str:
    """Return a browser as people can tell it from others: a few of its letters."""
    return _("Browser %(letters)s", letters=visitor[:6])


def _parting(one: Any) -> dict[str, Any]:
    name = _browser(one.value) if one.kind == "visitor" else one.value
    return {
        "id": one.id, "name": name, "at": one.at, "by": one.made_by, "moved": one.moved,
        "link": url_for("customers.show", customer_id=one.to_id) if one.to_id else "",
    }  # fmt: skip


def _join(one: Any) -> dict[str, Any]:
    return {
        "id": one.id, "kind": one.kind, "label": str(KINDS[one.kind]), "icon": ICONS[one.kind], "proven": one.proven, "counts": one.counts,
        "name": _browser(one.value) if one.kind == "visitor" else one.value, "shop": one.shop, "holds": one.holds, "last_at": one.last_at,
        "evidence": [_said(said) for said in one.evidence],
    }  # fmt: skip


def _said(said: dict[str, Any]) -> dict[str, Any]:
    link = url_for("orders.show", order_id=said["ref"]) if said["way"] == "order" and said["ref"] else ""
    if said["way"] == "parting":
        link = url_for("identity.show", customer_id=said["ref"])
    return said | {"text": str(WAYS.get(said["way"], WAYS["program"])), "link": link, "number": said.get("number", "")}


@pages.post("/customers/<customer_id>/identity/<join_id>/unjoin")
@doors.open_to("member", "customers.edit")
def unjoin(customer_id: str, join_id: str) -> Any:
    """Take a browser, an address, a number or an account away from a customer."""
    made = unjoining.unjoin(customer_id, join_id)
    undo = url_for("identity.rejoin", customer_id=customer_id, parting_id=made[0].id)
    if made[0].kind == "visitor":
        frame.toast(_("This browser is not theirs any more. What came by it went back to where it was."), undo=undo)
    else:
        words = _(
            "%(name)s is not theirs any more. What came by it went to the customer whose it is.", name=made[0].value
        )
        frame.toast(words, undo=undo)
    return frame.go(url_for("identity.show", customer_id=customer_id))


@pages.post("/customers/<customer_id>/identity/<parting_id>/rejoin")
@doors.open_to("member", "customers.edit")
def rejoin(customer_id: str, parting_id: str) -> Any:
    """Take a parting back."""
    unjoining.rejoin(customer_id, parting_id)
    frame.toast(_("Joined again."))
    return frame.go(url_for("identity.show", customer_id=customer_id))
