"""Looking at reviews: what waits by itself, what people decide and why, that it can be undone, and what visitors say."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from saas.audiences import segments
from saas.customers import merging, passes, unmerging
from saas.kit import clock, scope, work
from saas.kit.db import db
from saas.reviews import judging, settings, shop_words, writing
from saas.reviews.models import Review
from saas.tenancy import undoing


@pytest.fixture
def link(asker):
    asker.ask_from_now_on()
    return asker.asked()


def decide(asker, review, **what):
    with work.unit(tenant_id=asker.company.tenant_id, actor=scope.Actor("member", "m", "Mo")):
        judging.decide([review.id], **what)


def send(asker, path, **body):
    """Send what a browser in the shop would; a browser that is nobody's is enough."""
    given = {"site_key": asker.company.site_key, "visitor": "browser-0000000000000001"} | body
    return asker.company.app.test_client().post(path, data=json.dumps(given), content_type="text/plain")


class TestWhatWaits:
    @pytest.mark.parametrize(
        ("words", "held"),
        [
            ("Lovely, warm light", []), ("Cheaper at www.other.example", ["link"]), ("see http://x.example/a", ["link"]), ("ask me at ada@example.com", ["contact"]),
            ("call 0151 234 567 89", ["contact"]), ("What a DARN lamp", ["word"]), ("Undarned", []), ("这是骗子公司", ["word"]), ("It is 3.5 cm too high. I like it", []),
        ],
    )  # fmt: skip
    def test_words_and_links_and_never_the_stars(self, asker, link, words, held):
        with work.unit(tenant_id=asker.company.tenant_id):
            settings.change(bad_words="darn\n骗子")
        for stars in (1, 5):
            asker.say(link, stars=stars, body=words)
            (review,) = asker.reviews()
            assert (review.held, review.state) == (held, "waiting" if held else "published")

    def test_all_where_the_company_wants_to_look_first(self, asker, link):
        with work.unit(tenant_id=asker.company.tenant_id):
            settings.change(publish="nothing")
        asker.say(link, stars=5)
        assert [one.held for one in asker.reviews()] == [["rule"]]

    def test_what_was_declined_and_changed_is_looked_at_again(self, asker, link):
        asker.say(link, stars=1, body="You are thieves")
        (review,) = asker.reviews()
        decide(asker, review, state="declined", reason="insult")
        asker.say(link, stars=1, body="It broke after a day")
        assert [(one.state, one.held, one.reason) for one in asker.reviews()] == [("waiting", ["edited"], "")]


