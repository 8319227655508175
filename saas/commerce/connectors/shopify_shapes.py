"""Shopify's API in the shape of Shopify's deliveries, so that one mapping reads both.

A node carries its children (variants, lines) under `__children`, as they stood below it in the file.
"""

from __future__ import annotations

from typing import Any

from saas.commerce.connectors.delivery import Body, Unmappable
from saas.commerce.refusal_words import Reason


def number(gid: Any) -> str:
    """Return the number in gid://shopify/Order/450789469, which is the id that deliveries name."""
    found = str(gid or "").rpartition("/")[2].partition("?")[0]
    if not found.isdigit():
        raise Unmappable(Reason("shopify_no_id", said=str(gid)[:60]))
    return found


def _of(node: Body, kind: str) -> list[Body]:
    return [
        child for child in node.get("__children") or [] if str(child.get("id")).startswith(f"gid://shopify/{kind}/")
    ]


def _expect(node: Body, kind: str) -> str:
    if not str(node.get("id")).startswith(f"gid://shopify/{kind}/"):
        raise Unmappable(Reason("shopify_other_kind", said=str(node.get("id"))[:60]))
    return number(node["id"])


def _shop_money(bag: Any) -> Any:
    return ((bag or {}).get("shopMoney") or {}).get("amount")


def _address(node: Body | None) -> Body | None:
    return node and {
        "first_name": node.get("firstName"), "last_name": node.get("lastName"), "company": node.get("company"), "address1": node.get("address1"),
        "address2": node.get("address2"), "city": node.get("city"), "zip": node.get("zip"), "country_code": node.get("countryCodeV2"),
        "phone": node.get("phone"),
    }  # fmt: skip


def customer(node: Body) -> Body:
    """Return a customer as deliveries tell of them."""
    mail, where = node.get("defaultEmailAddress") or {}, _address(node.get("defaultAddress"))
    return {
        "id": _expect(node, "Customer"), "email": mail.get("emailAddress"), "phone": (node.get("defaultPhoneNumber") or {}).get("phoneNumber"),
        "first_name": node.get("firstName"), "last_name": node.get("lastName"), "locale": node.get("locale"), "tags": node.get("tags"),
        "created_at": node.get("createdAt"), "updated_at": node.get("updatedAt"), "default_address": where,
        "email_marketing_consent": {
            "state": str(mail.get("marketingState") or "").lower(), "opt_in_level": str(mail.get("marketingOptInLevel") or "").lower(),
            "consent_updated_at": mail.get("marketingUpdatedAt"),
        },
    }  # fmt: skip


def product(node: Body) -> Body:
    """Return a product as deliveries tell of it, and beside that which collections it is in."""
    variants = sorted(_of(node, "ProductVariant"), key=lambda one: one.get("position") or 0)
    pictures = [(_picture(one), one.get("alt")) for one in _media(node)]
    return {
        "id": _expect(node, "Product"), "title": node.get("title"), "handle": node.get("handle"), "status": str(node.get("status") or "").lower(),
        "body_html": node.get("descriptionHtml"), "product_type": node.get("productType"), "category": node.get("category"),
        "vendor": node.get("vendor"), "gift_card": node.get("isGiftCard"), "tags": node.get("tags") or [], "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"), "published_at": node.get("publishedAt"),
        "images": [{"src": address, "alt": alt} for address, alt in pictures if address],
        "collections": [one.get("title") for one in _of(node, "Collection")], "variants": [_variant(one) for one in variants],
    }  # fmt: skip


def _media(node: Body) -> list[Body]:
    kinds = ("MediaImage", "Video", "ExternalVideo", "Model3d")
    return [
        child for child in node.get("__children") or [] if str(child.get("id")).split("/")[3:4] and str(child["id"]).split("/")[3] in kinds
    ]  # fmt: skip


def _picture(media: Body) -> str | None:
    return ((media.get("preview") or {}).get("image") or {}).get("url")


