"""What the shop in the box holds: products, customers and orders, in the shape of the API and, from that, in the shape of
deliveries, which is another one.
"""

import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def money(amount, currency="EUR"):
    """This function will return a sum in the shop's currency and in the shopper's, here the same."""
    side = {"amount": f"{amount:.2f}", "currencyCode": currency}
    return {"shopMoney": side, "presentmentMoney": side}


def number(node):
    return int(node["id"].rpartition("/")[2])


class Things:
    """The things of one shop; `now` is its clock and goes on by a minute with every change."""

    def __init__(self, currency="EUR", start=START):
        self.currency, self.now = currency, start
        self.products, self.customers, self.orders = {}, {}, {}
        self._ids = itertools.count(6_000_000_001)

    def tick(self):
        self.now += timedelta(minutes=1)
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _id(self, kind):
        return f"gid://shopify/{kind}/{next(self._ids)}"

    def named(self, key):
        """This function will return the thing of this id with its type, or None when it is there no more."""
        for kind, held in (("Product", self.products), ("Customer", self.customers), ("Order", self.orders)):
            for node in held.values():
                if node["id"] == key:
                    return node | {"__typename": kind}
        return None

    def add_product(
        self,
        title,
        *,
        price=12.5,
        stock=(5,),
        tags=("tea",),
        kind="Tea",
        status="ACTIVE",
        before=None,
        cost=None,
        collections=(),
    ):
        """This function will put a product on the shelf, with a variant for each number in `stock` (None: not counted)."""
        at, handle = self.tick(), title.lower().replace(" ", "-")
        variants = [
            {
                "id": self._id("ProductVariant"), "sku": f"{handle}-{place}", "title": f"No. {place}", "price": f"{price + place - 1:.2f}",
                "compareAtPrice": before and f"{before:.2f}", "position": place, "inventoryQuantity": held or 0, "inventoryPolicy": "DENY",
                "barcode": None, "updatedAt": at, "selectedOptions": [{"name": "Number", "value": f"No. {place}"}],
                "inventoryItem": {"id": self._id("InventoryItem"), "tracked": held is not None, "unitCost": cost and {"amount": f"{cost:.2f}"}},
            }
            for place, held in enumerate(stock, 1)
        ]  # fmt: skip
        made = {
            "id": self._id("Product"), "title": title, "handle": handle, "status": status, "descriptionHtml": f"<p>{title}, <b>fresh</b>.</p>",
            "productType": kind, "tags": list(tags), "createdAt": at, "updatedAt": at, "publishedAt": at, "category": None,
            "vendor": "Fern & Kettle", "isGiftCard": False, "variants": variants,
            "media": [{"id": self._id("MediaImage"), "alt": title, "preview": {"image": {"url": f"https://cdn.shop.example/{handle}.jpg"}}}],
            "collections": [{"id": self._id("Collection"), "title": name} for name in collections],
        }  # fmt: skip
        self.products[made["id"]] = made
        return made

    def add_customer(self, email, *, first="Ann", last="Lee", wish="NOT_SUBSCRIBED", level="SINGLE_OPT_IN", phone=None):
        at = self.tick()
        made = {
            "id": self._id("Customer"), "firstName": first, "lastName": last, "tags": ["wholesale"], "locale": "en", "createdAt": at, "updatedAt": at,
            "defaultEmailAddress": {"emailAddress": email, "marketingState": wish, "marketingOptInLevel": level, "marketingUpdatedAt": at},
            "defaultPhoneNumber": {"phoneNumber": phone} if phone else None,
            "defaultAddress": {"firstName": first, "lastName": last, "company": "Lee & Co", "address1": "1 High St", "address2": "", "city": "Bristol",
                               "zip": "BS1 1AA", "countryCodeV2": "GB", "phone": None},
        }  # fmt: skip
        self.customers[made["id"]] = made
        return made

    def add_order(
        self, customer, lines, *, off=0.0, shipping=3.9, test=False, email=None, cart=None, attributes=None, at=None
    ):
        """This function will place a paid order of (product, quantity) lines; `off` is taken off the first line."""
        at = at or self.tick()
        made_lines = [
            {
                "id": self._id("LineItem"), "title": product["title"], "name": product["title"], "sku": product["variants"][0]["sku"],
                "quantity": quantity, "currentQuantity": quantity, "originalUnitPriceSet": money(float(product["variants"][0]["price"]), self.currency),
                "discountAllocations": [{"allocatedAmountSet": money(off, self.currency)}] if off and not place else [],
                "product": product, "variant": product["variants"][0],
            }
            for place, (product, quantity) in enumerate(lines)
        ]  # fmt: skip
        total = sum(float(p["variants"][0]["price"]) * q for p, q in lines) - off + shipping
        made = {
            "id": self._id("Order"), "name": f"#{1001 + len(self.orders)}",
            "email": email or (customer and customer["defaultEmailAddress"]["emailAddress"]), "phone": None, "test": test, "createdAt": at,
            "processedAt": at, "updatedAt": at, "cancelledAt": None, "edited": False, "cartToken": cart, "currencyCode": self.currency,
            "customerLocale": "en", "displayFinancialStatus": "PAID", "displayFulfillmentStatus": "UNFULFILLED",
            "totalPriceSet": money(total, self.currency), "currentTotalPriceSet": money(total, self.currency),
            "totalTaxSet": money(0, self.currency), "totalShippingPriceSet": money(shipping, self.currency),
            "totalTipReceivedSet": money(0, self.currency), "taxesIncluded": True, "presentmentCurrencyCode": self.currency, "cancelReason": None,
            "discountCodes": [], "taxLines": [],
            "customAttributes": [{"key": key, "value": value} for key, value in (attributes or {}).items()],
            "billingAddress": customer and customer["defaultAddress"], "customer": customer, "refunds": [], "fulfillments": [],
            "lineItems": made_lines,
        }  # fmt: skip
        self.orders[made["id"]] = made
        return made

    def refund(self, order, *, amount, quantity=0, note="damaged"):
        """This function will give money back, and take `quantity` of the first line back."""
        at = self.tick()
        made = {
            "id": self._id("Refund"),
            "createdAt": at,
            "processedAt": at,
            "note": note,
            "totalRefundedSet": money(amount, self.currency),
            "quantity": quantity,
        }
        order["refunds"].append(made)
        order["lineItems"][0]["currentQuantity"] -= quantity
        left = float(order["currentTotalPriceSet"]["shopMoney"]["amount"]) - amount
        order |= {
            "currentTotalPriceSet": money(left, self.currency),
            "updatedAt": at,
            "displayFinancialStatus": "PARTIALLY_REFUNDED" if left else "REFUNDED",
        }
        return made

    def send(self, order, *, delivered=False):
        """This function will send an order's parcel, or say that it has arrived."""
        at = self.tick()
        if not order["fulfillments"]:
            order["fulfillments"].append({"id": self._id("Fulfillment"), "status": "SUCCESS", "displayStatus": "IN_TRANSIT", "createdAt": at, "updatedAt": at,
                                          "deliveredAt": None, "trackingInfo": [{"company": "Post", "number": "T1", "url": "https://post.example/T1"}]})  # fmt: skip
        parcel = order["fulfillments"][0]
        parcel |= {"updatedAt": at} | ({"deliveredAt": at, "displayStatus": "DELIVERED"} if delivered else {})
        order |= {"updatedAt": at, "displayFulfillmentStatus": "FULFILLED"}
        return parcel

    def cancel(self, order):
        order |= {
            "cancelledAt": self.tick(),
            "displayFinancialStatus": "VOIDED",
            "currentTotalPriceSet": money(0, self.currency),
        }
        order["updatedAt"] = order["cancelledAt"]

    # In the shape of deliveries

    def recount(self, product, place, available):
        """This function will have so many pieces of a variant lie on the shelf, and return what Shopify says of that: the level at
        one of the shop's places, and nothing of the product, which did not change."""
        variant = product["variants"][place]
        variant["inventoryQuantity"] = available
        return {
            "inventory_item_id": number(variant["inventoryItem"]), "location_id": 1, "available": available, "updated_at": self.tick(),
            "admin_graphql_api_id": f"gid://shopify/InventoryLevel/1?inventory_item_id={number(variant['inventoryItem'])}",
        }  # fmt: skip

    def product_told(self, node):
        variants = [
            {
                "id": number(one), "sku": one["sku"], "title": one["title"], "price": one["price"], "position": one["position"],
                "compare_at_price": one["compareAtPrice"], "barcode": None, "option1": one["title"], "updated_at": one["updatedAt"],
                "inventory_item_id": number(one["inventoryItem"]), "image_id": None,
                "inventory_quantity": one["inventoryQuantity"], "inventory_policy": one["inventoryPolicy"].lower(),
                "inventory_management": "shopify" if one["inventoryItem"]["tracked"] else None,
            }
            for one in node["variants"]
        ]  # fmt: skip
        image = node["media"][0]["preview"]["image"]["url"]
        return {
            "id": number(node), "title": node["title"], "handle": node["handle"], "status": node["status"].lower(), "body_html": node["descriptionHtml"],
            "product_type": node["productType"], "tags": ", ".join(node["tags"]), "created_at": node["createdAt"], "updated_at": node["updatedAt"],
            "published_at": node["publishedAt"], "category": None, "images": [{"id": number(node["media"][0]), "src": image, "alt": node["media"][0]["alt"], "position": 1}],
            "vendor": node["vendor"], "options": [{"name": "Number", "position": 1}], "image": {"src": image}, "variants": variants,
        }  # fmt: skip

    def customer_told(self, node):
        mail, where = node["defaultEmailAddress"], node["defaultAddress"]
        return {
            "id": number(node), "email": mail["emailAddress"], "first_name": node["firstName"], "last_name": node["lastName"], "phone": None,
            "locale": node["locale"], "tags": ", ".join(node["tags"]), "created_at": node["createdAt"], "updated_at": node["updatedAt"],
            "email_marketing_consent": {"state": mail["marketingState"].lower(), "opt_in_level": mail["marketingOptInLevel"].lower(),
                                        "consent_updated_at": mail["marketingUpdatedAt"]},
            "default_address": self._address_told(where),
        }  # fmt: skip

    def _address_told(self, where):
        return {
            "first_name": where["firstName"], "last_name": where["lastName"], "company": where["company"], "address1": where["address1"],
            "address2": where["address2"], "city": where["city"], "zip": where["zip"], "country_code": where["countryCodeV2"], "phone": where["phone"],
        }  # fmt: skip

    def order_told(self, node):
        """This function will return an order as deliveries tell of it, which is more than its mapping needs."""

        def amount(bag):
            return node[bag]["shopMoney"]["amount"]

        return {
            "id": number(node), "admin_graphql_api_id": node["id"], "name": node["name"], "order_number": int(node["name"][1:]), "email": node["email"],
            "phone": None, "test": node["test"], "created_at": node["createdAt"], "processed_at": node["processedAt"], "updated_at": node["updatedAt"],
            "cancelled_at": node["cancelledAt"], "currency": node["currencyCode"], "cart_token": node["cartToken"], "customer_locale": "en",
            "financial_status": node["displayFinancialStatus"].lower(),
            "fulfillment_status": {"FULFILLED": "fulfilled"}.get(node["displayFulfillmentStatus"]), "total_price": amount("totalPriceSet"),
            "current_total_price": amount("currentTotalPriceSet"), "total_tax": amount("totalTaxSet"),
            "total_shipping_price_set": {"shop_money": {"amount": amount("totalShippingPriceSet"), "currency_code": node["currencyCode"]}},
            "total_tip_received": amount("totalTipReceivedSet"), "taxes_included": node["taxesIncluded"], "presentment_currency": node["presentmentCurrencyCode"],
            "current_total_price_set": {"presentment_money": {"amount": node["currentTotalPriceSet"]["presentmentMoney"]["amount"]}},
            "cancel_reason": node["cancelReason"] and node["cancelReason"].lower(), "discount_codes": [{"code": one} for one in node["discountCodes"]],
            "tax_lines": [{"title": one["title"], "rate": one["rate"], "price": one["priceSet"]["shopMoney"]["amount"]} for one in node["taxLines"]],
            "note_attributes": [{"name": one["key"], "value": one["value"]} for one in node["customAttributes"]],
            "customer": self.customer_told(node["customer"]) if node["customer"] else None,
            "billing_address": self._address_told(node["billingAddress"]) if node["billingAddress"] else None,
            "refunds": [self.refund_told(node, one) for one in node["refunds"]], "fulfillments": [self.parcel_told(node, one) for one in node["fulfillments"]],
            "line_items": [
                {
                    "id": number(line), "title": line["title"], "name": line["name"], "sku": line["sku"], "quantity": line["quantity"],
                    "current_quantity": line["currentQuantity"], "price": line["originalUnitPriceSet"]["shopMoney"]["amount"],
                    "product_id": number(line["product"]), "variant_id": number(line["variant"]),
                    "discount_allocations": [{"amount": one["allocatedAmountSet"]["shopMoney"]["amount"]} for one in line["discountAllocations"]],
                }
                for line in node["lineItems"]
            ],
        }  # fmt: skip

    def refund_told(self, order, node):
        amount, line = node["totalRefundedSet"]["shopMoney"]["amount"], order["lineItems"][0]
        taken = [{"line_item_id": number(line), "quantity": node["quantity"]}] if node["quantity"] else []
        sent = {"kind": "refund", "status": "success", "amount": amount, "currency": order["currencyCode"]}
        return {"id": number(node), "order_id": number(order), "created_at": node["createdAt"], "processed_at": node["processedAt"], "note": node["note"],
                "refund_line_items": taken, "transactions": [sent] if float(amount) else []}  # fmt: skip

    def parcel_told(self, order, node):
        tracking = node["trackingInfo"][0]
        return {"id": number(node), "order_id": number(order), "status": node["status"].lower(), "created_at": node["createdAt"], "updated_at": node["updatedAt"],
                "shipment_status": "delivered" if node["deliveredAt"] else "in_transit", "tracking_company": tracking["company"],
                "tracking_number": tracking["number"], "tracking_url": tracking["url"]}  # fmt: skip

    def checkout_told(self, token, lines, *, customer=None, completed=False):
        """This function will return a checkout of (product, quantity) lines that belongs to the cart of this token."""
        at = self.tick()
        return {
            "id": next(self._ids), "token": f"checkout-{token}", "cart_token": token, "created_at": at, "updated_at": at, "currency": self.currency,
            "completed_at": at if completed else None, "email": customer and customer["defaultEmailAddress"]["emailAddress"],
            "abandoned_checkout_url": f"https://www.fern-kettle.example/checkouts/{token}/recover", "customer": customer and self.customer_told(customer),
            "line_items": self._cart_lines(lines),
        }  # fmt: skip

    def cart_told(self, token, lines):
        at = self.tick()
        return {
            "id": token,
            "token": token,
            "created_at": at,
            "updated_at": at,
            "note": "",
            "line_items": self._cart_lines(lines),
        }

    def _cart_lines(self, lines):
        return [
            {"id": number(product["variants"][0]), "variant_id": number(product["variants"][0]), "product_id": number(product), "quantity": quantity,
             "title": product["title"], "price": product["variants"][0]["price"]}
            for product, quantity in lines
        ]  # fmt: skip
