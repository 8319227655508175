"""Who the company's mails come from, for programs: name and address, the key that signs, and what DNS has to say."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.api import shapes
from saas.kit import doors, rates, scope, work
from saas.tenancy import sending_domain, settings, tenants

blueprint = Blueprint("api_sender", __name__, description="Who the company's mails come from")


class SenderChange(shapes.Shape):
    """What may be changed of the sender; another domain needs a key of its own."""

    sender_name = shapes.Text(120)
    sender_email = shapes.Text(320)
    reply_to = shapes.Text(320)


class DnsEntryOut(Schema):
    """A TXT entry the sender's domain should have, and after a check whether it does."""

    kind = fields.String(metadata={"description": "dkim, spf or dmarc"})
    name = fields.String()
    value = fields.String()
    required = fields.Boolean()
    found = fields.String(
        allow_none=True, metadata={"description": "found, different, missing or unanswered; null before it was asked"}
    )


class SenderShown(Schema):
    """The sender with the entries its domain should have."""

    sender_name = fields.String()
    sender_email = fields.String()
    reply_to = fields.String()
    domain = fields.String()
    verified_at = fields.AwareDateTime(allow_none=True)
    own_address = fields.String(metadata={"description": "where mails come from while there is no `sender_email`"})
    entries = fields.List(fields.Nested(DnsEntryOut))


def shown(found: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the sender as plain values."""
    held = tenants.settings()
    entries = [
        {"kind": one.kind, "name": one.name, "value": one.value, "required": one.required, "found": (found or {}).get(one.kind)}
        for one in sending_domain.entries()
    ]  # fmt: skip
    return {name: getattr(held, name) for name in settings.SENDER} | {
        "domain": held.dkim_domain, "verified_at": held.dkim_verified_at, "own_address": sending_domain.own_address(), "entries": entries,
    }  # fmt: skip


@blueprint.route("/sender")
class Sender(MethodView):
    @blueprint.response(200, SenderShown)
    @doors.open_to("key", "settings.read")
    def get(self) -> dict[str, Any]:
        """Show who mails come from and what the domain needs."""
        return shown()

    @blueprint.arguments(SenderChange)
    @blueprint.response(200, SenderShown)
    @doors.open_to("key", "settings.edit")
    def patch(self, item: dict[str, Any]) -> dict[str, Any]:
        """Change who mails come from."""
        settings.change_sender(**item)
        return shown()


@blueprint.route("/sender/key", methods=["POST"])
@blueprint.response(200, SenderShown)
@doors.open_to("key", "settings.edit")
def make_key() -> dict[str, Any]:
    """Make a key that signs the company's mails, in place of the one before; 409 while there is no address."""
    sending_domain.make_key()
    return shown()


@blueprint.route("/sender/check", methods=["POST"])
@blueprint.response(200, SenderShown)
@doors.open_to("key", "settings.edit", unit=False)
def check() -> dict[str, Any]:
    """Ask DNS whether the entries are there; no transaction is open meanwhile."""
    rates.require(f"dns:{scope.actor().id}", "20/minute")
    with work.unit():
        wanted = sending_domain.entries()
    found = sending_domain.look_up(wanted)
    with work.unit():
        sending_domain.note_checked(found)
        return shown(found)
