"""Data protection for one person: everything kept about them as a file, and erasing them with a certificate."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from saas.customers import profiles
from saas.integrations import persons
from saas.kit import doors, personal
from tenant_admin import frame

pages = Blueprint("persons", __name__)


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
        counts=sorted(made.counts.items()),
        told=sorted(made.told.items()),
    )