class TestDeciding:
    def test_declining_needs_a_reason_and_few_stars_are_none(self, asker, link):
        asker.say(link, stars=1)
        (review,) = asker.reviews()
        for reason in ("", "stars", "low_stars", "bad"):
            with pytest.raises(judging.BadDecision) as refused:
                decide(asker, review, state="declined", reason=reason)
            assert "few is no reason" in refused.value.fields["reason"][0]
        with pytest.raises(judging.BadDecision):
            decide(asker, review, state="declined", reason="other", words="")
        assert not any("star" in reason for reason in judging.REASONS)

    def test_no_rule_of_a_company_can_name_the_stars(self, asker):
        of_offers = {"offer_stars", "offer_stars_from"}  # whether the average is shown, whatever it is
        assert not any("star" in name for name in settings.DEFAULTS.keys() - of_offers)
        with work.unit(tenant_id=asker.company.tenant_id), pytest.raises(settings.BadSettings):
            settings.change(least_stars=4)

    def test_how_many_of_each_star_were_declined_is_told_to_everybody(self, asker, link):
        asker.say(link, stars=1, body="nonsense")
        (review,) = asker.reviews()
        decide(asker, review, state="declined", reason="off_topic")
        summary = asker.shown()["summary"]
        assert (summary["count"], summary["declined"]["1"]) == (0, 1)

    def test_whoever_wrote_it_reads_why(self, asker, link):
        asker.say(link, stars=1, body="nonsense")
        (review,) = asker.reviews()
        decide(asker, review, state="declined", reason="other", words="This is about another lamp")
        assert "This is about another lamp" in asker.company.app.test_client().get(link).text

    def test_a_decision_can_be_undone(self, asker, link):
        asker.say(link, stars=2)
        (review,) = asker.reviews()
        decide(asker, review, state="declined", reason="spam")
        with work.unit(tenant_id=asker.company.tenant_id):
            entry = next(iter(asker.company.api("GET", "/audit?action=reviews.decided").json["items"]))["id"]
            undoing.undo(entry)
        assert [(one.state, one.reason) for one in asker.reviews()] == [("published", "")]

    def test_an_answer_stands_beneath_and_can_be_taken_away(self, asker, link):
        asker.say(link, stars=2, body="Too dark")
        (review,) = asker.reviews()
        with work.unit(tenant_id=asker.company.tenant_id):
            judging.answer(review.id, "Try a stronger bulb \x00")
        assert asker.shown()["items"][0]["answer"] == "Try a stronger bulb"
        with work.unit(tenant_id=asker.company.tenant_id):
            judging.answer(review.id, "")
        assert asker.shown()["items"][0]["answer"] == ""

    def test_what_was_taken_back_is_theirs(self, asker, link):
        asker.say(link, stars=2)
        (review,) = asker.reviews()
        asker.company.app.test_client().post(f"{link}/withdraw/{review.id}")
        with pytest.raises(judging.Withdrawn):
            decide(asker, review, state="published")


class TestVisitors:
    @pytest.fixture
    def review(self, asker, link):
        asker.say(link, stars=4, body="Nice")
        return asker.reviews()[0]

    def test_a_browser_finds_it_helpful_once_and_can_take_that_back(self, asker, review):
        path = f"/reviews/{review.id}/helpful"
        assert [send(asker, path).json["helpful"] for _turn in range(3)] == [1, 1, 1]
        assert send(asker, path, visitor="browser-0000000000000002").json["helpful"] == 2
        assert send(asker, path, yes=False).json["helpful"] == 1
        assert asker.shown()["items"][0]["helpful"] == 1

    @pytest.mark.parametrize("visitor", ["", "short", "x" * 65, "a\x00b", None])
    def test_without_a_browser_nothing_is_counted(self, asker, review, visitor):
        assert send(asker, f"/reviews/{review.id}/helpful", visitor=visitor).status_code == 422

    def test_several_reports_have_it_wait_until_somebody_looked_and_then_it_stays(self, asker, review):
        path = f"/reviews/{review.id}/report"
        for number in range(2):
            send(asker, path, visitor=f"browser-000000000000001{number}", why="Advertising")
            send(asker, path, visitor=f"browser-000000000000001{number}")
        assert asker.reviews()[0].state == "published"
        send(asker, path, visitor="browser-0000000000000099")
        assert [(one.state, one.held, one.reports) for one in asker.reviews()] == [("waiting", ["reported"], 3)]
        decide(asker, review, state="published")
        send(asker, path, visitor="browser-0000000000000100")
        assert asker.reviews()[0].state == "published"

    def test_what_is_not_shown_cannot_be_voted_for(self, asker, review):
        decide(asker, review, state="waiting")
        assert send(asker, f"/reviews/{review.id}/helpful").status_code == 404
        assert send(asker, "/reviews/nonsense/report").status_code == 404

    def test_another_company_s_visitors_count_nothing(self, asker, review, other_company):
        assert send(asker, f"/reviews/{review.id}/helpful", site_key=other_company.site_key).status_code == 404


