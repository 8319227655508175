"""Products of real shops in our shape: WooCommerce's with their variations, Shopify's with their variants."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import select

from saas.catalog import asking, products, variants
from saas.catalog.models import Product
from saas.catalog.schemas import ProductIn
from saas.commerce import fetching, shops
from saas.commerce.connectors import shopify_products, woocommerce, woocommerce_products
from saas.commerce.connectors.delivery import Unmappable
from saas.commerce.connectors.past import Origin
from saas.kit import work
from saas.kit.db import db

STAMP = "2026-05-02T10:00:00"


def variation(number, **more):
    return {
        "id": number, "sku": f"V-{number}", "price": "9.00", "regular_price": "12.00", "sale_price": "9.00", "status": "publish",
        "date_modified_gmt": STAMP, "stock_status": "instock", "stock_quantity": 4, "manage_stock": True, "menu_order": number,
        "attributes": [{"id": 6, "name": "Colour", "option": "Black"}, {"id": 7, "name": "Size", "option": f"{number}"}],
        "image": {"src": f"https://shop.example/{number}.jpg", "alt": ""}, **more,
    }  # fmt: skip


def shirt(**more):
    return {
        "id": 22, "name": "Shirt", "type": "variable", "status": "publish", "price": "9.00", "regular_price": "", "sale_price": "",
        "permalink": "https://shop.example/shirt", "date_modified_gmt": STAMP, "stock_status": "instock", "stock_quantity": None,
        "manage_stock": False, "variations": [732, 733], "cross_sell_ids": [41], "upsell_ids": [42, 43], "categories": [{"name": "Shirts"}],
        "images": [{"src": "https://shop.example/a.jpg", "alt": "Front"}, {"src": "https://shop.example/b.jpg", "alt": ""}], **more,
    }  # fmt: skip


class Store:
    """A store with one variable product and its variations, a hundred a page at the most."""

    def __init__(self):
        self.product, self.variations, self.calls, self.status = shirt(), [variation(732), variation(733)], [], 200

    def answer(self, path, query):
        self.calls.append(path)
        if self.status != 200:
            return self.status, {"code": "broken"}, 1
        if path.endswith("/variations"):
            per, page = int(query["per_page"][0]), int(query["page"][0])
            return 200, self.variations[(page - 1) * per : page * per], max(-(-len(self.variations) // per), 1)
        if path.endswith("/products"):
            wanted = query.get("include", ["22"])[0].split(",")
            return 200, [self.product] if self.product and "22" in wanted else [], 1
        return (200, self.product, 1) if self.product else (404, {"code": "woocommerce_rest_product_invalid_id"}, 1)


@pytest.fixture
def store():
    held = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, found, pages = held.answer(parts.path, parse_qs(parts.query))
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-WP-TotalPages", str(pages))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield held
    server.shutdown()
    server.server_close()
    thread.join()


def deliver(company, store, body):
    """Connect the store and take a delivery of it; returns the shop."""
    with work.unit(tenant_id=company.tenant_id):
        shop, _secret = shops.connect(
            kind="woocommerce", name="Woo", url=store.url, consumer_key="ck_1", consumer_secret="cs_1"
        )
        woocommerce.take(body, topic="product.updated", origin=Origin(shop.id, "EUR"))
        return shop.id


def fetch(company, shop_id):
    return fetching.advance(company.tenant_id, shop_id, pause=lambda _seconds: None)


def seen(company, shop_id):
    """Return the product and its variants as they are now."""
    with work.unit(tenant_id=company.tenant_id):
        product = db.session.scalars(select(Product).where(Product.source_id == shop_id)).one()
        return product, variants.of_products([product.id]).get(product.id, [])


class TestWooCommerce:
    def test_the_documented_product_and_variation(self, shared):
        body = json.loads((shared / "payloads/woocommerce-docs/products-02.json").read_text())
        item = woocommerce_products.product_item(body, "GBP")
        assert (item["kind"], item.get("price"), len(item["images"])) == ("variable", None, 4)
        one = json.loads((shared / "payloads/woocommerce-docs/product-variations-02.json").read_text())
        found = woocommerce_products.variant_item(one)
        assert found["options"] == [{"name": "Color", "value": "Black"}] and found["name"] == "Black"
        assert (found["price"], found["sale_price"], found["stock"], found["stock_state"]) == (
            "9.00",
            None,
            None,
            "in_stock",
        )

    def test_the_deliveries_of_a_real_store(self, shared, tenant):
        told = sorted((shared / "payloads/woocommerce-live").glob("*product.*.json"))
        assert told
        for path in told:
            captured = json.loads(path.read_text())
            woocommerce.take(
                json.loads(captured["body_text"]), topic=captured["headers"]["X-WC-Webhook-Topic"], origin=Origin(UUID(int=7), "USD")
            )  # fmt: skip
        kept = db.session.scalars(select(Product).where(Product.external_id == "10")).one()
        assert (kept.price_micros, kept.regular_price_micros, kept.sale_price_micros, kept.on_sale) == (
            99_990_000,
            99_990_000,
            None,
            False,
        )

    @pytest.mark.parametrize(
        ("fields", "stock"),
        [
            ({"stock_quantity": 4}, 4), ({"stock_quantity": None}, None), ({"stock_status": "outofstock", "stock_quantity": 3}, 0),
            ({"stock_quantity": -2, "backorders": "yes"}, None), ({"stock_quantity": 9, "manage_stock": "parent"}, None), ({"stock_quantity": 2.0}, 2),
        ],
    )  # fmt: skip
    def test_its_stock(self, fields, stock):
        assert woocommerce_products.product_item(shirt(**fields), "EUR")["stock"] == stock

    def test_a_sale_has_its_moments_and_ends(self, tenant):
        origin = Origin(UUID(int=7), "EUR")
        body = shirt(
            type="simple", regular_price="12.00", sale_price="9.00", date_on_sale_from_gmt="2026-05-01T00:00:00", date_on_sale_to_gmt="2099-06-01T00:00:00",
        )  # fmt: skip
        woocommerce.take(body, topic="product.updated", origin=origin)
        kept = products.by_external(["22"])["22"]
        assert kept.on_sale and kept.sale_to_at == datetime(2099, 6, 1, tzinfo=UTC)
        over = body | {
            "price": "12.00",
            "sale_price": "",
            "date_on_sale_from_gmt": None,
            "date_on_sale_to_gmt": None,
            "date_modified_gmt": "2026-05-03T10:00:00",
        }
        woocommerce.take(over, topic="product.updated", origin=origin)
        assert (kept.on_sale, kept.sale_price_micros, kept.sale_to_at, kept.price_micros) == (
            False,
            None,
            None,
            12_000_000,
        )

    def test_ids_of_products_that_come_later_wait(self, tenant):
        woocommerce.take(shirt(), topic="product.created", origin=Origin(UUID(int=7), "EUR"))
        kept = products.by_external(["22"])["22"]
        assert (kept.cross_sell_keys, kept.up_sell_keys) == (["41"], ["42", "43"])
        woocommerce.take(
            shirt(id=41, type="simple", name="Cap"), topic="product.created", origin=Origin(kept.source_id, "EUR")
        )
        goes_with = products.goes_with(kept)
        assert [one.name for one in goes_with["cross_sells"]] == ["Cap"] and goes_with["up_sells"] == []

    def test_a_variation_that_is_delivered_alone_is_its_products(self, tenant):
        origin = Origin(UUID(int=7), "EUR")
        woocommerce.take(shirt(), topic="product.created", origin=origin)
        alone = variation(732, type="variation", parent_id=22, stock_quantity=1)
        woocommerce.take(alone, topic="product.updated", origin=origin)
        assert [one.stock for one in variants.by_sku("V-732")] == [1]
        woocommerce.take({"id": 732}, topic="product.deleted", origin=origin)
        assert variants.by_sku("V-732")[0].gone

    @pytest.mark.parametrize(
        "body", [variation(732, type="variation", parent_id=99), variation(732, type="variation", parent_id=0)]
    )
    def test_a_variation_of_nothing_known_waits_with_a_reason(self, tenant, body):
        with pytest.raises(Unmappable):
            woocommerce.take(body, topic="product.updated", origin=Origin(UUID(int=7), "EUR"))


class TestWhatWasEmptied:
    """What a store emptied is empty here; what it does not tell of stays."""

    SAID = ("sku", "description", "brand", "image_url", "price_micros", "regular_price_micros", "sale_price_micros", "stock", "categories",
            "tags", "cost_micros", "images", "cross_sell_keys", "rating_hundredths")  # fmt: skip

    def held(self, key):
        return {name: getattr(products.by_external([key])[key], name) for name in self.SAID}

    def test_in_woocommerce(self, tenant):
        origin = Origin(UUID(int=7), "EUR")
        full = shirt(
            type="simple", price="9.00", regular_price="12.00", sale_price="9.00", sku="S-1", description="<p>Soft</p>", short_description="", tags=[{"name": "New"}],
            average_rating="4.5", brands=[{"name": "Fern"}], cost_of_goods_sold={"total_value": 4}, manage_stock=True, stock_quantity=7,
        )  # fmt: skip
        woocommerce.take(full, topic="product.updated", origin=origin)
        assert all(value for value in self.held("22").values())
        bare = full | {
            "price": "", "regular_price": "", "sale_price": "", "sku": "", "description": "", "tags": [], "categories": [], "images": [], "average_rating": "0.00",
            "brands": [], "cross_sell_ids": [], "cost_of_goods_sold": {"total_value": None}, "manage_stock": False, "stock_quantity": None,
            "date_modified_gmt": "2026-06-03T10:00:00",
        }  # fmt: skip
        woocommerce.take(bare, topic="product.updated", origin=origin)
        assert not any(self.held("22").values())

    def test_of_a_variation_in_woocommerce(self, tenant):
        origin = Origin(UUID(int=7), "EUR")
        item = woocommerce_products.product_item(
            shirt() | {"__variations": [variation(732)], "__asked_at": None}, "EUR"
        )
        products.upsert_many([item], origin.source_id)
        bare = variation(
            732, price="", regular_price="", sale_price="", sku="", image=None, date_modified_gmt="2026-06-03T10:00:00"
        )
        woocommerce.take(bare | {"type": "variation", "parent_id": 22}, topic="product.updated", origin=origin)
        kept = next(
            one for one in variants.of_product(products.by_external(["22"])["22"].id).items if one.external_id == "732"
        )
        assert (kept.price_micros, kept.regular_price_micros, kept.sku, kept.image_url) == (None, None, "", "")

    def test_in_shopify(self, tenant):
        origin, make = TestShopify.ORIGIN, TestShopify().body
        full = make(body_html="<p>Fresh</p>", tags="tea")
        full["variants"] = [full["variants"][0] | {"barcode": "1", "cost": "3.00", "inventory_quantity": 4}]
        shopify_products.take(full, origin)
        products.upsert_many([shopify_products.product_item(full, origin)], origin.source_id)
        bare = full | {
            "body_html": None,
            "vendor": "",
            "tags": "",
            "images": [],
            "product_type": "",
            "updated_at": "2026-06-01T00:00:00Z",
        }
        bare["variants"] = [
            full["variants"][0] | {"sku": "", "compare_at_price": None, "image_id": None, "barcode": None, "cost": None, "inventory_management": None,
                                   "updated_at": "2026-06-01T00:00:00Z"}
        ]  # fmt: skip
        products.upsert_many([shopify_products.product_item(bare, origin)], origin.source_id)
        held = self.held("1")
        assert {name for name, value in held.items() if value} == {"price_micros", "regular_price_micros"}
        kept = variants.of_product(products.by_external(["1"])["1"].id).items[0]
        assert (kept.sku, kept.image_url, kept.barcode, kept.sale_price_micros, kept.cost_micros) == (
            "",
            "",
            "",
            None,
            None,
        )

    def test_a_shopify_delivery_that_tells_no_cost_leaves_it(self, tenant):
        origin, full = TestShopify.ORIGIN, TestShopify().body()
        told = full | {"variants": [one | {"cost": "3.00"} for one in full["variants"]]}
        products.upsert_many([shopify_products.product_item(told, origin)], origin.source_id)
        shopify_products.take(full | {"updated_at": "2026-06-01T00:00:00Z"}, origin)
        assert products.by_external(["1"])["1"].cost_micros == 3_000_000

    def test_in_a_shop_of_any_kind(self, tenant):
        full = {
            "external_id": "g", "name": "Tea", "sku": "S", "description": "Soft", "brand": "Fern", "image_url": "https://s.example/a.jpg", "price": "9", "regular_price": "12",
            "sale_price": "9", "cost": "4", "stock": 7, "categories": ["Tea"], "tags": ["new"], "rating": 4.5, "cross_sells": ["x"],
            "images": [{"url": "https://s.example/a.jpg", "alt": ""}],
        }  # fmt: skip
        products.upsert_many([ProductIn().load(full)])
        lists = ("categories", "tags", "images", "cross_sells")
        bare = {name: [] if name in lists else None for name in full} | {"external_id": "g"}
        products.upsert_many([ProductIn().load({"external_id": "g", "stock": 8})])
        assert self.held("g")["price_micros"] == 9_000_000
        products.upsert_many([ProductIn().load(bare)])
        assert not any(self.held("g").values())
        assert products.by_external(["g"])["g"].name == "Tea"


class TestFetching:
    def test_a_variable_product_is_completed_by_asking_its_store(self, company, context, store):
        shop_id = deliver(company, store, shirt())
        assert fetch(company, shop_id) == 1
        product, held = seen(company, shop_id)
        assert [(one.sku, one.on_sale, one.stock, one.name) for one in held] == [
            ("V-732", True, 4, "Black / 732"),
            ("V-733", True, 4, "Black / 733"),
        ]
        assert (product.fetch_due_at, product.kind) == (None, "variable")
        assert fetch(company, shop_id) == 0

    def test_hundreds_of_variations_come_page_by_page(self, company, context, store):
        store.variations = [variation(1000 + number) for number in range(230)]
        shop_id = deliver(company, store, shirt())
        fetch(company, shop_id)
        assert len(seen(company, shop_id)[1]) == 230

    def test_what_the_store_took_away_is_gone(self, company, context, store):
        shop_id = deliver(company, store, shirt())
        fetch(company, shop_id)
        del store.variations[0]
        with work.unit(tenant_id=company.tenant_id):
            asking.want([seen(company, shop_id)[0].id])
        fetch(company, shop_id)
        assert [one.sku for one in seen(company, shop_id)[1]] == ["V-733"]

    def test_a_store_in_trouble_is_left_alone_for_a_while(self, company, context, store):
        shop_id = deliver(company, store, shirt())
        store.status = 500
        assert fetch(company, shop_id) == 0
        assert fetch(company, shop_id) == 0
        assert len(store.calls) == 1
        assert seen(company, shop_id)[0].fetch_due_at is not None

    def test_a_product_the_store_does_not_have_any_more_is_off_sale(self, company, context, store):
        shop_id = deliver(company, store, shirt())
        store.product = None
        assert fetch(company, shop_id) == 1
        product, _held = seen(company, shop_id)
        assert (product.active, product.fetch_due_at) == (False, None)

    def test_a_change_while_it_was_asked_for_is_asked_for_again(self, company, context, store):
        shop_id = deliver(company, store, shirt())
        with work.unit(tenant_id=company.tenant_id):
            claimed = asking.claim(shop_id, lease=fetching.LEASE, most=5)
        with work.unit(tenant_id=company.tenant_id):
            asking.want([claimed[0][0]])
            asking.finish(claimed[0][0], claimed=claimed[0][2])
        assert seen(company, shop_id)[0].fetch_due_at is not None


class TestShopify:
    ORIGIN = Origin(UUID(int=9), "EUR", "https://www.fern.example")

    def body(self, **more):
        return {
            "id": 1, "title": "Tea", "status": "active", "published_at": "2026-01-01T00:00:00Z", "updated_at": "2026-05-01T00:00:00Z",
            "vendor": "Fern", "product_type": "Tea", "options": [{"name": "Weight"}], "images": [{"id": 5, "src": "https://cdn.example/1.jpg", "alt": "Tin"}],
            "variants": [
                {"id": 11, "title": "50 g", "option1": "50 g", "price": "8.00", "compare_at_price": "10.00", "sku": "T50", "position": 1, "inventory_item_id": 71,
                 "inventory_management": "shopify", "inventory_policy": "deny", "inventory_quantity": 0, "image_id": 5},
                {"id": 12, "title": "100 g", "option1": "100 g", "price": "15.00", "compare_at_price": None, "sku": "T100", "position": 2, "inventory_item_id": 72,
                 "inventory_management": "shopify", "inventory_policy": "continue", "inventory_quantity": -3},
            ], **more,
        }  # fmt: skip

    def test_reduced_prices_options_and_stock(self, tenant):
        shopify_products.take(self.body(), self.ORIGIN)
        product = products.by_external(["1"])["1"]
        assert (product.on_sale, product.regular_price_micros, product.brand, product.kind) == (
            True,
            10_000_000,
            "Fern",
            "variable",
        )
        small, large = variants.of_product(product.id).items
        assert (small.on_sale, small.available, small.image_url) == (True, False, "https://cdn.example/1.jpg")
        assert (large.on_sale, large.available, large.stock_state) == (False, True, "on_backorder")
        assert large.options == [{"name": "Weight", "value": "100 g"}]

    def test_the_genuine_product(self, shared, tenant):
        body = json.loads((shared / "payloads/shopify/product.json").read_text())["product"]
        shopify_products.take(body, self.ORIGIN)
        product = products.by_external(["632910392"])["632910392"]
        assert [one.sku for one in variants.of_product(product.id).items] == [
            "IPOD2008PINK",
            "IPOD2008RED",
            "IPOD2008GREEN",
            "IPOD2008BLACK",
        ]

    def test_collections_of_the_past_outlive_a_delivery_that_names_none(self, tenant):
        products.upsert_many(
            [shopify_products.product_item(self.body(collections=["Summer"]), self.ORIGIN)], self.ORIGIN.source_id
        )
        shopify_products.take(self.body(updated_at="2026-06-01T00:00:00Z", title="Green tea"), self.ORIGIN)
        product = products.by_external(["1"])["1"]
        assert (product.name, product.categories, product.fetch_due_at) == ("Green tea", ["Tea", "Summer"], None)

    def test_a_list_that_was_cut_off_takes_no_variant_away(self, tenant):
        shopify_products.take(self.body(), self.ORIGIN)
        cut = self.body(variants=self.body()["variants"][:1], variant_gids=[{}, {}], updated_at="2026-06-01T00:00:00Z")
        shopify_products.take(cut, self.ORIGIN)
        product = products.by_external(["1"])["1"]
        assert variants.counted(product.id) == 2 and product.fetch_due_at is not None

    def test_a_level_of_one_place_has_the_shop_asked_for_all(self, tenant):
        products.upsert_many([shopify_products.product_item(self.body(), self.ORIGIN)], self.ORIGIN.source_id)
        shopify_products.take_level({"inventory_item_id": 71, "location_id": 5, "available": 6}, self.ORIGIN)
        shopify_products.take_level({"inventory_item_id": 99, "location_id": 5, "available": 6}, self.ORIGIN)
        db.session.expire_all()
        assert products.by_external(["1"])["1"].fetch_due_at is not None

    def test_a_product_of_one_variant_is_simple(self):
        only = {
            "id": 1,
            "variants": [{"id": 11, "title": "Default Title", "option1": "Default Title", "price": "5"}],
            "options": [{"name": "Title"}],
        }
        item = shopify_products.product_item(only, self.ORIGIN)
        assert item["kind"] == "simple" and item["variants"][0]["options"] == [] and item["variants"][0]["name"] == ""
