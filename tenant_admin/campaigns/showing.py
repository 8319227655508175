"""One page a campaign: what is missing before it can be sent, how far it is, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from saas.audiences import segments
from saas.kit import access, doors
from saas.kit import pages as paging
from saas.marketing import campaigns, freezing, launching, letters, mailings, reports
from tenant_admin.campaigns import previewing
from tenant_admin.formats import number as written
from tenant_admin.markup import here
from tenant_admin.states import describe

LIMIT = 50
REASONS = {
    "coupon_had": _l("Had the coupon already"),
    "coupon_stopped": _l("The coupon’s code was not to be had"),
    "coupon_waits": _l("Waits for the shop to take the code"),
    freezing.NO_ADDRESS: _l("No e-mail address"),
    freezing.NO_CONSENT: _l("Never agreed to mails"),
    freezing.WITHDRAWN: _l("No longer wants mails"),
    freezing.PAUSED: _l("Takes a break from mails"),
    freezing.LESS_OFTEN: _l("Wants mails less often"),
    freezing.DISPUTED: _l("Has an open dispute"),
    freezing.OVER_LIMIT: _l("Over the plan's mails of this month"),
    "suppressed:bounce": _l("The address does not exist"),
    "suppressed:complaint": _l("Called an earlier mail unwanted"),
    "suppressed:unsubscribed": _l("Unsubscribed"),
    "suppressed:manual": _l("Suppressed by hand"),
    "cancelled": _l("The campaign was stopped before"),
    "customer_deleted": _l("The customer was deleted"),
    "interrupted": _l("A worker stopped while handing it over"),
}


def reason(text: str) -> str:
    """Return a reason in words; what a mail server said is shown as it is."""
    return str(REASONS.get(text, text))


@doors.open_to("member", "campaigns.read")
def show(campaign_id: UUID | str) -> str:
    """Show a campaign: the check list while it is a draft, the progress while it is sent, then the report."""
    campaign = campaigns.one(campaign_id)
    mailing = mailings.of_campaign(campaign.id)
    plain = {
        name: getattr(campaign, name)
        for name in (
            "id",
            "name",
            "state",
            "subject",
            "holdout_percent",
            "scheduled_at",
            "trouble",
            "sender_name",
            "reply_to",
        )
    }
    subject = campaign.subject
    if "{" in subject:
        subject = letters.subject_line(subject, letters.person(None))
    if mailing is None:
        return render_template("campaigns/draft.html", campaign=plain, subject=subject, **_draft(campaign))
    return render_template("campaigns/report.html", campaign=plain, subject=subject, **_report(campaign, mailing))


def _draft(campaign: Any) -> dict[str, Any]:
    checks = launching.checks(campaign)
    segment = segments.one(campaign.segment_id) if campaign.segment_id else None
    numbers = launching.expected(campaign, segments.asked(segment) if segment else None)
    return {
        "checks": checks,
        "ready": all(check.good is not False for check in checks),
        "numbers": numbers,
        "skipped": sorted(
            ((reason(name), count) for name, count in numbers["skipped"].items()), key=lambda pair: -pair[1]
        ),
        "segment": segment.name if segment else None,
        "people": previewing.people(segment.definition if segment else None),
        "me": g.viewer.email,
        "promise": promise(numbers),
    }


def promise(numbers: dict[str, Any]) -> str:
    """Say what sending will do: who gets it, who is held back, who is skipped."""
    parts = [
        ngettext(
            "%(number)s person gets the mail now",
            "%(number)s people get the mail now",
            numbers["queued"],
            number=written(numbers["queued"]),
        )
    ]
    if numbers["held_out"]:
        parts.append(_("about %(number)s are held back to measure what it causes", number=written(numbers["held_out"])))
    skipped = sum(numbers["skipped"].values())
    if skipped:
        parts.append(_("%(number)s are skipped", number=written(skipped)))
    return "; ".join(parts) + "."


def _report(campaign: Any, mailing: Any) -> dict[str, Any]:
    report = reports.of(mailing)
    total = report["audience"] - report["state_skipped"] - report["state_held_out"]
    done = report["state_sent"] + report["state_failed"] + report["state_unknown"]
    return {
        "report": report,
        "mailing": {
            name: getattr(mailing, name)
            for name in ("launched_at", "finished_at", "frozen_at", "segment_name", "sender_email")
        },
        "work": {
            "state": _state(campaign, mailing),
            "done": done,
            "waiting": report["state_queued"],
            "total": total if mailing.frozen_at else mailing.forecast.get("queued") or None,
        },
        "skipped": sorted(
            ((reason(name), count) for name, count in report["skipped"].items()), key=lambda pair: -pair[1]
        ),
        "lift": _lift(report),
    }


def _state(campaign: Any, mailing: Any) -> str:
    if campaign.state == "sending":
        return "running" if mailing.frozen_at else "waiting"
    return campaign.state


def _lift(report: dict[str, Any]) -> dict[str, Any] | None:
    """Return the chart of both groups with their intervals; None where nobody was held back."""
    sides = [(_("Got the mail"), report["lift"]["mailed"]), (_("Held back"), report["lift"]["held_out"])]
    if not sides[1][1]["people"] or not sides[0][1]["people"]:
        return None
    return {
        "x": [f"{name} ({written(side['people'])})" for name, side in sides],
        "series": [
            {
                "name": _("Bought within %(days)s days", days=report["lift"]["days"]),
                "values": [side["rate"] for _name, side in sides],
                "interval": [[side["low"], side["high"]] for _name, side in sides],
                "tone": "accent",
            }
        ],
        "y_name": _("Share of people who bought"),
    }


@doors.open_to("member", "campaigns.read")
def recipients(campaign_id: UUID | str) -> ResponseReturnValue:
    """List who is in the mailing: who got it, who did what, and why somebody did not get it."""
    campaign = campaigns.one(campaign_id)
    mailing = mailings.of_campaign(campaign.id)
    if mailing is None:
        return redirect(url_for("campaigns.show", campaign_id=campaign.id), 303)
    state = request.args.get("state")
    state = state if state in reports.STATES else None
    page = paging.page(
        mailings.recipients(mailing.id, state=state),
        order=mailings.ORDER,
        cursor=request.args.get("cursor"),
        limit=LIMIT,
    )
    counts = mailings.counts([mailing.id])[mailing.id]
    tabs = [{"label": _("All"), "url": here(state=None), "active": state is None, "count": sum(counts.values())}]
    tabs += [
        {"label": describe(name)[1], "url": here(state=name), "active": state == name, "count": counts[name]}
        for name in reports.STATES
        if counts.get(name)
    ]
    names = (
        "id",
        "customer_id",
        "email",
        "state",
        "sent_at",
        "opened_at",
        "proxy_opened_at",
        "clicked_at",
        "unsubscribed_at",
        "bounced_at",
        "complained_at",
    )
    rows = [
        {"email": None} | access.shown("customer", {name: getattr(row, name) for name in names}) | {"reason": reason(row.reason)}
        for row in page.items
    ]  # fmt: skip
    return render_template(
        "campaigns/recipients.html",
        campaign={"id": campaign.id, "name": campaign.name},
        rows=rows,
        next=page.next,
        tabs=tabs,
        total=counts.get(state, 0) if state else sum(counts.values()),
    )
