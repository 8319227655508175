"""POST /hooks/mail: where the mail relay reports bounces and complaints, signed with the secret it shares with us."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson
from flask import Blueprint, request
from flask_babel import gettext as _

from saas import config
from saas.kit import crypto, doors, errors, scope, work
from saas.marketing import press, responses

door = Blueprint("mail_hooks", __name__)
RELAY = scope.Actor("relay", "mail", "Mail relay")
SIGNATURE = "X-Regulars-Signature"
KINDS = ("complaint", "bounce")
MOST = 64 * 1024


class BadSignature(errors.NotSignedIn):
    """The report does not come from our relay."""

    code, message = "bad_signature", "The signature does not match the body."


@door.post("/hooks/mail")
@doors.open_to("anyone", unit=False)
def report() -> tuple[dict[str, str], int]:
    """Take {"message_id", "recipient", "kind": "complaint" or "bounce", "detail"}; one about no mail of ours is let
    go.
    """
    raw = request.get_data(cache=True)
    if len(raw) > MOST:
        raise errors.TooLarge
    secret = config.get().bounce_secret
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    if not secret or not crypto.same(signature, request.headers.get(SIGNATURE, "")):
        raise BadSignature(_(BadSignature.message))
    told = _read(raw)
    named = press.read_message_id(told["message_id"])
    if named is None:
        return {"status": "ignored"}, 200
    tenant_id, recipient_id = named
    with work.unit(tenant_id=tenant_id, actor=RELAY):
        responses.reported(recipient_id=recipient_id, kind=told["kind"], detail=told["detail"])
    return {"status": "taken"}, 200


def _read(raw: bytes) -> dict[str, str]:
    try:
        body: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        place = {"what": error.msg, "line": error.lineno, "column": error.colno}
        raise errors.Unreadable(
            _("The body is not JSON: %(what)s at line %(line)s, column %(column)s.", **place)
        ) from None
    if not isinstance(body, dict) or not isinstance(body.get("message_id"), str):
        raise errors.Invalid(fields={"message_id": [_("Must name the mail.")]})
    kind = body.get("kind", "complaint")
    if kind not in KINDS:
        raise errors.Invalid(fields={"kind": [_("Must be complaint or bounce.")]})
    return {"message_id": body["message_id"], "kind": kind, "detail": str(body.get("detail") or "")[:300]}
