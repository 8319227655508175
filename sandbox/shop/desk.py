"""The owner's desk: connect the shop to Regulars, watch what is sent, change products, ship and refund orders."""

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for

from sandbox.demo import catalogue
from sandbox.shop import connection, hooks, orders, shelf

bp = Blueprint("desk", __name__)
PAST = ("none", "recent", "all")


@bp.get("/settings")
def settings():
    return settings_page(connection.read(g.book), wrong={})


def settings_page(given, *, wrong):
    return render_template(
        "settings.html", given=given, wrong=wrong, health=connection.health(g.book), deliveries=hooks.newest(g.book)
    )


@bp.post("/settings")
def connect():
    """This function will keep the connection, from the form or from JSON, and tell the CRM what it should know."""
    given = request.get_json() if request.is_json else request.form.to_dict()
    if not isinstance(given, dict):
        abort(400)
    past = given.get("past", "none")
    wrong = connection.check(given) | ({} if past in PAST else {"past": "This is none, recent or all."})
    if wrong:
        if request.is_json:
            return {"error": {"code": "invalid", "message": "Some settings cannot be right.", "fields": wrong}}, 422
        return settings_page(given, wrong=wrong), 422
    connection.save(g.book, given)
    if given.get("tell"):
        connection.tell_all(g.book, shop_url=g.shop_url, past=past)
    if request.is_json:
        return connection.read(g.book)
    flash("Saved. The shop is connected." if given.get("hook_url") else "Saved. The shop is not connected.")
    return redirect(url_for(".settings"))


@bp.post("/settings/try-again")
def try_again():
    hooks.try_again(g.book)
    return redirect(url_for(".settings") + "#deliveries")


@bp.get("/desk")
def index():
    return render_template(
        "desk.html", orders=orders.newest(g.book, 25), products=g.book.rows("SELECT * FROM products ORDER BY place")
    )


@bp.post("/desk/orders/<external_id>")
def change_order(external_id):
    with g.book.change():
        if request.form.get("act") == "ship":
            changed = orders.ship(g.book, external_id)
        else:
            changed = orders.give_back(g.book, external_id, reason="Refunded by the shop")
        if changed:
            connection.tell(g.book, "order.updated", changed)
    flash(f"{changed['number']} is now {changed['status']}." if changed else "That order cannot be changed so.")
    return redirect(url_for(".index"))


@bp.post("/desk/products/<external_id>")
def change_product(external_id):
    row = shelf.one(g.book, external_id) or abort(404)
    price, stock = request.form.get("price", type=float), request.form.get("stock", "").strip()
    if price is None or not 0 < price < 100_000 or (stock and not stock.isdigit()):
        flash(f"{row['name']}: the price must be above 0 and the stock a whole number or empty.")
        return redirect(url_for(".index") + f"#{external_id}")
    with g.book.change():
        shelf.change(
            g.book, external_id, cents=round(price * 100), stock=int(stock) if stock else None,
            active=bool(request.form.get("active")),
        )  # fmt: skip
        changed = shelf.item(shelf.one(g.book, external_id), shop_url=g.shop_url)
        connection.tell(g.book, "product.updated", changed)
    flash(f"{changed['name']} now costs {catalogue.decimal(round(price * 100))} EUR.")
    return redirect(url_for(".index") + f"#{external_id}")
