"""The campaigns' pages: list, editor, one page a campaign. Which address leads where stands here, in one table."""

from __future__ import annotations

from flask import Blueprint

from tenant_admin.campaigns import editing, listing, previewing, showing, turning


def make_pages() -> Blueprint:
    """Return the campaigns' pages as a blueprint."""
    blueprint = Blueprint("campaigns", __name__)
    for path, view, methods in (
        ("/campaigns", listing.index, ["GET"]),
        ("/campaigns/new", editing.create, ["GET", "POST"]),
        ("/campaigns/preview", previewing.preview, ["POST"]),
        ("/campaigns/preview/<token>", previewing.framed, ["GET"]),
        ("/campaigns/<campaign_id>", showing.show, ["GET"]),
        ("/campaigns/<campaign_id>/recipients", showing.recipients, ["GET"]),
        ("/campaigns/<campaign_id>/mail", previewing.mail, ["GET"]),
        ("/campaigns/<campaign_id>/edit", editing.edit, ["GET", "POST"]),
        ("/campaigns/<campaign_id>/copy", editing.copy, ["POST"]),
        ("/campaigns/<campaign_id>/delete", editing.delete, ["POST"]),
        ("/campaigns/<campaign_id>/test", turning.send_test, ["POST"]),
        ("/campaigns/<campaign_id>/launch", turning.launch, ["POST"]),
        ("/campaigns/<campaign_id>/schedule", turning.schedule, ["POST"]),
        ("/campaigns/<campaign_id>/unschedule", turning.unschedule, ["POST"]),
        ("/campaigns/<campaign_id>/pause", turning.pause, ["POST"]),
        ("/campaigns/<campaign_id>/resume", turning.resume, ["POST"]),
        ("/campaigns/<campaign_id>/cancel", turning.cancel, ["POST"]),
        ("/campaigns/<campaign_id>/again", turning.again, ["POST"]),
    ):
        blueprint.add_url_rule(path, view.__name__, view, methods=methods)
    return blueprint


pages = make_pages()
