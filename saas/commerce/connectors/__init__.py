"""How each kind of shop speaks: one file a kind, which checks signatures and maps.

Each has `signing_secrets`, `verified`, `topic_said`, `topic_of` and `take` for what a shop delivers, and `history` and
`write` for its past.
"""

from __future__ import annotations

from types import ModuleType

from saas.commerce.connectors import generic, shopify, woocommerce

KINDS: dict[str, ModuleType] = {"generic": generic, "shopify": shopify, "woocommerce": woocommerce}
