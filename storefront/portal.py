"""The way into a shopper's own page: the address is typed, a link comes by mail, and it opens this browser for a day.

A known and an unknown address get the same answer. The link in the mail shows a button first, for programs that look through
mails follow every link, and a link works once.
"""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, request
from flask.typing import ResponseReturnValue

from saas import config
from saas.customers import passes
from saas.kit import doors, rates, scope
from storefront import portal_frame
from storefront.portal_frame import Here, show

door = Blueprint("portal", __name__, template_folder="templates")
FROM_ONE_PLACE, TO_ONE_ADDRESS = "20/hour", "5/hour"


@door.get("/my/<site>")
@doors.open_to("anyone", unit=False)
@portal_frame.page(guests=True)
def begin(here: Here) -> ResponseReturnValue:
    """Show where the link is asked for, or lead whoever is signed in to their orders."""
    if here.customer is not None:
        return redirect(here.url("portal_orders.index"), 303)
    return show(here, "begin", state="ask")


@door.post("/my/<site>")
@doors.open_to("anyone", unit=False)
@portal_frame.page(guests=True)
def ask(here: Here) -> ResponseReturnValue:
    """Have a link sent, if the address is a customer's; the answer is the same whether it is or not."""
    typed = request.form.get("email", "")
    rates.require(f"portal:{scope.tenant_id()}:{request.remote_addr}", FROM_ONE_PLACE)
    try:
        if rates.allow(f"portal-to:{scope.tenant_id()}:{typed.strip().lower()[:320]}", TO_ONE_ADDRESS):
            passes.ask(email=typed, language=here.locale)
    except passes.NoAddress as refusal:
        return show(here, "begin", state="ask", typed=typed, errors=refusal.fields), refusal.status
    return show(here, "begin", state="asked", typed=typed)


@door.get("/my/<site>/in/<token>")
@doors.open_to("anyone", unit=False)
@portal_frame.page(guests=True)
def link(here: Here, token: str) -> ResponseReturnValue:
    """Show the button that opens the page; showing it uses nothing up."""
    passes.waiting(token)
    return show(here, "begin", state="open", token=token)


@door.post("/my/<site>/in/<token>")
@doors.open_to("anyone", unit=False)
@portal_frame.page(guests=True)
def enter(here: Here, token: str) -> ResponseReturnValue:
    """Use the link up and open this browser for a day."""
    cookie = passes.open_with(token, browser=request.headers.get("User-Agent", ""))
    if here.held is not None:
        passes.end(here.held)
    answer = redirect(here.url("portal_orders.index"), 303)
    answer.set_cookie(
        portal_frame.COOKIE, cookie, max_age=int(passes.DAY.total_seconds()), path=f"/my/{here.site}", httponly=True, samesite="Lax",
        secure=config.get().public_url.startswith("https://"),
    )  # fmt: skip
    return answer


@door.post("/my/<site>/out")
@doors.open_to("anyone", unit=False)
@portal_frame.page()
def leave(here: Here) -> ResponseReturnValue:
    """Close the page on this browser."""
    passes.end(here.held)
    answer = make_response(redirect(here.url("portal.begin"), 303))
    answer.delete_cookie(portal_frame.COOKIE, path=f"/my/{here.site}")
    return answer