class TestOnThePage:
    def test_only_where_the_company_allows_it(self, asker):
        assert (
            send(
                asker,
                "/reviews",
                product="lamp",
                stars=5,
                name="Bo",
                email="bo@example.com",
                body="Nice lamp",
                took=5000,
            ).status_code
            == 403
        )

    def test_it_waits_is_not_marked_as_bought_and_tells_no_address(self, asker, link):
        asker.ask_from_now_on(page=True)
        said = {
            "product": "lamp",
            "stars": 5,
            "name": "Bo",
            "email": "bo@example.com",
            "body": "Nice lamp",
            "took": 5000,
            "language": "en",
        }
        assert send(asker, "/reviews", **said).status_code == 202
        assert send(asker, "/reviews", **said).status_code == 202
        (review,) = asker.reviews()
        assert (review.state, review.held, review.verified, review.customer_id) == (
            "waiting",
            ["unverified"],
            False,
            None,
        )
        decide(asker, review, state="published")
        told = asker.shown()
        assert told["items"][0]["verified"] is False
        assert "bo@example.com" not in json.dumps(told)
        send(
            asker, "/reviews", **said | {"stars": 1}
        )  # what somebody looked at is not changed by whoever types the address
        assert [one.stars for one in asker.reviews()] == [5]

    @pytest.mark.parametrize(
        ("what", "field"),
        [
            ({"stars": 9}, "stars"),
            ({"name": ""}, "name"),
            ({"email": "bo"}, "email"),
            ({"body": ""}, "body"),
            ({"product": "nothing"}, "product"),
        ],
    )
    def test_what_is_missing_is_named(self, asker, what, field):
        asker.ask_from_now_on(page=True)
        said = {
            "product": "lamp",
            "stars": 5,
            "name": "Bo",
            "email": "bo@example.com",
            "body": "Nice lamp",
            "took": 5000,
        } | what
        answer = send(asker, "/reviews", **said)
        assert answer.status_code == 422
        assert field in answer.json["error"]["fields"]

    def test_a_machine_is_thanked_and_nothing_is_kept(self, asker):
        asker.ask_from_now_on(page=True)
        said = {"product": "lamp", "stars": 5, "name": "Bo", "email": "bo@example.com", "body": "Buy now", "took": 3}
        assert send(asker, "/reviews", **said).status_code == 202
        assert asker.reviews() == []

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b'{"site_key":1}'])
    def test_what_is_no_object_is_refused(self, asker, body):
        assert asker.company.app.test_client().post("/reviews", data=body).status_code in (401, 422)


class TestShowing:
    def test_average_stars_orders_and_pages(self, asker):
        asker.ask_from_now_on()
        for number, stars in enumerate((5, 4, 4, 1)):
            email = f"buyer-{number}@example.com"
            asker.order(str(number), email=email, products=("lamp",), delivered=clock.now())
            asker.days_later(8)
            asker.say(asker.link(email), stars=stars, body=f"number {number}")
        told = asker.shown()
        assert (told["summary"]["count"], told["summary"]["average"]) == (4, 3.5)
        assert told["summary"]["stars"] == {"5": 1, "4": 2, "3": 0, "2": 0, "1": 1}
        assert [one["stars"] for one in asker.shown(sort="highest")["items"]] == [5, 4, 4, 1]
        assert [one["stars"] for one in asker.shown(sort="lowest")["items"]] == [1, 4, 4, 5]
        assert [one["stars"] for one in asker.shown(stars=4)["items"]] == [4, 4]
        assert told["json_ld"]["aggregateRating"]["ratingValue"] == 3.5

    def test_nothing_yet_is_no_rating_for_search_engines(self, asker):
        told = asker.shown()
        assert (told["summary"]["count"], told["summary"]["average"], told["json_ld"]) == (0, None, None)

    @pytest.mark.parametrize(
        "query", [{"sort": "best"}, {"stars": "9"}, {"cursor": "x", "sort": "lowest"}, {"product": "\x00"}]
    )
    def test_a_bad_question_is_refused(self, asker, query):
        given = {"site_key": asker.company.site_key, "product": "lamp"} | query
        assert asker.company.app.test_client().get("/reviews", query_string=given).status_code in (400, 422)

    @pytest.mark.parametrize("product", ["", "nothing", "x" * 5000])
    def test_a_product_there_is_not(self, asker, product):
        given = {"site_key": asker.company.site_key, "product": product}
        assert asker.company.app.test_client().get("/reviews", query_string=given).status_code == 204

    def test_every_language_has_every_word(self):
        for language, words in shop_words.WORDS.items():
            assert words.keys() == shop_words.WORDS["en"].keys(), language
            assert all(words.values()), language


