"""Data protection for one person: everything kept about them as a file, and erasing them with a certificate."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.customers import profiles
from saas.integrations import persons
from saas.kit import doors, personal
from tenant_admin import frame

pages = Blueprint("persons", __name__)
PLACES = {
    "customers": _l("Customers"), "audit_values": _l("Entries of the history"), "stored_files": _l("Files"), "customer_keys": _l("Keys for finding duplicates"),
    "customer_facts": _l("Figures of the customer"), "deliveries_out": _l("Messages to webhooks"), "customer_identities": _l("Names they go by"),
    "customer_merges": _l("Merges"), "duplicate_pairs": _l("Pairs who may be one person"), "consents": _l("Words on consent"), "consent_requests": _l("Questions for consent"),
    "timeline_entries": _l("Entries of the timeline"), "orders": _l("Orders"), "order_lines": _l("Lines of orders"), "refunds": _l("Refunds"), "visits": _l("Visits"),
    "visitors": _l("Browsers"), "shop_events": _l("Browsing events"), "carts": _l("Carts"), "deliveries_in": _l("Deliveries of shops"), "mailing_recipients": _l("Mails"),
    "mail_events": _l("Answers to mails"), "suppressions": _l("Addresses not written to"), "offers_shown": _l("Offers shown"), "customer_shares": _l("Shares"),
    "bin_items": _l("Bin"), "segments": _l("Segments"), "campaigns": _l("Campaigns"), "templates": _l("Mail designs"), "attributions": _l("Orders that mails brought"),
    "customer_values": _l("Values of own fields"), "import_entries": _l("Lines of imports"), "bulk_targets": _l("Rows of changes of many"),
}  # fmt: skip


@pages.get("/customers/<customer_id>/data")
@doors.open_to("member", "customers.read")
def show(customer_id: str) -> str:
    """Say what is kept about a person and where, with the two things they may ask for."""
    customer = profiles.one(customer_id)
    return render_template(
        "persons/show.html", customer={"id": customer.id, "name": customer.name}, tables=len(personal.tables())
    )


@pages.post("/customers/<customer_id>/data/export")
@doors.open_to("member", "customers.delete", fresh=True)
def export(customer_id: str) -> Any:
    """Begin to put the file together."""
    return frame.go(url_for("operations.show", operation_id=persons.export(customer_id).id))


@pages.post("/customers/<customer_id>/data/erase")
@doors.open_to("member", "customers.delete", fresh=True)
def erase(customer_id: str) -> Any:
    """Begin to erase a person; who asks for it types their name first, for nothing brings them back."""
    customer = profiles.one(customer_id)
    if request.form.get("name", "").strip() != customer.name:
        frame.toast(_("Type the name exactly as it stands there: nothing brings back what is erased."), kind="warning")
        return frame.go(url_for("persons.show", customer_id=customer.id))
    return frame.go(url_for("operations.show", operation_id=persons.erase(customer.id).id))


@pages.get("/erasures/<erasure_id>")
@doors.open_to("member", "customers.read")
def certificate(erasure_id: str) -> str:
    """Show the certificate of an erasure."""
    made = persons.certificate(erasure_id)
    return render_template(
        "persons/certificate.html",
        made={"id": made.id, "at": made.erased_at, "by": made.erased_by},
        counts=_said(made.counts),
        told=_said(made.told),
    )


def _said(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Return where it was and how many, in words."""
    return sorted((str(PLACES.get(table) or table.replace("_", " ")), many) for table, many in counts.items())
