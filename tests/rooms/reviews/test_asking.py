"""Whom buyers' mails go to: once an order, after it arrived, not of the past, not of what went back, not to who wants none."""

from __future__ import annotations

import re
from datetime import timedelta

from saas.catalog import products
from saas.customers import consent, preferences
from saas.kit import clock, work
from saas.reviews.models import NO_SOURCE


class TestWhoIsAsked:
    def test_nobody_before_it_is_switched_on(self, asker):
        order = asker.order(delivered=clock.now())
        assert asker.request(order) is None
        asker.ask_from_now_on()
        asker.order(delivered=clock.now())
        asker.days_later(90)
        assert asker.letters.letters == []

    def test_what_arrived_before_is_the_past_though_it_is_told_later(self, asker):
        asker.ask_from_now_on()
        order = asker.order(delivered=clock.now() - timedelta(days=1))
        assert asker.request(order) is None

    def test_days_after_the_order_arrived(self, asker):
        asker.ask_from_now_on()
        order = asker.order(delivered=clock.now())
        asker.days_later(6)
        assert asker.letters.letters == []
        asker.days_later(8)
        (letter,) = asker.letters.to("ada@example.com")
        assert letter["Subject"] == "How do you like what you bought at Test Company?"
        assert asker.request(order).state == "asked"

    def test_without_word_of_its_arrival_days_after_it_was_sent(self, asker):
        asker.ask_from_now_on()
        asker.order(status="fulfilled")
        asker.days_later(13)
        assert asker.letters.letters == []
        asker.days_later(15)
        assert len(asker.letters.letters) == 1

    def test_word_of_its_arrival_moves_the_day(self, asker):
        asker.ask_from_now_on()
        asker.order(status="fulfilled")
        asker.order(status="fulfilled", delivered=clock.now())
        asker.days_later(8)
        assert len(asker.letters.letters) == 1

    def test_one_mail_for_all_things_of_an_order_with_five_stars_each(self, asker):
        asker.ask_from_now_on()
        asker.asked()
        page = asker.letters.letters[0].get_body(("html",)).get_content()
        assert "Lamp Moss" in page
        assert "Mug Fern" in page
        for product in asker.products.values():
            assert len(re.findall(rf"item={product}&amp;stars=[1-5]", page)) == 5

    def test_reminded_once_and_never_again(self, asker):
        asker.ask_from_now_on()
        order = asker.order(delivered=clock.now())
        for _turn in range(5):
            asker.days_later(400)
        assert [one["Subject"][:5] for one in asker.letters.letters] == ["How d", "May w"]
        assert asker.request(order).state == "reminded"

    def test_who_wrote_is_not_reminded(self, asker):
        asker.ask_from_now_on()
        link = asker.asked()
        asker.say(link, stars=5)
        asker.days_later(400)
        assert len(asker.letters.letters) == 1

    def test_no_reminder_where_none_is_wanted(self, asker):
        asker.ask_from_now_on(remind_days=0)
        asker.asked()
        asker.days_later(400)
        assert len(asker.letters.letters) == 1

    def test_the_same_news_twice_asks_once(self, asker):
        asker.ask_from_now_on()
        for _turn in range(3):
            asker.order(delivered=clock.now())
        asker.days_later(8)
        assert len(asker.letters.letters) == 1

    def test_what_was_judged_before_is_not_asked_about_again(self, asker):
        asker.ask_from_now_on()
        asker.say(asker.asked("1", products=("lamp",)), stars=4)
        second = asker.order("2", products=("lamp",), delivered=clock.now())
        asker.days_later(8)
        assert len(asker.letters.letters) == 1
        assert asker.request(second).reason == "nothing_left"


class TestWhatIsLeftOut:
    def test_a_cancelled_order(self, asker):
        asker.ask_from_now_on()
        order = asker.order(delivered=clock.now())
        asker.order(status="cancelled", delivered=clock.now())
        asker.days_later(8)
        assert asker.letters.letters == []
        assert (asker.request(order).state, asker.request(order).reason) == ("skipped", "nothing_left")

    def test_a_thing_that_was_paid_back_by_its_line(self, asker):
        asker.ask_from_now_on()
        refund = {
            "external_id": "r1",
            "amount": "40",
            "at": clock.now().isoformat(),
            "lines": [{"line": "0", "quantity": 1}],
        }
        asker.order(delivered=clock.now(), refunds=[refund])
        asker.days_later(8)
        page = asker.letters.letters[0].get_body(("html",)).get_content()
        assert "Lamp Moss" not in page
        assert "Mug Fern" in page

    def test_a_thing_that_was_sent_back(self, asker):
        asker.ask_from_now_on()
        back = [
            {
                "external_id": "b1",
                "state": "closed",
                "at": clock.now().isoformat(),
                "lines": [{"line": "1", "quantity": 1}],
            }
        ]
        asker.order(delivered=clock.now(), returns=back)
        asker.days_later(8)
        page = asker.letters.letters[0].get_body(("html",)).get_content()
        assert "Mug Fern" not in page

    def test_a_product_that_is_sold_no_more(self, asker):
        asker.ask_from_now_on()
        asker.order(products=("lamp",), delivered=clock.now())
        with work.unit(tenant_id=asker.company.tenant_id):
            products.retire(external_ids=["lamp"], source_id=NO_SOURCE)
        asker.days_later(8)
        assert asker.letters.letters == []


class TestWhoWantsNoMails:
    def _customer(self, asker, order):
        return asker.request(order).customer_id

    def test_who_unsubscribed_is_not_asked(self, asker):
        asker.ask_from_now_on()
        order = asker.order(delivered=clock.now())
        with work.unit(tenant_id=asker.company.tenant_id):
            consent.withdraw(customer_id=self._customer(asker, order), source="portal")
        asker.days_later(8)
        assert asker.letters.letters == []
        assert asker.request(order).reason == "withdrawn"

    def test_who_never_said_anything_is_asked_unless_only_who_agreed_is_to_be(self, asker):
        asker.ask_from_now_on(agreed_only=True)
        order = asker.order(delivered=clock.now())
        asker.days_later(8)
        assert asker.request(order).reason == "not_agreed"

    def test_an_address_whose_mails_bounce(self, asker):
        from saas.audiences import suppression

        asker.ask_from_now_on()
        order = asker.order(delivered=clock.now())
        with work.unit(tenant_id=asker.company.tenant_id):
            suppression.suppress("ada@example.com", "bounce")
        asker.days_later(8)
        assert asker.request(order).reason == "bounce"

    def test_a_pause_is_waited_for(self, asker):
        asker.ask_from_now_on()
        order = asker.order(delivered=clock.now())
        with work.unit(tenant_id=asker.company.tenant_id):
            until = preferences.set_pause(self._customer(asker, order), days=30)
        asker.days_later(8)
        assert asker.letters.letters == []
        assert asker.request(order).due_at == until

    def test_one_click_ends_them_for_good_and_they_can_come_back(self, asker):
        asker.ask_from_now_on()
        link = asker.asked()
        letter = asker.letters.letters[0]
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        browser = asker.company.app.test_client()
        browser.get(f"{link}/stop")  # looking ends nothing
        second = asker.order("2", delivered=clock.now(), products=("mug",))
        browser.post(f"{link}/stop", data={"List-Unsubscribe": "One-Click"})
        asker.days_later(8)
        assert asker.request(second).reason == "stopped"
        browser.post(f"{link}/stop", data={"act": "again"})
        asker.order("3", delivered=clock.now(), products=("mug",))
        asker.days_later(8)
        assert len(asker.letters.letters) == 2
