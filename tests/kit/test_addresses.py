"""Addresses that strangers write: taken apart, or nothing at all; no page fails on one."""

from __future__ import annotations

import pytest

from saas.kit import addresses

NONE = ["http://[", "http://[::1/x", "//[x]/", "https://a\u2100b/", "", None]


@pytest.mark.parametrize("address", NONE)
def test_what_is_no_address_has_no_parts(address):
    assert addresses.split(address) == addresses.NOWHERE
    assert addresses.host(address) == ""


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://www.Shop.example:8080/a?b#c", "shop.example"),
        ("http://[::1]:80/", "::1"),
        ("https://user:word@shop.example", "shop.example"),
        ("javascript:alert(1)", ""),
        ("/a/b", ""),
    ],
)
def test_the_host_of_an_address(address, host):
    assert addresses.host(address) == host


@pytest.mark.parametrize("address", [one for one in NONE if one])
class TestDoors:
    def test_where_to_go_on(self, app, address):
        assert app.test_client().get("/sign-in", query_string={"next": address}).status_code == 200

    def test_where_a_form_came_from(self, company, address):
        page = company.page
        assert page.post("/customers/new", data={}, headers={"Origin": address}).status_code in (400, 403)
        assert page.get("/nowhere-at-all", headers={"Referer": address}).status_code == 404

    def test_a_shoppers_form(self, app, company, address):
        answer = app.test_client().post(f"/my/{company.site_key}", data={"email": "a"}, headers={"Origin": address})
        assert answer.status_code == 403
