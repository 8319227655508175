"""The list of campaigns with what came of each."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from saas.kit import doors
from saas.kit import pages as paging
from saas.marketing import campaigns, letters, mailings, reports
from tenant_admin.markup import here
from tenant_admin.states import describe

LIMIT = 25


@doors.open_to("member", "campaigns.read")
def index() -> str:
    """List campaigns, the last changed first."""
    state = request.args.get("state")
    state = state if state in campaigns.STATES else None
    page = paging.page(
        campaigns.listed(state=state), order=campaigns.NEWEST, cursor=request.args.get("cursor"), limit=LIMIT
    )
    return render_template(
        "campaigns/index.html", rows=rows(page.items), next=page.next, tabs=_tabs(state), filtered=state is not None
    )


def _tabs(state: str | None) -> list[dict[str, Any]]:
    known = campaigns.by_state()
    tabs = [{"label": _("All"), "url": here(state=None), "active": state is None, "count": sum(known.values())}]
    return tabs + [
        {"label": describe(name)[1], "url": here(state=name), "active": state == name, "count": known[name]}
        for name in campaigns.STATES
        if known.get(name) or state == name
    ]


def rows(found: list[Any]) -> list[dict[str, Any]]:
    """Return campaigns as the list shows them, in a fixed number of queries."""
    sent = mailings.of_campaigns([campaign.id for campaign in found])
    ids = [mailing.id for mailing in sent.values()]
    figures, earned = (reports.results(ids), reports.earnings(ids)) if ids else ({}, {})
    example = letters.person(None) if found else {}
    return [
        _row(campaign, sent.get(campaign.id), figures, earned)
        | {"subject": letters.subject_line(campaign.subject, example)}
        for campaign in found
    ]


def _row(campaign: Any, mailing: Any | None, figures: dict, earned: dict) -> dict[str, Any]:
    got = figures.get(mailing.id) if mailing else None
    return {
        "id": campaign.id,
        "name": campaign.name,
        "state": campaign.state,
        "at": mailing.launched_at if mailing else campaign.scheduled_at or campaign.updated_at,
        "sent": got["sent"] if got else None,
        "opened": got["opened"] / got["sent"] if got and got["sent"] else None,
        "clicked": got["clicked"] / got["sent"] if got and got["sent"] else None,
        **(
            earned.get(mailing.id, {"orders": 0, "revenue_amount": 0})
            if mailing
            else {"orders": None, "revenue_amount": None}
        ),
    }
