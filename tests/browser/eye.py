"""Looking at a page as a critical person would: what the console says, what does not fit, what is in the wrong language."""

import os
import pathlib
import re
import statistics

from playwright.sync_api import TimeoutError

from tests.browser.shopfront import AXE

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LANGUAGES = {"en": "en-GB", "zh_Hans": "zh-CN"}
LATIN = re.compile(r"[A-Za-z]{2,}(?:[ ,'’-]+[A-Za-z]{2,}){2,}")
# What carries no words of our own: names of people, products and shops, code, what was typed.
SAID_BY_US = "h2, h3, legend, label, th, dt, button, summary, .r-side a, .r-bottom a, .btn, .form-hint, .invalid-feedback, .nav-link, .dropdown-item, .alert, .empty"
TEXTS = """(marks) => {
  const texts = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement, text = node.data.replace(/\\s+/g, " ").trim();
    if (!text || !parent.checkVisibility() || parent.closest("script, style, code, pre, textarea, [translate=no], [lang=en]")) continue;
    texts.add(JSON.stringify([text, !!parent.closest(marks)]));
  }
  return [...texts].map((one) => JSON.parse(one));
}"""


class Eye:
    """One browser tab that is looked at: `complaints` gathers what nobody may see, by what was being looked at."""

    def __init__(self, context, *, known=frozenset()):
        self.page = context.new_page()
        self.complaints, self.looking_at, self.expected = {}, "", (200,)
        self.sentences = known
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complain(f"script failed: {error}"))
        self.page.on("requestfailed", self._failed)

    def said(self):
        """This function will return all complaints as lines, page by page."""
        return [f"{place}: {text}" for place, texts in self.complaints.items() for text in texts]

    def complain(self, text):
        self.complaints.setdefault(self.looking_at, [])
        if text not in self.complaints[self.looking_at]:
            self.complaints[self.looking_at].append(text)

    def _console(self, message):
        expected = any(f"status of {status}" in message.text for status in self.expected)
        for_a_part = message.location.get("url", "").endswith(
            "/favicon.ico"
        )  # a part of a page names no icon of its own
        if message.type in ("error", "warning") and not expected and not for_a_part:
            self.complain(f"console: {message.text[:300]}")

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # a page that is left takes its requests with it
            self.complain(f"not loaded: {request.url} ({request.failure})")

    def open(self, url, *, expected=(200,)):
        """This function will open a page and return whether it is a whole one of ours, ready to be looked at."""
        self.expected = expected
        answer = self.page.goto(url)
        if answer.status not in expected:
            self.complain(f"answered {answer.status}")
        if (
            not answer.headers.get("content-type", "").startswith("text/html")
            or not self.page.locator("html[data-theme-choice]").count()
        ):
            return False
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return True

    def look(self, name, *, size, look):
        """This function will look at the open page in a size and a look, and keep a picture of it where those are wanted."""
        self.page.set_viewport_size(size)
        self.page.emulate_media(color_scheme=look)
        self.wait_for(
            f"document.documentElement.dataset.bsTheme === '{look}'", f"{size['width']}: does not become {look}"
        )
        self.draw_charts()
        if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            self.complain(f"{size['width']} {look}: scrolls sideways: {self.page.evaluate(WIDEST)}")
        self.page.evaluate(SETTLE)  # a picture taken while colours still change shows what nobody sees
        keep_picture(self.page, f"{name}-{size['width']}-{look}")

    def wait_for(self, script, otherwise):
        """This function will wait a moment until something holds on the page, or complain."""
        try:
            self.page.wait_for_function(f"() => {script}", timeout=30_000)
        except TimeoutError:
            self.complain(otherwise)

    def draw_charts(self):
        for box in self.page.query_selector_all("[data-chart]:not([data-drawn])"):
            box.scroll_into_view_if_needed()
            self.page.wait_for_function("(box) => 'drawn' in box.dataset || !box.checkVisibility()", arg=box)
        self.page.evaluate("scrollTo(0, 0)")

    def judge(self):
        """This function will let axe-core judge the open page, through the debugging protocol, which its policy does not bind.

        It is not in the frames of previews, which have an origin of their own, so it asks nothing of them.
        """
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        self.page.evaluate(SETTLE)
        found = self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations'], iframes: false}).then((result) => result.violations)"
        )
        for rule in found:
            for node in rule["nodes"][:3]:
                self.complain(f"axe {rule['id']}: {node['target']}: {node['failureSummary'][:300]}")

    def read_chinese(self):
        """This function will complain about English left on a Chinese page."""
        if self.page.get_attribute("html", "lang") != "zh-Hans":
            self.complain("is not in Chinese")
        for text, ours in self.page.evaluate(TEXTS, SAID_BY_US):
            untranslated = text in self.sentences and (ours or " " in text)
            foreign = ours and LATIN.search(text) and not re.search("[\u4e00-\u9fff]", text)
            if untranslated or foreign:
                self.complain(f"not in Chinese: {text[:120]}")


def ready(page):
    """This function will wait until a page that was just opened hears what is pressed: its scripts come after its buttons."""
    page.wait_for_selector("html[data-ready]", state="attached")
    return page


def keep_picture(page, name):
    """This function will keep a picture of the whole page, where REGULARS_PICTURES names a folder: a thousand take minutes."""
    if folder := os.environ.get("REGULARS_PICTURES"):
        page.screenshot(path=pathlib.Path(folder) / f"{name}.png", full_page=True)


WIDEST = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && one.checkVisibility())
  .slice(0, 3).map((one) => one.outerHTML.slice(0, 120))"""
SETTLE = """document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
  .forEach((one) => one.finish())"""
"""Have everything that moves or fades arrive where it is going: nobody has to wait for it, however slow the machine."""


def english_sentences():
    """This function will return the sentences of our own that a Chinese page must not show: those translated differently."""
    from tenant_admin import words

    return {message.id for message in words.merged("zh_Hans")
            if isinstance(message.id, str) and message.id and message.string != message.id and re.search("[a-z]{3}", message.id)}  # fmt: skip


def cost(answers):
    """This function will return the median milliseconds and the most queries that several answers of a page told."""
    told = [
        re.search(r'app;dur=([\d.]+), queries;desc="(\d+)"', answer.headers["server-timing"]).groups()
        for answer in answers
    ]
    return statistics.median(float(spent) for spent, _ in told), max(int(queries) for _, queries in told)
