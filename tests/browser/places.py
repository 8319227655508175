"""Every page there is, from the application's own map of addresses, with an example for every id in it.

Run as a program it prints the map: an application is made once in a process, and the tests' own process has its own.
"""

import json
import os
import re
import sys

import psycopg

from tests.failures.copies import ROOT

HERE = "tests.browser.places"
MACHINES = {
    "pictures.show",  # an image
    "mail_offers.picture",  # an image
    "api-docs.openapi_json",
    "healthz",
    "readyz",
    "metrics",
    "scripts.script",
    "collector.collect",
    "offers.show",
    "forms_shop.show",
    "forms_shop.me",
    "reviews_shop.show",
    "reviews_shop.photo",
    "reviews.photo",
    "insights.download",
    "recommend_funnel.download",
    "coupons.export",
    "imports.failed",
    "operations.download",
    "campaigns.mail",
    "plan.invoice_pdf",
}
# The example a page is shown with is the fullest of its kind.
BUSIEST = "SELECT customer_id FROM orders WHERE tenant_id = %s AND customer_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
NEWEST = "SELECT id FROM {} WHERE tenant_id = %s ORDER BY id DESC LIMIT 1"
EXAMPLES = {
    "customer_id": BUSIEST,
    "product_id": "SELECT product_id FROM order_lines WHERE tenant_id = %s AND product_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    "order_id": NEWEST.format("orders"), "shop_id": "SELECT id FROM shops WHERE tenant_id = %s ORDER BY id LIMIT 1", "segment_id": NEWEST.format("segments"),
    "campaign_id": NEWEST.format("campaigns"), "template_id": NEWEST.format("mail_templates"), "mailing_id": NEWEST.format("mailings"),
    "recipient_id": NEWEST.format("mailing_recipients"), "delivery_id": NEWEST.format("deliveries_in"), "key_id": NEWEST.format("api_keys"),
    "member_id": NEWEST.format("members"), "rule_id": NEWEST.format("offer_rules"), "slot_key": "SELECT key FROM offer_slots WHERE tenant_id = %s ORDER BY id DESC LIMIT 1", "offer_id": NEWEST.format("offers_shown"), "trial_id": NEWEST.format("offer_trials"), "model_id": NEWEST.format("recommend_models"),
    "form_id": "SELECT form_id FROM form_submissions WHERE tenant_id = %s ORDER BY id DESC LIMIT 1", "form_trial_id": NEWEST.format("form_trials"), "watch_id": NEWEST.format("product_watches"), "review_id": "SELECT id FROM reviews WHERE tenant_id = %s ORDER BY length(answer) DESC, id DESC LIMIT 1",
    "invoice_id": NEWEST.format("invoices"), "checkout_id": NEWEST.format("checkouts"),
    "entry_id": NEWEST.format("audit_entries"), "import_id": NEWEST.format("imports"), "operation_id": NEWEST.format("operations"),
    "field_id": "SELECT id FROM custom_fields WHERE tenant_id = %s AND type = 'choice' ORDER BY id DESC LIMIT 1",
    "webhook_id": NEWEST.format("hooks"), "role_id": NEWEST.format("roles"), "erasure_id": NEWEST.format("erasures"),
    "pair_id": "SELECT id FROM duplicate_pairs WHERE tenant_id = %s AND state = 'open' ORDER BY score DESC LIMIT 1",
    "other_id": "SELECT id FROM customers WHERE tenant_id = %s ORDER BY id DESC LIMIT 1", "record_id": BUSIEST,
    "rule": "SELECT 'timeline' WHERE %s > 0", "coupon_id": NEWEST.format("coupons"), "code_id": NEWEST.format("coupon_codes"),
    "key": "SELECT key FROM consent_purposes WHERE tenant_id = %s ORDER BY id DESC LIMIT 1",
    "site": "SELECT site_key FROM tenant_settings WHERE tenant_id = %s", "return_id": NEWEST.format("return_requests"),
    "request_id": NEWEST.format("return_requests"), "payment_id": NEWEST.format("payments"), "dispute_id": NEWEST.format("disputes"), "payout_id": NEWEST.format("payouts"),
    "account_id": NEWEST.format("payment_accounts"), "cart_id": NEWEST.format("carts"), "item_id": "SELECT id FROM bin_items WHERE tenant_id = %s AND kind = 'customer' ORDER BY id DESC LIMIT 1",
    "plan": "SELECT plan FROM subscriptions WHERE tenant_id = %s LIMIT 1",
}  # fmt: skip


