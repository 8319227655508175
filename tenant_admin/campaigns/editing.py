"""Making, writing, copying and deleting campaigns."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from saas.audiences import segments
from saas.commerce import coupons
from saas.customers import purposes
from saas.kit import doors, errors, work
from saas.kit import pages as paging
from saas.marketing import campaigns, schemas, starter_letters, templates
from saas.tenancy import audit
from tenant_admin import frame
from tenant_admin.campaigns import previewing

TEXTS = ("name", "subject", "source", "text_source", "language", "sender_name", "reply_to")
MOST_CHOICES = 200


@doors.open_to("member", "campaigns.edit")
def create() -> Any:
    """Ask what the campaign is called, who gets it and what to begin with; then open the editor."""
    if request.method == "GET":
        return _beginning({"segment_id": request.args.get("segment", ""), "begin": "starter:plain_letter"})
    values = {name: request.form.get(name, "") for name in ("name", "segment_id", "begin")}
    try:
        campaign = campaigns.create(
            name=values["name"], segment_id=values["segment_id"] or None, **_begun(values["begin"])
        )
    except (errors.Invalid, errors.NotFound) as error:
        work.forget()
        return _beginning(values, error.fields, error.message), error.status
    return frame.go(url_for("campaigns.edit", campaign_id=campaign.id))


def _begun(choice: str) -> dict[str, Any]:
    """Return the fields that a starter or a design gives."""
    kind, _colon, key = choice.partition(":")
    if kind == "design":
        return {"template_id": key}
    starter = starter_letters.one(key=key or "plain_letter", language=str(get_locale()))
    return {"subject": starter.subject, "source": starter.body, "language": str(get_locale())[:2]}


def _beginning(values: dict[str, str], problems: dict | None = None, general: str | None = None) -> str:
    starters = [
        {"value": f"starter:{starter.key}", "name": starter.name, "text": starter.description}
        for starter in starter_letters.every(language=str(get_locale()))
    ]
    designs = paging.page(templates.listed(), order=templates.BY_NAME, limit=50).items
    kept = [{"value": f"design:{design.id}", "name": design.name, "text": design.subject} for design in designs]
    return render_template(
        "campaigns/new.html",
        values=values,
        problems=problems or {},
        general=general,
        choices=kept + starters,
        segments=_segments(),
    )


def _segments() -> list[tuple[str, str]]:
    page = paging.page(segments.listed(), order=segments.BY_NAME, limit=MOST_CHOICES)
    return [(str(segment.id), segment.name) for segment in page.items]


@doors.open_to("member", "campaigns.edit")
def edit(campaign_id: UUID | str) -> Any:
    """Show the editor, or keep what was written: faults are kept too, and shown, but hold up the sending."""
    campaign = campaigns.one(campaign_id)
    if campaign.state not in campaigns.CHANGEABLE:
        return frame.go(url_for("campaigns.show", campaign_id=campaign.id))
    if request.method == "GET":
        return _editor(campaign, _held(campaign))
    values: dict[str, Any] = {
        name: request.form.get(name, "") for name in (*TEXTS, "segment_id", "coupon_id", "holdout_percent")
    }
    values["purpose"] = request.form.get("purpose", campaign.purpose)
    values["without_disputed"] = "without_disputed" in request.form
    try:
        fields = values | {
            "segment_id": values["segment_id"] or None,
            "coupon_id": values["coupon_id"] or None,
            "holdout_percent": _percent(values["holdout_percent"]),
        }
        campaign = campaigns.change(campaign.id, **fields)
    except (errors.Invalid, errors.Conflict) as error:
        work.forget()
        return _editor(campaign, values, error.fields, error.message), error.status
    if request.form.get("design"):
        _keep_design(request.form["design"], campaign)
    frame.toast(_("Saved."))
    if request.form.get("then") == "stay" or schemas.faults(campaign.compiled)["problems"]:
        return frame.go(url_for("campaigns.edit", campaign_id=campaign.id))
    return frame.go(url_for("campaigns.show", campaign_id=campaign.id))


def _keep_design(name: str, campaign: Any) -> None:
    """Keep what is written as a design too, unless its name is taken."""
    if name in [
        design.name for design in paging.page(templates.listed(), order=templates.BY_NAME, limit=MOST_CHOICES).items
    ]:
        frame.toast(_("There is a design called %(name)s already.", name=name), kind="warning")
        return
    templates.create(name=name, **{field: getattr(campaign, field) for field in campaigns.WRITTEN})


def _percent(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return -1


def _held(campaign: Any) -> dict[str, Any]:
    values = {name: getattr(campaign, name) for name in (*TEXTS, "holdout_percent", "purpose", "without_disputed")}
    return values | {name: str(getattr(campaign, name) or "") for name in ("segment_id", "coupon_id")}


def _editor(campaign: Any, values: dict[str, Any], problems: dict | None = None, general: str | None = None) -> str:
    return render_template(
        "campaigns/edit.html",
        campaign={"id": campaign.id, "name": campaign.name},
        values=values,
        problems=problems or {},
        general=general,
        segments=_segments(),
        coupons=[(str(one.id), one.name) for one in coupons.open_ones()],
        purposes=[(one.key, one.name) for one in purposes.mailed(keep=campaign.purpose)],
        people=previewing.people(segments.one(campaign.segment_id).definition if campaign.segment_id else None),
        me=g.viewer.email,
    )


@doors.open_to("member", "campaigns.edit")
def copy(campaign_id: UUID | str) -> Response:
    """Make a draft of the same mail."""
    made = campaigns.copy(campaign_id)
    frame.toast(_("Here is the copy."))
    return frame.go(url_for("campaigns.edit", campaign_id=made.id))


@doors.open_to("member", "campaigns.edit")
def delete(campaign_id: UUID | str) -> Response:
    """Put a campaign that is not being sent into the bin."""
    campaign = campaigns.one(campaign_id)
    name = campaign.name
    try:
        campaigns.delete(campaign.id)
    except errors.Conflict as refusal:
        frame.toast(refusal.message, kind="error")
        return frame.go(url_for("campaigns.show", campaign_id=campaign.id))
    frame.toast(_("The campaign “%(name)s” is deleted", name=name), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("campaigns.index"))
