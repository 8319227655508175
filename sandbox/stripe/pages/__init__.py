"""What a person sees: the Checkout page, the bank's challenge, the portal, invoices and receipts, and a home page."""

import datetime

from flask import Blueprint, Response, current_app, render_template
from jinja2 import pass_context

from sandbox.stripe import money
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

blueprint = Blueprint("pages", __name__)


def the_world() -> World:
    """This function will give the world this application serves."""
    return current_app.extensions["world"]


def gone(sentence: str = "This page has expired or was never there.") -> tuple[str, int]:
    """This function will say that there is nothing here, as a page."""
    return render_template("message.html", title="Nothing here", sentence=sentence), 404


@blueprint.after_request
def keep_no_copy(response: Response) -> Response:
    """This function will keep pages out of caches: they show money as it stands now."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.app_template_filter("money")
def show_money(amount: int, currency: str) -> str:
    """This function will show an amount with its currency."""
    return money.show(amount, currency or "eur")


@blueprint.app_template_filter("day")
def show_day(moment: int | None) -> str:
    """This function will show a date."""
    return "" if moment is None else datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%-d %B %Y")


@blueprint.app_template_filter("every")
def show_every(price: Document) -> str:
    """This function will say how often a price is due."""
    recurring = price.get("recurring")
    if not recurring:
        return ""
    count = recurring["interval_count"]
    return f"per {recurring['interval']}" if count == 1 else f"every {count} {recurring['interval']}s"


@blueprint.app_template_filter("product")
@pass_context
def show_product(context: object, price: Document) -> str:
    """This function will give the name of what a price is for."""
    product = the_world().store.get("product", price["product"])
    return product["name"] if product else price["id"]


@blueprint.app_context_processor
def everywhere() -> dict[str, object]:
    """This function will give every page the name of the business."""
    return {"business": the_world().rules.business}


from sandbox.stripe.pages import challenge, checkout, home, invoice, portal, portal_cards, portal_plans  # noqa: E402, F401
