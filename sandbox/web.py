"""What the sandbox's web servers share: pages of other sites must not press their buttons."""

from flask import abort, request


def refuse_other_sites():
    """This function will stop a form that was sent from another site, as browsers tell in Sec-Fetch-Site."""
    if request.method not in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Site", "none") not in (
        "none",
        "same-origin",
    ):
        abort(403)
