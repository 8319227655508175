"""Signing in with nothing but an address, the shopper's own data and orders, signing out."""

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for

from sandbox.shop import connection, customers, orders

bp = Blueprint("account", __name__)


@bp.get("/account")
def account():
    if not g.customer:
        return render_template("sign_in.html", email="", wrong={})
    return render_template("account.html", mine=orders.of(g.book, g.customer["email"]))


@bp.post("/account/sign-in")
def sign_in():
    email = request.form.get("email", "").strip()
    if not customers.ADDRESS.fullmatch(email):
        wrong = {"email": "This does not look like an e-mail address."}
        return render_template("sign_in.html", email=email, wrong=wrong), 422
    newsletter = True if request.form.get("newsletter") else None
    keep_customer(email, newsletter=newsletter)
    session["tell_identity"] = True
    return redirect(url_for(".account"))


@bp.post("/account")
def change_account():
    if not g.customer:
        abort(403)
    names = {name: request.form.get(name, "").strip()[:80] for name in ("first_name", "last_name")}
    keep_customer(g.customer["email"], newsletter=bool(request.form.get("newsletter")), **names)
    flash("Saved.")
    return redirect(url_for(".account"))


def keep_customer(email, **details):
    with g.book.change():
        customer, changed = customers.save(g.book, email, **details)
        if changed:
            connection.tell(g.book, "customer.updated", customer)
    session["customer"] = customer["external_id"]


@bp.post("/account/sign-out")
def sign_out():
    session.clear()
    session["tell_reset"] = True
    return redirect(url_for("shop.home"))
