"""Signing in as people do it: a code from an app, a passkey of the device, the company's own sign-in, and confirming once more."""

import re
import secrets
import time
import urllib.parse

import pyotp
import pytest
from playwright.sync_api import expect

from sandbox.identity.provider import Person, Provider
from tests.browser import eye, shopfront

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


@pytest.fixture
def company(product):
    """A company of this test's own: who signs in to it."""
    email = f"owner-{secrets.token_hex(4)}@sign-in.example"
    product.found(company="Lamp & Light", email=email, password=PASSWORD)
    return email


@pytest.fixture
def sit_down(product):
    """Somebody at a browser of their own; its console must have nothing to complain of."""
    with shopfront.chromium() as browser:
        contexts, complaints = [], []

        def open_page(base_url):
            context = browser.new_context(base_url=base_url, locale="en-GB", viewport=eye.WIDE)
            context.set_default_timeout(30_000)
            contexts.append(context)
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
            page.on("console", lambda said: said.type == "error" and "status of 401" not in said.text
                    and complaints.append(f"{page.url}: {said.text}"))  # fmt: skip
            return page

        yield open_page
        for context in contexts:
            context.close()
        assert complaints == []


def named_address(product):
    """The product's address by its name, which passkeys want; on one's own machine that is localhost."""
    return product.urls["web"].replace("127.0.0.1", "localhost")


def sign_in(page, email):
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page):
    page.goto("/account")
    page.get_by_role("button", name=re.compile("^Me:")).click()
    page.get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    eye.ready(page)


def later_code(secret, before=None):
    """A code that was not used yet; waits for the next one if need be."""
    clock = pyotp.TOTP(secret)
    while (code := clock.now()) == before:
        time.sleep(0.5)
    return code


def device(page):
    """Give the browser a device that makes passkeys and verifies its person without asking."""
    tool = page.context.new_cdp_session(page)
    tool.send("WebAuthn.enable")
    made = tool.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }})  # fmt: skip
    return tool, made["authenticatorId"]


def test_codes_from_an_app_are_set_up_and_asked_for(product, company, sit_down):
    page = sit_down(product.urls["web"])
    sign_in(page, company)
    page.goto("/account")
    page.locator("#second-factor").get_by_role("link", name="Set up").click()
    page.get_by_role("button", name="Set up an app").click()
    expect(page.get_by_role("img", name="QR code for your authenticator app").locator("svg")).to_be_visible()
    secret = re.search(r"[A-Z2-7]{32}", page.content())[0]
    used = later_code(secret)
    page.get_by_label("Code", exact=True).fill(used)
    page.get_by_role("button", name="Turn codes on").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    recovery = page.locator("#codes code").all_inner_texts()
    assert len(recovery) == 10
    judge(page)
    sign_out(page)
    sign_in(page, company)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    judge(page)
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("That code does not fit.")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(later_code(secret, used))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("navigation", name="Rooms").first).to_be_visible()
    sign_out(page)
    sign_in(page, company)
    page.get_by_text("I have lost my device").click()
    page.get_by_label("Recovery code").fill(recovery[0])
    page.get_by_role("button", name="Sign in with a recovery code").click()
    expect(page.get_by_text("You have 9 left")).to_be_visible()


def test_a_passkey_is_made_opens_without_a_password_and_confirms(product, company, sit_down):
    page = sit_down(named_address(product))
    tool, authenticator = device(page)
    sign_in(page, company)
    page.goto("/account/second-factor")
    eye.ready(page)
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.goto("/account/second-factor")
    expect(page.get_by_text("Laptop").first).to_be_visible()
    judge(page)
    kept = tool.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
    assert len(kept) == 1 and kept[0]["isResidentCredential"] and kept[0]["rpId"] == "localhost"
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("navigation", name="Rooms").first).to_be_visible()
    page.goto("/confirm?again=1&next=/settings/keys")
    eye.ready(page).get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Make a key")).to_be_visible()
    sign_out(page)
    tool.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("No passkey came.")).to_be_visible()
    assert "/sign-in" in page.url


def test_a_number_as_address_says_where_passkeys_work(product, company, sit_down):
    page = sit_down(product.urls["web"])
    page.goto("/sign-in")
    eye.ready(page).get_by_role("button", name="Sign in with a passkey").click()
    expect(
        page.get_by_text(f"Passkeys work when you open Regulars at this address: {named_address(product)}")
    ).to_be_visible()


