"""Paying and what follows: the form, the order, its confirmation and the way back of the money."""

import re

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for

from sandbox.shop import carts, connection, coupons, customers, orders, shelf, told

bp = Blueprint("checkout", __name__)
COUNTRIES = {"GB": "United Kingdom", "DE": "Germany", "FR": "France", "NL": "Netherlands", "US": "United States",
             "CN": "China", "IT": "Italy", "SE": "Sweden", "ES": "Spain"}  # fmt: skip
DECLINED = "4000000000000002"
VISITOR = re.compile(r"[A-Za-z0-9_-]{16,64}")


@bp.get("/checkout")
def checkout():
    content = carts.lines(g.book, session.get("cart"))
    if not content:
        return redirect(url_for("shop.cart"))
    told.call("checkout", carts.event(session["cart"], content, shop_url=g.shop_url))
    return checkout_page(content, given=g.customer or {}, wrong={})


def checkout_page(content, *, given, wrong):
    sums = carts.sums(content)
    if given.get("coupon") and "coupon" not in wrong:
        sums = carts.sums(content, *coupons.worth(g.book, given["coupon"], content, sums))
    return render_template("checkout.html", content=content, sums=sums, given=given, wrong=wrong, countries=COUNTRIES)


@bp.post("/checkout")
def pay():
    content, given = carts.lines(g.book, session.get("cart")), request.form
    if not content:
        return redirect(url_for("shop.cart"))
    wrong = mistakes(given)
    if given.get("coupon", "").strip():
        try:
            coupons.worth(g.book, given["coupon"], content, carts.sums(content))
        except coupons.Refused as reason:
            wrong["coupon"] = str(reason)
    if wrong or given.get("act") == "coupon":
        return checkout_page(
            content,
            given=given,
            wrong=wrong if given.get("act") != "coupon" else {k: v for k, v in wrong.items() if k == "coupon"},
        ), 422 if wrong else 200
    try:
        order, buyer = buy(given)
    except orders.SoldOut as reason:
        flash(str(reason))
        return redirect(url_for("shop.cart"))
    session.pop("cart")
    session["mine"] = [order["external_id"], *session.get("mine", [])][:20]
    if not g.customer:
        # Nobody has shown that this address is theirs, so the page says it without the server's signature.
        session["claimed"] = buyer["external_id"]
    return redirect(url_for(".order", external_id=order["external_id"]))


def mistakes(given):
    """This function will return what is wrong with the checkout form, by field."""
    wrong = {
        name: f"Please fill in the {label}."
        for name, label in (("first_name", "first name"), ("last_name", "last name"), ("street", "street"),
                            ("city", "city"), ("postcode", "postcode"))
        if not given.get(name, "").strip()
    }  # fmt: skip
    if not customers.ADDRESS.fullmatch(given.get("email", "").strip()):
        wrong["email"] = "This does not look like an e-mail address."
    card = re.sub(r"\D", "", given.get("card", ""))
    if not 13 <= len(card) <= 19:
        wrong["card"] = "A card number has 13 to 19 digits; 4242 4242 4242 4242 works here."
    elif card == DECLINED:
        wrong["card"] = "The bank declined this card. Nothing was charged."
    return wrong


def buy(given):
    visitor = request.cookies.get("rgl_visitor", "")
    with g.book.change():
        buyer, changed = customers.save(
            g.book, given["email"], newsletter=True if given.get("newsletter") else None,
            first_name=given["first_name"].strip(), last_name=given["last_name"].strip(), city=given["city"].strip(),
            postcode=given["postcode"].strip(), country=given.get("country"),
        )  # fmt: skip
        order = orders.place(
            g.book, cart_id=session["cart"], customer=buyer, visitor=visitor if VISITOR.fullmatch(visitor) else None,
            coupon=given.get("coupon", "").strip(),
        )  # fmt: skip
        if changed:
            connection.tell(g.book, "customer.updated", buyer)
        connection.tell(g.book, "order.updated", order)
        for line in order["lines"]:
            row = shelf.one(g.book, line["product"])
            connection.tell(g.book, "product.updated", shelf.item(row, shop_url=g.shop_url))
    return order, buyer


def own_order(external_id):
    found = orders.one(g.book, external_id)
    signed_in = g.customer and found and (found["customer"] or {}).get("email") == g.customer["email"]
    return found if signed_in or (found and external_id in session.get("mine", [])) else abort(404)


@bp.get("/orders/<external_id>")
def order(external_id):
    found = own_order(external_id)
    claimed = customers.by_id(g.book, session.pop("claimed", None))
    if claimed:
        told.call("identify", connection.identity(g.book, claimed, proven=False))
    return render_template("order.html", order=found)


@bp.post("/orders/<external_id>/refund")
def refund(external_id):
    own_order(external_id)
    with g.book.change():
        given = orders.give_back(g.book, external_id, reason=request.form.get("reason", "")[:200] or "Changed my mind")
        if given:
            connection.tell(g.book, "order.updated", given)
    flash("Your money is on its way back." if given else "This order cannot be refunded.")
    return redirect(url_for(".order", external_id=external_id))
