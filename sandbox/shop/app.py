"""Builds the shop: the shopper's pages, the owner's desk, and what every page needs to know."""

from datetime import datetime

from flask import Flask, current_app, g, render_template, request, session

from sandbox import web
from sandbox.demo import forms
from sandbox.shop import account, carts, checkout, connection, coupons, customers, desk, pages


def create_app(*, book, messenger, articles):
    """This function will build the shop over an open book; `articles` are drawn for the pictures."""
    app = Flask(__name__)
    app.config.update(
        BOOK=book, MESSENGER=messenger, ARTICLES={article.sku: article for article in articles},
        SECRET_KEY=book.secret(), SESSION_COOKIE_NAME="fern_shop", SESSION_COOKIE_SAMESITE="Lax",
    )  # fmt: skip
    app.before_request(web.refuse_other_sites)
    app.before_request(recognise)
    app.after_request(nudge)
    app.context_processor(surroundings)
    app.register_error_handler(404, not_found)
    app.add_template_filter(euro)
    app.add_template_filter(day)
    for part in (pages, checkout, account, desk, coupons):
        app.register_blueprint(part.bp)
    return app


def recognise():
    """This function will find out who is shopping, from the shop's own cookie."""
    g.book = current_app.config["BOOK"]
    g.shop_url = request.host_url.rstrip("/")
    g.customer = customers.by_id(g.book, session.get("customer"))
    g.calls = []


def nudge(response):
    # Whatever a request queued goes out as soon as the request is over.
    if request.method == "POST":
        current_app.config["MESSENGER"].news.set()
    return response


def surroundings():
    content = carts.lines(g.book, session.get("cart"))
    calls = list(g.calls)
    if session.pop("tell_identity", False) and g.customer:
        calls.append(["identify", connection.identity(g.book, g.customer, proven=True)])
    if session.pop("tell_reset", False):
        calls.append(["reset"])
    return {
        "crm": connection.read(g.book),
        "customer": g.customer,
        "categories": forms.CATEGORIES,
        "in_cart": sum(line["quantity"] for line in content),
        "calls": calls,
    }


def not_found(_):
    return render_template("lost.html"), 404


def euro(cents):
    """This function will write an amount for shoppers, from cents or from a decimal string."""
    amount = cents / 100 if isinstance(cents, int) else float(cents)
    return f"€{amount:,.2f}"


def day(moment):
    """This function will write the day of an ISO time for shoppers."""
    then = datetime.fromisoformat(moment)
    return f"{then.day} {then:%B %Y}"
