"""The sentences our scripts say, handed to the page as data so that they are translated like all others."""

from __future__ import annotations

from flask_babel import gettext as _


def for_scripts() -> dict[str, str]:
    """Return every sentence a script may show, in the page's language; braces are filled in by the script."""
    return {
        "undo": _("Undo"),
        "close": _("Close"),
        "copied": _("Copied"),
        "cancel": _("Cancel"),
        "confirm": _("Go on"),
        "sure": _("Please confirm"),
        "chosen": _("{count} chosen"),
        "chosen_of": _("{count} of {total} chosen"),
        "choose_all": _("Choose all {total}"),
        "nothing_found": _("Nothing found for “{query}”."),
        "searching": _("Searching…"),
        "places": _("Go to"),
        "failed": _("That did not work. Please try again."),
        "offline": _("No connection. Nothing was changed; please try again."),
        "signed_out": _("You are signed out. Please sign in again."),
        "forbidden": _("Your role does not allow this."),
        "too_many": _("That was a bit fast. Please wait a moment and try again."),
        "just_now": _("just now"),
        "no_data": _("Nothing to show for this time yet."),
        "passkey_unknown": _("This browser knows no passkeys."),
        "passkey_elsewhere": _("Passkeys work when you open Regulars at this address:"),
        "passkey_known": _("This device has a passkey for you already."),
        "passkey_failed": _("No passkey came. Try again, or choose another way."),
        "from": _("from"),
        "to": _("to"),
    }
