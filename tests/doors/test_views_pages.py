"""Saved views of lists: kept, opened, shared, made the first thing one sees, and closed to whom they are not for."""

from __future__ import annotations

import re

import pytest

from tests.companies import Company, add_member
from tests.doors.shop_data import crowd, send


@pytest.fixture
def people(company, drain):
    send(company, "customers", *crowd(6))
    drain(company)


def keep(company, name: str, kind: str = "customer", audience: str = "mine", **content) -> str:
    answer = company.post(
        f"/views/{kind}", {"name": name, "audience": audience, **{f"s.{key}": value for key, value in content.items()}}
    )
    assert answer.status_code == 303
    return re.search(r"view=([0-9a-f-]{36})", answer.location).group(1)


def colleague(app, company, role="marketer") -> Company:
    return Company(app, company.tenant_id, "", company.api_key, company.site_key, add_member(app, company, role=role))


class TestViews:
    def test_a_view_keeps_filters_columns_and_order_and_writes_them_out(self, company, people):
        view = keep(company, "Germans", where=["country.is.DE"], columns="city country", sort="name")
        led = company.page.get(f"/customers?view={view}")
        assert led.status_code == 303
        assert "where=country.is.DE" in led.location and "sort=name" in led.location and f"view={view}" in led.location
        page = company.page.get(led.location)
        assert page.status_code == 200 and "Country is DE" in page.text and ">Germans</a>" in page.text
        assert "Keep the changes" not in page.text
        changed = company.page.get(
            f"/customers?view={view}&where=country.is.DE&where=city.is.Ulm&columns=city+country&sort=name"
        )
        assert "Keep the changes" in changed.text

    def test_a_filter_taken_away_stays_away(self, company, people):
        view = keep(company, "Germans", where=["country.is.DE"])
        page = company.page.get(company.page.get(f"/customers?view={view}").location).text
        away = re.search(r'class="r-chip-x" href="([^"]*)"', page).group(1).replace("&amp;", "&")
        without = company.page.get(away)
        assert without.status_code == 200 and "Country is DE" not in without.text

    def test_mine_is_a_404_to_others_and_everybodys_is_not(self, app, company, people):
        mine, ours = (
            keep(company, "Only me", where=["country.is.DE"]),
            keep(company, "Ours", audience="everyone", where=["country.is.DE"]),
        )
        other = colleague(app, company)
        assert other.page.get(f"/customers?view={mine}").status_code == 404
        assert other.page.get(f"/customers?view={ours}").status_code == 303
        assert "Only me</a>" not in other.page.get("/customers").text
        assert other.post(f"/views/{mine}/delete").status_code == 404

    def test_who_may_not_share_cannot_and_cannot_change_what_is_shared(self, app, company, people):
        ours = keep(company, "Ours", audience="everyone", where=["country.is.DE"])
        sales = colleague(app, company, "sales")
        assert sales.post("/views/customer", {"name": "X", "audience": "everyone"}).status_code == 403
        assert sales.post(f"/views/{ours}/change", {"name": "X"}).status_code == 403
        assert sales.post(f"/views/{ours}/default", {"who": "company"}).status_code == 403

    def test_a_list_opens_with_ones_own_choice_then_the_companys(self, app, company, people):
        ours, mine = (
            keep(company, "Ours", audience="everyone", where=["country.is.DE"]),
            keep(company, "Mine", sort="name"),
        )
        company.post(f"/views/{ours}/default", {"who": "company"})
        other = colleague(app, company)
        assert f"view={ours}" in other.page.get("/customers").location
        company.post(f"/views/{mine}/default", {"who": "me"})
        assert f"view={mine}" in company.page.get("/customers").location
        assert company.page.get("/customers?view=all").status_code == 200
        company.post(f"/views/{mine}/default", {"who": "nobody"})
        assert f"view={ours}" in company.page.get("/customers").location

    def test_a_view_is_renamed_moved_and_deleted(self, company, people):
        first, second = keep(company, "First", sort="name"), keep(company, "Second", sort="-name")
        company.post(f"/views/{second}/move", {"by": "left"})
        page = company.page.get("/customers").text
        assert page.index("Second</a>") < page.index("First</a>")
        company.post(f"/views/{first}/change", {"name": "Renamed"})
        assert "Renamed</a>" in company.page.get("/customers").text
        company.post(f"/views/{first}/delete")
        assert "Renamed</a>" not in company.page.get("/customers").text
        assert company.page.get(f"/customers?view={first}").status_code == 404

    def test_another_companys_view_is_not_there(self, company, other_company, people):
        view = keep(company, "Ours", audience="everyone")
        assert other_company.page.get(f"/customers?view={view}").status_code == 404

    def test_a_name_is_needed(self, company):
        assert company.post("/views/customer", {"name": " "}).status_code == 303
        assert "Give the view a name." in company.page.get("/customers").text
