"""Mails for a purpose: who gets them, what unsubscribing takes back, and segments of those who agreed."""

from __future__ import annotations

import re

import pytest

from saas.audiences import conditions, segments
from saas.customers import consent, merging, profiles, purposes, unmerging
from saas.kit.db import db
from saas.marketing import campaigns, launching, mailings
from tests.mailboxes import part
from tests.rooms.marketing.conftest import mail_server, mailbox, shop  # noqa: F401 - fixtures


@pytest.fixture
def birthday(shop):  # noqa: F811
    with shop.unit():
        return purposes.create(name="Birthday wishes", channels=["email", "sms"]).key


def say(shop, customer, state, purpose, channel="email"):  # noqa: F811
    with shop.unit():
        consent.record_many([(customer, state, None)], channel=channel, purpose=purpose, source="staff")


def reasons(shop, mailing_id):  # noqa: F811
    return {row.customer_id: (row.state, row.reason) for row in shop.rows(mailing_id)}


class TestWhoGetsIt:
    def test_only_who_agreed_to_the_purpose_and_did_not_leave_altogether(self, shop, birthday, mailbox):  # noqa: F811
        yes, never, no, left, only = shop.people(4) + shop.people(1, consent="unknown", prefix="only")
        for who in (yes, left, only):
            say(shop, who, "granted", birthday)
        say(shop, no, "granted", birthday)
        say(shop, no, "withdrawn", birthday)
        say(shop, left, "withdrawn", "marketing")
        campaign_id = shop.campaign(purpose=birthday)
        with shop.unit():
            expected = launching.expected(campaigns.one(campaign_id), segments.EVERYBODY)
        assert (expected["queued"], expected["skipped"]) == (2, {"no_consent": 1, "withdrawn": 2})
        mailing_id = shop.launch(campaign_id)
        shop.work(mailing_id)
        assert reasons(shop, mailing_id) == {
            yes: ("sent", ""), only: ("sent", ""), never: ("skipped", "no_consent"),
            no: ("skipped", "withdrawn"), left: ("skipped", "withdrawn"),
        }  # fmt: skip

    def test_a_consent_by_text_message_is_none_by_mail(self, shop, birthday):  # noqa: F811
        [who] = shop.people(1)
        say(shop, who, "granted", birthday, channel="sms")
        with shop.unit():
            expected = launching.expected(campaigns.one(shop.campaign(purpose=birthday)), segments.EVERYBODY)
        assert expected["skipped"] == {"no_consent": 1}

    def test_news_and_offers_do_not_ask_about_other_purposes(self, shop, birthday):  # noqa: F811
        [who] = shop.people(1)
        say(shop, who, "granted", birthday)
        say(shop, who, "withdrawn", birthday)
        with shop.unit():
            expected = launching.expected(campaigns.one(shop.campaign()), segments.EVERYBODY)
        assert expected["queued"] == 1

    def test_an_archived_purpose_holds_the_sending_up(self, shop, birthday):  # noqa: F811
        [who] = shop.people(1)
        say(shop, who, "granted", birthday)
        campaign_id = shop.campaign(purpose=birthday)
        with shop.unit():
            purposes.change(birthday, archived=True)
        with pytest.raises(launching.NotReady):
            shop.launch(campaign_id)
        with shop.unit():
            assert campaigns.copy(campaign_id).purpose == purposes.MAIN

    def test_a_purpose_that_is_not_there_is_refused(self, shop, company):  # noqa: F811
        with shop.unit(), pytest.raises(campaigns.BadCampaign):
            campaigns.change(shop.campaign(), purpose="nothing")
        made = company.api("POST", "/campaigns", json={"name": "x", "purpose": "nothing"})
        assert (made.status_code, list(made.json["error"]["fields"])) == (422, ["purpose"])


class TestEditor:
    def test_a_purpose_is_chosen_only_where_there_are_several(self, shop, company):  # noqa: F811
        campaign_id = shop.campaign()
        path = f"/campaigns/{campaign_id}/edit"
        assert 'name="purpose"' not in company.page.get(path).text
        with shop.unit():
            key = purposes.create(name="Birthday wishes", channels=["email"]).key
            purposes.create(name="Calls", channels=["phone"])
        page = company.page.get(path).text
        assert 'name="purpose"' in page and "Birthday wishes" in page and "Calls" not in page
        form = {
            "name": "Spring",
            "subject": "Hi",
            "source": "<p>x</p>",
            "language": "en",
            "holdout_percent": "0",
            "purpose": key,
        }
        assert company.post(path, form).status_code in (200, 303)
        assert company.api("GET", f"/campaigns/{campaign_id}").json["purpose"] == key