# Pages that look quite different by what they show: [name, query of the rest of the address, address].
VARIANTS = [
    ("operations-show", "SELECT DISTINCT ON (kind) kind, id FROM operations WHERE tenant_id = %s ORDER BY kind, id DESC", "/operations/{}"),
    ("imports-show", "SELECT name, id FROM imports WHERE tenant_id = %s ORDER BY id DESC LIMIT 3", "/imports/{}"),
    ("history-show", "SELECT DISTINCT ON (action) action, id FROM audit_entries WHERE tenant_id = %s ORDER BY action, id DESC", "/history/{}"),
    ("own_fields-show", "SELECT DISTINCT ON (type) type, id FROM custom_fields WHERE tenant_id = %s ORDER BY type, id DESC", "/settings/fields/{}"),
    ("customers-view", "SELECT 'own', id FROM saved_views WHERE tenant_id = %s AND kind = 'customer' ORDER BY id DESC LIMIT 1", "/customers?view={}"),
    ("products-show", "SELECT 'in_sizes', product_id FROM product_variants WHERE tenant_id = %s ORDER BY id DESC LIMIT 1", "/products/{}"),
    ("orders-show", "SELECT 'with_story', order_id FROM fulfilments WHERE tenant_id = %s ORDER BY id DESC LIMIT 1", "/orders/{}"),
    ("shops-guide", "SELECT kind, id FROM shops WHERE tenant_id = %s ORDER BY id DESC LIMIT 2", "/shops/{}/connect"),
    ("shops-show", "SELECT kind, id FROM shops WHERE tenant_id = %s ORDER BY id DESC LIMIT 2", "/shops/{}"),
    ("shops-health", "SELECT kind, id FROM shops WHERE tenant_id = %s ORDER BY id DESC LIMIT 2", "/shops/{}/health"),
    ("history-record", "SELECT 'one', record_id FROM audit_entries WHERE tenant_id = %s AND action = 'customers.edited' ORDER BY id DESC LIMIT 1", "/history?kind=customer&record={}"),
]  # fmt: skip
SENT = "SELECT campaign_id FROM mailings WHERE tenant_id = %s ORDER BY id DESC LIMIT 1"


def there_are(product):
    """This function will return [endpoint, address with its <names>, kind of visitor] for every page and part of one."""
    return json.loads(product.command(HERE))


def tenant_of(product, email):
    """This function will return the tenant whose member has this address."""
    return _ask(product, "SELECT tenant_id FROM members WHERE email_norm = %s", email)


def example(product, rule, *, tenant_id, known=None):
    """This function will put examples into an address; None where the company has nothing of a kind that it names."""
    known, missing = dict(known or {}), []

    def found(match):
        name = match.group(1)
        if name not in known:
            known[name] = _ask(product, EXAMPLES[name], tenant_id)
        if known[name] is None:
            missing.append(name)
        return str(known[name])

    address = re.sub(r"<(?:[^:>]+:)?([^>]+)>", found, rule)
    return None if missing else address


def sent_campaign(product, tenant_id):
    """This function will return the newest campaign that was sent; an example is the newest of all, which may be a draft."""
    return _ask(product, SENT, tenant_id)


def variants(product, tenant_id):
    """This function will return [name, address] of further looks of pages, as many as the company has."""
    with psycopg.connect(product.told["DATABASE_ADMIN_URL"], autocommit=True) as ledger:
        return [(f"{name}-{re.sub('[^a-z]+', '_', str(which))}", address.format(found))
                for name, question, address in VARIANTS for which, found in ledger.execute(question, [tenant_id])]  # fmt: skip


def _ask(product, question, value):
    with psycopg.connect(product.told["DATABASE_ADMIN_URL"], autocommit=True) as ledger:
        row = ledger.execute(question, [value]).fetchone()
    return row and row[0]


def print_map():
    """This function will print the map of this application's pages as JSON."""
    os.environ.update(DATABASE_URL="postgresql://nobody@127.0.0.1/none", DATABASE_ADMIN_URL="postgresql://nobody@127.0.0.1/none",
                      REDIS_URL="redis://127.0.0.1:1/0")  # fmt: skip
    from saas.app import create_app
    from saas.kit import doors

    app = create_app()
    found = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        entrance = doors.entrance_of(app.view_functions[rule.endpoint], "GET")
        if "GET" in rule.methods and entrance and entrance.kind != "key" and rule.endpoint not in MACHINES:
            found.append([rule.endpoint, rule.rule, entrance.kind])
    print(json.dumps(found))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print_map()
