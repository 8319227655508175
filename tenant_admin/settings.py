"""The company's settings: what it is called, where it is, and the tabs that lead to sender, people, keys and plan."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask_babel import gettext as _

from saas.kit import access, doors, errors, work
from saas.tenancy import settings
from tenant_admin import choices, frame

pages = Blueprint("settings", __name__)


class Places(list[dict[str, Any]]):
    """The places of the settings in groups: {"group", "items": [{"label", "url", "active"}]}."""

    @property
    def here(self) -> str:
        """The name of the place that is open, which is the title of its page."""
        return self._open("label")

    @property
    def url(self) -> str:
        """The address of the place that is open."""
        return self._open("url")

    def _open(self, what: str) -> str:
        return next((item[what] for group in self for item in group["items"] if item["active"]), "")


def tabs(active: str) -> Places:
    """Return the places of the settings this member may open, in groups."""
    groups = (
        (_("Company"), (
            ("settings.index", _("Company"), "settings.read"), ("sender.index", _("Sender and domain"), "settings.read"),
            ("consents.index", _("Consent"), "settings.read"), ("portal_admin.index", _("Page for shoppers"), "settings.read"), ("retention.index", _("Keeping data"), "settings.read"), ("plan.index", _("Plan"), "plan.read"),
        )),
        (_("People"), (
            ("members.index", _("People"), "members.read"), ("teams.index", _("Teams"), "members.read"), ("roles.index", _("Roles"), "members.read"),
            ("sign_in.index", _("Sign-in"), "members.read"), ("support.index", _("Support access"), "settings.read"),
        )),
        (_("Records"), (
            ("own_fields.index", _("Fields"), "fields.edit"), ("history.index", _("History"), "audit.read"), ("bin.index", _("Bin"), "operations.read"),
            ("operations.index", _("Background work"), "operations.read"),
        )),
        (_("Programs"), (("keys.index", _("API keys"), "keys.edit"), ("webhooks.index", _("Webhooks"), "hooks.edit"))),
    )  # fmt: skip
    shown = [
        {"group": group, "items": [
            {"label": label, "url": url_for(endpoint), "active": endpoint == active}
            for endpoint, label, right in items if endpoint in current_app.view_functions and access.may(right)
        ]}
        for group, items in groups
    ]  # fmt: skip
    return Places(group for group in shown if group["items"])


def render(template: str, refusal: errors.Refusal | None = None, **values: Any) -> Any:
    """Show a page of the settings, with what was refused, and forget what was half done."""
    if refusal is not None:
        work.forget()
    fields = refusal.fields if refusal else {}
    page = render_template(
        f"settings/{template}.html", **{"tabs": tabs(request.blueprint + ".index")} | values, errors=fields,
        refused=_(refusal.message) if refusal and not fields else None,
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def typed(names: tuple[str, ...], *, many: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the form's fields of these names; `many` are lists."""
    form = request.form
    return {name: form.getlist(name) if name in many else form.get(name, "") for name in names}


@pages.get("/settings")
@doors.open_to("member", "settings.read")
def index() -> Any:
    """Show the company."""
    return _page()


@pages.post("/settings")
@doors.open_to("member", "settings.edit")
def change() -> Any:
    """Change the company."""
    values = typed(settings.COMPANY, many=("languages",))
    try:
        settings.change_company(**values)
    except errors.Refusal as refusal:
        return _page(refusal, values)
    frame.toast(_("Saved."))
    return frame.go(url_for("settings.index"))


def _page(refusal: errors.Refusal | None = None, values: dict[str, Any] | None = None) -> Any:
    held = settings.shown()
    return render(
        "company", refusal, values=values or held, site_key=held["site_key"], countries=choices.countries(),
        currencies=choices.currencies(held["currency"]), zones=choices.zones(settings.zones()),
        choosable=choices.languages(),
    )  # fmt: skip
