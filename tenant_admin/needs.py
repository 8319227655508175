"""What waits for a person: said in one sentence each, with the way to where it is mended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from saas.commerce import disputes, payments, shops, silence, watching
from saas.integrations import deliveries_in
from saas.tenancy import limits
from tenant_admin import entrance, formats, shop_health
from tenant_admin.first_steps import address

NEAR, FEW = 0.8, 10
"""From this share of a plan's limit on somebody should know; a limit of a few is meant to be used up."""


def listed(standing: Mapping[str, Any], rights: frozenset[str]) -> list[dict[str, Any]]:
    """Return what needs somebody, the gravest first: an icon, a tone, a sentence and where to go."""
    found = [
        *_shops(),
        *_payments(),
        *_campaigns(standing),
        *(_plan(standing) if "plan.read" in rights else []),
        *_address(),
    ]
    return sorted(found, key=lambda need: ("danger", "warning", "info").index(need["tone"]))


def _address() -> list[dict[str, Any]]:
    if entrance.signed_in().verified:
        return []
    return [{"icon": "mail", "tone": "info", "text": _("Your e-mail address is not confirmed yet."), "label": _("Send the link again"),
             "post": address("signing.verify_again")}]  # fmt: skip


def _shops() -> list[dict[str, Any]]:
    failed, found = deliveries_in.failed_by_shop(), []
    alarms: dict[Any, Any] = {}
    for alarm in silence.alarming():
        alarms.setdefault(alarm.shop_id, alarm)
    for shop in shops.all_shops():
        if shop.id in alarms and not shop.trouble:
            words = shop_health.alarm_words(watching.alarm_shown(alarms[shop.id]))
            found.append({"icon": "plug", "tone": "danger", "text": _("%(shop)s: %(trouble)s", shop=shop.name, trouble=words),
                          "label": _("See what is wrong"), "url": address("shops.health", shop_id=shop.id)})  # fmt: skip
        if shop.trouble:
            found.append({"icon": "plug", "tone": "danger", "text": _("%(shop)s: %(trouble)s", shop=shop.name, trouble=shop.trouble),
                          "label": _("See what is wrong"), "url": address("shops.show", shop_id=shop.id)})  # fmt: skip
        if shop.id in failed:
            text = ngettext("%(num)s delivery of %(shop)s could not be understood and waits.",
                            "%(num)s deliveries of %(shop)s could not be understood and wait.", failed[shop.id], shop=shop.name)  # fmt: skip
            url = address("shops.deliveries", shop_id=shop.id, state="failed")
            found.append({"icon": "webhook", "tone": "danger", "text": text, "label": _("See why"), "url": url})
    return found


def _payments() -> list[dict[str, Any]]:
    if not payments.visible():
        return []
    found, told = [], disputes.waiting()
    if told.disputes:
        text = ngettext("%(num)s dispute waits for your answer", "%(num)s disputes wait for your answer", told.disputes)
        until = (
            _("%(text)s, the first until %(when)s.", text=text, when=formats.when(told.first))
            if told.first
            else f"{text}."
        )
        found.append({"icon": "credit-card", "tone": "danger", "text": until, "label": _("Answer them"), "url": address("payments.list_disputes")})  # fmt: skip
    for account_id, name in told.troubled.items():
        text = _("The payment account %(name)s cannot be read any more.", name=name)
        found.append({"icon": "plug", "tone": "danger", "text": text, "label": _("See what is wrong"),
                      "url": address("payment_accounts.show", account_id=account_id)})  # fmt: skip
    return found


def _campaigns(standing: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    if standing["troubled"]:
        text = ngettext(
            "%(num)s campaign could not be sent.", "%(num)s campaigns could not be sent.", standing["troubled"]
        )
        found.append(
            {"icon": "mail-x", "tone": "danger", "text": text, "label": _("See why"), "url": address("campaigns.index")}
        )
    if standing["paused"]:
        text = ngettext("%(num)s campaign is paused.", "%(num)s campaigns are paused.", standing["paused"])
        found.append({"icon": "player-pause", "tone": "warning", "text": text, "label": _("Go on or stop"),
                      "url": address("campaigns.index", state="paused")})  # fmt: skip
    return found


def _plan(standing: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, most in limits.all_limits().items():
        if not most or standing.get(name, 0) < NEAR * most or (most < FEW and standing[name] <= most):
            continue
        counts = {"used": formats.number(standing[name]), "most": formats.number(most)}
        texts = {
            "contacts": _("%(used)s of the %(most)s customers of your plan are there.", **counts),
            "mails_month": _("%(used)s of the %(most)s mails of your plan are used this month.", **counts),
            "shops": _("%(used)s of the %(most)s shops of your plan are connected.", **counts),
            "members": _("%(used)s of the %(most)s people of your plan are here.", **counts),
        }  # fmt: skip
        found.append({"icon": "report-money", "tone": "warning" if standing[name] < most else "danger", "text": texts[name],
                      "label": _("See the plan"), "url": address("plan.index")})  # fmt: skip
    return found
