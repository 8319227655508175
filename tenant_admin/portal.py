"""The company's page for shoppers: how it looks, what it lets them do, and the topics of the preference centre with their words."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _

from saas.customers import portal_settings, purposes
from saas.kit import doors, errors
from saas.marketing import shopper_letters
from saas.tenancy import tenants
from tenant_admin import choices, frame
from tenant_admin.settings import render

pages = Blueprint("portal_admin", __name__)


@pages.get("/settings/portal")
@doors.open_to("member", "settings.read")
def index() -> Any:
    """Show how the page for shoppers is set."""
    return _page()


@pages.post("/settings/portal")
@doors.open_to("member", "settings.edit")
def change() -> Any:
    """Change the look and what shoppers may do."""
    form = request.form
    wanted = {
        "enabled": form.get("enabled") is not None, "color": form.get("color", ""), "logo_url": form.get("logo_url", ""),
        "welcome": _words("welcome."), "editable": form.getlist("editable"), "birthday_field": form.get("birthday_field", ""),
        "return_days": form.get("return_days", ""), "return_words": _words("return_words."),
    }  # fmt: skip
    try:
        portal_settings.change(**wanted)
    except portal_settings.BadSettings as refusal:
        return _page(refusal, wanted)
    frame.toast(_("Saved"))
    return frame.go(url_for("portal_admin.index"))


@pages.post("/settings/portal/topics")
@doors.open_to("member", "settings.edit")
def topics() -> Any:
    """Change the order and the words of the topics."""
    keys = [one.key for one in purposes.listed()]
    places = {key: request.form.get(f"place.{key}", "") for key in keys}
    keys.sort(key=lambda key: int(places[key]) if places[key].isascii() and places[key].isdigit() else len(keys))
    portal_settings.change(topics=[
        {"key": key, "shown": request.form.get(f"shown.{key}") is not None, "titles": _words(f"title.{key}."), "texts": _words(f"text.{key}.")}
        for key in keys
    ])  # fmt: skip
    frame.toast(_("Saved"))
    return frame.go(url_for("portal_admin.index") + "#topics")


def _words(prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): said for name, said in request.form.items() if name.startswith(prefix)}


def _page(refusal: errors.Refusal | None = None, typed: dict[str, Any] | None = None) -> Any:
    held = portal_settings.current()
    values = {name: getattr(held, name) for name in portal_settings.NAMES} | (typed or {})
    spoken = dict(choices.languages())
    words = {topic["key"]: topic for topic in held.topics}
    order = {key: place for place, key in enumerate(words)}
    known = sorted(purposes.listed(), key=lambda one: order.get(one.key, len(order)))
    return render(
        "portal", refusal, values=values, address=shopper_letters.portal_url(), editable=_editable(), birthdays=portal_settings.birthday_fields(),
        tongues=[(code, spoken.get(code, code)) for code in tenants.settings().languages],
        topics=[{"key": one.key, "name": one.name, "shown": words.get(one.key, {}).get("shown", True), "titles": words.get(one.key, {}).get("titles", {}),
                 "texts": words.get(one.key, {}).get("texts", {})} for one in known],
    )  # fmt: skip


def _editable() -> list[tuple[str, str]]:
    labels = {
        "first_name": _("First name"), "last_name": _("Last name"), "phone": _("Phone"), "address": _("Street and number"), "city": _("City"),
        "postcode": _("Postcode"), "country": _("Country"), "language": _("Language"),
    }  # fmt: skip
    return [(name, labels[name]) for name in portal_settings.EDITABLE]
