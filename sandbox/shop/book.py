"""The shop's memory: one SQLite file, filled on the first start with the simulated past."""

import contextlib
import json
import secrets
import sqlite3
import threading

TABLES = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS products (
    external_id TEXT PRIMARY KEY, place INTEGER, sku TEXT, slug TEXT UNIQUE, category TEXT, collection TEXT, name TEXT,
    description TEXT, cents INTEGER, stock INTEGER, active INTEGER, appeal REAL, updated_at TEXT);
CREATE TABLE IF NOT EXISTS customers (
    external_id TEXT PRIMARY KEY, email TEXT UNIQUE, item TEXT, live INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS carts (id TEXT PRIMARY KEY, ordered INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS cart_lines (
    cart_id TEXT, product TEXT, quantity INTEGER, PRIMARY KEY (cart_id, product)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    external_id TEXT PRIMARY KEY, email TEXT, placed_at TEXT, item TEXT, live INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS orders_of ON orders (email, placed_at);
CREATE INDEX IF NOT EXISTS orders_by_time ON orders (placed_at);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT, type TEXT, body TEXT, created_at REAL, next_at REAL,
    attempts INTEGER DEFAULT 0, answer TEXT DEFAULT '', done_at REAL);
CREATE TABLE IF NOT EXISTS coupons (code TEXT PRIMARY KEY, terms TEXT, used INTEGER DEFAULT 0, stopped INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_at) WHERE done_at IS NULL;
"""


class Book:
    """The open file; every thread of the shop may read and write through it, one at a time."""

    def __init__(self, path):
        self.lock = threading.RLock()
        self.file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.file.row_factory = sqlite3.Row
        self.file.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + TABLES)
        self.depth = 0

    @contextlib.contextmanager
    def change(self):
        """This context will keep everything written inside it, or nothing when something raises."""
        with self.lock:
            if not self.depth:
                self.file.execute("BEGIN IMMEDIATE")
            self.depth += 1
            try:
                yield
            except BaseException:
                if self.depth == 1:
                    self.file.execute("ROLLBACK")
                raise
            else:
                if self.depth == 1:
                    self.file.execute("COMMIT")
            finally:
                self.depth -= 1

    def rows(self, statement, *values):
        with self.lock:
            return self.file.execute(statement, values).fetchall()

    def row(self, statement, *values):
        return next(iter(self.rows(statement, *values)), None)

    def many(self, statement, rows):
        with self.change():
            self.file.executemany(statement, rows)

    def setting(self, key, default=""):
        found = self.row("SELECT value FROM settings WHERE key = ?", key)
        return found["value"] if found else default

    def keep(self, key, value):
        self.rows(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value
        )

    def secret(self):
        """This function will return the key that signs the shop's own cookies; it is made once."""
        with self.change():
            if not self.setting("cookie_key"):
                self.keep("cookie_key", secrets.token_hex(32))
            return self.setting("cookie_key")

    def close(self):
        with self.lock:
            self.file.close()


def fill(book, world):
    """This function will write the simulated products, customers, orders and forgotten carts into an empty book."""
    with book.change():
        book.many(
            "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (a.external_id, a.number, a.sku, a.slug, a.form.category, a.colours.name, a.name, a.description,
                 a.cents, a.stock, a.active, a.appeal, item["updated_at"])
                for a, item in zip(world.articles, world.products(), strict=True)
            ],
        )  # fmt: skip
        book.many(
            "INSERT INTO customers VALUES (?, ?, ?, 0)",
            [(item["external_id"], item["email"], json.dumps(item)) for item in world.customers()],
        )
        book.many(
            "INSERT INTO orders VALUES (?, ?, ?, ?, 0)",
            [
                (item["external_id"], (item["customer"] or {}).get("email"), item["placed_at"], json.dumps(item))
                for item in world.orders()
            ],
        )
        carts = {cart["id"]: cart["items"] for cart in world.carts()}
        book.many("INSERT INTO carts (id) VALUES (?)", [(cart,) for cart in carts])
        book.many(
            "INSERT INTO cart_lines VALUES (?, ?, ?)",
            [(cart, line["product"], line["quantity"]) for cart, lines in carts.items() for line in lines],
        )
        book.keep("filled", world.until.isoformat())
