"""What the rooms raise when they refuse, each with the status a door answers with.

A refusal is a sentence a person can read. Rooms subclass these beside the function that raises them.
"""

from __future__ import annotations


class Refusal(Exception):
    """Something a person asked for is not done, with the reason in words."""

    status = 400
    code = "refused"
    message = "That cannot be done."

    def __init__(self, message: str | None = None, *, fields: dict[str, list[str]] | None = None) -> None:
        self.message = message or self.message
        self.fields = fields or {}
        super().__init__(self.message)


class Unreadable(Refusal):
    """The body cannot be read at all; the message names the place."""

    status, code, message = 400, "unreadable", "The request cannot be read."


class NotSignedIn(Refusal):
    status, code, message = 401, "not_signed_in", "Sign in or send a valid key."


class LimitReached(Refusal):
    """The plan does not allow more of this."""

    status, code, message = 402, "limit_reached", "Your plan does not allow more of this."


class Forbidden(Refusal):
    status, code, message = 403, "forbidden", "You may not do that. Ask an owner or administrator."


class NotFound(Refusal):
    """Also what another tenant's row is: nobody can tell the two apart."""

    status, code, message = 404, "not_found", "There is nothing here."


class Conflict(Refusal):
    status, code, message = 409, "conflict", "That clashes with what is already there."


class Stale(Refusal):
    """If-Match named a version that is no longer the newest."""

    status, code, message = 412, "stale", "Somebody changed this meanwhile. Load it again and repeat your change."


class TooLarge(Refusal):
    status, code, message = 413, "too_large", "That is more than one request may carry."


class Invalid(Refusal):
    """A field is out of range; `fields` says which, with sentences."""

    status, code, message = 422, "invalid", "Some fields need another look."


class TooMany(Refusal):
    status, code, message = 429, "too_many", "Too many attempts. Wait a little and try again."


class Unavailable(Refusal):
    status, code, message = 503, "unavailable", "That does not answer right now. Try again in a moment."
