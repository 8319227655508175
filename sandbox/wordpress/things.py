"""What is in the store: products, customers and orders in the shapes of the REST API v3, as WooCommerce 10 writes them."""

import itertools
from datetime import UTC, datetime, timedelta


class Things:
    """Things by kind and id; `base` is the moment of the first of them, so that times differ and stand still."""

    def __init__(self, store, *, base=None):
        self.store, self.ids = store, itertools.count(10)
        self.products, self.customers, self.orders = {}, {}, {}
        self.base = base or datetime.now(UTC) - timedelta(days=60)
        self.turn = itertools.count()

    def stamps(self, at=None):
        at = at or self.base + timedelta(hours=next(self.turn))
        text = at.strftime("%Y-%m-%dT%H:%M:%S")
        return {"date_created": text, "date_created_gmt": text, "date_modified": text, "date_modified_gmt": text}

    def add_product(self, name, *, price="12.50", stock=None, sku=""):
        number = next(self.ids)
        self.products[number] = {
            "id": number, "name": name, "slug": f"p-{number}", "permalink": f"{self.store.home}/product/p-{number}/", **self.stamps(),
            "type": "simple", "status": "publish", "catalog_visibility": "visible", "description": f"<p>{name}</p>\n", "short_description": "",
            "sku": sku or f"SKU-{number}", "price": price, "regular_price": price, "sale_price": "", "on_sale": False, "purchasable": True,
            "manage_stock": stock is not None, "stock_quantity": stock, "stock_status": "outofstock" if stock == 0 else "instock", "parent_id": 0,
            "categories": [{"id": 16, "name": "Tea", "slug": "tea"}], "tags": [], "images": [], "attributes": [], "variations": [],
            "upsell_ids": [], "cross_sell_ids": [], "related_ids": [], "menu_order": 0, "meta_data": [],
        }  # fmt: skip
        self.store.hooks.tell("product.created", number)
        return number

    def add_customer(self, email, *, first="Ada", last="Lee"):
        number = next(self.ids)
        self.customers[number] = {
            "id": number, **self.stamps(), "email": email, "first_name": first, "last_name": last, "role": "customer", "username": email,
            "billing": billing(email, first, last), "shipping": {}, "is_paying_customer": True, "meta_data": [],
        }  # fmt: skip
        self.store.hooks.tell("customer.created", number)
        return number

    def add_order(self, customer, lines, *, email="", status="processing", number="", at=None, coupon=""):
        """This function will place an order; `lines` are (product id, quantity), `customer` 0 a guest with `email`, `coupon` a
        code that they enter; raises coupons.Refused."""
        order_id = next(self.ids)
        known = self.customers.get(customer)
        email = email or (known["email"] if known else "")
        rows = [
            {"id": place, "name": self.products[one]["name"], "product_id": one, "variation_id": 0, "quantity": count, "tax_class": "",
             "subtotal": money(self.products[one]["price"], count), "subtotal_tax": "0.00", "total": money(self.products[one]["price"], count),
             "total_tax": "0.00", "taxes": [], "meta_data": [], "sku": self.products[one]["sku"], "price": float(self.products[one]["price"]),
             "parent_name": None}
            for place, (one, count) in enumerate(lines, 1)
        ]  # fmt: skip
        self.orders[order_id] = {
            "id": order_id, "parent_id": 0, "status": status, "currency": self.store.currency, "version": self.store.version,
            "prices_include_tax": False, **self.stamps(at), "discount_total": "0.00", "discount_tax": "0.00", "shipping_total": "0.00",
            "shipping_tax": "0.00", "cart_tax": "0.00", "total": f"{sum(float(row['total']) for row in rows):.2f}", "total_tax": "0.00",
            "customer_id": customer or 0, "order_key": f"wc_order_{order_id}", "billing": billing(email, "Ada", "Lee"), "shipping": {},
            "payment_method": "bacs", "payment_method_title": "Bank", "transaction_id": "", "created_via": "checkout", "customer_note": "",
            "cart_hash": "", "number": number or str(order_id), "meta_data": [], "line_items": rows, "tax_lines": [], "shipping_lines": [],
            "fee_lines": [], "coupon_lines": [], "refunds": [],
        }  # fmt: skip
        if coupon:
            self.store.coupons.use(coupon, self.orders[order_id])
        self.store.hooks.tell("order.created", order_id)
        return order_id

    def trash(self, kind, number):
        """This function will put a thing into the store's trash, which is told as a deletion."""
        thing = getattr(self, kind)[number]
        thing |= {"_was": thing["status"], "status": "trash", **self.changed()}
        self.store.hooks.tell(f"{kind.removesuffix('s')}.deleted", number)

    def restore(self, kind, number, status=None):
        """This function will fetch a thing out of the trash again."""
        thing = getattr(self, kind)[number]
        thing |= {"status": status or thing.pop("_was"), **self.changed()}
        self.store.hooks.tell(f"{kind.removesuffix('s')}.restored", number)

    def changed(self):
        return {"date_modified": self.store.now(), "date_modified_gmt": self.store.now()}

    def touch(self, kind, number, given):
        """This function will change a thing as a PUT does: also one without news gets a new date and is told of."""
        thing = getattr(self, kind)[number]
        thing |= {name: value for name, value in given.items() if name in thing and name != "id"}
        thing |= self.changed()
        self.store.hooks.tell(f"{kind.removesuffix('s')}.updated", number)
        return thing


def money(price, count):
    return f"{float(price) * count:.2f}"


def billing(email, first, last):
    return {"first_name": first, "last_name": last, "company": "", "address_1": "", "address_2": "", "city": "", "state": "", "postcode": "",
            "country": "GB", "email": email, "phone": ""}  # fmt: skip
