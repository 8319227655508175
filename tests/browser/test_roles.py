"""A salesperson sees only her own, in a real Chromium: the owner makes the role and the team and hands a customer over."""

from __future__ import annotations

import logging
import threading

import pytest
from werkzeug.serving import make_server

from tests.browser import eye
from tests.companies import Company, drain_outbox, found_company
from tests.doors.shop_data import indexed, send
from tests.rooms.tenancy import crew

playwright = pytest.importorskip("playwright.sync_api")
from tests.browser.test_customers_pages import WIDE, browser, expect  # noqa: E402, F401

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def house(app):
    """A company with Ann, who sells, Max, who leads, and three customers that are nobody's yet; served at an address."""
    company = found_company(app)
    send(
        company,
        "customers",
        *({"email": f"{name}@shop.example", "first_name": name.title()} for name in ("grace", "ada", "alan")),
    )
    with app.app_context():
        people = {name: crew.person(company.tenant_id, role="read_only", name=name) for name in ("Ann", "Max")}
    drain_outbox(app, company)
    indexed(company)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield company, people, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def enter(browser, house):  # noqa: F811
    """Return a function that opens a browser as somebody; complaints of the console fail the test."""
    address, complaints, contexts = house[2], [], []

    def listen(message):
        if message.type in ("error", "warning") and "status of 404" not in message.text:
            complaints.append(message.text)

    def enter(who: Company):
        context = browser.new_context(viewport=WIDE, locale="en-GB", base_url=address)
        context.add_cookies(
            [{"name": "regulars_session", "value": who.page.get_cookie("regulars_session").value, "url": address}]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield enter
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_salesperson_sees_only_her_own(app, house, enter):
    company, people, _address = house
    page = enter(company)

    page.goto("/settings/roles")
    page.click("text=Make a role")
    page.fill("input[name=name]", "Field sales")
    expect(page.get_by_label("Only their own")).to_be_checked()
    page.select_option("select[name='field.customer.phone']", "hidden")
    page.click("text=Save the role")
    expect(page.locator(".r-rows").first).to_contain_text("Sees only their own customers · 1 field hidden")

    page.goto("/settings/teams")
    page.fill("#f-name", "North")
    page.click("text=Make the team")
    expect(page.locator(".r-tree")).to_contain_text("North")
    for name in ("Ann", "Max"):
        eye.ready(page)
        page.locator(".r-tree li").get_by_role("button", name="People").click()
        dialog = page.locator("dialog[open]")
        dialog.locator("select[name=member_id]").select_option(label=name)
        if name == "Max":
            dialog.locator("input[type=checkbox][name=manages]").check()
        dialog.get_by_role("button", name="Put into the team").click()
        expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator(".r-tree")).to_contain_text("led by Max")

    page.goto("/settings/members")
    for name in ("Ann", "Max"):
        row = eye.ready(page).locator(".r-rows li", has_text=name)
        with page.expect_navigation(url="**/settings/members"):
            row.locator("select[name=role]").select_option(label="Field sales")

    page.goto("/customers?sort=name")
    page.locator(".r-row-link", has_text="Grace").click()
    eye.ready(page)
    with page.expect_navigation(url="**/customers/*"):
        page.locator("#owner select[name=owner_id]").select_option(label="Ann")
    expect(page.locator(".r-toast").last).to_contain_text("Grace is handed over")
    drain_outbox(app, company)

    for who in ("Ann", "Max"):
        hers = enter(crew.browser(app, company, people[who]))
        hers.goto("/customers")
        expect(hers.locator("#list tbody tr")).to_have_count(1)
        expect(hers.locator("#list tbody")).to_contain_text("Grace")
        hers.goto("/customers?q=ada")
        expect(hers.locator("#list tbody tr")).to_have_count(0)
        hers.goto("/customers?view=mine")
        expect(hers.locator("#list tbody tr")).to_have_count(1 if who == "Ann" else 0)

    ada = company.api("GET", "/customers", query_string={"email": "ada@shop.example"}).json["items"][0]["id"]
    ann = enter(crew.browser(app, company, people["Ann"]))
    assert ann.goto(f"/customers/{ada}").status == 404

    page.goto(f"/customers/{ada}")
    eye.ready(page).locator("#owner").get_by_role("button", name="Share").click()
    page.locator("dialog[open] select[name=with]").select_option(label="Ann")
    page.locator("dialog[open]").get_by_role("button", name="Share").click()
    expect(page.locator("#owner")).to_contain_text("Shared with")
    assert ann.goto(f"/customers/{ada}").status == 200
    expect(ann.locator("h1")).to_have_text("Ada")
    expect(ann.locator("#i-phone")).to_have_count(0)
