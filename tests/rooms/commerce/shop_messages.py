"""Deliveries of three kinds of shops in their own shapes, made up here: orders and what happens to them later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

DAY = datetime(2026, 9, 1, 9, tzinfo=UTC)
Message = tuple[str, dict[str, Any]]


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def gmt(hours: float) -> str:
    return at(hours).strftime("%Y-%m-%dT%H:%M:%S")


# WooCommerce


def woo_line(number: int, product: int, quantity: Any = 1, total: Any = "12.50", **more: Any) -> dict[str, Any]:
    return {
        "id": number, "name": f"Tin {product}", "product_id": product, "variation_id": 0, "quantity": quantity, "subtotal": total,
        "total": total, "total_tax": "0.00", "sku": f"TIN-{product}", "price": 1.0, **more,
    }  # fmt: skip


def woo_order(number: int = 71, *, hours: float = 0, **more: Any) -> Message:
    body = {
        "id": number, "number": str(number), "status": "processing", "currency": "EUR", "date_created_gmt": gmt(0), "date_modified_gmt": gmt(hours),
        "date_paid_gmt": gmt(0), "prices_include_tax": True, "discount_total": "0.00", "shipping_total": "4.90", "total_tax": "2.78", "total": "17.40",
        "customer_id": 9, "billing": {"first_name": "Mei", "last_name": "Okoro", "email": f"mei-{number}@post.example", "country": "DE"},
        "line_items": [woo_line(1, 5)], "tax_lines": [], "shipping_lines": [], "fee_lines": [], "coupon_lines": [], "refunds": [], "meta_data": [],
    }  # fmt: skip
    return "order.updated", body | more


def woo_story(number: int) -> list[Message]:
    """An order that is paid, gets a second line, is sent, and is refunded in part; its customer moves; its product changes."""
    two = {"line_items": [woo_line(1, 5), woo_line(2, 6, 2, "8.00")], "total": "25.40"}
    parcel = {
        "meta_data": [{"key": "_wc_shipment_tracking_items", "value": [
            {"tracking_id": f"t{number}", "tracking_provider": "DHL", "tracking_number": f"JD{number}", "date_shipped": str(int(at(30).timestamp()))},
        ]}]
    }  # fmt: skip
    back = {"refunds": [{"id": number + 5000, "reason": "one was dented", "total": "-4.00"}]}
    who = {"customer_id": number}
    return [
        woo_order(number, hours=0, status="pending", date_paid_gmt=None, **who), woo_order(number, hours=1, **who),
        woo_order(number, hours=2, **who, **two), woo_order(number, hours=30, status="completed", **who, **two, **parcel),
        woo_order(number, hours=50, status="completed", **who, **two, **parcel, **back),
        ("customer.updated", {"id": number, "email": f"mei-{number}@post.example", "first_name": "Mei", "last_name": "Okoro", "date_modified_gmt": gmt(40),
                              "billing": {"city": "Bremen", "country": "DE"}}),
        ("product.updated", {"id": 5, "name": "Tin 5", "price": "12.50", "sku": "TIN-5", "status": "publish", "date_modified_gmt": gmt(3)}),
    ]  # fmt: skip


# Shopify


def shopify_line(number: int, product: int, quantity: int = 1, price: str = "12.50", **more: Any) -> dict[str, Any]:
    return {
        "id": number, "title": f"Tin {product}", "name": f"Tin {product}", "product_id": product, "variant_id": product * 10, "sku": f"TIN-{product}",
        "quantity": quantity, "current_quantity": quantity, "price": price, "discount_allocations": [], "tax_lines": [], **more,
    }  # fmt: skip


def shopify_order(number: int = 71, *, hours: float = 0, **more: Any) -> Message:
    body = {
        "id": number, "name": f"#{number}", "order_number": number, "test": False, "currency": "EUR", "presentment_currency": "EUR", "taxes_included": True,
        "created_at": at(0).isoformat(), "processed_at": at(0).isoformat(), "updated_at": at(hours).isoformat(), "cancelled_at": None, "cancel_reason": None,
        "financial_status": "paid", "fulfillment_status": None, "total_price": "17.40", "current_total_price": "17.40", "total_tax": "2.78",
        "total_shipping_price_set": {"shop_money": {"amount": "4.90", "currency_code": "EUR"}}, "discount_codes": [], "discount_applications": [],
        "tax_lines": [], "shipping_lines": [], "note_attributes": [], "refunds": [], "fulfillments": [], "email": f"mei-{number}@post.example",
        "customer": {"id": 9, "email": f"mei-{number}@post.example", "first_name": "Mei", "last_name": "Okoro"}, "line_items": [shopify_line(1001, 5)],
    }  # fmt: skip
    return "orders/updated", body | more


def shopify_parcel(number: int, *, hours: float, **more: Any) -> dict[str, Any]:
    return {
        "id": number + 7000, "order_id": number, "status": "success", "created_at": at(30).isoformat(), "updated_at": at(hours).isoformat(),
        "tracking_company": "DHL", "tracking_number": f"JD{number}", "tracking_url": "https://parcels.example/JD", "shipment_status": None,
        "line_items": [{"id": 1001, "quantity": 1}], **more,
    }  # fmt: skip


def shopify_refund(number: int) -> dict[str, Any]:
    return {
        "id": number + 5000, "order_id": number, "created_at": at(50).isoformat(), "processed_at": at(50).isoformat(), "note": "one was dented",
        "refund_line_items": [{"line_item_id": 1002, "quantity": 1, "restock_type": "return", "subtotal": "4.00"}],
        "transactions": [{"kind": "refund", "status": "success", "amount": "4.00", "currency": "EUR"}],
    }  # fmt: skip


def shopify_story(number: int) -> list[Message]:
    who = {"customer": {"id": number, "email": f"mei-{number}@post.example", "first_name": "Mei", "last_name": "Okoro"}}
    two = {
        "line_items": [shopify_line(1001, 5), shopify_line(1002, 6, 2, "4.00")],
        "total_price": "25.40",
        "current_total_price": "25.40",
    }
    less = {
        "line_items": [shopify_line(1001, 5), shopify_line(1002, 6, 2, "4.00", current_quantity=1)],
        "total_price": "25.40",
        "current_total_price": "21.40",
    }
    sent, there, refund = (
        shopify_parcel(number, hours=30),
        shopify_parcel(number, hours=60, shipment_status="delivered"),
        shopify_refund(number),
    )
    back = {
        "id": number + 8000,
        "order": {"id": number},
        "return_line_items": [{"quantity": 1, "return_reason": "DEFECTIVE", "line_item_id": 1002}],
    }
    return [
        shopify_order(number, hours=0, financial_status="pending", **who), shopify_order(number, hours=1, **who),
        shopify_order(number, hours=2, **who, **two), ("fulfillments/create", sent),
        shopify_order(number, hours=30, fulfillment_status="fulfilled", fulfillments=[sent], **who, **two),
        ("returns/request", back | {"status": "requested"}), ("returns/approve", back | {"status": "open"}), ("returns/close", back | {"status": "closed"}),
        ("refunds/create", refund),
        shopify_order(number, hours=50, financial_status="partially_refunded", fulfillment_status="fulfilled", fulfillments=[sent], refunds=[refund], **who, **less),
        ("fulfillments/update", there),
        ("customers/update", {"id": number, "email": f"mei-{number}@post.example", "updated_at": at(40).isoformat(), "default_address": {"city": "Bremen"}}),
    ]  # fmt: skip


# Any other store


def generic_line(
    place: int, product: str = "t5", quantity: Any = 1, price: Any = "12.50", **more: Any
) -> dict[str, Any]:
    return {
        "position": place,
        "external_id": f"l{place}",
        "product": product,
        "name": f"Tin {product}",
        "quantity": quantity,
        "unit_price": price,
        **more,
    }


def generic_order(number: int = 71, *, hours: float = 0, **more: Any) -> Message:
    data = {
        "external_id": str(number), "number": f"G-{number}", "placed_at": at(0).isoformat(), "updated_at": at(hours).isoformat(), "status": "paid",
        "currency": "EUR", "customer": {"external_id": "c9", "email": f"mei-{number}@post.example", "first_name": "Mei", "last_name": "Okoro"},
        "lines": [generic_line(0)], "shipping": "4.90", "tax": "2.78", "taxes_included": True, "total": "17.40",
    }  # fmt: skip
    return "order.updated", {
        "type": "order.updated",
        "data": {name: value for name, value in (data | more).items() if value is not ...},
    }


def generic_part(kind: str, number: int, **more: Any) -> Message:
    return kind, {"type": kind, "data": {"order": str(number), **more}}


def generic_story(number: int) -> list[Message]:
    who = {
        "customer": {
            "external_id": f"c{number}",
            "email": f"mei-{number}@post.example",
            "first_name": "Mei",
            "last_name": "Okoro",
        }
    }
    two = {"lines": [generic_line(0), generic_line(1, "t6", 2, "4.00")], "total": "25.40"}
    refund = {"external_id": "r1", "amount": "4.00", "at": at(50).isoformat(), "reason": "one was dented"}
    parcel = {"external_id": "p1", "carrier": "DHL", "tracking_number": f"JD{number}", "shipped_at": at(30).isoformat()}
    back = {"external_id": "b1", "reason": "dented", "lines": [{"line": "l1", "quantity": 1}]}
    return [
        generic_order(number, hours=0, status="pending", customer=None), generic_order(number, hours=1, **who), generic_order(number, hours=2, **who, **two),
        generic_part("fulfilment.created", number, **parcel, state="sent", updated_at=at(30).isoformat()),
        generic_order(number, hours=30, status="fulfilled", customer=None, **two),
        generic_part("refund.created", number, **refund, lines=[{"line": "l1", "quantity": 1, "restock": True}]),
        generic_order(number, hours=51, status="fulfilled", **who, **two, refunds=[refund]),
        generic_part("fulfilment.updated", number, **parcel, state="delivered", delivered_at=at(60).isoformat(), updated_at=at(60).isoformat()),
        generic_part("return.created", number, **back, state="requested"), generic_part("return.updated", number, **back, state="closed"),
        ("customer.updated", {"type": "customer.updated", "data": {"external_id": f"c{number}", "city": "Bremen", "updated_at": at(40).isoformat()}}),
        ("customer.updated", {"type": "customer.updated", "data": {"external_id": f"c{number}", "city": "Kiel", "consent": {"email": "granted"},
                                                                   "updated_at": at(20).isoformat()}}),
        ("customer.updated", {"type": "customer.updated", "data": {"external_id": f"c{number}", "consent": {"email": "withdrawn"}, "updated_at": at(45).isoformat()}}),
    ]  # fmt: skip


def cancelled_story(number: int) -> list[Message]:
    """An order that its shop deletes: the deletion says no time and may come first."""
    return [
        generic_order(number, hours=0, status="pending"), generic_order(number, hours=1),
        ("order.deleted", {"type": "order.deleted", "data": {"external_id": str(number)}}),
    ]  # fmt: skip


STORIES = {"woocommerce": woo_story, "shopify": shopify_story, "generic": generic_story, "deleted": cancelled_story}
