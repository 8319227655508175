"""The page behind the links in mails about a product somebody waits for: say that it was you, or that it is enough."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue

from saas.catalog import products
from saas.kit import doors, rates, scope, work
from saas.marketing import letters, watching

door = Blueprint("watches_shop", __name__, template_folder="templates")
SHOPPER = scope.Actor("shopper", "watch")
OFTEN = "60/minute"


@door.get("/m/w/<token>")
@doors.open_to("anyone", unit=False)
def show(token: str) -> ResponseReturnValue:
    """Show what they wait for; showing it changes nothing."""
    tenant_id, watch_id = watching.read(token)
    with work.unit(tenant_id=tenant_id):
        return _page(watching.one(watch_id))


@door.post("/m/w/<token>")
@doors.open_to("anyone", unit=False)
def say(token: str) -> ResponseReturnValue:
    """Take the click as their word: to be told, or not any more."""
    tenant_id, watch_id = watching.read(token)
    rates.require(f"watch:{watch_id}", OFTEN)
    with work.unit(tenant_id=tenant_id, actor=SHOPPER):
        if request.form.get("act") == "stop":
            return _page(watching.end(watch_id))
        address, browser = request.remote_addr or "", request.headers.get("User-Agent", "")
        return _page(watching.confirm(watch_id, address=address, browser=browser))


def _page(watch: Any) -> ResponseReturnValue:
    state = watching.standing(watch)
    name = products.one(watch.product_id).name
    answer = make_response(
        render_template("mail/watch.html", state=state, kind=watch.kind, product=name, company=letters.company_name())
    )
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