def _variant(node: Body) -> Body:
    held = node.get("inventoryItem") or {}
    return {
        "id": number(node["id"]), "sku": node.get("sku"), "barcode": node.get("barcode"), "title": node.get("title"), "price": node.get("price"),
        "compare_at_price": node.get("compareAtPrice"), "position": node.get("position"), "updated_at": node.get("updatedAt"),
        "selected_options": node.get("selectedOptions") or [], "inventory_quantity": node.get("inventoryQuantity"),
        "inventory_policy": str(node.get("inventoryPolicy") or "").lower(), "inventory_management": "shopify" if held.get("tracked") else None,
        "inventory_item_id": number(held["id"]) if held.get("id") else None, "cost": (held.get("unitCost") or {}).get("amount"),
    }  # fmt: skip


def order(node: Body) -> Body:
    """Return an order as deliveries tell of it."""
    account = node.get("customer")
    return {
        "id": _expect(node, "Order"), "name": node.get("name"), "email": node.get("email"), "phone": node.get("phone"), "test": node.get("test"),
        "created_at": node.get("createdAt"), "processed_at": node.get("processedAt"), "updated_at": node.get("updatedAt"),
        "cancelled_at": node.get("cancelledAt"), "cart_token": node.get("cartToken"), "currency": node.get("currencyCode"),
        "customer_locale": node.get("customerLocale"), "financial_status": str(node.get("displayFinancialStatus") or "").lower(),
        "fulfillment_status": str(node.get("displayFulfillmentStatus") or "").lower(), "total_price": _shop_money(node.get("totalPriceSet")),
        "current_total_price": _shop_money(node.get("currentTotalPriceSet")), "total_tax": _shop_money(node.get("totalTaxSet")),
        "total_shipping_price_set": {"shop_money": {"amount": _shop_money(node.get("totalShippingPriceSet"))}},
        "taxes_included": node.get("taxesIncluded"), "total_tip_received": _shop_money(node.get("totalTipReceivedSet")),
        "presentment_currency": node.get("presentmentCurrencyCode"), "current_total_price_set": {"presentment_money": (node.get("currentTotalPriceSet") or {}).get("presentmentMoney")},
        "cancel_reason": str(node.get("cancelReason") or "").lower(), "discount_codes": [{"code": one} for one in node.get("discountCodes") or []],
        "tax_lines": [{"title": one.get("title"), "rate": one.get("rate"), "price": _shop_money(one.get("priceSet"))} for one in node.get("taxLines") or []],
        "note_attributes": [{"name": one.get("key"), "value": one.get("value")} for one in node.get("customAttributes") or []],
        "billing_address": _address(node.get("billingAddress")), "customer": customer(account) if account else None,
        "refunds": [_refund(one) for one in node.get("refunds") or []], "fulfillments": [_parcel(one) for one in node.get("fulfillments") or []],
        "line_items": [_line(one) for one in _of(node, "LineItem")],
    }  # fmt: skip


def _refund(node: Body) -> Body:
    """A refund's sum is in the shop's currency already; it stands for its successful transactions."""
    sent = {"kind": "refund", "status": "success", "amount": _shop_money(node.get("totalRefundedSet"))}
    return {"id": number(node["id"]), "created_at": node.get("createdAt"), "processed_at": node.get("processedAt"), "note": node.get("note"),
            "transactions": [sent]}  # fmt: skip


def _parcel(node: Body) -> Body:
    tracking = next(iter(node.get("trackingInfo") or []), {})
    return {
        "id": number(node["id"]), "status": str(node.get("status") or "").lower(), "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"), "shipment_status": "delivered" if node.get("deliveredAt") else str(node.get("displayStatus") or "").lower(),
        "tracking_company": tracking.get("company"), "tracking_number": tracking.get("number"), "tracking_url": tracking.get("url"),
    }  # fmt: skip


def _line(node: Body) -> Body:
    product_of, variant_of = node.get("product") or {}, node.get("variant") or {}
    return {
        "id": number(node["id"]), "title": node.get("title"), "name": node.get("name"), "sku": node.get("sku"), "quantity": node.get("quantity"),
        "current_quantity": node.get("currentQuantity"), "price": _shop_money(node.get("originalUnitPriceSet")),
        "discount_allocations": [{"amount": _shop_money(one.get("allocatedAmountSet"))} for one in node.get("discountAllocations") or []],
        "product_id": number(product_of["id"]) if product_of.get("id") else None,
        "variant_id": number(variant_of["id"]) if variant_of.get("id") else None,
    }  # fmt: skip
