"""The preference centre: about what somebody is written to, by which channel, how often, a pause, and leaving altogether.

It is opened from the shopper's own page, or by the link that every mail of a campaign carries; that link opens this page and
nothing else, for mails are passed on.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.customers import preferences
from saas.kit import doors, rates
from storefront import portal_frame
from storefront.portal_frame import Here, show

door = Blueprint("portal_preferences", __name__, template_folder="templates")
OFTEN = "60/minute"
CHANNELS = {"email": _l("By mail"), "sms": _l("By text message"), "phone": _l("By phone"), "post": _l("By letter")}
RHYTHMS = {"all": _l("Every mail"), "weekly": _l("At most one a week"), "monthly": _l("At most one a month")}
NOTES = {
    "saved": _l("Saved. It holds at once, also for mails that are being sent."), "nothing": _l("Nothing was changed."),
    "paused": _l("You get no mails until the day below."), "going": _l("The pause is over."), "stopped": _l("You get no news or offers of any kind any more."),
    "asked": _l("Saved. We sent you a mail: only your click there counts as a yes."),
}  # fmt: skip


@door.get("/my/<site>/preferences")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="preferences")
def index(here: Here) -> ResponseReturnValue:
    """Show what they can choose."""
    return _page(here)


@door.post("/my/<site>/preferences")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="preferences")
def change(here: Here) -> ResponseReturnValue:
    """Take what they chose."""
    return redirect(here.url("portal_preferences.index", noted=_taken(here)), 303)


@door.get("/m/p/<token>")
@doors.open_to("anyone", unit=False)
@portal_frame.of_mail
def from_mail(here: Here) -> ResponseReturnValue:
    """Show what they can choose, by the link of a mail."""
    return _page(here)


@door.post("/m/p/<token>")
@doors.open_to("anyone", unit=False)
@portal_frame.of_mail
def change_from_mail(here: Here) -> ResponseReturnValue:
    """Take what they chose, by the link of a mail."""
    return redirect(url_for("portal_preferences.from_mail", token=here.token, noted=_taken(here)), 303)


def _taken(here: Here) -> str:
    """Do what the pressed button says and return the note to show."""
    rates.require(f"preferences:{here.customer.id}", OFTEN)
    form, how = request.form, "mail_link" if here.token else "portal"
    said: dict[str, Any] = {"source": "portal", "proof": portal_frame.proof() | {"how": how}}
    if form.get("stop"):
        preferences.stop_all(here.customer.id, **said)
        return "stopped"
    if form.get("pause"):
        days = form.get("days", "")
        preferences.set_pause(here.customer.id, days=int(days) if days in map(str, preferences.PAUSES) else -1, **said)
        return "paused"
    if form.get("go_on"):
        preferences.set_pause(here.customer.id, days=None, **said)
        return "going"
    agreed = {tuple(about.rsplit(".", 1)) for about in form.getlist("agreed") if "." in about}
    rhythms = {name.removeprefix("rhythm."): value for name, value in form.items() if name.startswith("rhythm.")}
    changed = preferences.choose(here.customer.id, agreed=agreed, rhythms=rhythms, language=str(get_locale()), **said)
    if not changed:
        return "nothing"
    now = preferences.centre(here.customer, language=str(get_locale()))
    open_yes = any(topic.asked and (topic.key, "email") in agreed and topic.channels.get("email") != "granted" for topic in now.topics)  # fmt: skip
    return "asked" if open_yes else "saved"


def _page(here: Here) -> ResponseReturnValue:
    centre = preferences.centre(here.customer, language=str(get_locale()))
    return show(
        here, "preferences", centre=centre, channels=CHANNELS, rhythms=RHYTHMS, pauses=preferences.PAUSES,
        note=str(NOTES.get(request.args.get("noted", ""), "")), to=masked(here.customer.email or ""),
    )  # fmt: skip


def masked(email: str) -> str:
    """Return an address so that whoever owns it knows it and nobody else learns it."""
    name, at, domain = email.partition("@")
    return f"{name[:1]}•••{at}{domain}" if at else _("you")
