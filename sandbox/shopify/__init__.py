"""A Shopify shop in a box: as much of the Admin API, of the consent page and of signed deliveries as a connector meets.

Built from Shopify's documentation of version 2026-10; it refuses what the schema does not have, as Shopify does.
"""
