"""The page behind the question whether somebody agrees: the words once more and one button, for programs follow every link."""

from __future__ import annotations

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue

from saas.customers import asking, consent
from saas.kit import doors, rates, scope, work
from saas.marketing import letters

door = Blueprint("agreeing", __name__, template_folder="templates")
SHOPPER = scope.Actor("shopper", "double_opt_in")
OFTEN = "60/minute"


@door.get("/m/y/<token>")
@doors.open_to("anyone", unit=False)
def ask(token: str) -> ResponseReturnValue:
    """Show what they would agree to; showing it changes nothing."""
    tenant_id, request_id = asking.read(token)
    with work.unit(tenant_id=tenant_id):
        question = asking.one(request_id)
        state = "done" if question.confirmed_at else "ask" if asking.open_now(question) else "late"
        return _page(state, question.wording)


@door.post("/m/y/<token>")
@doors.open_to("anyone", unit=False)
def agree(token: str) -> ResponseReturnValue:
    """Take the click as their word."""
    tenant_id, request_id = asking.read(token)
    rates.require(f"agree:{request_id}", OFTEN)
    with work.unit(tenant_id=tenant_id, actor=SHOPPER):
        try:
            question = consent.confirm(
                request_id, address=request.remote_addr or "", browser=request.headers.get("User-Agent", "")
            )
        except asking.TooLate:
            return _page("late", "", 410)
        return _page("done", question.wording)


def _page(state: str, wording: str, status: int = 200) -> ResponseReturnValue:
    answer = make_response(
        render_template("mail/agree.html", state=state, wording=wording, company=letters.company_name()), status
    )
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
