"""How a mail looks: while it is written, as it is saved, and inside a frame that lets nothing out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, render_template, request, url_for
from flask_babel import gettext as _
from redis.exceptions import RedisError

from saas.audiences import conditions, segments
from saas.commerce import coupons
from saas.customers import profiles
from saas.kit import crypto, doors, errors, rates, scope, valkey
from saas.marketing import campaigns, letters, previews, rendering, schemas

KEPT = 600  # seconds a preview can be looked at
PEOPLE = 8
FRAMED = previews.CONTENT_POLICY + "; frame-ancestors 'self'"


class NoSuchPreview(errors.NotFound):
    """The preview was made too long ago, or for somebody else."""


@doors.open_to("member", "campaigns.edit")
def preview() -> str:
    """Answer how the mail that the form holds looks for the chosen customer, or where its faults are."""
    rates.require(f"preview:{g.member.id}", "240/minute")
    form = request.form
    try:
        made, parts = letters.preview(
            subject=form.get("subject", ""),
            source=form.get("source", ""),
            text_source=form.get("text_source", ""),
            language=form.get("language") or "en",
            customer_id=form.get("customer") or None,
            coupon_id=form.get("coupon_id") or None,
            pictures=True,
        )
    except (profiles.NoSuchCustomer, coupons.NoSuchCoupon):
        made, parts = letters.preview(subject="", source="", text_source="", language="en")
    except rendering.templating.RenderFailed as failure:
        return render_template("campaigns/preview.html", problems=[], warnings=[], failure=failure.message, parts=None)
    found = schemas.faults(made.dump())
    return render_template("campaigns/preview.html", **found, failure=None, parts=_shown(parts) if parts else None)


def _shown(parts: rendering.Parts) -> dict[str, Any]:
    """Keep the HTML for a while, so that a frame can load it from an address of its own with a policy of its own."""
    key = crypto.new_token(32)
    try:
        valkey.client().set(_place(key), previews.sandboxed(parts.html), ex=KEPT)
        url = url_for("campaigns.framed", token=key)
    except (RedisError, OSError):
        url = None
    return {"subject": parts.subject, "text": parts.text, "url": url}


def _place(key: str) -> str:
    return f"mail-preview:{scope.tenant_id()}:{key[:64]}"


@doors.open_to("member", "campaigns.read")
def framed(token: str) -> Response:
    """Answer a kept preview, for a frame."""
    try:
        html = valkey.client().get(_place(token))
    except (RedisError, OSError):
        html = None
    if html is None:
        raise NoSuchPreview
    return in_frame(html.decode())


def in_frame(html: str) -> Response:
    """Answer a mail as a document that can be shown in a frame of ours and reach nothing."""
    headers = {"Content-Security-Policy": FRAMED, "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "no-store"}
    return Response(html, mimetype="text/html", headers=headers)


@doors.open_to("member", "campaigns.read")
def mail(campaign_id: UUID | str) -> Response:
    """Answer a campaign's mail as it is saved, filled in for a customer or for somebody made up."""
    campaign = campaigns.one(campaign_id)
    made = rendering.Compiled.load(campaign.compiled) if campaign.compiled else rendering.Compiled()
    if made.problems:
        return in_frame(f"<p style='font-family:sans-serif'>{_('This mail has faults and cannot be shown.')}</p>")
    customer_id = request.args.get("customer") or None
    parts = letters.filled(
        made, letters.person(customer_id, offers=made.offers, coupon_id=campaign.coupon_id), pictures=True
    )
    return in_frame(previews.sandboxed(parts.html))


def people(definition: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """Return a few real customers to look through the eyes of: of a segment, or the newest."""
    try:
        page = segments.members(definition or segments.EVERYBODY, limit=PEOPLE)
    except conditions.BadDefinition:
        return []  # it asks for what the reader must not see
    return [(str(customer.id), customer.name) for customer in page.items]
