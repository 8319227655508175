"""The products: found by category, collection or words, shown with their prices, sold down to nothing."""

from datetime import UTC, datetime

from sandbox.demo import catalogue, forms

SHOWN = "SELECT * FROM products WHERE active"
SORTS = {"popular": "appeal DESC", "price": "cents", "dear": "cents DESC", "name": "name"}


def popular(book, limit):
    """This function will return what sells best and is there."""
    return book.rows(f"{SHOWN} AND stock IS NOT 0 ORDER BY appeal DESC LIMIT ?", limit)


def favourites(book, categories):
    """This function will return the one thing of each category that sells best."""
    return [next(iter(in_category(book, key))) for key in categories]


def in_category(book, key, *, collection="", sort="popular"):
    """This function will return the shown products of a category, of one collection if asked; sold out ones last."""
    order = SORTS.get(sort, SORTS["popular"])
    return book.rows(
        f"{SHOWN} AND category = ? AND (? = '' OR collection = ?) ORDER BY stock IS 0, {order}",
        key, collection, collection,
    )  # fmt: skip


def like(book, product, limit=4):
    """This function will return other products of the same collection."""
    return book.rows(
        f"{SHOWN} AND collection = ? AND external_id <> ? AND stock IS NOT 0 ORDER BY appeal DESC LIMIT ?",
        product["collection"], product["external_id"], limit,
    )  # fmt: skip


def search(book, words):
    """This function will return the shown products that contain every word in their name, text or category."""
    wanted = words.lower().split()[:8]
    found = book.rows(f"{SHOWN} ORDER BY stock IS 0, appeal DESC") if wanted else []
    return [row for row in found if all(stem(word) in searchable(row) for word in wanted)]


def stem(word):
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def searchable(row):
    return f"{row['name']} {row['description']} {forms.CATEGORIES[row['category']][0]} {row['sku']}".lower()


def by_slug(book, slug):
    return book.row(f"{SHOWN} AND slug = ?", slug)


def one(book, external_id):
    return book.row("SELECT * FROM products WHERE external_id = ?", external_id)


def change(book, external_id, *, cents, stock, active):
    """This function will change what the owner may change of a product."""
    book.rows(
        "UPDATE products SET cents = ?, stock = ?, active = ?, updated_at = ? WHERE external_id = ?",
        cents, stock, active, now(), external_id,
    )  # fmt: skip


def take(book, external_id, quantity):
    """This function will take sold pieces from the shelf; what is made to order (no stock) never runs out."""
    book.rows(
        "UPDATE products SET stock = max(0, stock - ?), updated_at = ? WHERE external_id = ? AND stock IS NOT NULL",
        quantity, now(), external_id,
    )  # fmt: skip


def item(row, *, shop_url):
    """This function will return the product as the CRM wants to hear of it."""
    return {
        "external_id": row["external_id"],
        "sku": row["sku"],
        "name": row["name"],
        "description": row["description"],
        "url": f"{shop_url}/products/{row['slug']}",
        "image_url": f"{shop_url}/pictures/{row['sku']}.png",
        "price": catalogue.decimal(row["cents"]),
        "currency": "EUR",
        "categories": [forms.CATEGORIES[row["category"]][0]],
        "tags": [row["collection"], "simulated"],
        "stock": row["stock"],
        "active": bool(row["active"]),
        "updated_at": row["updated_at"],
    }


def now():
    """This function will return this moment as the wire writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
