"""What the store in the box holds, in the shape REST v3 shows it."""

import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
STAMP = "%Y-%m-%dT%H:%M:%S"


class Things:
    """Products, customers and orders of one store; `now` is its clock, `zone` how many hours its wall clock is ahead of UTC."""

    def __init__(self, *, start=START, zone=0):
        self.now, self.zone = start, timedelta(hours=zone)
        self.products, self.customers, self.orders, self.refunds = {}, {}, {}, {}
        self._ids = itertools.count(11)

    def tick(self, step=timedelta(minutes=1)):
        self.now += step
        return self.now

    def stamps(self, made, changed=None):
        """This function will return the four times of a thing: made and changed, by the wall clock and in GMT."""
        found = {}
        for name, at in (("date_created", made), ("date_modified", changed or made)):
            found |= {name: (at + self.zone).strftime(STAMP), f"{name}_gmt": at.strftime(STAMP)}
        return found

    def add_product(self, name, *, price="12.50", stock=5, at=None):
        key = next(self._ids)
        self.products[key] = {
            "id": key, "name": name, "slug": name.lower().replace(" ", "-"), "permalink": f"https://tea.example/product/{key}", "type": "simple",
            "status": "publish", "catalog_visibility": "visible", "description": f"<p>{name}</p>", "short_description": "", "sku": f"SKU-{key}",
            "price": price, "regular_price": price, "sale_price": "", "on_sale": False, "manage_stock": stock is not None, "stock_quantity": stock,
            "stock_status": "instock", "categories": [{"id": 3, "name": "Tea", "slug": "tea"}], "tags": [], "images": [], "attributes": [],
            "variations": [], "related_ids": [], "upsell_ids": [], "cross_sell_ids": [], "average_rating": "0.00", "rating_count": 0,
            **self.stamps(at or self.tick()),
        }  # fmt: skip
        return self.products[key]

    def add_customer(self, email, *, first="Ada", last="Reed", at=None):
        key = next(self._ids)
        self.customers[key] = {
            "id": key, "email": email, "first_name": first, "last_name": last, "role": "customer", "username": email.split("@")[0],
            "billing": self._billing(email, first, last), "shipping": {}, "is_paying_customer": True, "avatar_url": "", "meta_data": [],
            **self.stamps(at or self.tick()),
        }  # fmt: skip
        return self.customers[key]

    def _billing(self, email, first, last):
        return {"first_name": first, "last_name": last, "company": "", "address_1": "1 High Street", "address_2": "", "city": "Bath", "state": "",
                "postcode": "BA1 1AA", "country": "GB", "email": email, "phone": ""}  # fmt: skip

    def add_order(self, customer, lines, *, status="processing", at=None, email="guest@shopper.example"):
        """This function will take an order of (product, quantity) lines, of a customer or of a guest."""
        key, made = next(self._ids), at or self.tick()
        rows = [
            {"id": next(self._ids), "name": product["name"], "product_id": product["id"], "variation_id": 0, "quantity": quantity, "tax_class": "",
             "subtotal": f"{float(product['price']) * quantity:.2f}", "total": f"{float(product['price']) * quantity:.2f}", "total_tax": "0.00",
             "sku": product["sku"], "price": float(product["price"]), "meta_data": []}
            for product, quantity in lines
        ]  # fmt: skip
        billing = customer["billing"] if customer else self._billing(email, "Guest", "")
        self.orders[key] = {
            "id": key, "parent_id": 0, "number": str(key), "order_key": f"wc_order_{key}", "status": status, "currency": "EUR", "version": "10.0.2",
            "customer_id": customer["id"] if customer else 0, "billing": billing, "shipping": {}, "discount_total": "0.00", "discount_tax": "0.00",
            "shipping_total": "0.00", "shipping_tax": "0.00", "cart_tax": "0.00", "total_tax": "0.00", "prices_include_tax": False,
            "total": f"{sum(float(row['total']) for row in rows):.2f}", "payment_method": "bacs", "cart_hash": "", "meta_data": [], "line_items": rows,
            "tax_lines": [], "shipping_lines": [], "fee_lines": [], "coupon_lines": [], "refunds": [], **self.stamps(made),
        }  # fmt: skip
        return self.orders[key]

    def refund(self, order, line, quantity, amount, *, reason=""):
        """This function will pay back some pieces of a line; the order lists the sum, and changes."""
        key = next(self._ids)
        back = {**line, "id": next(self._ids), "quantity": -quantity, "subtotal": f"-{amount}", "total": f"-{amount}",
                "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": str(line["id"])}]}  # fmt: skip
        made = {"id": key, "amount": amount, "reason": reason, "line_items": [back], **self.stamps(self.tick())}
        self.refunds.setdefault(order["id"], []).insert(0, made)
        self.change(order, refunds=[*order["refunds"], {"id": key, "reason": reason, "total": f"-{amount}"}])
        return made

    def change(self, thing, **fields):
        """This function will change a thing, as of now."""
        made = datetime.strptime(thing["date_created_gmt"], STAMP).replace(tzinfo=UTC)
        thing.update(fields, **self.stamps(made, self.tick()))
        return thing
