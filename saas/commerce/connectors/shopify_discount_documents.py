"""What Shopify's Admin API is asked about discounts, word for word."""

from __future__ import annotations

_CODES = "codes(first: 1) { nodes { id code } }"
_MADE = f"""
    codeDiscountNode {{
      id
      codeDiscount {{
        ... on DiscountCodeBasic {{ title {_CODES} }}
        ... on DiscountCodeFreeShipping {{ title {_CODES} }}
      }}
    }}
    userErrors {{ field message code }}"""

CREATE = f"""
mutation Discount($given: DiscountCodeBasicInput!) {{
  discountCodeBasicCreate(basicCodeDiscount: $given) {{{_MADE}
  }}
}}
"""

CREATE_SHIPPING = f"""
mutation FreeShipping($given: DiscountCodeFreeShippingInput!) {{
  discountCodeFreeShippingCreate(freeShippingCodeDiscount: $given) {{{_MADE}
  }}
}}
"""

BY_CODE = """
query ByCode($code: String!) {
  codeDiscountNodeByCode(code: $code) {
    id
    codeDiscount { ... on DiscountCodeBasic { title } ... on DiscountCodeFreeShipping { title } }
  }
}
"""

ADD = """
mutation Add($id: ID!, $codes: [DiscountRedeemCodeInput!]!) {
  discountRedeemCodeBulkAdd(discountId: $id, codes: $codes) {
    bulkCreation { id }
    userErrors { field message code }
  }
}
"""

ADDED = """
query Added($id: ID!) {
  discountRedeemCodeBulkCreation(id: $id) {
    done
    codes(first: 250) { nodes { code errors { message code } discountRedeemCode { id } } }
  }
}
"""

DEACTIVATE = """
mutation Deactivate($id: ID!) {
  discountCodeDeactivate(id: $id) { userErrors { field message code } }
}
"""

DELETE = """
mutation Delete($id: ID!, $ids: [ID!]) {
  discountCodeRedeemCodeBulkDelete(discountId: $id, ids: $ids) { userErrors { field message code } }
}
"""

DELETE_FOUND = """
mutation DeleteFound($id: ID!, $search: String) {
  discountCodeRedeemCodeBulkDelete(discountId: $id, search: $search) { userErrors { field message code } }
}
"""

COLLECTION = """
query Collection($query: String!) {
  collections(first: 10, query: $query) { nodes { id title } }
}
"""


def owners(count: int) -> str:
    """Return the question which discounts so many codes belong to."""
    asked = ", ".join(f"$c{place}: String!" for place in range(count))
    fields = "\n".join(f"  r{place}: codeDiscountNodeByCode(code: $c{place}) {{ id }}" for place in range(count))
    return f"query Owners({asked}) {{\n{fields}\n}}\n"