class TestLeaving:
    @pytest.fixture
    def letter(self, shop, birthday, mailbox, app):  # noqa: F811
        [who] = shop.people(1)
        say(shop, who, "granted", birthday)
        shop.send(purpose=birthday)
        mail = mailbox.mail("person0@")
        path = re.search(r"(/m/u/[\w-]+)", mail["List-Unsubscribe"]).group(1)
        assert path in part(mail, "html") or "/m/u/" in part(mail, "html")

        def words():
            with shop.unit():
                return {key[1]: said.state for key, said in consent.states(who).items()}, profiles.one(
                    who
                ).email_consent

        return app.test_client(), path, words

    def test_one_click_takes_back_the_purpose_of_that_mail(self, letter, birthday):
        client, path, words = letter
        assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert words() == ({"marketing": "granted", birthday: "withdrawn"}, "granted")

    def test_the_page_names_the_purpose_and_offers_to_stop_all(self, letter, birthday):
        client, path, words = letter
        page = client.get(path).text
        assert "Birthday wishes" in page and "Stop all mails" in page
        assert words()[0] == {"marketing": "granted", birthday: "granted"}
        assert "news or offers of any kind" in client.post(path, data={"page": "1", "everything": "1"}).text
        assert words() == ({"marketing": "withdrawn", birthday: "withdrawn"}, "withdrawn")

    def test_stopping_all_afterwards_and_taking_it_back(self, letter, birthday):
        client, path, words = letter
        assert "Stop all mails" in client.post(path, data={"page": "1"}).text
        client.post(path, data={"page": "1", "everything": "1"})
        assert words()[1] == "withdrawn"
        client.post(path, data={"undo": "1"})
        assert words() == ({"marketing": "granted", birthday: "granted"}, "granted")

    def test_taking_it_back_grants_nothing_that_was_withdrawn_elsewhere(self, letter, birthday, shop):  # noqa: F811
        client, path, words = letter
        client.post(path, data={"page": "1"})
        with shop.unit():
            [who] = db.session.scalars(segments.query(segments.EVERYBODY))
        say(shop, who, "withdrawn", "marketing")
        client.post(path, data={"undo": "1"})
        assert words()[0] == {"marketing": "withdrawn", birthday: "granted"}

    def test_news_and_offers_have_one_button(self, shop, mailbox, app):  # noqa: F811
        shop.people(1)
        shop.send()
        path = re.search(r"(/m/u/[\w-]+)", mailbox.mail("person0@")["List-Unsubscribe"]).group(1)
        assert "Stop all mails" not in app.test_client().get(path).text


class TestSegments:
    def asked(self, shop, operator, value):  # noqa: F811
        with shop.unit():
            wanted = conditions.check(
                {"match": "all", "conditions": [{"field": "agreed", "operator": operator, "value": value}]}
            )
            return set(db.session.scalars(segments.query(wanted)))

    def test_who_agreed_to_a_purpose_by_a_channel_and_who_did_not(self, shop, birthday):  # noqa: F811
        ada, bo, cy = shop.people(3)
        say(shop, ada, "granted", birthday, channel="sms")
        say(shop, bo, "granted", birthday)
        say(shop, cy, "granted", birthday, channel="sms")
        say(shop, cy, "withdrawn", birthday, channel="sms")
        assert self.asked(shop, "is", f"{birthday}.sms") == {ada}
        assert self.asked(shop, "is_not", f"{birthday}.sms") == {bo, cy}
        assert self.asked(shop, "is", "marketing.email") == {ada, bo, cy}

    @pytest.mark.parametrize("value", ["", "marketing", "nothing.email", "marketing.pigeon"])
    def test_what_is_not_there_cannot_be_asked(self, shop, value):  # noqa: F811
        with pytest.raises(conditions.BadDefinition):
            self.asked(shop, "is", value)

    def test_it_is_built_and_said_on_pages(self, shop, company, birthday):  # noqa: F811
        [ada] = shop.people(1)
        say(shop, ada, "granted", birthday, channel="sms")
        page = company.page.get(f"/customers?where=agreed.is.{birthday}.sms").text
        assert "agreed to Birthday wishes · Text message" in page and "person0@" in page
        row = company.page.get("/customers/condition?field=agreed&operator=is&value=").text
        assert "Birthday wishes · Text message" in row and "News and offers · Mail" in row
        found = company.api("GET", f"/customers?where=agreed.is_not.{birthday}.sms")
        assert found.json["items"] == []


class TestMerging:
    def test_the_strictest_word_per_channel_and_purpose_and_back(self, shop, birthday):  # noqa: F811
        one, other = shop.people(2)
        say(shop, one, "granted", birthday, channel="sms")
        say(shop, one, "granted", birthday)
        say(shop, other, "withdrawn", birthday, channel="sms")
        mine = {("email", "marketing"): "granted", ("email", birthday): "granted", ("sms", birthday): "granted"}
        theirs = {("email", "marketing"): "granted", ("sms", birthday): "withdrawn"}

        def words(who):
            return {key: said.state for key, said in consent.states(who).items()}

        with shop.unit():
            made = merging.merge(winner_id=one, loser_id=other)
            assert words(one) == mine | {("sms", birthday): "withdrawn"}
            unmerging.unmerge(made.id)
            assert (words(one), words(other)) == (mine, theirs)

    def test_a_purpose_withdrawn_while_they_were_one_is_withdrawn_for_both(self, shop, birthday):  # noqa: F811
        one, other = shop.people(2)
        say(shop, other, "granted", birthday)
        with shop.unit():
            made = merging.merge(winner_id=one, loser_id=other)
        say(shop, one, "withdrawn", birthday)
        with shop.unit():
            unmerging.unmerge(made.id)
            for who in (one, other):
                assert consent.states(who)["email", birthday].state == "withdrawn"
                assert profiles.one(who).email_consent == "granted"


def test_a_mailing_keeps_its_purpose(shop, birthday):  # noqa: F811
    [who] = shop.people(1)
    say(shop, who, "granted", birthday)
    mailing_id = shop.launch(purpose=birthday)
    with shop.unit():
        assert mailings.one(mailing_id).purpose == birthday
