"""What customers say to offers that a person made them, and that nobody offers them what they declined."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from saas.catalog import products
from saas.customers import merging, profiles, timeline, unmerging
from saas.kit import clock, pool, scope, work
from saas.kit.db import db
from saas.recommend import answers, copies, offers, shelf, stock
from saas.recommend.models import OfferAnswer
from saas.tenancy import audit, undoing
from tests.rooms.recommend import little_shop
from tests.rooms.recommend.test_offers import VISITOR, chosen, customer_of, keys


@pytest.fixture
def shop(company, context, drain):
    """A company with a little shop of which nothing is learnt: the newest products are offered."""
    little_shop.fill(company, visits=0, baskets=6)
    drain(company)
    return company


@pytest.fixture
def ann(shop) -> UUID:
    return customer_of(shop, 1)


def product_of(shop, key: str) -> UUID:
    with work.unit(tenant_id=shop.tenant_id):
        return products.by_external([key])[key].id


def say(shop, ann: UUID, key: str, verdict: str = "declined", **more) -> UUID:
    with work.unit(tenant_id=shop.tenant_id):
        return answers.say(customer_id=ann, product_id=product_of(shop, key), verdict=verdict, **more).id


def told(shop, ann: UUID) -> list[tuple[str, dict]]:
    with work.unit(tenant_id=shop.tenant_id):
        return [(entry.title, entry.details) for entry in db.session.scalars(timeline.of(ann, kinds=["offer"]))]


def standing(shop, ann: UUID) -> list[tuple[str, str]]:
    with work.unit(tenant_id=shop.tenant_id):
        return [(row.verdict, row.reason) for row in db.session.scalars(answers.query(customer_id=ann))]


class TestDeclined:
    @pytest.mark.parametrize("slot", ["home", "discover", "product", "cart", "thank-you", "mail"])
    def test_it_is_offered_to_them_in_no_place(self, shop, ann, slot):
        first = keys(chosen(shop, slot, customer_id=ann, product="cup-3", limit=3))[0]
        say(shop, ann, first)
        assert first not in keys(chosen(shop, slot, customer_id=ann, product="cup-3", limit=20))

    def test_not_in_the_shop_when_the_browser_is_proven_to_be_theirs(self, shop, ann):
        little_shop.live(shop, VISITOR, ["tea-1"], customer=ann, proven=True)
        first = keys(chosen(shop, "discover", visitor=VISITOR, limit=3))[0]
        say(shop, ann, first)
        assert first not in keys(chosen(shop, "discover", visitor=VISITOR, limit=20))
        little_shop.live(shop, VISITOR, ["tea-1"])
        assert first in keys(chosen(shop, "discover", visitor=VISITOR, limit=20))

    def test_not_in_mails(self, shop, ann):
        with scope.tenant(shop.tenant_id):
            first = offers.for_mail([ann], limit=1)[ann][0]["product"]
            say(shop, ann, first)
            assert first not in [one["product"] for one in offers.for_mail([ann], limit=12)[ann]]

    def test_a_pin_does_not_bring_it_back(self, shop, ann):
        from saas.recommend import rules

        with work.unit(tenant_id=shop.tenant_id):
            rules.create(kind="pin", product_id=product_of(shop, "cup-5"), slot="home", position=1)
        shelf.forget()
        assert keys(chosen(shop, "home", customer_id=ann, limit=1)) == ["cup-5"]
        say(shop, ann, "cup-5")
        assert "cup-5" not in keys(chosen(shop, "home", customer_id=ann, limit=20))

    def test_others_are_offered_it_still(self, shop, ann):
        say(shop, ann, "tea-1")
        assert "tea-1" in keys(chosen(shop, "home", customer_id=customer_of(shop, 3), limit=20))

    def test_it_is_offered_again_when_its_time_is_over(self, shop, ann):
        say(shop, ann, "cup-5", days=1)
        with pool.connection(tenant_id=shop.tenant_id) as opened:
            opened.execute("UPDATE offer_answers SET until = now() - interval '1 second'")
        answers.forget(tenant_id=shop.tenant_id, customer_ids=[ann])
        assert "cup-5" in keys(chosen(shop, "home", customer_id=ann, limit=20))

    def test_a_copy_does_not_outlive_the_time(self, shop, ann, monkeypatch):
        say(shop, ann, "cup-5", days=1)
        assert answers.declined(shop.tenant_id, ann)
        monkeypatch.setattr(answers.time, "time", lambda: clock.now().timestamp() + 90_000)
        assert not answers.declined(shop.tenant_id, ann)

    def test_the_second_question_asks_no_database(self, shop, ann, monkeypatch):
        say(shop, ann, "cup-5")
        held = answers.declined(shop.tenant_id, ann)
        monkeypatch.setattr(answers, "_read", lambda *_: pytest.fail("PostgreSQL was asked"))
        assert answers.declined(shop.tenant_id, ann) == held == {stock.number_of(product_of(shop, "cup-5"))}

    def test_it_counts_while_valkey_is_away(self, shop, ann, away):
        say(shop, ann, "cup-5")
        assert "cup-5" not in keys(chosen(shop, "home", customer_id=ann, limit=20))

    @pytest.mark.parametrize(("reason", "days"), [("", 90), ("not_now", 14), ("has_it", 365), ("too_expensive", 30)])
    def test_the_reason_says_for_how_long(self, shop, ann, reason, days):
        answer_id = say(shop, ann, "cup-5", reason=reason)
        with work.unit(tenant_id=shop.tenant_id):
            answer = answers.one(answer_id)
            assert answer.until - answer.answered_at == timedelta(days=days)

    def test_another_company_is_told_nothing(self, shop, ann, other_company):
        say(shop, ann, "cup-5")
        assert not answers.declined(other_company.tenant_id, ann)


class TestSaying:
    def test_both_kinds_stand_in_the_timeline(self, shop, ann):
        say(shop, ann, "cup-5", reason="too_expensive", note="half of it would do")
        say(shop, ann, "cup-6", "accepted")
        (taken, _details), (declined, details) = told(shop, ann)
        assert (taken, declined) == ("Took Cup 6, which was offered", "Declined Cup 5")
        assert (details["verdict"], details["reason"], details["note"]) == (
            "declined",
            "too_expensive",
            "half of it would do",
        )

    @pytest.mark.parametrize("verdict", ["accepted", "declined"])
    def test_a_doubled_click_is_one_answer(self, shop, ann, verdict):
        assert say(shop, ann, "cup-5", verdict) == say(shop, ann, "cup-5", verdict)
        assert len(told(shop, ann)) == len(standing(shop, ann)) == 1

    def test_the_newest_word_counts(self, shop, ann):
        say(shop, ann, "cup-5", reason="not_now")
        say(shop, ann, "cup-5", "accepted")
        assert standing(shop, ann) == [("accepted", "")]
        assert not answers.declined(shop.tenant_id, ann)
        assert [title for title, _details in told(shop, ann)] == ["Took Cup 5, which was offered"]

    def test_a_reason_that_is_told_later_replaces_none(self, shop, ann):
        say(shop, ann, "cup-5")
        say(shop, ann, "cup-5", reason="has_it")
        assert standing(shop, ann) == [("declined", "has_it")]

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [({"verdict": "perhaps"}, "verdict"), ({"reason": "bad mood"}, "reason"), ({"days": 0}, "days"), ({"days": 4000}, "days"),
         ({"verdict": "accepted", "reason": "has_it"}, "reason"), ({"verdict": "accepted", "days": 3}, "days")],
    )  # fmt: skip
    def test_nonsense_is_named(self, shop, ann, wrong, field):
        with pytest.raises(answers.BadAnswer) as refused:
            say(shop, ann, "cup-5", **{"verdict": "declined"} | wrong)
        assert field in refused.value.fields

    def test_unknown_people_and_products(self, shop, ann, other_company):
        with pytest.raises(profiles.NoSuchCustomer):
            say(shop, UUID(int=5), "cup-5")
        with work.unit(tenant_id=shop.tenant_id), pytest.raises(products.NoSuchProduct):
            answers.say(customer_id=ann, product_id=UUID(int=5), verdict="declined")
        cup = product_of(shop, "cup-5")
        with work.unit(tenant_id=other_company.tenant_id), pytest.raises(profiles.NoSuchCustomer):
            answers.say(customer_id=ann, product_id=cup, verdict="declined")

    def test_they_are_counted_by_reason(self, shop, ann):
        say(shop, ann, "cup-5", reason="too_expensive", slot="home", algorithm="buyer")
        say(shop, customer_of(shop, 2), "cup-5", reason="too_expensive", slot="home", algorithm="buyer")
        say(shop, ann, "cup-6", "accepted", slot="home", algorithm="popular")
        with work.unit(tenant_id=shop.tenant_id):
            rows = answers.counted(since=clock.now() - timedelta(days=1))
        assert rows == [
            {"verdict": "accepted", "reason": "", "slot": "home", "algorithm": "popular", "count": 1},
            {"verdict": "declined", "reason": "too_expensive", "slot": "home", "algorithm": "buyer", "count": 2},
        ]


class TestTakingBack:
    def test_it_is_offered_again_at_once_and_told_nowhere(self, shop, ann):
        answer_id = say(shop, ann, "cup-5")
        assert answers.declined(shop.tenant_id, ann)
        for _again in range(2):
            with work.unit(tenant_id=shop.tenant_id):
                answers.take_back(answer_id)
        assert not answers.declined(shop.tenant_id, ann)
        assert not told(shop, ann) and not standing(shop, ann)
        assert "cup-5" in keys(chosen(shop, "home", customer_id=ann, limit=20))

    def test_the_history_undoes_it_and_undoes_that(self, shop, ann):
        with work.unit(tenant_id=shop.tenant_id):
            answers.say(customer_id=ann, product_id=product_of(shop, "cup-5"), verdict="declined")
            entry = audit.latest()
        with work.unit(tenant_id=shop.tenant_id):
            undoing.undo(entry)
            back = audit.latest()
        assert not answers.declined(shop.tenant_id, ann)
        with work.unit(tenant_id=shop.tenant_id):
            undoing.undo(back)
        assert answers.declined(shop.tenant_id, ann) and len(told(shop, ann)) == 1


class TestWhoTheyAre:
    def test_it_follows_the_person_into_a_merge_and_out_of_it(self, shop, ann, drain):
        bea = customer_of(shop, 2)
        say(shop, ann, "cup-5")
        with work.unit(tenant_id=shop.tenant_id):
            merge_id = merging.merge(winner_id=bea, loser_id=ann).id
        drain(shop)
        number = stock.number_of(product_of(shop, "cup-5"))
        assert answers.declined(shop.tenant_id, bea) == {number}
        with work.unit(tenant_id=shop.tenant_id):
            unmerging.unmerge(merge_id)
        drain(shop)
        assert answers.declined(shop.tenant_id, bea) == frozenset()
        assert answers.declined(shop.tenant_id, ann) == {number}

    def test_it_goes_with_the_person_and_with_the_product(self, shop, ann):
        say(shop, ann, "cup-5")
        with work.unit(tenant_id=shop.tenant_id):
            db.session.delete(products.by_external(["cup-5"])["cup-5"])
        with work.unit(tenant_id=shop.tenant_id):
            assert db.session.scalars(db.select(OfferAnswer)).all() == []


def test_a_copy_that_is_being_loaded_while_the_truth_changes_is_not_kept(shop, ann):
    name = answers._name(shop.tenant_id, ann)

    def slow() -> bytes:
        answers.forget(tenant_id=shop.tenant_id, customer_ids=[ann])
        return b"[[1, 9e9]]"

    assert copies.read(name, slow) == b"[[1, 9e9]]"
    assert answers.declined(shop.tenant_id, ann) == frozenset()
