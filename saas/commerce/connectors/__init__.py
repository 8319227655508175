"""How each kind of shop speaks: one file a kind, each with `verified`, `topic_of` and `take`."""

from __future__ import annotations

from types import ModuleType

from saas.commerce.connectors import generic, woocommerce

KINDS: dict[str, ModuleType] = {"generic": generic, "woocommerce": woocommerce}
