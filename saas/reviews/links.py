"""The signed link by which a buyer says what they think of an order's things: whoever has it got the mail about that order."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from saas.kit import clock, crypto, errors
from saas.kit.text import gettext as _

TOKEN = "review"
LASTS = timedelta(days=365)
FOREVER = int(timedelta(days=36500).total_seconds())


class NoSuchLink(errors.NotFound):
    """This link was not made by us, or what it is about is gone."""

    code, message = "link_not_found", "This link is not valid. Perhaps it was cut off when it was copied."


class TooOld(errors.Refusal):
    """The link was made too long ago."""

    status, code, message = (
        410,
        "link_too_old",
        "This link is too old. You can still write from your own page in the shop.",
    )


def made(tenant_id: int, order_id: UUID) -> str:
    """Return what the links about an order carry; good for a year."""
    return crypto.sign(TOKEN, [tenant_id, order_id.hex, int(clock.now().timestamp())])


def read(token: str) -> tuple[int, UUID]:
    """Return the company and the order of a link; raises NoSuchLink or TooOld."""
    held = crypto.read_signed(TOKEN, token, max_age=FOREVER)
    try:
        tenant_id, order_id, at = held
        found = int(tenant_id), UUID(hex=order_id)
    except (TypeError, ValueError):
        raise NoSuchLink from None
    if clock.now().timestamp() - at > LASTS.total_seconds():
        raise TooOld(_(TooOld.message))
    return found