class TestSegments:
    def test_who_gave_many_or_few_stars_can_be_found(self, asker, link):
        asker.say(link, stars=5)
        asker.say(link, stars=1, product="mug")
        with work.unit(tenant_id=asker.company.tenant_id):
            assert [segments.count(asks(name, "ever")) for name in ("praised", "complained")] == [1, 1]
            assert [segments.count(asks(name, "in_last_days", 7)) for name in ("praised", "complained")] == [1, 1]
            assert segments.count(asks("complained", "never")) == segments.count(segments.EVERYBODY) - 1
        (mug,) = asker.reviews(stars=1)
        asker.company.app.test_client().post(f"{link}/withdraw/{mug.id}")
        with work.unit(tenant_id=asker.company.tenant_id):
            assert segments.count(asks("complained", "ever")) == 0


def asks(field, operator, value=None):
    return {"match": "all", "conditions": [{"field": field, "operator": operator, "value": value}]}


class TestWebhooks:
    def test_what_is_written_and_shown_is_told(self, asker, link, drain):
        hook = asker.company.api("POST", "/webhooks", json={"url": "http://127.0.0.1:9/hear", "topics": ["review.written", "review.published"]}).json["id"]  # fmt: skip
        asker.say(link, stars=4, body="Bright")
        asker.say(link, stars=3, body="Less bright")
        drain(asker.company)
        told = asker.company.api("GET", f"/webhooks/{hook}/messages").json["items"]
        assert sorted(one["topic"] for one in told) == ["review.published", "review.written"]

    def test_it_stands_in_the_timeline_once(self, asker, link):
        asker.say(link, stars=4)
        asker.say(link, stars=2)
        customer = asker.reviews()[0].customer_id
        page = asker.company.page.get(f"/customers/{customer}?kind=reviews")
        assert page.text.count("of 5 stars for Lamp Moss") == 1
        assert "2 of 5 stars for Lamp Moss" in page.text


class TestTheirOwnPage:
    def test_what_they_said_and_can_say_and_no_more_mails(self, asker, link):
        asker.say(link, stars=4, body="Bright")
        browser = signed_in(asker)
        place = f"/my/{asker.company.site_key}/reviews"
        page = browser.get(place)
        assert "Bright" in page.text
        assert "Mug Fern" in page.text  # not judged yet
        own = re.search(r'href="(/m/r/[^"?]+)\?item=', page.text).group(1)
        assert browser.get(own).status_code == 200
        token = re.search(r'name="form_token" value="([^"]+)"', page.text).group(1)
        assert browser.post(f"{place}/mails", data={"act": "stop"}).status_code == 403
        assert browser.post(f"{place}/mails", data={"act": "stop", "form_token": token}).status_code == 303
        assert "You are not asked." in browser.get(place).text

    def test_what_is_still_on_its_way_waits_until_it_is_sent_or_two_weeks_are_over(self, asker, link):
        def told(key, product, **more):
            asker.order(key, products=(product,), **more)
            return f"#{key}" in browser.get(f"/my/{asker.company.site_key}/reviews").text

        asker.say(link, stars=4)  # the lamp of the first order is judged, its mug is not
        browser, now = signed_in(asker), clock.now()
        assert not told("2001", "mug")
        parcel = {"external_id": "p1", "updated_at": now.isoformat()}
        assert not told("2002", "mug", fulfilments=[parcel | {"state": "pending"}])
        assert told("2003", "mug", fulfilments=[parcel | {"state": "sent", "shipped_at": now.isoformat()}])
        assert told("2004", "mug", status="fulfilled")
        assert told("2005", "mug", placed_at=(now - timedelta(days=15)).isoformat())

    def test_another_s_review_cannot_be_taken_back(self, asker, link):
        asker.company.api("POST", "/reviews/bulk", json={"items": [{"external_id": "x", "product": "mug", "stars": 5}]})
        (theirs,) = asker.reviews(origin="api")
        browser = signed_in(asker)
        place = f"/my/{asker.company.site_key}/reviews"
        token = re.search(r'name="form_token" value="([^"]+)"', browser.get(place).text).group(1)
        assert browser.post(f"{place}/{theirs.id}/withdraw", data={"form_token": token}).status_code == 404


