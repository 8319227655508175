"""How well a shop speaks with us: what should have come and did, what comparing repaired, what waits, and when it fell silent."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from saas.commerce import backfill, refusal_words, shops, watching
from saas.integrations import deliveries_in
from saas.kit import clock, doors
from tenant_admin import frame
from tenant_admin.shops import pages as of_shops
from tenant_admin.shops import summary

MOST_WAITING = 10


@of_shops.get("/shops/<shop_id>/health")
@doors.open_to("member", "shops.read")
def health(shop_id: str) -> ResponseReturnValue:
    """Show it."""
    shop = shops.one(shop_id)
    found = watching.health(shop, zone=g.member.zone)
    counts = deliveries_in.counts(shop.id)
    failed = deliveries_in.newest_failed(shop.id, most=MOST_WAITING) if counts["failed"] else []
    return render_template(
        "shops/health.html", shop=summary(shop), readable=shops.readable(shop), health=found, counts=counts, fetch=progress(found["fetching"]),
        waiting=[{"id": one.id, "topic": topic_words(one.topic), "resource": one.resource, "reason": refusal_words.say(one.reason), "received_at": one.received_at} for one in failed],
        topics=[{**one, "name": topic_words(one["topic"]), "latest": late_words(one["latest"])} for one in found["topics"]],
        alarms=[{**one, "words": alarm_words(one)} for one in found["alarms"]], chart=picture(found["days"]), finding=finding(found["days"]),
        comparisons=[{**one, "words": compared_words(one)} for one in found["comparisons"]], webhooks=webhook_words(found["webhooks"]),
        types=[{**one, "name": event_words(one["type"])} for one in found["pages"]["types"]],
    )  # fmt: skip


@of_shops.post("/shops/<shop_id>/look-again")
@doors.open_to("member", "shops.edit")
def look_again(shop_id: str) -> ResponseReturnValue:
    """Compare with the shop now."""
    try:
        backfill.compare(shop_id)
        frame.toast(_("We are comparing with the shop now."))
    except backfill.NotFetchable as refusal:
        frame.toast(_(refusal.message), kind="warning")
    return frame.go(url_for("shops.health", shop_id=shop_id))


@of_shops.post("/shops/<shop_id>/stop-fetching")
@doors.open_to("member", "shops.edit")
def stop_fetching(shop_id: str) -> ResponseReturnValue:
    """Stop what is being fetched."""
    try:
        backfill.cancel(shop_id)
        frame.toast(_("Stopped. What came stays, and what changes from now on still arrives."))
    except backfill.NothingToStop as refusal:
        frame.toast(_(refusal.message), kind="warning")
    return frame.go(url_for("shops.health", shop_id=shop_id))


def kind_words() -> dict[str, str]:
    return {
        "products": _("products"), "customers": _("customers"), "orders": _("orders"), "recent_orders": _("orders of the last 60 days"),
        "aged_orders": _("orders of the weeks before"), "gone_orders": _("deleted orders"), "gone_products": _("deleted products"),
    }  # fmt: skip


def progress(held: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return how far the fetching is, in words."""
    if held is None:
        return None
    state = {"wanted": "waiting"}.get(held["state"], held["state"])
    names = kind_words()
    if held["comparing"] and state == "done":
        return None
    estimate = left_words(held["seconds_left"])
    if held["again_at"] is not None and held["again_at"] > clock.now():
        minutes = max(round((held["again_at"] - clock.now()).total_seconds() / 60), 1)
        estimate = ngettext("we try again by ourselves within %(num)s minute", "we try again by ourselves within %(num)s minutes", minutes)  # fmt: skip
    return {
        **held, "state": state, "estimate": estimate, "now": names.get(held["kind"], ""),
        "title": _("Comparing with the shop") if held["comparing"] else _("Fetching the past"),
        "rows": [{**row, "name": names.get(row["kind"], row["kind"])} for row in held["kinds"]],
    }  # fmt: skip


def left_words(seconds: float | None) -> str:
    """Say how long it will take, no more exactly than it is known."""
    if seconds is None:
        return _("how long it takes is not known yet")
    minutes = seconds / 60
    if minutes < 1:
        return _("less than a minute left")
    if minutes < 90:
        return ngettext("about %(num)s minute left", "about %(num)s minutes left", round(minutes))
    if minutes < 60 * 36:
        return ngettext("about %(num)s hour left", "about %(num)s hours left", round(minutes / 60))
    return ngettext("about %(num)s day left", "about %(num)s days left", round(minutes / 1440))


def late_words(seconds: int) -> str:
    """Say how late something was."""
    if seconds <= 0:
        return ""
    if seconds < 5400:
        return ngettext("%(num)s minute", "%(num)s minutes", max(round(seconds / 60), 1))
    if seconds < 36 * 3600:
        return ngettext("%(num)s hour", "%(num)s hours", round(seconds / 3600))
    return ngettext("%(num)s day", "%(num)s days", round(seconds / 86400))


