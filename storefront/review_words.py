"""What shoppers read of how a review of theirs stands."""

from __future__ import annotations

from flask_babel import gettext as _


def states() -> dict[str, str]:
    """Return what becomes of a review, in words."""
    return {
        "waiting": _("We look at it before it is shown."), "published": _("It is shown in the shop."), "declined": _("It is not shown."),
        "withdrawn": _("You took it back."),
    }  # fmt: skip


def reasons() -> dict[str, str]:
    """Return why a review may be declined, in words; that it is a bad one is none of them."""
    return {
        "spam": _("It advertises something"), "not_genuine": _("It is not about something that was bought or used"),
        "insult": _("It insults somebody"), "personal_data": _("It tells of somebody who did not agree"),
        "off_topic": _("It is not about the product"), "unlawful": _("It is against the law"), "wish": _("Whoever wrote it asked for that"),
        "other": _("Another reason"),
    }  # fmt: skip
