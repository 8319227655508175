"""What Shopify's Admin API is asked, word for word: one version, the rights it takes, and every GraphQL document.

Facts behind the bulk queries (Shopify's guide to bulk operations): at most five connections, two deep, and none inside a
list; `edges` and `node` are spelled out; refunds and fulfilments are plain lists of an order and so come with it. Grouped
output costs Shopify time and spares us memory: children stand right below their parent, so a file of any size is read in
windows.
"""

from __future__ import annotations

VERSION = "2026-10"
SCOPES = (
    "read_products", "read_customers", "read_orders", "read_all_orders", "read_fulfillments", "read_returns", "read_inventory",
    "write_discounts",
)  # fmt: skip
"""Without write_discounts the shop takes no coupons. Without read_all_orders Shopify shows only the orders of the last sixty days."""

TOPICS = (
    "ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED", "ORDERS_DELETE", "REFUNDS_CREATE", "FULFILLMENTS_CREATE", "FULFILLMENTS_UPDATE",
    "PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE", "CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE",
    "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE", "CARTS_CREATE", "CARTS_UPDATE", "CHECKOUTS_CREATE", "CHECKOUTS_UPDATE", "CHECKOUTS_DELETE",
    "APP_UNINSTALLED",
)  # fmt: skip
"""Topics we subscribe to. The three of privacy law cannot be: they are written into the app's own settings at Shopify."""

OF_RETURNS = (
    "RETURNS_REQUEST",
    "RETURNS_APPROVE",
    "RETURNS_DECLINE",
    "RETURNS_CANCEL",
    "RETURNS_CLOSE",
    "RETURNS_REOPEN",
)
"""Topics of an app that may read returns (read_returns); one that may not does without."""
BY_RIGHT = {"read_returns": OF_RETURNS, "read_inventory": ("INVENTORY_LEVELS_UPDATE",)}
"""Topics that Shopify only delivers to an app with this right. Without read_inventory a stock that moves at the shelf or by
another program is seen when the product changes otherwise, or when the shop is compared."""

SHOP = """
query Shop {
  shop { id name myshopifyDomain currencyCode primaryDomain { url } }
  productsCount { count }
  customersCount { count }
  ordersCount { count }
  currentAppInstallation { accessScopes { handle } }
}
"""

WEBHOOKS = """
query Webhooks($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    nodes { id topic uri }
    pageInfo { hasNextPage endCursor }
  }
}
"""

SUBSCRIBE = """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri, format: JSON}) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
"""

RUN = """
mutation Run($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) {
    bulkOperation { id status }
    userErrors { code field message }
  }
}
"""

POLL = """
query Poll($id: ID!) {
  bulkOperation(id: $id) { id status errorCode rootObjectCount fileSize url }
}
"""

NODES = """
query Nodes($ids: [ID!]!) {
  nodes(ids: $ids) { id }
}
"""

_ADDRESS = "{ firstName lastName company address1 address2 city zip countryCodeV2 phone }"
_MONEY = "{ shopMoney { amount currencyCode } }"
_BOTH = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
_PERSON = f"""
    id firstName lastName tags locale createdAt updatedAt
    defaultEmailAddress {{ emailAddress marketingState marketingOptInLevel marketingUpdatedAt }}
    defaultPhoneNumber {{ phoneNumber }}
    defaultAddress {_ADDRESS}
"""

_PRODUCT = """
    id title handle status descriptionHtml productType vendor isGiftCard tags createdAt updatedAt publishedAt
    category { name }
"""
_MEDIA = "{ id alt preview { image { url } } }"
_VARIANT = """{
      id sku barcode title price compareAtPrice position inventoryQuantity inventoryPolicy updatedAt
      selectedOptions { name value } inventoryItem { id tracked unitCost { amount } }
    }"""

PRODUCT = f"""
query Product($id: ID!, $after: String) {{
  product(id: $id) {{
    {_PRODUCT}
    media(first: 50) {{ nodes {_MEDIA} }}
    collections(first: 50) {{ nodes {{ id title }} }}
    variants(first: 100, after: $after) {{ nodes {_VARIANT} pageInfo {{ hasNextPage endCursor }} }}
  }}
}}
"""

PAST = {
    "products": """
  products%s { edges { node {
""" + _PRODUCT + """
    media { edges { node """ + _MEDIA + """ } }
    collections { edges { node { id title } } }
    variants { edges { node """ + _VARIANT + """ } }
  } } }
""",
    "customers": """
  customers%s { edges { node {""" + _PERSON + """  } } }
""",
    "orders": f"""
  orders%s {{ edges {{ node {{
    id name email phone test createdAt processedAt updatedAt cancelledAt edited cartToken currencyCode customerLocale
    displayFinancialStatus displayFulfillmentStatus
    totalPriceSet {_MONEY} currentTotalPriceSet {_BOTH} totalTaxSet {_MONEY} totalShippingPriceSet {_MONEY}
    totalTipReceivedSet {_MONEY} taxesIncluded presentmentCurrencyCode cancelReason discountCodes
    taxLines {{ title rate priceSet {_MONEY} }}
    customAttributes {{ key value }}
    billingAddress {_ADDRESS}
    customer {{ {_PERSON} }}
    refunds {{ id createdAt processedAt note totalRefundedSet {_MONEY} }}
    fulfillments {{ id status displayStatus createdAt updatedAt deliveredAt trackingInfo {{ company number url }} }}
    lineItems {{ edges {{ node {{
      id title name sku quantity currentQuantity
      originalUnitPriceSet {_MONEY}
      discountAllocations {{ allocatedAmountSet {_MONEY} }}
      product {{ id }} variant {{ id }}
    }} }} }}
  }} }} }}
""",
}  # fmt: skip


def past(kind: str, *, search: str = "") -> str:
    """Return the bulk query for products, customers or orders; `search` is in Shopify's own search syntax."""
    return "{" + PAST[kind] % (f'(query: "{search}")' if search else "") + "}"
