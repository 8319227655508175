"""What a person does with a campaign that is written: try it, send it, plan it, pause it, go on, stop it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from flask import Response, request, url_for
from flask_babel import get_timezone
from flask_babel import gettext as _

from saas.kit import doors, errors, rates, work
from saas.marketing import campaigns, launching, letters
from tenant_admin import frame


def _back(campaign_id: UUID | str) -> Response:
    return frame.go(url_for("campaigns.show", campaign_id=campaign_id))


def _turn(campaign_id: UUID | str, act: Callable[[], object], sentence: str) -> Response:
    """Do something and say so; a refusal is said instead, with nothing done."""
    campaigns.one(campaign_id)
    try:
        act()
    except (errors.Invalid, errors.Conflict, errors.LimitReached, errors.Unavailable) as refusal:
        work.forget()
        more = next((text for texts in refusal.fields.values() for text in texts), None)
        frame.toast(more or refusal.message, kind="error")
    else:
        frame.toast(sentence)
    return _back(campaign_id)


@doors.open_to("member", "campaigns.send")
def send_test(campaign_id: UUID | str) -> Response:
    """Send the mail to one address as it is now."""
    to, customer = request.form.get("to", ""), request.form.get("customer") or None
    rates.require(f"test-mail:{campaign_id}", "30/minute")
    return _turn(
        campaign_id,
        lambda: letters.send_test(campaign_id, to=to, customer_id=customer),
        _("The test is on its way to %(to)s.", to=to),
    )


@doors.open_to("member", "campaigns.send")
def launch(campaign_id: UUID | str) -> Response:
    """Begin sending."""
    return _turn(campaign_id, lambda: launching.launch(campaign_id), _("The mails are on their way."))


@doors.open_to("member", "campaigns.send")
def schedule(campaign_id: UUID | str) -> Response:
    """Plan the sending for a moment in the member's time zone."""
    campaigns.one(campaign_id)
    try:
        at = datetime.fromisoformat(request.form.get("at", "")).replace(tzinfo=get_timezone())
    except ValueError:
        frame.toast(_("Choose a day and a time."), kind="error")
        return _back(campaign_id)
    return _turn(campaign_id, lambda: launching.schedule(campaign_id, at=at), _("It will be sent by itself."))


@doors.open_to("member", "campaigns.send")
def unschedule(campaign_id: UUID | str) -> Response:
    """Make it a draft again."""
    return _turn(campaign_id, lambda: launching.unschedule(campaign_id), _("It is a draft again."))


@doors.open_to("member", "campaigns.send")
def pause(campaign_id: UUID | str) -> Response:
    """Stop for now."""
    return _turn(campaign_id, lambda: launching.pause(campaign_id), _("Paused. Nothing more leaves until you go on."))


@doors.open_to("member", "campaigns.send")
def resume(campaign_id: UUID | str) -> Response:
    """Go on."""
    return _turn(campaign_id, lambda: launching.resume(campaign_id), _("The mails are on their way again."))


@doors.open_to("member", "campaigns.send")
def cancel(campaign_id: UUID | str) -> Response:
    """Stop for good."""
    return _turn(
        campaign_id, lambda: launching.cancel(campaign_id), _("Stopped. Who has it, has it; nobody else gets it.")
    )


@doors.open_to("member", "campaigns.send")
def again(campaign_id: UUID | str) -> Response:
    """Send again to those of whom nobody knows whether they got it."""
    return _turn(campaign_id, lambda: launching.send_unknown_again(campaign_id), _("They are written to once more."))
