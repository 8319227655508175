"""What a shopper looks at: the home page, categories, products with their pictures, search, and the cart."""

from functools import cache

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from sandbox.demo import forms
from sandbox.demo.pictures import scene
from sandbox.shop import carts, shelf, told

bp = Blueprint("shop", __name__)


@bp.get("/")
def home():
    window = shelf.favourites(g.book, ("tea", "lamps", "planters", "mugs"))
    return render_template("home.html", window=window, popular=shelf.popular(g.book, 8))


@bp.get("/categories/<key>")
def category(key):
    if key not in forms.CATEGORIES:
        abort(404)
    collection, sort = request.args.get("collection", ""), request.args.get("sort", "popular")
    found = shelf.in_category(g.book, key, collection=collection, sort=sort)
    collections = sorted({row["collection"] for row in shelf.in_category(g.book, key)})
    return render_template(
        "category.html", key=key, found=found, collections=collections, collection=collection, sort=sort
    )


@bp.get("/products/<slug>")
def product(slug):
    row = shelf.by_slug(g.book, slug) or abort(404)
    told.call("product", {"id": row["external_id"]})
    return render_template("product.html", product=row, like=shelf.like(g.book, row))


@bp.get("/search")
def search():
    query = request.args.get("q", "").strip()[:100]
    if query:
        told.call("search", {"query": query})
    return render_template("search.html", query=query, found=shelf.search(g.book, query))


@bp.get("/pictures/<sku>.<kind>")
def picture(sku, kind):
    if sku not in current_app.config["ARTICLES"] or kind not in ("svg", "png"):
        abort(404)
    article = current_app.config["ARTICLES"][sku]
    answer = (
        Response(svg(article), mimetype="image/svg+xml")
        if kind == "svg"
        else Response(png(article), mimetype="image/png")
    )
    answer.cache_control.max_age = 86_400
    # Mails and the widget show it elsewhere.
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@cache
def svg(article):
    return scene.svg(article)


@cache
def png(article):
    return scene.png(article)


@bp.get("/cart")
def cart():
    content = carts.lines(g.book, session.get("cart"))
    if session.pop("cart_changed", False):
        told.call("cart", carts.event(session["cart"], content, shop_url=g.shop_url))
    return render_template("cart.html", content=content, sums=carts.sums(content))


@bp.post("/cart")
def change_cart():
    """This function will add to the cart (`add`) or set a quantity (`quantity`)."""
    row = shelf.one(g.book, request.form.get("product", "")) or abort(404)
    session["cart"] = carts.open_cart(g.book, session.get("cart"))
    had = carts.quantity_of(g.book, session["cart"], row["external_id"])
    added = request.form.get("add", type=int)
    wanted = had + added if added else request.form.get("quantity", 0, type=int)
    if carts.put(g.book, session["cart"], row, wanted) < wanted:
        flash(f"No more than {row['stock'] or 0} of {row['name']} are left.")
    session["cart_changed"] = True
    return redirect(url_for(".cart"))


@bp.get("/cart/resume/<cart_id>")
def resume_cart(cart_id):
    """This function will bring a forgotten cart back, as a mail's link does."""
    if carts.is_open(g.book, cart_id):
        session["cart"] = cart_id
        flash("Welcome back. Your cart is as you left it.")
    else:
        flash("That cart has been ordered or is gone.")
    return redirect(url_for(".cart"))


@bp.get("/healthz")
def healthz():
    return {"ok": True}