def signed_in(asker):
    """Ada's browser at her own page, by a link she asked for."""
    with work.unit(tenant_id=asker.company.tenant_id):
        made = passes.ask(email="ada@example.com").id
    with work.unit(tenant_id=asker.company.tenant_id):
        token = passes.token(passes.to_mail(made))
    browser = asker.company.app.test_client()
    browser.post(f"/my/{asker.company.site_key}/in/{token}")
    return browser


class TestPersons:
    def test_a_merge_takes_reviews_along_and_an_unmerge_gives_them_back(self, asker, link):
        asker.say(link, stars=4)
        mine = asker.reviews()[0].customer_id
        other = asker.company.api("POST", "/customers", json={"email": "other@example.com"}).json["id"]
        with work.unit(tenant_id=asker.company.tenant_id):
            made = merging.merge(winner_id=other, loser_id=mine)
            merge_id = made.id
        assert str(asker.reviews()[0].customer_id) == other
        with work.unit(tenant_id=asker.company.tenant_id):
            unmerging.unmerge(merge_id)
        assert asker.reviews()[0].customer_id == mine

    def test_erasing_somebody_takes_what_they_wrote_and_the_picture(self, asker, link):
        from saas.integrations import erasures

        asker.say(link, stars=4, body="I am Ada")
        customer = asker.reviews()[0].customer_id
        with work.unit(tenant_id=asker.company.tenant_id):
            made = erasures.erase_now(customer)
        assert made.counts["reviews"] == 1
        assert asker.reviews() == []

    def test_old_addresses_of_strangers_who_wrote_are_emptied_by_the_rule_of_old_addresses(self, asker):
        from datetime import timedelta

        from saas.integrations import retention_parts

        said = {"product": "lamp", "stars": 5, "email": "bo@example.com"}
        when = {"old": clock.now() - timedelta(days=800), "new": clock.now()}
        asker.company.api(
            "POST",
            "/reviews/bulk",
            json={"items": [said | {"external_id": key, "written_at": at.isoformat()} for key, at in when.items()]},
        )
        (part,) = [one for one in retention_parts.PARTS["recipients"] if one.name == "reviews"]
        with work.unit(tenant_id=asker.company.tenant_id):
            found = db.session.scalars(
                select(Review.external_id).where(part.old(clock.now() - timedelta(days=730)))
            ).all()
        assert (found, part.emptied) == (["old"], {"email": ""})

    def test_deleting_somebody_keeps_what_they_said_with_the_name_they_chose(self, asker, link):
        from saas.customers import profiles

        asker.say(link, stars=4, name="A.")
        with work.unit(tenant_id=asker.company.tenant_id):
            profiles.delete(asker.reviews()[0].customer_id)
        assert [(one.customer_id, one.name) for one in asker.reviews()] == [(None, "A.")]


def test_no_way_to_publish_without_a_look_for_who_is_not_verified():
    held = settings.DEFAULTS | {"publish": "verified"}
    assert writing.rules.held(
        Review(stars=5, title="", body="Nice", name="", verified=False), held, new_photo=False
    ) == ["unverified"]
