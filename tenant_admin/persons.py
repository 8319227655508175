"""Data protection: everything kept about a person as a file; erasing one, whoever lies in the bin, or many, with a certificate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.customers import profiles
from saas.integrations import erasures, persons
from saas.kit import doors, personal, work
from saas.tenancy import bin
from tenant_admin import entrance, frame
from tenant_admin.customers import listing

pages = Blueprint("persons", __name__)
MOST_CHOSEN = 1_000
PLACES = {
    "customers": _l("Customers"), "audit_values": _l("Entries of the history"), "stored_files": _l("Files"), "customer_keys": _l("Keys for finding duplicates"),
    "customer_facts": _l("Figures of the customer"), "deliveries_out": _l("Messages to webhooks"), "customer_identities": _l("Names they go by"),
    "customer_merges": _l("Merges"), "duplicate_pairs": _l("Pairs who may be one person"), "consents": _l("Words on consent"), "consent_requests": _l("Questions for consent"),
    "timeline_entries": _l("Entries of the timeline"), "orders": _l("Orders"), "order_lines": _l("Lines of orders"), "refunds": _l("Refunds"), "visits": _l("Visits"),
    "visitors": _l("Browsers"), "shop_events": _l("Browsing events"), "carts": _l("Carts"), "deliveries_in": _l("Deliveries of shops"), "mailing_recipients": _l("Mails"),
    "mail_events": _l("Answers to mails"), "suppressions": _l("Addresses not written to"), "offers_shown": _l("Offers shown"), "offer_trial_people": _l("Trials of offers"), "offer_answers": _l("Answers to offers"), "customer_shares": _l("Shares"),
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
@doors.open_to("member", "customers.delete", fresh=True, always=True)
def export(customer_id: str) -> Any:
    """Begin to put the file together."""
    return frame.go(url_for("operations.show", operation_id=persons.export(customer_id).id))


@pages.post("/customers/<customer_id>/data/erase")
@doors.open_to("member", "customers.delete", fresh=True, always=True)
def erase(customer_id: str) -> Any:
    """Begin to erase a person; who asks for it types their name first, for nothing brings them back."""
    customer = profiles.one(customer_id)
    if request.form.get("name", "").strip() != customer.name:
        frame.toast(_("Type the name exactly as it stands there: nothing brings back what is erased."), kind="warning")
        return frame.go(url_for("persons.show", customer_id=customer.id))
    return frame.go(url_for("operations.show", operation_id=erasures.erase(customer.id).id))


@pages.get("/bin/<item_id>/erase")
@doors.open_to("member", "customers.delete")
def binned(item_id: str) -> str:
    """Say what erasing somebody who was deleted means."""
    return _binned(bin.one(item_id))


@pages.post("/bin/<item_id>/erase")
@doors.open_to("member", "customers.delete", fresh=True, always=True)
def erase_binned(item_id: str) -> Any:
    """Begin to erase somebody who was deleted; who asks for it types their name first."""
    item = bin.one(item_id)
    if request.form.get("name", "").strip() != item.title:
        frame.toast(_("Type the name exactly as it stands there: nothing brings back what is erased."), kind="warning")
        return frame.go(url_for("persons.binned", item_id=item.id))
    try:
        return frame.go(url_for("operations.show", operation_id=erasures.erase_binned(item.id).id))
    except erasures.OthersAddress as refusal:
        work.forget()
        return _binned(bin.one(item_id), refusal), refusal.status


def _binned(item: Any, refusal: erasures.OthersAddress | None = None) -> str:
    if item.kind != "customer":
        raise bin.NotInTheBin
    shown = {"id": item.id, "name": item.title}
    return render_template(
        "persons/binned.html", item=shown, refused=refusal and _(refusal.message), holder=refusal and _page_of(refusal.holder)
    )  # fmt: skip


def _page_of(customer_id: UUID) -> str | None:
    """Return where a customer can be erased, unless they are a colleague's whom one does not see."""
    try:
        return url_for("persons.show", customer_id=profiles.one(customer_id).id)
    except profiles.NoSuchCustomer:
        return None


@pages.post("/customers/erase")
@doors.open_to("member", "customers.delete", always=True)
def many() -> Any:
    """Say how many are meant, and with `go` and that number typed begin to erase them."""
    definition, chosen = listing.meant(request.form)
    try:
        ids = None if chosen is None else [UUID(str(one)) for one in chosen][:MOST_CHOSEN]
    except ValueError:
        ids = []
    who = erasures.meant(definition=definition, ids=ids)
    count, problems = erasures.counted(who), {}
    if not count:
        frame.toast(_("Choose somebody first."), kind="warning")
        return frame.go(url_for("customers.index"))
    if "go" in request.form:
        entrance.require_fresh()
        typed = "".join(sign for sign in request.form.get("number", "") if sign.isdecimal())[:9]
        try:
            operation = erasures.erase_many(who, number=int(typed or 0))
            return frame.go(url_for("operations.show", operation_id=operation.id))
        except erasures.WrongNumber as refusal:
            work.forget()
            problems = refusal.fields
    kept = [
        (name, value) for name in ("ids", "all", "where", "view", "q") for value in request.form.getlist(name) if value
    ]
    page = render_template(
        "persons/many.html", count=count, kept=kept, problems=problems, typed=request.form.get("number", "")
    )
    return page, 422 if problems else 200


@pages.get("/erasures/<erasure_id>")
@doors.open_to("member", "customers.read")
def certificate(erasure_id: str) -> str:
    """Show the certificate of an erasure."""
    made = erasures.certificate(erasure_id)
    return render_template(
        "persons/certificate.html",
        made={"id": made.id, "at": made.erased_at, "by": made.erased_by, "people": made.people},
        counts=_said(made.counts),
        told=_said(made.told),
    )


def _said(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Return where it was and how many, in words."""
    return sorted((str(PLACES.get(table) or table.replace("_", " ")), many) for table, many in counts.items())
