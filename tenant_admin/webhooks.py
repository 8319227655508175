"""Webhooks: where the company's own systems hear what happens, whether they take it, and sending it once more."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from saas.integrations import deliveries_out, hooks, messages
from saas.kit import doors
from saas.kit import pages as paging
from tenant_admin import frame
from tenant_admin.settings import render

pages = Blueprint("webhooks", __name__)
STATES = ("waiting", "done", "given_up")


def topic_names() -> dict[str, str]:
    """Return what may be told of, in the reader's language."""
    return {
        "customer.changed": _("Customers: new and changed"), "customer.deleted": _("Customers: deleted"),
        "order.changed": _("Orders: new and changed"), "product.changed": _("Products: new and changed"),
        "address.suppressed": _("Addresses that must not be written to any more"),
        "shop.repaired": _("What comparing with a shop put right"),
        "coupon.given": _("Coupon codes that were given"),
        "coupon.redeemed": _("Coupon codes that were used"),
        "review.written": _("Reviews that were written"),
        "review.published": _("Reviews that are shown from now on"),
    }  # fmt: skip


@pages.get("/settings/webhooks")
@doors.open_to("member", "hooks.edit")
def index() -> Any:
    """Show the company's webhooks and how each of them is."""
    return render("webhooks", hooks=[_shown(hook) for hook in hooks.listed()], most=hooks.MOST)


@pages.route("/settings/webhooks/new", methods=["GET", "POST"])
@doors.open_to("member", "hooks.edit", fresh=True)
def make() -> Any:
    """Show the form of a new webhook, or make one and show its secret this once, on a page no cache keeps."""
    if request.method == "GET":
        return render("webhook_form", values={"topics": ["order.changed"]}, topics=topic_names(), hook=None)
    try:
        hook, secret = hooks.make(**_typed())
    except (hooks.BadHook, hooks.TooManyHooks) as refusal:
        return render("webhook_form", refusal, values=_typed(), topics=topic_names(), hook=None)
    return _with_secret(hook, secret)


@pages.get("/settings/webhooks/<webhook_id>")
@doors.open_to("member", "hooks.edit")
def show(webhook_id: str) -> Any:
    """Show a webhook with its latest messages."""
    return _page(hooks.one(webhook_id))


@pages.route("/settings/webhooks/<webhook_id>/edit", methods=["GET", "POST"])
@doors.open_to("member", "hooks.edit", fresh=True)
def edit(webhook_id: str) -> Any:
    """Show a webhook's form, or change it."""
    hook = hooks.one(webhook_id)
    if request.method == "GET":
        values = {"url": hook.url, "name": hook.name, "topics": hook.topics}
        return render("webhook_form", values=values, topics=topic_names(), hook=_shown(hook))
    try:
        hooks.change(webhook_id, **_typed())
    except hooks.BadHook as refusal:
        shown = _shown(hook)
        return render("webhook_form", refusal, values=_typed(), topics=topic_names(), hook=shown)
    frame.toast(_("Saved"))
    return frame.go(url_for("webhooks.show", webhook_id=webhook_id))


@pages.post("/settings/webhooks/<webhook_id>/state")
@doors.open_to("member", "hooks.edit")
def set_state(webhook_id: str) -> Any:
    """Pause a webhook, or let it go on."""
    wish = request.form.get("state", "")
    hooks.change(webhook_id, state=wish)
    frame.toast(
        _("Paused: messages wait until you let it go on.")
        if wish == "paused"
        else _("It goes on; what waited is being sent.")
    )
    return frame.go(url_for("webhooks.show", webhook_id=webhook_id))


@pages.post("/settings/webhooks/<webhook_id>/secret")
@doors.open_to("member", "hooks.edit", fresh=True)
def renew_secret(webhook_id: str) -> Any:
    """Give a webhook a new secret and show it this once."""
    secret = hooks.renew_secret(webhook_id)
    return _with_secret(hooks.one(webhook_id), secret)


