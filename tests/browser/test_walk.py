"""Walks every page there is with a small demo company: both languages, wide and phone, light and dark.

What fails it: anything on the console, a breach of the content policy, English on a Chinese page, what axe-core objects to,
a page that scrolls sideways, that takes over 200 ms on the server, or more than 12 queries. REGULARS_PICTURES names a folder
for the pictures, for looking at.
"""

import re
import secrets
import urllib.parse

import pytest

from tests.browser import eye, furnishing, places, running, shopfront
from tests.failures.copies import busy, until

pytestmark = pytest.mark.browser

AXE_JUDGES = {("en", 1280, "light"), ("zh_Hans", 390, "dark")}
ELSEWHERE = {"plan-come_back", "plan_changes-show"}  # after a payment: test_loop and test_paying
LETTERS = {"signing.reset": "reset", "signing.verify": "verify", "signing.accept": "invitations"}
WHO = {"person": "member"}
FURTHER = {
    "confirming-again": "/confirm?again=1&next=/settings/keys",
    "customers-filtered": "/customers?where=orders_count.at_least.2&where=city.is.Oslo",
    "customers-nobody": "/customers?q=nobody-is-called-that",
    "duplicates-skipped": "/customers/duplicates?state=skipped",
    "duplicates-different": "/customers/duplicates?state=different",
    "exports-orders": "/exports/new?what=orders",
    "exports-products": "/exports/new?what=products",
    "history-person": "/history?who=member",
    "imports-orders": "/imports/new?kind=order",
    "imports-products": "/imports/new?kind=product",
    "own_fields-products": "/settings/fields?kind=product",
    "own_fields-formula": "/settings/fields?type=formula",
}
MILLISECONDS, QUERIES, ASKED = 200, 12, 5


@pytest.fixture(scope="module")
def browser():
    with shopfront.chromium() as started:
        yield started


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
    furnishing.sign_in(context, product, demo)
    page = context.new_page()
    page.goto("/settings/members")
    page.fill("[name=email]", invited)
    page.press("[name=email]", "Enter")
    page.wait_for_load_state()
    context.close()
    letters = {"signing.reset": demo["email"], "signing.verify": new, "signing.accept": invited}
    return {endpoint: _link(product, to, endpoint) for endpoint, to in letters.items()}


def _link(product, to, endpoint):
    """The address in the letter that has one; others, such as that of a new browser, may have come since."""
    link = re.compile(rf"https?://\S+/{LETTERS[endpoint]}/\S+")
    found = []

    def came():
        letters = (
            running.read_json(f"{product.urls['mailbox']}/api/messages/{one['id']}") for one in product.mails(to)
        )
        found.extend(match.group() for letter in letters if (match := link.search(letter["text"])))
        return found

    until(came)
    return urllib.parse.urlsplit(found[0]).path


@pytest.fixture(scope="module")
def furnished(browser, product, demo):
    """The demo company after a busy week; returns its number."""
    context = browser.new_context(base_url=product.urls["web"])
    furnishing.sign_in(context, product, demo)
    furnishing.begin_payments(product, context)
    context.close()
    people = furnishing.by_program(product, demo)
    furnishing.by_visitors(product, demo)
    context = browser.new_context(base_url=product.urls["web"])
    furnishing.sign_in(context, product, demo)
    furnishing.by_owner(product, demo, context, people)
    context.close()
    context = browser.new_context(base_url=product.urls["web"], locale="en-GB")
    furnishing.by_shopper(product, demo, context)
    context.close()
    return places.tenant_of(product, demo["email"])


@pytest.fixture(scope="module")
def pages(product, furnished, links):
    """[name, address, who looks] of every page; what has no example is in other tests."""
    found, without = [], []
    sent = places.sent_campaign(product, furnished)
    for endpoint, rule, kind in places.there_are(product):
        known = dict.fromkeys(("token", "code", "ticket"), "not-a-token") | {
            "tenant_id": furnished,
            "kind": "customer",
            "name": "city",
        }
        if endpoint == "campaigns.recipients":
            known["campaign_id"] = sent
        if endpoint == "guides.show":
            known["name"] = "connect-generic"
        address = links.get(endpoint) or places.example(product, rule, tenant_id=furnished, known=known)
        (without if address is None else found).append((endpoint.replace(".", "-"), address, WHO.get(kind, kind)))
    found.append(("campaigns-report", f"/campaigns/{sent}", "member"))
    found += [(name, address, "member") for name, address in [*FURTHER.items(), *places.variants(product, furnished)]]
    assert {name for name, _, _ in without} <= ELSEWHERE
    return found


@pytest.fixture(scope="module")
def staff(browser, product):
    """What the browser of one of the platform's staff keeps."""
    context = browser.new_context(base_url=product.urls["web"])
    furnishing.staff(context, product)
    kept = context.storage_state()
    context.close()
    return kept


@pytest.mark.parametrize("size", [eye.WIDE, eye.PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("language", list(eye.LANGUAGES))
def test_nobody_has_anything_to_say_about_any_page(browser, product, demo, pages, staff, language, size):
    complaints = []
    for who in ("member", "anyone", "staff"):
        options = {
            "base_url": product.urls["web"],
            "viewport": size,
            "locale": eye.LANGUAGES[language],
            "color_scheme": "light",
        }
        context = browser.new_context(**options, storage_state=staff if who == "staff" else None)
        if who == "member":
            furnishing.sign_in(context, product, demo)
        if who != "anyone":
            context.request.get(f"/?lang={language}")
        looking = eye.Eye(context, known=eye.english_sentences())
        for name, address, looks in pages:
            if looks == who:
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


def test_no_page_takes_long_or_asks_much(browser, product, demo, pages, staff):
    """What is above the limits is asked several times and the median counts; a busy machine gets as much more time."""
    patience = busy()
    context, above = (
        browser.new_context(base_url=product.urls["web"]),
        browser.new_context(base_url=product.urls["web"], storage_state=staff),
    )
    furnishing.sign_in(context, product, demo)
    slow = {}
    for name, address, who in pages:
        ask = (above if who == "staff" else context).request
        answers = [ask.get(address, max_redirects=0)]
        if above_limits(answers, patience):
            answers += [ask.get(address, max_redirects=0) for _ in range(ASKED - 1)]
        if above_limits(answers, patience):
            slow[name] = "{:.0f} ms, {} queries".format(*eye.cost(answers))
    context.close()
    above.close()
    assert slow == {}, f"limits {MILLISECONDS} ms x {patience:.1f}, {QUERIES} queries"


def above_limits(answers, patience):
    spent, queries = eye.cost(answers)
    return spent > MILLISECONDS * patience or queries > QUERIES


def test_every_sentence_has_its_chinese():
    from tenant_admin import words

    assert words.missing("zh_Hans") == []
