"""Webhooks for programs: where the company's own systems hear what happens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import entrance, shapes
from saas.integrations import deliveries_out, hooks, messages
from saas.kit import doors, pages

blueprint = Blueprint("api_webhooks", __name__, description="Addresses of yours that are told what happens")
TOPICS = {"description": "what to tell of: " + ", ".join(hooks.TOPICS)}


class WebhookIn(shapes.Shape):
    """A webhook: an address of yours and what it is told."""

    url = fields.String(required=True, validate=validate.Length(1, 2000))
    topics = fields.List(
        fields.String(validate=validate.OneOf(hooks.TOPICS)),
        required=True,
        validate=validate.Length(1, 20),
        metadata=TOPICS,
    )
    name = shapes.Text(80, load_default="")


class WebhookChange(shapes.Shape):
    """What may be changed of a webhook."""

    url = fields.String(validate=validate.Length(1, 2000))
    topics = fields.List(
        fields.String(validate=validate.OneOf(hooks.TOPICS)), validate=validate.Length(1, 20), metadata=TOPICS
    )
    name = shapes.Text(80)
    state = fields.String(validate=validate.OneOf(["active", "paused"]))


class WebhookOut(Schema):
    """A webhook; its secret is shown when it is made or renewed and not again."""

    id = fields.UUID()
    name = fields.String()
    url = fields.String()
    topics = fields.List(fields.String())
    state = fields.String(metadata={"description": "active, paused or disabled"})
    reason = fields.String(metadata={"description": "why the last message was not taken"})
    last_taken_at = fields.AwareDateTime(allow_none=True)
    failing_since = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    secret = fields.String()


class AttemptOut(Schema):
    """One try to deliver a message."""

    at = fields.AwareDateTime()
    status = fields.Integer(allow_none=True)
    reason = fields.String()
    milliseconds = fields.Integer()


class MessageOut(Schema):
    """A message to a webhook and what became of it."""

    id = fields.UUID()
    topic = fields.String()
    state = fields.String(metadata={"description": "waiting, done or given_up"})
    made_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    attempts = fields.List(fields.Nested(AttemptOut))


class WebhookQuery(shapes.ListQuery):
    """Which webhooks a list shows."""

    state = fields.String(validate=validate.OneOf(["active", "paused", "disabled"]), load_default=None)


class MessageQuery(shapes.ListQuery):
    """Which messages a list shows."""

    state = fields.String(validate=validate.OneOf(["waiting", "done", "given_up"]), load_default=None)


def shown(hook: Any, **more: Any) -> dict[str, Any]:
    return {name: getattr(hook, name) for name in WebhookOut().fields if name != "secret"} | more


def version(hook: Any) -> str:
    return entrance.etag(hook.id, hook.name, hook.url, hook.topics, hook.state)


def answered(hook: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return shown(hook), 200, {"ETag": f'"{version(hook)}"'}


@blueprint.route("/webhooks")
class Webhooks(MethodView):
    @blueprint.arguments(WebhookQuery, location="query")
    @blueprint.response(200, shapes.page_of(WebhookOut))
    @doors.open_to("key", "hooks.edit")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the webhooks, the newest first."""
        page = pages.page(hooks.query(state=query.pop("state")), order=hooks.NEWEST, **query)
        return {"items": [shown(hook) for hook in page.items], "next": page.next}

    @blueprint.arguments(WebhookIn)
    @blueprint.response(201, WebhookOut)
    @doors.open_to("key", "hooks.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a webhook; the answer carries its secret this once."""
        hook, secret = hooks.make(**item)
        return shown(hook, secret=secret)


@blueprint.route("/webhooks/<webhook_id>")
class OneWebhook(MethodView):
    @blueprint.response(200, WebhookOut)
    @doors.open_to("key", "hooks.edit")
    def get(self, webhook_id: UUID) -> Any:
        """Show a webhook."""
        return answered(hooks.one(webhook_id))

    @blueprint.arguments(WebhookChange)
    @blueprint.response(200, WebhookOut)
    @doors.open_to("key", "hooks.edit")
    def patch(self, item: dict[str, Any], webhook_id: UUID) -> Any:
        """Change a webhook, pause it or let it go on."""
        entrance.require_match(version(hooks.one(webhook_id, lock=True)))
        return answered(hooks.change(webhook_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "hooks.edit")
    def delete(self, webhook_id: UUID) -> None:
        """Remove a webhook with its messages."""
        hooks.remove(webhook_id)


@blueprint.route("/webhooks/<webhook_id>/secret", methods=["POST"])
@blueprint.response(200, WebhookOut)
@doors.open_to("key", "hooks.edit")
def renew(webhook_id: UUID) -> dict[str, Any]:
    """Give a webhook a new secret; for a day messages carry a signature of the old one too."""
    secret = hooks.renew_secret(webhook_id)
    return shown(hooks.one(webhook_id), secret=secret)


@blueprint.route("/webhooks/<webhook_id>/ping", methods=["POST"])
@blueprint.response(202, MessageOut)
@doors.open_to("key", "hooks.edit")
def ping(webhook_id: UUID) -> dict[str, Any]:
    """Send a message that only tries whether the webhook hears."""
    hook = hooks.one(webhook_id)
    return _message(deliveries_out.one(messages.ping(hook.id), hook_id=hook.id), [])


@blueprint.route("/webhooks/<webhook_id>/messages")
@blueprint.arguments(MessageQuery, location="query")
@blueprint.response(200, shapes.page_of(MessageOut))
@doors.open_to("key", "hooks.edit")
def listed(query: dict[str, Any], webhook_id: UUID) -> dict[str, Any]:
    """List a webhook's messages with their attempts, the newest first; kept for thirty days."""
    hook, state = hooks.one(webhook_id), query.pop("state")
    page = pages.page(deliveries_out.of_hook(hook.id, state=state), order=deliveries_out.NEWEST, **query)
    tries = deliveries_out.attempts([delivery.id for delivery in page.items])
    return {"items": [_message(delivery, tries[delivery.id]) for delivery in page.items], "next": page.next}


@blueprint.route("/webhooks/<webhook_id>/messages/<message_id>/replay", methods=["POST"])
@blueprint.response(202, MessageOut)
@doors.open_to("key", "hooks.edit")
def replay(webhook_id: UUID, message_id: UUID) -> dict[str, Any]:
    """Send a message once more, with the same id."""
    delivery = deliveries_out.replay(message_id, hook_id=hooks.one(webhook_id).id)
    return _message(delivery, deliveries_out.attempts([delivery.id])[delivery.id])


class MessagesReplayed(Schema):
    """How many messages are sent once more."""

    count = fields.Integer()


@blueprint.route("/webhooks/<webhook_id>/replay", methods=["POST"])
@blueprint.response(202, MessagesReplayed)
@doors.open_to("key", "hooks.edit")
def replay_given_up(webhook_id: UUID) -> dict[str, Any]:
    """Send everything once more that was given up, each with its id."""
    return {"count": deliveries_out.replay_given_up(hooks.one(webhook_id).id)}


def _message(delivery: Any, attempts: list[Any]) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in MessageOut().fields if name != "attempts"} | {
        "attempts": [{name: getattr(attempt, name) for name in AttemptOut().fields} for attempt in attempts]
    }
