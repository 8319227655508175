"""How every known state is called and coloured, so that one state looks the same on all pages.

Orders, mails, campaigns, consent, deliveries, members and subscriptions share this one table.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

STATES = {
    "pending": ("warning", _l("Pending")),
    "paid": ("good", _l("Paid")),
    "fulfilled": ("good", _l("Fulfilled")),
    "cancelled": ("grey", _l("Cancelled")),
    "refunded": ("info", _l("Refunded")),
    "failed": ("danger", _l("Failed")),
    "draft": ("grey", _l("Draft")),
    "scheduled": ("info", _l("Scheduled")),
    "freezing": ("info", _l("Preparing")),
    "preparing": ("info", _l("Preparing")),
    "ready": ("info", _l("Ready")),
    "sending": ("accent", _l("Sending")),
    "sent": ("good", _l("Sent")),
    "paused": ("warning", _l("Paused")),
    "finished": ("good", _l("Finished")),
    "done": ("good", _l("Done")),
    "running": ("accent", _l("Running")),
    "waiting": ("warning", _l("Waiting")),
    "cancelling": ("warning", _l("Stopping")),
    "undoing": ("accent", _l("Undoing")),
    "undone": ("grey", _l("Undone")),
    "queued": ("grey", _l("Waiting")),
    "active": ("good", _l("Active")),
    "inactive": ("grey", _l("Inactive")),
    "invited": ("info", _l("Invited")),
    "archived": ("grey", _l("Archived")),
    "granted": ("good", _l("Agreed")),
    "withdrawn": ("danger", _l("Withdrawn")),
    "unknown": ("grey", _l("Not known")),
    "suppressed": ("danger", _l("Suppressed")),
    "skipped": ("grey", _l("Skipped")),
    "bounced": ("danger", _l("Bounced")),
    "complained": ("danger", _l("Complained")),
    "opened": ("good", _l("Opened")),
    "clicked": ("good", _l("Clicked")),
    "holdout": ("info", _l("Held back")),
    "held_out": ("info", _l("Held back")),
    "claimed": ("accent", _l("Sending")),
    "connected": ("good", _l("Connected")),
    "disconnected": ("grey", _l("Disconnected")),
    "stored": ("info", _l("Stored")),
    "mapped": ("good", _l("Taken over")),
    "stuck": ("danger", _l("Stuck")),
    "ignored": ("grey", _l("Ignored")),
    "trialing": ("info", _l("Trial")),
    "past_due": ("danger", _l("Overdue")),
    "unpaid": ("danger", _l("Not paid")),
    "free": ("grey", _l("On Free")),
    "canceled": ("grey", _l("Cancelled")),
    "open": ("warning", _l("Open")),
    "closed": ("grey", _l("Closed")),
    "abandoned": ("warning", _l("Left lying")),
    "recovered": ("good", _l("Won back")),
    "bought": ("good", _l("Bought")),
    "emptied": ("grey", _l("Emptied")),
    "expired": ("grey", _l("Expired")),
    "disabled": ("danger", _l("Switched off")),
    "failing": ("danger", _l("Not taken")),
    "authorised": ("info", _l("Held on the card")),
    "dispute_needs_answer": ("danger", _l("Answer wanted")),
    "dispute_under_review": ("info", _l("With the bank")),
    "dispute_won": ("good", _l("Won")),
    "dispute_lost": ("danger", _l("Lost")),
    "dispute_closed": ("grey", _l("Closed")),
    "payout_pending": ("warning", _l("Planned")),
    "payout_in_transit": ("info", _l("On its way")),
    "payout_paid": ("good", _l("Arrived")),
    "payout_failed": ("danger", _l("Failed")),
    "payout_cancelled": ("grey", _l("Cancelled")),
    "given_up": ("danger", _l("Given up")),
}


def describe(state: object) -> tuple[str, str]:
    """Return the tone and the word of a state; one that is not listed is shown grey, as it is written."""
    tone, text = STATES.get(str(state), ("grey", None))
    return tone, str(text) if text else str(state).replace("_", " ").capitalize()