def topic_words(topic: str) -> str:
    """Return what a topic is about in the reader's language; one that is not known as it is called."""
    noun, _dot, act = topic.partition(".")
    nouns = {
        "order": _("Orders"),
        "product": _("Products"),
        "customer": _("Customers"),
        "refund": _("Refunds"),
        "fulfilment": _("Parcels"),
        "return": _("Returns"),
        "past": _("The past"),
    }
    acts = {"created": _("new"), "updated": _("changed"), "deleted": _("deleted"), **kind_words()}
    return f"{nouns[noun]}, {acts.get(act, act)}" if noun in nouns else topic


def event_words(kind: str) -> str:
    """Return what a type of events is called; one of the shop's own naming as it is."""
    return {
        "page_viewed": _("Pages looked at"), "product_viewed": _("Products looked at"), "category_viewed": _("Categories looked at"), "search_submitted": _("Searches"),
        "cart_updated": _("Carts changed"), "checkout_started": _("Checkouts begun"), "identified": _("Signed in or recognised"),
        "offer_seen": _("Offers seen"), "offer_clicked": _("Offers clicked"), "own": _("Of the shop’s own naming"),
    }.get(kind, kind)  # fmt: skip


def alarm_words(one: dict[str, Any]) -> str:
    """Say what an alarm is about."""
    about = {
        "order": _("orders"),
        "product": _("changes of products"),
        "customer": _("customers"),
        "event": _("visits of its pages"),
    }.get(one["topic"])
    if one["kind"] == "silent":
        return _(
            "Silent: no %(about)s came, where about %(expected)s should have",
            about=about or one["topic"],
            expected=f"{one['expected']:.0f}",
        )
    if one["kind"] == "undelivered":
        return _("Not told: of %(expected)s changes (%(topic)s) %(seen)s were told", expected=f"{one['expected']:.0f}", seen=one["seen"], topic=topic_words(one["topic"]))  # fmt: skip
    if one["kind"] == "webhooks":
        return _("Webhooks were off, gone or signed with another secret; we put them right")
    if one["kind"] == "keys":
        return _("The shop did not take our keys")
    sentence = one["said"]
    return _("The shop did not answer: %(reason)s", reason=_(sentence))


def compared_words(one: dict[str, Any]) -> str:
    """Say what a comparison found."""
    found = []
    if one["missed"]:
        found.append(ngettext("%(num)s change was never told and is repaired", "%(num)s changes were never told and are repaired", one["missed"]))  # fmt: skip
    elif one["repaired"]:
        found.append(ngettext("%(num)s thing brought up to date", "%(num)s things brought up to date", one["repaired"]))
    gone = sum(one["gone"].values())
    if gone:
        found.append(ngettext("%(num)s deletion found", "%(num)s deletions found", gone))
    mended = sum(one["webhooks"].get(name, 0) for name in ("made", "woken", "moved", "renewed"))
    if mended:
        found.append(ngettext("%(num)s webhook put right", "%(num)s webhooks put right", mended))
    return "; ".join(found) or _("All was as it should be")


def webhook_words(held: dict[str, Any]) -> dict[str, str]:
    """Say how the webhooks are."""
    words = {
        "well": ("good", _("On"), ""), "mended": ("good", _("On again"), _("we put them right")), "unknown": ("grey", _("Not looked at yet"), ""),
        "barred": ("warning", _("Not ours to mend"), _("The keys may only read. Make webhooks by hand, or enter keys with the right to write.")),
    }  # fmt: skip
    tone, text, note = words[held["state"]]
    return {"tone": tone, "text": text, "note": note}


def picture(days: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the chart of what came and what did not, by day."""
    return {
        "x": [one["on"].isoformat() for one in days], "x_name": _("Day"), "y_name": _("Messages"),
        "series": [
            {"name": _("Came"), "values": [one["seen"] - one["late"] for one in days], "tone": "good"},
            {"name": _("Came late"), "values": [one["late"] for one in days], "tone": "warning"},
            {"name": _("Never came, repaired"), "values": [one["missed"] for one in days], "tone": "danger"},
        ],
    }  # fmt: skip


def finding(days: list[dict[str, Any]]) -> str:
    """Say what the chart shows."""
    seen, missed = sum(one["seen"] for one in days), sum(one["missed"] for one in days)
    if not seen and not missed:
        return _("Nothing was told in the last 30 days")
    if not missed:
        return _("Everything that should have been told was")
    return ngettext(
        "%(num)s message never came and was repaired", "%(num)s messages never came and were repaired", missed
    )
