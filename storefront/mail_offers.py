"""GET /m/i/<token>: the picture of an offer in a mail, drawn for the opening that asks for it.

The address is signed and says whose mail and which place; the answer is never kept by anybody, so that the next opening asks
again. Where nothing can be offered it is a transparent dot.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from saas.kit import doors, rates, work
from saas.marketing import landing, links, offer_cards, responses
from storefront.links import PIXEL

door = Blueprint("mail_offers", __name__)
OFTEN = "120/minute"
HEADERS = {
    "Cache-Control": "no-store, no-cache, must-revalidate, max-age=0, private",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


@door.get("/m/i/<token>")
@doors.open_to("anyone", unit=False)
def picture(token: str) -> Response:
    """Draw the offer at a place of somebody's mail, as it is chosen now; 404 for a token that is not ours."""
    opened = landing.read(token, links.PICTURE)
    rates.require(f"mail-picture:{opened.recipient_id}", OFTEN)
    asked = request.args.get("columns", "3")
    columns = int(asked) if asked in ("1", "2", "3", "4") else 3
    with work.unit(tenant_id=opened.tenant_id):
        browser = request.headers.get("User-Agent", "")
        card = responses.offer_shown(opened, browser=browser, method=request.method, columns=columns)
    drawn = offer_cards.drawn(card) if card is not None else None
    if drawn is None:
        return Response(PIXEL, mimetype="image/gif", headers=HEADERS)
    return Response(drawn, mimetype="image/jpeg", headers=HEADERS)
