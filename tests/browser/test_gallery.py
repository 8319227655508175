"""Every component in a real Chromium: both languages, wide and phone, light and dark, by mouse and by keyboard."""

import logging
import re
import threading
from pathlib import Path

import flask
import pytest
from werkzeug.serving import make_server

from tenant_admin import frame, gallery, markup, vendor, words
from tests.browser import eye

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
AXE = vendor.MODULES / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE, PHONE = {"width": 1360, "height": 860}, {"width": 390, "height": 844}
PAGES = ("", "/list", "/record", "/form", "/work", "/entrance")

if not CHROMIUM.exists() or not AXE.exists() or not (markup.STATIC / "vendor" / "tabler.css").exists():
    pytest.skip("needs Chromium, npm ci and python -m tenant_admin.vendor", allow_module_level=True)


@pytest.fixture(scope="module")
def address():
    words.compile_all()
    app = flask.Flask("page", static_folder=None)
    app.config.update(SECRET_KEY="test")
    frame.init(app, search_url="/_gallery/search")
    app.register_blueprint(gallery.make_pages())
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.port}/_gallery"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Return a function that opens a page in a fresh profile; complaints of the console fail the test."""
    complaints, contexts = [], []

    def listen(message):
        # Chromium reports every answer of 400 and more; a wrong form is meant to be one
        if message.type in ("error", "warning") and "status of 422" not in message.text:
            complaints.append(message.text)

    def visit(path="", *, size=WIDE, look="light", language="en-GB"):
        context = browser.new_context(
            viewport=size, color_scheme=look, locale=language, permissions=["clipboard-read", "clipboard-write"]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def draw_charts(page):
    for box in page.query_selector_all("[data-chart]"):
        box.scroll_into_view_if_needed()
    playwright.expect(page.locator("[data-chart]:not([data-drawn])")).to_have_count(0)
    page.evaluate("scrollTo(0, 0)")


def axe(page, context="document"):
    # run through the debugging protocol, which the page's policy does not bind
    page.evaluate(AXE.read_text(encoding="utf-8"))
    # a colour half-way through a transition would be judged instead of the one that stays
    page.evaluate(
        """Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity)
            .map((one) => one.finished.catch(() => 0)))"""
    )
    found = page.evaluate(f"axe.run({context}, {{resultTypes: ['violations']}}).then((result) => result.violations)")
    return [(rule["id"], node["target"], node["failureSummary"]) for rule in found for node in rule["nodes"]]


class TestEveryPage:
    @pytest.mark.parametrize("path", PAGES)
    @pytest.mark.parametrize(("size", "look", "language"), [
        (WIDE, "light", "en-GB"), (WIDE, "dark", "zh-CN"), (PHONE, "light", "zh-CN"), (PHONE, "dark", "en-GB"),
    ])  # fmt: skip
    def test_it_is_accessible_fits_and_is_in_one_language(self, visit, path, size, look, language):
        page = visit(path, size=size, look=look, language=language)
        draw_charts(page)
        eye.keep_picture(page, f"gallery{path.replace('/', '-')}-{size['width']}-{look}-{language}")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        playwright.expect(page.locator("html")).to_have_attribute("data-bs-theme", look)
        if language == "zh-CN":
            playwright.expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
            assert re.search("[\u4e00-\u9fff]", page.inner_text("main"))

    @pytest.mark.parametrize("path", PAGES)
    def test_nothing_to_press_is_small_on_the_phone(self, visit, path):
        page = visit(path, size=PHONE)
        targets = ".btn, .r-icon-btn, .r-bottom > *, .form-control, .form-select, .r-chip, .r-tabs a"
        small = page.evaluate(
            """(targets) => [...document.querySelectorAll(targets)]
            .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.5)
            .map((one) => one.outerHTML.slice(0, 120))""",
            targets,
        )
        assert small == []

    @pytest.mark.parametrize("path", PAGES)
    def test_no_text_is_under_12_pixels(self, visit, path):
        page = visit(path)
        assert (
            page.evaluate("""[...document.querySelectorAll('body *')]
            .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
            .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 12)
            .map((one) => one.outerHTML.slice(0, 120))""")
            == []
        )


class TestLook:
    def test_dark_is_chosen_kept_and_redraws_the_charts(self, visit, address):
        page = visit()
        draw_charts(page)
        page.click(".r-me")
        page.click("[data-theme-set=dark]")
        playwright.expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        page.goto(address)
        playwright.expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    def test_the_language_is_changed_from_the_menu(self, visit):
        page = visit("/list?sort=name")
        page.click(".r-me")
        page.click("text=简体中文")
        page.wait_for_selector("html[lang=zh-Hans][data-ready]", state="attached")
        assert page.url.endswith("/list?sort=name") and page.inner_text("h1") == "客户"

    def test_the_navigation_folds_and_stays_folded(self, visit, address):
        page = visit()
        page.keyboard.press("[")
        page.wait_for_function("document.querySelector('.r-side').getBoundingClientRect().width === 64")
        page.goto(address + "/list")
        assert page.locator(".r-side").bounding_box()["width"] == 64


class TestKeyboard:
    def test_rows_are_walked_chosen_and_opened(self, visit):
        page = visit("/list")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("x")
        playwright.expect(page.locator("[data-bulk-count]")).to_have_text("1 of 3,120 chosen")
        second = page.locator("tr[data-href]").nth(1).get_attribute("data-href")
        playwright.expect(page.locator("tr.is-current")).to_have_attribute("data-href", second)
        page.keyboard.press("Enter")
        page.wait_for_url("**/record?id=*")

    def test_the_palette_finds_places_and_records(self, visit):
        page = visit()
        page.keyboard.press("Control+k")
        page.keyboard.type("grace")
        page.wait_for_selector(".r-hit >> text=Grace Hopper")
        assert axe(page, "document.getElementById('palette')") == []
        page.keyboard.press("Enter")
        page.wait_for_url("**/record")

    def test_the_palette_says_when_there_is_nothing(self, visit):
        page = visit()
        page.keyboard.press("/")
        page.keyboard.type("zzz")
        page.wait_for_selector("text=Nothing found for “zzz”.")
        page.keyboard.press("Escape")
        playwright.expect(page.locator("#palette")).to_be_hidden()

    def test_c_creates_and_g_goes(self, visit):
        page = visit("/list")
        page.keyboard.press("c")
        page.wait_for_url("**/form")
        page.wait_for_selector("html[data-ready]", state="attached")
        page.keyboard.press("g")
        page.keyboard.press("c")
        page.wait_for_url("**/list")

    def test_letters_typed_into_a_field_are_only_letters(self, visit):
        page = visit("/list")
        page.fill("[name=q]", "")
        page.type("[name=q]", "c?j/")
        assert page.input_value("[name=q]") == "c?j/"
        assert not page.locator("dialog[open]").count()

    def test_the_sheet_opens_with_a_question_mark(self, visit):
        page = visit()
        page.keyboard.press("?")
        playwright.expect(page.locator("#keys")).to_be_visible()
        assert axe(page, "document.getElementById('keys')") == []


class TestLists:
    def test_sorting_swaps_the_list_alone_and_keeps_the_address(self, visit):
        page = visit("/list")
        page.evaluate("document.querySelector('h1').dataset.same = '1'")
        page.click("th >> text=Orders")
        page.wait_for_url("**/list?sort=-orders")
        page.wait_for_selector("th[aria-sort=descending] >> text=Orders")
        assert page.get_attribute("h1", "data-same") == "1"
        page.go_back()
        page.wait_for_selector("th[aria-sort=descending] >> text=Worth")

    def test_searching_while_typing_keeps_the_focus(self, visit):
        page = visit("/list")
        page.type("[name=q]", "grace")
        playwright.expect(page.locator("tbody tr")).to_have_count(1)
        playwright.expect(page.locator(":focus")).to_have_attribute("name", "q")
        page.wait_for_url("**q=grace*")

    def test_sorting_and_searching_do_not_forget_each_other(self, visit):
        page = visit("/list")
        page.click("th >> text=Name")
        page.wait_for_url("**/list?sort=name")
        page.type("[name=q]", "a")
        page.wait_for_url("**/list?*q=a*")
        assert "sort=name" in page.url
        playwright.expect(page.locator("tbody tr")).to_have_count(8)
        page.click("text=Filter")
        page.click("#add-filter >> text=bought in the last 30 days")
        page.wait_for_url("**bought=30d*")
        assert "q=a" in page.url

    def test_nobody_matching_is_said_with_a_way_out(self, visit):
        page = visit("/list?q=zzz")
        playwright.expect(page.locator("#list >> text=Nobody matches")).to_be_visible()
        playwright.expect(page.locator("#list >> text=Clear all")).to_be_visible()

    def test_all_of_the_filter_can_be_chosen(self, visit):
        page = visit("/list")
        page.check("[data-check-all]")
        playwright.expect(page.locator("[data-bulk-count]")).to_have_text("12 of 3,120 chosen")
        page.click("[data-bulk-choose]")
        playwright.expect(page.locator("[data-bulk-count]")).to_have_text("3,120 chosen")
        playwright.expect(page.locator("[data-bulk-all]")).to_have_value("1")
        page.click("[data-bulk-clear]")
        playwright.expect(page.locator("[data-bulk-bar]")).to_be_hidden()

    def test_a_click_anywhere_in_a_row_opens_it(self, visit):
        page = visit("/list")
        page.click("tbody tr:nth-child(3) td.num >> nth=0")
        page.wait_for_url("**/record?id=*")


class TestForms:
    def test_errors_stand_at_the_fields_and_what_was_typed_stays(self, visit):
        page = visit("/form")
        page.fill("[name=email]", "ada")
        page.click("text=Create the customer")
        page.wait_for_selector("#f-name-error")
        page.wait_for_selector("html[data-ready]", state="attached")
        assert page.input_value("[name=email]") == "ada"
        playwright.expect(page.locator("[name=email]")).to_have_attribute("aria-invalid", "true")
        assert page.inner_text("#f-email-error") == "An e-mail address has an @ in it."
        assert axe(page) == []

    def test_a_right_form_leads_on_and_says_what_was_done(self, visit):
        page = visit("/form")
        page.fill("[name=name]", "Ada")
        page.fill("[name=email]", "ada@example.com")
        page.keyboard.press("Enter")
        page.wait_for_url("**/list")
        page.wait_for_selector(".r-toast >> text=Saved")

    def test_inline_fields_save_by_themselves(self, visit):
        page = visit("/record")
        with page.expect_response(lambda answer: answer.request.method == "POST") as saved:
            page.fill("[name=city]", "Bath")
            page.keyboard.press("Tab")
        assert saved.value.status == 200
        page.wait_for_selector(".r-inline-field.is-saved")


class TestOverlays:
    @pytest.mark.parametrize(("opener", "dialog"), [("Rename", "rename"), ("Details", "details"), ("Erase", "erase")])
    def test_dialogs_open_are_accessible_and_close_with_escape(self, visit, opener, dialog):
        page = visit()
        page.click(f".r-card button >> text='{opener}'")
        playwright.expect(page.locator(f"#{dialog}")).to_be_visible()
        assert axe(page, f"document.getElementById('{dialog}')") == []
        page.keyboard.press("Escape")
        playwright.expect(page.locator(f"#{dialog}")).to_be_hidden()
        playwright.expect(page.locator(":focus")).to_have_text(opener)

    def test_menus_open_at_their_button_and_are_walked_with_arrows(self, visit):
        page = visit()
        page.click("text=Last 30 days")
        # The browser tells of an opened menu a moment later; only then is its first item in focus.
        page.wait_for_selector(".r-menu:popover-open .r-menu-item:focus >> text=Last 7 days")
        page.keyboard.press("ArrowDown")
        playwright.expect(page.locator(":focus")).to_have_text("Last 30 days")
        menu, button = (
            page.locator(".r-menu:popover-open").bounding_box(),
            page.locator(".r-head [popovertarget]").bounding_box(),
        )
        assert abs(menu["x"] + menu["width"] - button["x"] - button["width"]) < 2
        page.keyboard.press("Escape")
        playwright.expect(page.locator(".r-menu:popover-open")).to_have_count(0)

    def test_what_cannot_be_undone_is_asked(self, visit):
        page = visit()
        page.click("[aria-label=More]")
        page.click(".r-menu:popover-open >> text=Delete")
        playwright.expect(page.locator("dialog[open] >> text=Delete this list?")).to_be_visible()
        page.click("dialog[open] >> text=Cancel")
        playwright.expect(page.locator("dialog[open]")).to_have_count(0)

    def test_toasts_show_and_can_be_undone(self, visit):
        page = visit("?toast=1")
        playwright.expect(page.locator(".r-toast >> text=12 customers tagged")).to_be_visible()
        assert axe(page, "document.getElementById('toasts')") == []
        with page.expect_navigation():
            page.click(".r-toast >> text=Undo")

    def test_copying_says_so(self, visit):
        page = visit()
        page.click("[data-copy^=rg_]")
        page.wait_for_selector(".r-toast >> text=Copied")
        assert page.evaluate("navigator.clipboard.readText()").startswith("rg_1a2b")


class TestCharts:
    def test_the_figures_show_as_a_table_and_can_be_saved(self, visit):
        page = visit()
        draw_charts(page)
        page.click("#chart-revenue [data-chart-table]")
        playwright.expect(page.locator("#chart-revenue-table td").first).to_contain_text(re.compile("^€1,"))
        playwright.expect(page.locator("#chart-revenue [data-chart]")).to_be_hidden()
        page.click("#chart-revenue [data-chart-table]")
        page.click("#chart-revenue [aria-label=Download]")
        with page.expect_download() as saved:
            page.click("#chart-revenue [data-chart-csv]")
        lines = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert lines[0] == "Week,This year,Last year" and len(lines) == 27 and lines[1].endswith(",1800.00,1404.00")
        page.click("#chart-revenue [aria-label=Download]")
        with page.expect_download() as saved:
            page.click("#chart-revenue [data-chart-png]")
        assert saved.value.path().read_bytes().startswith(b"\x89PNG")

    def test_pointing_at_a_chart_tells_its_figures(self, visit):
        page = visit()
        draw_charts(page)
        page.hover("#chart-revenue canvas")
        tip = page.locator("#chart-revenue .r-tip")
        playwright.expect(tip).to_contain_text("Last year")
        playwright.expect(tip).to_contain_text(re.compile("€[0-9],[0-9]{3}"))

    def test_a_chart_without_figures_explains_itself(self, visit):
        page = visit()
        playwright.expect(
            page.locator("#chart-empty >> text=Reviews appear with the first answered survey.")
        ).to_be_visible()


class TestWork:
    def test_progress_goes_on_by_itself_and_ends(self, visit):
        page = visit("/work?done=4300")
        page.wait_for_selector("#work.is-done")
        playwright.expect(page.locator("#work >> text=5,000 orders taken over")).to_be_visible()
        playwright.expect(page.locator("#work >> text=Undo")).to_be_visible()


class TestPolicy:
    def test_markup_from_data_cannot_make_requests(self, visit):
        page = visit()
        left = page.evaluate("""() => {
            const box = document.createElement("p");
            box.innerHTML = '<a id="evil" hx-get="/_gallery/list" href="#">x</a>';
            document.querySelector("main").prepend(box);
            window.console.error = () => {};
            htmx.process(box);
            return box.innerHTML;
        }""")
        assert left == '<a id="evil" href="#">x</a>'
