"""Why a shop's deliveries cannot be understood and why a shop refuses codes of coupons: each reason by its code, in words.

What a shop itself said stands in them as it came.
"""

from __future__ import annotations

from saas.kit import reasons
from saas.kit.reasons import Kept, Reason, say
from saas.kit.text import later as _l

__all__ = ["Kept", "Reason", "say"]

DELIVERIES = {
    "hook_not_allowed": _l(
        "The shop's webhook was made by somebody who may not see this, so it delivers a refusal. Delete the webhook in WooCommerce "
        "and press “Set them up again”."
    ),
    "hook_legacy": _l(
        "The shop's webhook speaks the legacy API of WooCommerce. Delete it in WooCommerce (Settings, Advanced, Webhooks) and press "
        "“Set them up again”."
    ),
    "body_no_id": _l("The body has no id."),
    "body_no_data": _l("The body has no “data” object."),
    "topic_unknown": _l("Nothing is known about the type “%(topic)s”."),
    "field_missing": _l("The field %(name)s is missing."),
    "id_no_number": _l("The id is no number: %(said)s"),
    "lines_no_list": _l("The field line_items is not a list of lines."),
    "no_time": _l("%(name)s is not a time: %(said)s"),
    "no_quantity": _l("A line’s quantity is no number: %(said)s"),
    "field_no_money": _l("%(name)s is not money: %(said)s"),
    "no_money": _l("This is not money: %(said)s"),
    "variation_alone": _l("The variation does not say which product it belongs to."),
    "variation_early": _l("The variation belongs to the product %(product)s, which has not arrived yet."),
    "variation_within": _l("A variation is told of with its product."),
    "cart_lacks": _l("A cart needs its token and the time it changed."),
    "refund_lacks": _l("A refund needs an id and the id of its order."),
    "fulfilment_lacks": _l("A fulfilment needs an id and the id of its order."),
    "return_lacks": _l("A return needs an id and the id of its order."),
    "part_lacks": _l("A %(part)s needs “order”, the external_id of its order."),
    "shopify_no_id": _l("This is not an id of Shopify’s: %(said)s"),
    "shopify_other_kind": _l("Not the kind of thing that was asked for: %(said)s"),
    "shop_disconnected": _l("The shop was disconnected before this was taken."),
    "no_object": _l("The store sent something else than an object."),
    "again_and_again": _l(
        "%(problem)s It does so each time it is asked for the %(number)s. of these, so that one was left out."
    ),
    "other_kind": _l("It could not be understood: a part of it is of another kind than such shops send (%(said)s)."),
    "not_understood": _l("It could not be understood (%(said)s)."),
}
COUPONS = {
    "coupon_read_only": _l(
        "The key of this store may only read, and coupons have to be written. Make a key with the permission Read/Write "
        "(WooCommerce, Settings, Advanced, REST API) and enter it under Shops."
    ),
    "coupon_key_refused": _l(
        "The store does not accept the key any more. Make a new one with the permission Read/Write and enter it under Shops."
    ),
    "coupon_endless": _l(
        "The store took the code without its end, so it was deleted there again. A plugin may stand in the way of coupons' dates."
    ),
    "coupon_not_allowed": _l(
        "The key belongs to somebody who may not make coupons. Make one for an administrator or a shop manager, with the permission "
        "Read/Write, and enter it under Shops."
    ),
    "coupon_no_right": _l(
        "The app may not write discounts in this shop. Add the scope write_discounts to it, and agree to that in the shop: "
        "Shops, this shop, Connect again."
    ),
    "coupon_no_keys": _l("Enter the shop’s keys first; without them it cannot be told any codes."),
    "coupon_not_begun": _l("WooCommerce knows no beginning, so the codes are written when the coupon starts."),
    "coupon_gone": _l("The shop has this code no more."),
    "store_said": _l("The store refused: %(said)s"),
    "store_other_batch": _l("The store answered to a batch of coupons with something else."),
    "store_no_list": _l("The store answered with something else than a list."),
    "store_no_category": _l("The store has no category called “%(name)s”, which the coupon is for."),
    "store_no_product": _l("The store knows its products by numbers; “%(key)s” is none."),
    "store_slower": _l("The store asks us to go slower."),
    "store_status": _l("The store answered %(status)s to %(path)s."),
    "store_status_said": _l("The store answered %(status)s to %(path)s. %(said)s"),
    "store_no_data": _l("The store answers with something else than data."),
    "shopify_said": _l("Shopify refused: %(said)s"),
    "shopify_no_discount": _l("Shopify made no discount."),
    "shopify_no_collection": _l("The shop has no collection called “%(name)s”, which the coupon is for."),
    "shopify_no_product": _l("Shopify knows its products by numbers; “%(key)s” is none."),
    "shopify_still_taking": _l("Shopify is still taking the codes."),
    "shopify_slower": _l("Shopify asks us to go slower."),
    "shopify_busy": _l("Shopify answered %(status)s. We go on by ourselves."),
    "shopify_status": _l("Shopify answered %(status)s."),
    "shopify_lacks": _l("The app lacks a right: %(said)s"),
    "shopify_changed": _l(
        "Shopify has changed what it can be asked (%(said)s). Products, customers and orders still arrive as they change."
    ),
    "shop_said": _l("The shop refused: %(said)s"),
    "address_silent": _l("The shop’s address for coupons: %(problem)s"),
    "address_signature": _l(
        "The shop’s address for coupons does not accept our signature. Does it check with this shop’s secret?"
    ),
    "address_status": _l("The shop’s address for coupons answered %(status)s."),
}
AT_THE_DOOR = (
    _l("The signature does not fit this shop's secret."),
    _l("Send webhook-id, webhook-timestamp and webhook-signature."),
    _l("The webhook-timestamp is more than five minutes away from now."),
)
"""What is answered to a message that nobody can be sure the shop sent: kept as it was said, and translated where it is read."""

reasons.know(DELIVERIES | COUPONS)
