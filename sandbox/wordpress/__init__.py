"""A WordPress site with WooCommerce in a box, as somebody meets it who connects it: its pages, the index of the REST API, keys with
their permissions and refusals, the page that hands out keys, and webhooks that leave through a cron.

It answers what running stores (10.0, 7.9, 3.8) answer, with their codes and sentences, and knows nothing of the CRM. The store
beside it (sandbox.woocommerce) is for reading a long past politely and for everything that goes wrong meanwhile.
"""
