"""A list from Excel as a shop owner brings it: with an error, mended in the page, taken, its failed line fetched, and taken back."""

import csv
import io
import secrets

import pytest
from playwright.sync_api import expect

from tests.browser import eye, shopfront
from tests.browser.furnishing import sign_in

pytestmark = pytest.mark.browser
PEOPLE = [
    ["Vorname", "Nachname", "E-Mail", "Ort", "Größe"],
    ["Zoë", "Weiß", "zoe@list.example", "Köln", "M"],
    ["Jürgen", "Müller", "juergen at list.example", "Bonn", "L"],
    ["Ada", "<b onmouseover=alert(1)>", "ada@list.example", "Kiel", "S"],
    ["Ohne", "Adresse", "keine", "Ulm", "M"],
]


@pytest.fixture(scope="module")
def page(product):
    known = {"email": f"lena-{secrets.token_hex(3)}@import.example", "password": "bringing lists along"}
    product.found(company="Importers", **known)
    with shopfront.chromium() as browser:
        context = browser.new_context(base_url=product.urls["web"], accept_downloads=True)
        sign_in(context, product, known)
        opened = context.new_page()
        opened.on("dialog", lambda dialog: pytest.fail("a script of the file ran"))
        yield opened
        context.close()


def content():
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";").writerows(PEOPLE)
    return buffer.getvalue().encode("cp1252")


def test_brought_mended_taken_and_taken_back(page):
    page.goto("/imports/new")
    page.set_input_files("[name=file]", {"name": "Kunden.csv", "mimeType": "text/csv", "buffer": content()})
    page.get_by_role("button", name="Go on").click()
    eye.ready(page)
    expect(page.locator("select[name='map.2']")).to_have_value("email")
    expect(page.locator("#preview")).to_contain_text("Köln")
    page.select_option("select[name='map.4']", "note")
    expect(page.locator("#preview thead")).to_contain_text("Note")

    page.get_by_role("button", name="See what would happen").click()
    expect(page.locator("#work")).to_contain_text("Import 2 rows", timeout=60_000)
    cell = page.locator(".r-import-cells li", has=page.locator("input[value='juergen at list.example']"))
    cell.locator("[name=to]").fill("juergen@list.example")
    cell.get_by_role("button", name="Mend").click()
    expect(page.locator("#work")).to_contain_text("Import 3 rows", timeout=60_000)

    page.get_by_role("button", name="Import 3 rows").click()
    expect(page.locator("#work")).to_contain_text("What was taken", timeout=60_000)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the failed lines").click()
    failed = waiting.value.path().read_bytes().decode("cp1252").splitlines()
    assert failed[0] == "Vorname;Nachname;E-Mail;Ort;Größe;Why it failed"
    assert failed[1:] == ["Ohne;Adresse;keine;Ulm;M;This is not an e-mail address."]

    place = page.url
    page.goto("/customers")
    expect(page.locator("#list")).to_contain_text("juergen@list.example")
    expect(page.locator("#list")).to_contain_text("<b onmouseover=alert(1)>")

    page.goto(place)
    page.get_by_role("button", name="Undo the whole import").click()
    expect(page.locator("#work")).to_contain_text("Removed again", timeout=60_000)
    page.goto("/customers")
    expect(page.locator("main")).to_contain_text("No customers yet")
