"""Filters as they stand in an address: read, written back the same, refused with a sentence."""

from __future__ import annotations

import pytest

from saas.audiences import filters

GOOD = [
    ("orders_count.at_least.2", {"field": "orders_count", "operator": "at_least", "value": 2}),
    ("last_order_at.in_last_days.30", {"field": "last_order_at", "operator": "in_last_days", "value": 30}),
    ("last_order_at.never", {"field": "last_order_at", "operator": "never"}),
    ("email.contains.ada.l@shop.example", {"field": "email", "operator": "contains", "value": "ada.l@shop.example"}),
    (
        "bought.in_last_days.30.product.SKU.1-a",
        {"field": "bought", "operator": "in_last_days", "value": 30, "product": "SKU.1-a"},
    ),
    ("bought.ever.category.Pots", {"field": "bought", "operator": "ever", "category": "Pots"}),
    ("viewed.never", {"field": "viewed", "operator": "never"}),
    ("spent_amount.at_least.12.50", {"field": "spent_amount", "operator": "at_least", "value": "12.50"}),
    ("email_consent.is.granted", {"field": "email_consent", "operator": "is", "value": "granted"}),
]
BAD = [
    "", "nothing.is.x", "orders_count", "orders_count.at_least", "orders_count.at_least.many", "orders_count.contains.2", "country.is.",
    "bought.in_last_days.0", "email_consent.is.perhaps", "orders_count.at_least.99999999999", "spent_amount.at_least.lots", "country.is.a\x00b",
]  # fmt: skip


@pytest.mark.parametrize(("text", "condition"), GOOD)
def test_a_filter_is_read_and_written_back_the_same(text, condition):
    assert filters.read(text) == condition
    assert filters.write(condition) == text


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_asked_is_refused(text):
    with pytest.raises(filters.BadFilter) as refused:
        filters.read(text)
    assert refused.value.fields["where"][0]


def test_the_api_lists_by_filter_and_sort(company):
    items = [
        {
            "external_id": str(n),
            "email": f"c{n}@shop.example",
            "country": "DE" if n % 2 else "AT",
            "last_name": f"N{9 - n}",
        }
        for n in range(6)
    ]
    company.api("POST", "/customers/bulk", json={"items": items})
    answer = company.api(
        "GET", "/customers", query_string={"where": ["country.is.DE", "orders_count.at_most.0"], "sort": "name"}
    )
    assert [item["last_name"] for item in answer.json["items"]] == ["N4", "N6", "N8"]
    assert all(item["facts"]["orders_count"] == 0 for item in answer.json["items"])
    wrong = company.api("GET", "/customers", query_string={"where": "height.is.2"})
    assert (wrong.status_code, list(wrong.json["error"]["fields"])) == (422, ["where"])
    assert company.api("GET", "/customers", query_string={"sort": "height"}).status_code == 422