def test_people_come_in_through_their_company(product, company, sit_down):
    domain = f"{secrets.token_hex(4)}.example"
    provider = Provider([Person("one", f"ada@{domain}", "Ada Lovelace")], redirect_prefix=product.urls["web"]).start()
    try:
        owner = sit_down(product.urls["web"])
        sign_in(owner, company)
        owner.goto("/settings/sso")
        owner.get_by_label("Issuer").fill(provider.issuer)
        owner.get_by_label("Client id").fill(provider.client_id)
        owner.get_by_label("Client secret").fill(provider.client_secret)
        owner.get_by_label("Who comes for the first time").select_option("sales")
        owner.locator("#provider").get_by_role("button", name="Save").click()
        owner.get_by_role("button", name="Test the connection").click()
        expect(owner.get_by_text("The provider answers")).to_be_visible()
        judge(owner)
        owner.get_by_label("Domain", exact=True).fill(domain)
        owner.get_by_role("button", name="Add the domain").click()
        prove(product, domain)
        owner.get_by_role("button", name="Try signing in").click()
        owner.get_by_role("link", name=f"ada@{domain}").click()
        expect(owner.get_by_role("heading", name="The sign-in works")).to_be_visible()
        expect(owner.get_by_text(f"People with addresses at {domain} can come in.")).to_be_visible()
        owner.get_by_role("link", name="Back to the settings").click()
        judge(owner)
        owner.get_by_label("People may come in this way").check()
        owner.locator("#switch").get_by_role("button", name="Save").click()
        expect(owner.get_by_text("Saved.")).to_be_visible()
        ada = sit_down(product.urls["web"])
        ada.goto("/sign-in")
        ada.get_by_role("link", name="Sign in through your company").click()
        ada.get_by_label("Email").fill(f"ada@{domain}")
        ada.get_by_role("button", name="Go on").click()
        ada.get_by_role("link", name=f"ada@{domain}").click()
        expect(ada.get_by_role("navigation", name="Rooms").first).to_be_visible()
        owner.goto("/settings/sign-in")
        expect(owner.get_by_text("Ada Lovelace")).to_be_visible()
        judge(owner)
        ada.goto("/account")
        expect(ada.get_by_text("You have no password here")).to_be_visible()
    finally:
        provider.stop()


def prove(product, domain):
    """Say that DNS has the entry; there is no DNS for domains that nobody owns."""
    import psycopg

    with psycopg.connect(product.told["DATABASE_ADMIN_URL"], autocommit=True) as ledger:
        row = ledger.execute(
            "UPDATE sso_domains SET proven_at = now(), proven_by = 'dns' WHERE domain = %s RETURNING tenant_id, id",
            [domain],
        ).fetchone()
        import hashlib

        digest = hashlib.sha256(domain.encode()).hexdigest()
        ledger.execute(
            "INSERT INTO key_directory (kind, digest, tenant_id, subject_id) VALUES ('sso_domain', %s, %s, %s)",
            [digest, *row],
        )


def test_what_was_typed_is_there_after_confirming(product, company, sit_down):
    import psycopg

    page = sit_down(product.urls["web"])
    sign_in(page, company)
    page.goto("/settings/keys")
    with psycopg.connect(product.told["DATABASE_ADMIN_URL"], autocommit=True) as ledger:
        ledger.execute("UPDATE login_sessions SET confirmed_at = now() - interval '11 minutes' WHERE login_id = "
                       "(SELECT id FROM logins WHERE email_norm = %s)", [company])  # fmt: skip
    page.get_by_label("What is it for?").fill("Till & stock")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    judge(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Do it now").click()
    expect(page.get_by_role("heading", name="Your new key “Till & stock”")).to_be_visible()
    assert urllib.parse.urlsplit(page.url).path == "/settings/keys"


def judge(page):
    """Keep a picture of the page and have axe-core look at it, through the debugging protocol, which its policy does not bind."""
    eye.keep_picture(page, "sign-in-" + re.sub(r"\W+", "-", page.locator("h1").first.inner_text().lower()))
    page.evaluate(shopfront.AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []


def test_support_comes_in_only_when_let_in(product, company, sit_down):
    staff = f"staff-{secrets.token_hex(4)}@sign-in.example"
    product.found(company="The platform", email=staff, password=PASSWORD)
    product.command("saas", "staff", "add", staff)
    helper, owner = sit_down(named_address(product)), sit_down(product.urls["web"])
    device(helper)
    sign_in(helper, staff)
    helper.goto("/account/second-factor")
    eye.ready(helper).get_by_role("button", name="Make a passkey").click()
    expect(helper.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    helper.goto("/support")
    expect(helper.get_by_text("Lamp & Light")).to_have_count(0)
    sign_in(owner, company)
    owner.goto("/settings/support")
    owner.get_by_label("one hour").check()
    owner.get_by_label("What is it about?").fill("The till is silent")
    judge(owner)
    owner.get_by_role("button", name="Let support in").click()
    expect(owner.get_by_text("Regulars support may come in until")).to_be_visible()
    helper.reload()
    judge(helper)
    helper.get_by_role("button", name=re.compile("^Go in to Lamp")).first.click()
    expect(helper.get_by_text("is here until")).to_be_visible()
    helper.goto("/customers")
    judge(helper)
    owner.goto("/settings/support")
    expect(owner.get_by_text(staff)).to_be_visible()
    judge(owner)
    owner.get_by_role("button", name="Turn support out now").click()
    expect(owner.get_by_text("Support is out")).to_be_visible()
    helper.goto("/customers")
    expect(helper.get_by_role("heading", name="Your companies")).to_be_visible()
