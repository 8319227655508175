"""Trials of offers in mails: each customer's letter has one arm, at sending and at every opening, and what they do counts for it."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from saas.commerce import orders, shops
from saas.customers import identity
from saas.kit import clock, work
from saas.kit.db import db
from saas.marketing import open_offers
from saas.marketing.models import MailingRecipient
from saas.recommend import shelf, shown, stock, trial_counting, trials
from saas.recommend.models import OfferShown
from saas.recommend.trial_models import TrialPerson
from tests.doors.test_links import APPLE, PERSON
from tests.doors.test_mail_offers import SCANNER, Sent
from tests.mailboxes import part
from tests.rooms.marketing.conftest import mail_server, mailbox  # noqa: F401 - fixtures
from tests.rooms.recommend import little_shop
from tests.rooms.recommend.test_funnel import cart

NEWEST = {"name": "Newest", "share": 50, "settings": {"engine": "newest", "count": 2}}
TODAY, NOTHING = {"name": "", "share": 50}, {"name": "", "share": 50, "kind": "nothing"}
BODY = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {% for offer in offers %}{% else %}nothing for you{% endfor %}</mj-text>"
    "{% offers limit: 3 %}</mj-column></mj-section></mj-body></mjml>"
)


@pytest.fixture(autouse=True)
def empty_memory():
    shelf.forget()
    stock.forget()


class Tried(Sent):
    """A letter to somebody whose arm a test may choose, written while a trial runs in mails."""

    def __init__(self, app, company, box, drain) -> None:
        little_shop.fill(company, visits=0, baskets=2)
        with work.unit(tenant_id=company.tenant_id):
            shops.connect(kind="generic", name="Shop", url="https://shop.example")
        drain(company)
        super().__init__(app, company, box, drain)
        self.box = box
        self.pixel = self._pixel()

    def _pixel(self) -> str:
        return re.search(r'src="http://[^/"]+(/m/o/[^"]+)"', self.html)[1]

    def begin(self, *others, **fields) -> UUID:
        with self.unit():
            plan = {"name": "In mails", "slot": "mail", "arms": [TODAY, *others], "days": 2, "goal": "clicks", **fields}
            trial_id = trials.create(**plan).id
            trials.start(trial_id)
        shelf.forget()
        return trial_id

    def stop(self, trial_id) -> None:
        with self.unit():
            trials.stop(trial_id)
        shelf.forget()

    def write(self, monkeypatch, arm: int) -> str:
        """Send another letter to a customer whose arm is so; returns its HTML."""
        monkeypatch.setattr("saas.recommend.trial_parts.arm_of", lambda *_asked: arm)
        self.mailing_id = self.sender.send(source=BODY, segment_id=self.segment_id)
        monkeypatch.undo()
        self.age(minutes=10)
        self.html = part(self.box.mail("ann@"), "html")
        self.pictures = re.findall(r'src="http://[^/"]+(/m/i/[^"?]+)', self.html)
        self.clicks = list(dict.fromkeys(re.findall(r'href="http://[^/"]+(/m/c/[^"]+)"', self.html)))
        self.pixel = self._pixel()
        return self.html

    def open(self, browser=PERSON) -> None:
        assert self.client.get(self.pixel, headers=browser).status_code == 200

    def people(self) -> list[tuple[UUID | None, str]]:
        shown.write_pending()
        with self.unit():
            return [tuple(row) for row in db.session.execute(select(TrialPerson.customer_id, TrialPerson.arm))]

    def figures(self, trial_id, arm: str):
        with clock.travel(to=clock.now() + timedelta(minutes=5)), self.unit():
            trial_counting.count(trial_id)
            [day] = [one for one in trial_counting.days(trial_id) if one.arm == arm]
            return day.people, day.clickers, day.buyers


@pytest.fixture
def tried(company, context, drain, mailbox, app):  # noqa: F811
    return Tried(app, company, mailbox, drain)


class TestTheArm:
    def test_a_letter_is_written_with_its_arm_and_every_opening_shows_it(self, tried, monkeypatch):
        trial_id = tried.begin(NEWEST)
        tried.write(monkeypatch, 1)
        assert len(tried.pictures) == 2 and tried.row().offer_part == [str(trial_id), "arm-1", str(tried.customer_id)]
        for minutes in (0, 20):
            tried.age(minutes=minutes)
            tried.look()
        rows = tried.kept()
        assert len(rows) == 4
        assert {(row.trial_id, row.arm, row.algorithm) for row in rows} == {(trial_id, "arm-1", "newest")}
        assert tried.people() == [(tried.customer_id, "arm-1")]

    def test_the_arm_at_sending_is_the_customer_s_own(self, tried, monkeypatch):
        trial_id = tried.begin(NEWEST)
        tried.sender.send(source=BODY, segment_id=tried.segment_id)
        with tried.unit():
            [mine] = [one for one in db.session.scalars(select(MailingRecipient)) if one.offer_part]
            assert tuple(mine.offer_part) == open_offers.parts([tried.customer_id])[tried.customer_id].met
            assert mine.offer_part[0] == str(trial_id)

    def test_without_a_trial_a_letter_remembers_none(self, tried):
        assert tried.row().offer_part is None

    def test_after_the_trial_ended_an_opening_shows_what_everybody_gets_and_counts_for_nobody(self, tried, monkeypatch):
        trial_id = tried.begin(NEWEST)
        tried.write(monkeypatch, 1)
        tried.stop(trial_id)
        tried.open()
        tried.look()
        assert {(row.trial_id, row.arm) for row in tried.kept()} == {(None, "")}
        assert tried.people() == []

    def test_a_letter_from_before_the_trial_joins_it_when_it_is_opened(self, tried):
        trial_id = tried.begin(NEWEST)
        tried.look()
        arm = tried.row().offer_part[1]
        assert {(row.trial_id, row.arm) for row in tried.kept()} == {(trial_id, arm)}
        assert tried.people() == [(tried.customer_id, arm)]

    def test_a_letter_from_before_is_left_out_where_some_are_shown_nothing(self, tried):
        tried.begin(NOTHING)
        tried.look()
        tried.open()
        rows = tried.kept()
        assert len(rows) == 3 and {row.trial_id for row in rows} == {None}
        assert tried.people() == []

    def test_both_mixed_in_one_row_keeps_whose_each_offer_is(self, tried, monkeypatch):
        trial_id = tried.begin({**NEWEST, "settings": {"engine": "newest"}}, mode="interleaved")
        tried.write(monkeypatch, 0)
        tried.look()
        rows = tried.kept()
        assert {row.arm for row in rows} == {"today", "arm-1"} and {row.trial_id for row in rows} == {trial_id}


class TestWhoIsShownNothing:
    def test_their_letter_has_what_it_says_without_offers_and_they_are_counted_when_it_is_opened(
        self, tried, monkeypatch
    ):
        trial_id = tried.begin(NOTHING)
        html = tried.write(monkeypatch, 1)
        assert "nothing for you" in html and not tried.pictures and tried.row().offers is None
        tried.open()
        tried.open()
        assert tried.people() == [(tried.customer_id, "arm-1")]
        assert tried.figures(trial_id, "arm-1") == (1, 0, 0)

    def test_what_they_buy_counts_for_their_arm(self, tried, monkeypatch):
        trial_id = tried.begin(NOTHING)
        tried.write(monkeypatch, 1)
        tried.open()
        tried.people()
        with tried.unit():
            bought = little_shop.order(901, ["tea-1"], days_ago=-0.0005, customer=None)
            orders.record_many([bought | {"customer": {"email": "ann@mail.example"}}])
        assert tried.figures(trial_id, "arm-1") == (1, 0, 1)


class TestWhatCounts:
    def test_a_click_counts_for_the_arm_of_the_letter(self, tried, monkeypatch):
        trial_id = tried.begin(NEWEST)
        tried.write(monkeypatch, 1)
        tried.look()
        tried.click(0)
        tried.kept()
        assert tried.figures(trial_id, "arm-1") == (1, 1, 0)

    def test_votes_of_letters_count_where_both_are_mixed(self, tried, monkeypatch):
        trial_id = tried.begin({**NEWEST, "settings": {"engine": "newest"}}, mode="interleaved", days=1)
        tried.write(monkeypatch, 0)
        tried.look()
        chosen = next(place for place, row in enumerate(tried.kept()) if row.arm == "arm-1")
        tried.click(chosen)
        tried.kept()
        with clock.travel(to=clock.now() + timedelta(days=3)), tried.unit():
            trial_counting.count(trial_id)
            assert {one.arm: one.clickers for one in trial_counting.days(trial_id)} == {"today": 0, "arm-1": 1}

    def test_what_is_put_into_a_cart_after_a_mail_was_seen_counts_for_its_offer(self, tried):
        tried.look()
        [first, *_others] = tried.kept()
        browser = "browser-of-ann-00000000000001"
        with tried.unit():
            identity.bind_visitor(browser, tried.customer_id, proven=True)
        cart(tried.company, first.product_key, visitor=browser)
        with tried.unit():
            assert [bool(row.carted_at) for row in db.session.scalars(select(OfferShown).order_by(OfferShown.position))] == [
                True, False, False,
            ]  # fmt: skip

    def test_a_click_on_the_text_alone_is_no_meeting(self, tried, monkeypatch):
        trial_id = tried.begin(NEWEST)
        tried.write(monkeypatch, 1)
        tried.click(0)
        assert {(row.trial_id, row.arm) for row in tried.kept()} == {(trial_id, "arm-1")}
        assert tried.people() == []


class TestMachines:
    def test_a_proxy_s_fetch_is_no_sight_and_the_person_s_own_is(self, tried, monkeypatch):
        tried.begin(NEWEST)
        tried.write(monkeypatch, 1)
        tried.look(browser=APPLE)
        assert not any(row.seen_at for row in tried.kept())
        tried.look()
        assert all(row.seen_at for row in tried.kept())

    def test_a_scanner_meets_nothing(self, tried, monkeypatch):
        tried.begin(NEWEST)
        tried.write(monkeypatch, 1)
        tried.open(browser=SCANNER)
        tried.look(browser=SCANNER)
        assert tried.people() == []

    def test_who_was_erased_meets_nothing(self, tried, monkeypatch):
        tried.begin(NEWEST)
        tried.write(monkeypatch, 1)
        with tried.unit():
            row = db.session.merge(tried.row())
            row.customer_id = row.offers = row.offer_part = None
        tried.open()
        assert tried.people() == []