@pages.post("/settings/webhooks/<webhook_id>/ping")
@doors.open_to("member", "hooks.edit")
def ping(webhook_id: str) -> Any:
    """Send a message that only tries whether the webhook hears."""
    hook = hooks.one(webhook_id)
    message_id = messages.ping(hook.id)
    frame.toast(_("A test message is on its way; its answer appears below."), kind="info")
    return frame.go(url_for("webhooks.show", webhook_id=webhook_id, _anchor=str(message_id)))


@pages.post("/settings/webhooks/<webhook_id>/messages/<message_id>/replay")
@doors.open_to("member", "hooks.edit")
def replay(webhook_id: str, message_id: str) -> Any:
    """Send a message once more."""
    deliveries_out.replay(message_id, hook_id=hooks.one(webhook_id).id)
    frame.toast(_("It is being sent once more."))
    return frame.go(url_for("webhooks.show", webhook_id=webhook_id))


@pages.post("/settings/webhooks/<webhook_id>/replay")
@doors.open_to("member", "hooks.edit")
def replay_given_up(webhook_id: str) -> Any:
    """Send everything once more that was given up."""
    count = deliveries_out.replay_given_up(hooks.one(webhook_id).id)
    frame.toast(
        ngettext("%(num)s message is being sent once more.", "%(num)s messages are being sent once more.", count)
    )
    return frame.go(url_for("webhooks.show", webhook_id=webhook_id))


@pages.post("/settings/webhooks/<webhook_id>/remove")
@doors.open_to("member", "hooks.edit", fresh=True)
def remove(webhook_id: str) -> Any:
    """Remove a webhook with its messages."""
    name = hooks.one(webhook_id).name
    hooks.remove(webhook_id)
    frame.toast(_("“%(name)s” is told nothing any more.", name=name))
    return frame.go(url_for("webhooks.index"))


def _typed() -> dict[str, Any]:
    form = request.form
    return {"url": form.get("url", ""), "name": form.get("name", ""), "topics": form.getlist("topics")}


def _with_secret(hook: Any, secret: str) -> Any:
    response = make_response(_page(hook, secret=secret))
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(hook: Any, *, secret: str | None = None) -> Any:
    state = request.args.get("state") if request.args.get("state") in STATES else None
    page = paging.page(
        deliveries_out.of_hook(hook.id, state=state),
        order=deliveries_out.NEWEST,
        cursor=request.args.get("cursor"),
        limit=25,
    )
    tries = deliveries_out.attempts([delivery.id for delivery in page.items])
    return render_template(
        "settings/webhook.html", hook=_shown(hook), secret=secret, counts=deliveries_out.counts(hook.id), state=state, next=page.next,
        rows=[_row(delivery, tries[delivery.id]) for delivery in page.items], topics=topic_names(),
        tells=", ".join(topic_names()[topic] for topic in hook.topics),
    )  # fmt: skip


def _shown(hook: Any) -> dict[str, Any]:
    return {
        "id": hook.id, "name": hook.name, "url": hook.url, "topics": hook.topics, "state": hook.state, "reason": _reason(hook.reason),
        "last_taken_at": hook.last_taken_at, "failing_since": hook.failing_since, "renewed_until": hook.previous_until,
        "health": "failing" if hook.state == "active" and hook.failing_since else hook.state,
    }  # fmt: skip


def _row(delivery: Any, tries: list[Any]) -> dict[str, Any]:
    last = tries[-1] if tries else None
    return {
        "id": delivery.id, "topic": delivery.topic, "state": delivery.state, "made_at": delivery.made_at, "attempts": len(tries),
        "due_at": delivery.due_at if delivery.state == "waiting" else None, "status": last.status if last else None,
        "reason": _reason(last.reason if last else ""), "milliseconds": last.milliseconds if last else None,
    }  # fmt: skip


def _reason(kept: str) -> str:
    """Return why a message was not taken, in the reader's language and without the name of the fault in the program."""
    if kept.startswith("This address does not answer"):
        return _("This address does not answer.")
    return _(kept) if kept else ""
