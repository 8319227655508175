"""A trial of a place for offers as a person plans it: arms and what is different in them come and go, and the winner is taken over."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from saas.catalog import products
from saas.kit import clock, work
from saas.kit.db import db
from saas.recommend import trial_counting
from saas.recommend.trial_models import TrialDay
from tenant_admin import words
from tests.browser import eye, shopfront
from tests.companies import found_company
from tests.rooms.recommend import little_shop

pytestmark = pytest.mark.browser
FIGURES = {"today": (5000, 200), "arm-1": (5000, 330), "arm-2": (5000, 205)}


@pytest.fixture(scope="module")
def place(app):
    """A company with a few products, and the address its pages are at."""
    words.compile_all()
    company = found_company(app)
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        products.upsert_many([little_shop.product(key) for key in ("tea-1", "tea-2", "cup-1")])
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield company, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium():
    with shopfront.chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium, place):
    """A browser signed in as the owner; what fails in its console fails the test."""
    company, address = place
    context = chromium.new_context(base_url=address, viewport=eye.WIDE, locale="en-GB", reduced_motion="reduce")
    token = company.page.get_cookie("regulars_session").value
    context.add_cookies([{"name": "regulars_session", "value": token, "url": address}])
    made, troubles = context.new_page(), []
    made.set_default_timeout(30_000)
    made.on(
        "console", lambda said: said.type == "error" and "status of 422" not in said.text and troubles.append(said.text)
    )
    made.on("pageerror", lambda error: troubles.append(str(error)))
    yield made
    context.close()
    assert troubles == []


def arm(page, number):
    """The part of the form that is about one arm, by its place in the row."""
    return page.locator("#arms fieldset").nth(number - 1)


def ours(page):
    return page.locator("main form.r-form")


def shares(page):
    return [box.input_value() for box in page.get_by_label("People who get it").all()]


def counted(company, trial):
    """What would have been counted of fifty days; there is no waiting for people to buy."""
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        for key, (people, buyers) in FIGURES.items():
            db.session.add(
                TrialDay(
                    trial_id=trial, day=clock.now().date() - timedelta(days=50), arm=key, people=people, buyers=buyers, clickers=0, leavers=0,
                    ended=people, payers=buyers, amount=buyers * 1000, squares=buyers * 1000**2,
                )
            )  # fmt: skip
        db.session.flush()
        trial_counting.count(trial)


def test_three_arms_are_planned_changed_ended_taken_over_and_undone(page, place):
    company, _address = place
    page.goto("/recommendations/trials")
    page.get_by_role("link", name="New trial").first.click()
    page.get_by_label("Name").fill("What sells better on the first page?")
    arm(page, 1).get_by_label("Engine", exact=True).select_option("newest")
    page.get_by_role("button", name="Try one more").click()
    expect(arm(page, 2)).to_be_visible()
    assert shares(page) == ["33", "33"]
    arm(page, 2).get_by_label("Engine", exact=True).select_option("popular")
    arm(page, 2).get_by_label("Also different").select_option("category_cap")
    arm(page, 2).get_by_role("spinbutton", name="Of each category at most").fill("2")
    page.get_by_role("button", name="Try one more").click()
    expect(arm(page, 3)).to_be_visible()
    assert shares(page) == ["25", "25", "25"]
    expect(page.get_by_role("button", name="Try one more")).to_have_count(0)
    arm(page, 3).get_by_label("Also different").select_option("count")
    arm(page, 3).get_by_role("spinbutton", name="How many").fill("99")
    arm(page, 3).get_by_role("button", name="As today: Engine").click()
    expect(arm(page, 3).get_by_label("Engine", exact=True)).to_have_count(0)
    expect(arm(page, 3).get_by_role("spinbutton", name="How many")).to_have_value("99")
    eye.keep_picture(page, "trial-three-arms")
    ours(page).get_by_role("button", name="Save").click()

    expect(arm(page, 3).get_by_text("A number from 1 to 20.")).to_be_visible()
    expect(arm(page, 1).get_by_label("Engine", exact=True)).to_have_value("newest")
    expect(arm(page, 2).get_by_role("spinbutton", name="Of each category at most")).to_have_value("2")
    arm(page, 3).get_by_role("spinbutton", name="How many").fill("3")
    ours(page).get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", name="What sells better on the first page?")).to_be_visible()
    trial = page.url.rpartition("/")[2]
    row = page.get_by_role("table", name="Arms").locator("tbody tr")
    expect(row).to_have_count(4)
    for at, said in enumerate(
        ("As today", "New in the shop", "Popular now, Of each category at most: 2", "How many: 3")
    ):
        expect(row.nth(at)).to_contain_text(said)
        expect(row.nth(at)).to_contain_text("25%")

    page.get_by_role("link", name="Change").click()
    page.get_by_role("button", name="Without this one").nth(2).click()
    expect(arm(page, 3)).to_have_count(0)
    assert shares(page) == ["33", "33"]
    arm(page, 2).get_by_label("What you call it").fill("Popular, two of a kind")
    ours(page).get_by_role("button", name="Save").click()
    expect(row).to_have_count(3)
    expect(row.nth(2)).to_contain_text("Popular, two of a kind")
    expect(row.nth(0)).to_contain_text("34%")

    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Nobody has met the trial yet.")).to_be_visible()
    counted(company, trial)
    page.reload()
    expect(page.get_by_text("“New in the shop” wins: 70.0% more people buy")).to_be_visible()
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.get_by_text("The trial has ended. Its figures stay.")).to_be_visible()

    page.get_by_role("button", name="Show “New in the shop” to everybody").click()
    expect(page.get_by_text("Taken over: everybody gets “New in the shop”.")).to_be_visible()
    assert engine_at_home(company) == "newest"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Show “New in the shop” to everybody")).to_be_visible()
    expect(page.get_by_text("Taken over: everybody gets")).to_have_count(0)
    assert engine_at_home(company) == "automatic"


def engine_at_home(company):
    return company.api("GET", "/recommendations/slots/home").json["engine"]
