"""What the addresses in mails lead to: clicks, the pixel, leaving, and the mail in a browser.

Nobody signs in here; a signed token says whose mail it is, and a token that we did not make is answered 404. To leave
takes a POST, because programs that look through mails follow every link.
"""

from __future__ import annotations

import base64

from flask import Blueprint, Response, redirect, render_template, request, url_for

from saas.customers import portal_settings, purposes
from saas.kit import doors, rates, work
from saas.marketing import landing, letters, links, previews, responses

door = Blueprint("links", __name__, template_folder="templates")
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
VIEWED = previews.CONTENT_POLICY.replace("sandbox;", "sandbox allow-popups allow-popups-to-escape-sandbox;")
OFTEN = "600/minute"


def _read(token: str, kind: int) -> links.Opened:
    return landing.read(token, kind)


def _browser() -> str:
    return request.headers.get("User-Agent", "")


@door.get("/m/c/<token>")
@doors.open_to("anyone", unit=False)
def click(token: str) -> Response:
    """Note a click and lead on to where the marketer's link goes; 404 for a token or a link that is not ours."""
    opened = _read(token, links.CLICK)
    with work.unit(tenant_id=opened.tenant_id):
        target = responses.clicked(opened, browser=_browser(), method=request.method)
    answer = redirect(target, 303)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@door.get("/m/o/<token>")
@doors.open_to("anyone", unit=False)
def open_pixel(token: str) -> Response:
    """Note that a mail was opened; answers one transparent dot."""
    opened = _read(token, links.OPEN)
    with work.unit(tenant_id=opened.tenant_id):
        responses.opened(opened, browser=_browser())
    return Response(PIXEL, mimetype="image/gif", headers={"Cache-Control": "no-store, private"})


@door.get("/m/u/<token>")
@doors.open_to("anyone", unit=False)
def leave(token: str) -> str:
    """Show the button that unsubscribes; showing it changes nothing."""
    opened = _read(token, links.UNSUBSCRIBE)
    with work.unit(tenant_id=opened.tenant_id):
        return _page("gone" if responses.find(opened).unsubscribed_at else "ask", opened)


@door.post("/m/u/<token>")
@doors.open_to("anyone", unit=False)
def left(token: str) -> str:
    """Unsubscribe at once from mails of this purpose (RFC 8058: no cookie, no sign-in, no redirect), or take it back with undo=1.

    Only the page's own button stops all mails with everything=1.
    """
    opened = _read(token, links.UNSUBSCRIBE)
    rates.require(f"leave:{opened.recipient_id}", OFTEN)
    with work.unit(tenant_id=opened.tenant_id):
        if request.form.get("undo"):
            responses.subscribe_again(opened)
            return _page("back", opened)
        how = "unsubscribe" if request.form.get("page") else "one_click"
        everything = bool(request.form.get("everything"))
        responses.unsubscribe(opened, how=how, browser=_browser(), everything=everything)
        return _page("all_gone" if everything else "gone", opened)


def _page(state: str, opened: links.Opened) -> str:
    """Of mails with a purpose of their own the page names it, and offers to stop all mails as well."""
    purpose = responses.about(opened)
    own = None if purpose.key == purposes.MAIN else purpose.name
    choose = None
    if responses.find(opened).customer_id is not None and portal_settings.current().enabled:
        token = landing.preferences_token(mailing_id=opened.mailing_id, recipient_id=opened.recipient_id)
        choose = url_for("portal_preferences.from_mail", token=token)
    return render_template(
        "mail/leave.html", state=state, purpose=own, company=letters.company_name(), choose_url=choose
    )


@door.get("/m/v/<token>")
@doors.open_to("anyone", unit=False)
def view(token: str) -> Response:
    """Show a mail in the browser, as it is filled in today."""
    opened = _read(token, links.VIEW)
    with work.unit(tenant_id=opened.tenant_id):
        html = letters.as_page(responses.find(opened))
    return Response(
        html, mimetype="text/html", headers={"Content-Security-Policy": VIEWED, "Cache-Control": "no-store"}
    )
