"""Walks every page there is with a small demo company: both languages, wide and phone, light and dark.

What fails it: anything on the console, a breach of the content policy, English on a Chinese page, what axe-core objects to,
a page that scrolls sideways, that takes over 200 ms on the server, or more than 12 queries. The pictures stay in
var/pictures for looking at.
"""

import os
import re
import secrets
import urllib.parse

import pytest

from tests.browser import eye, places, running, shopfront

pytestmark = pytest.mark.browser

AXE_JUDGES = {("en", 1280, "light"), ("zh_Hans", 390, "dark")}
ELSEWHERE = {"plan-come_back", "plan_changes-show"}  # after a payment: test_loop and test_paying
RULE = {"kind": "boost", "category": "Mugs", "percent": 150}
MILLISECONDS, QUERIES, ASKED = 200, 12, 5


@pytest.fixture(scope="module")
def browser():
    with shopfront.chromium() as started:
        yield started


def sign_in(context, product, known):
    """Sign in as a person does; the context keeps the cookie."""
    page = context.new_page()
    page.goto(product.urls["web"] + "/sign-in")
    page.fill("[name=email]", known["email"])
    page.fill("[name=password]", known["password"])
    page.press("[name=password]", "Enter")
    page.wait_for_url(product.urls["web"] + "/")
    page.close()


@pytest.fixture(scope="module")
def links(browser, product, demo):
    """Addresses that only a mail knows: a new password, an invitation, a confirmation."""
    new, invited = f"wanda-{secrets.token_hex(3)}@walk.example", f"invited-{secrets.token_hex(3)}@walk.example"
    context = browser.new_context(base_url=product.urls["web"])
    page = context.new_page()
    page.goto("/forgot")
    page.fill("[name=email]", demo["email"])
    page.press("[name=email]", "Enter")
    page.wait_for_url("**/look-into-your-mailbox")
    page.goto("/sign-up")
    for name, text in {
        "company": "Walkers",
        "name": "Wanda Walker",
        "email": new,
        "password": "wandering about",
    }.items():
        page.fill(f"[name={name}]", text)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/sign-up" not in url)
    context.close()
    context = browser.new_context(base_url=product.urls["web"])
    sign_in(context, product, demo)
    page = context.new_page()
    page.goto("/settings/members")
    page.fill("[name=email]", invited)
    page.press("[name=email]", "Enter")
    page.wait_for_load_state()
    context.close()
    letters = {"signing.reset": demo["email"], "signing.verify": new, "signing.accept": invited}
    return {endpoint: _link(product.mail(to)["text"]) for endpoint, to in letters.items()}


def _link(text):
    return urllib.parse.urlsplit(re.search(r"https?://\S+/(reset|verify|invitations)/\S+", text).group()).path


@pytest.fixture(scope="module")
def furnished(product, demo):
    """The demo company with one more of what its past does not bring: a segment, a rule, a delivery that failed."""
    segment = {
        "name": f"Come often {secrets.token_hex(2)}",
        "definition": {"match": "all", "conditions": [{"field": "orders_count", "operator": "at_least", "value": 2}]},
    }
    address = product.urls["web"] + "/api/v1"
    running.read_json(f"{address}/segments", key=demo["api_key"], data=segment)
    running.read_json(f"{address}/recommendations/rules", key=demo["api_key"], data=RULE)
    design = {
        "name": f"A plain letter {secrets.token_hex(2)}",
        "subject": "News",
        "source": "<p>Hello {{ customer.first_name }}</p>",
    }
    running.read_json(f"{address}/templates", key=demo["api_key"], data=design)
    hook = {**demo, "hook_url": product.urls["web"] + urllib.parse.urlsplit(demo["hook_url"]).path}
    running.deliver(hook, {"type": "order.updated", "data": {"external_id": "no-money"}})
    product.settle()
    return places.tenant_of(product, demo["email"])


@pytest.fixture(scope="module")
def pages(product, furnished, links):
    """[name, address, for a member] of every page; what has no example is in other tests."""
    found, without = [], []
    sent = places.sent_campaign(product, furnished)
    for endpoint, rule, kind in places.there_are(product):
        known = dict.fromkeys(("token", "code", "ticket"), "not-a-token") | ({"campaign_id": sent} if endpoint == "campaigns.recipients" else {})
        address = links.get(endpoint) or places.example(product, rule, tenant_id=furnished, known=known)
        (without if address is None else found).append((endpoint.replace(".", "-"), address, kind != "anyone"))
    found.append(("campaigns-report", f"/campaigns/{sent}", True))
    assert {name for name, _, _ in without} <= ELSEWHERE
    return found


@pytest.mark.parametrize("size", [eye.WIDE, eye.PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("language", list(eye.LANGUAGES))
def test_nobody_has_anything_to_say_about_any_page(browser, product, demo, pages, language, size):
    complaints = []
    for member in (True, False):
        options = {
            "base_url": product.urls["web"],
            "viewport": size,
            "locale": eye.LANGUAGES[language],
            "color_scheme": "light",
        }
        context = browser.new_context(**options)
        if member:
            sign_in(context, product, demo)
            context.request.get(f"/?lang={language}")
        looking = eye.Eye(context, known=eye.english_sentences())
        for name, address, for_member in pages:
            if for_member == member:
                looking.looking_at = address
                walk_to(looking, name, address, language=language, size=size)
        complaints += looking.said()
        context.close()
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


def walk_to(looking, name, address, *, language, size):
    """Look at one page, in both looks without loading it anew, as when somebody's screen turns dark in the evening."""
    if not looking.open(address, expected=(404, 410) if "not-a-token" in address else (200,)):
        return
    for look in ("light", "dark"):
        looking.look(f"{name}-{language}", size=size, look=look)
        if (language, size["width"], look) in AXE_JUDGES:
            looking.judge()
    if language == "zh_Hans":
        looking.read_chinese()


def test_no_page_takes_long_or_asks_much(browser, product, demo, pages):
    """Each is asked several times and the median counts; a machine that is busy with other things gets as much more time."""
    patience = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    context = browser.new_context(base_url=product.urls["web"])
    sign_in(context, product, demo)
    slow = {}
    for name, address, _for_member in pages:
        answers = [context.request.get(address, max_redirects=0) for _ in range(ASKED)]
        spent, queries = eye.cost(answers)
        if spent > MILLISECONDS * patience or queries > QUERIES:
            slow[name] = f"{spent:.0f} ms, {queries} queries"
    context.close()
    assert slow == {}, f"limits {MILLISECONDS} ms x {patience:.1f}, {QUERIES} queries"


def test_every_sentence_has_its_chinese():
    from tenant_admin import words

    assert words.missing("zh_Hans") == []
