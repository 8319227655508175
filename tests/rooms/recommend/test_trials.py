"""Trials of a place: who gets which arm and keeps it, what is counted, what is said of it, and what happens to an arm that harms."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from saas.commerce import orders
from saas.customers import consent, identity, profiles
from saas.kit import clock, valkey, work
from saas.kit.db import db
from saas.recommend import (
    browsers,
    offers,
    shelf,
    shown,
    slots,
    trial_counting,
    trial_letters,
    trial_parts,
    trial_planning,
    trial_statistics,
    trial_verdicts,
    trial_words,
    trials,
)
from saas.recommend.models import OfferCount, OfferShown
from saas.recommend.trial_models import TrialDay, TrialPerson
from saas.tenancy import audit, undoing
from saas.tenancy.letter_words import LETTERS
from tests.rooms.recommend import little_shop

NEWEST = {"name": "Newest", "share": 50, "settings": {"engine": "newest"}}
TODAY = {"name": "As today", "share": 50}
NOTHING = {"name": "No offers", "share": 50, "kind": "nothing"}


@pytest.fixture(autouse=True)
def empty_stream(settings_in_environment):
    shown.flush()
    valkey.client().delete(shown.STREAM)


def visitor(number: int) -> str:
    return f"trial-visitor-{number:016d}"


def made(shop, *, begun: bool = True, **fields):
    """A trial of the home page that has begun."""
    with work.unit(tenant_id=shop.tenant_id):
        values = {"name": "Newest first?", "slot": "home", "arms": [TODAY, NEWEST], "days": 1, **fields}
        trial = trials.create(**values)
        if begun:
            trials.start(trial.id)
    shelf.forget()
    return trial


def ask(shop, who: str, *, slot: str = "home", **wishes):
    return offers.choose(tenant_id=shop.tenant_id, slot=slot, visitor=who, **wishes)


def arms_of(shop, trial) -> dict[str, str]:
    shown.write_pending()
    with work.unit(tenant_id=shop.tenant_id):
        found = db.session.execute(select(TrialPerson.visitor, TrialPerson.arm).where(TrialPerson.trial_id == trial.id))
        return dict(found.all())


def buy(shop, number: int, who: str, **fields) -> None:
    with work.unit(tenant_id=shop.tenant_id):
        values = {"days_ago": -0.001, "visitor": who, **fields}
        orders.record_many([little_shop.order(number, ["tea-1"], **values)])


def counted(shop, trial, *, days: float = 0.0):
    """Count a trial so many days later; returns the trial and what is found."""
    with clock.travel(to=clock.now() + timedelta(days=days)), work.unit(tenant_id=shop.tenant_id):
        held = trial_counting.count(trial.id)
        found = trial_verdicts.examine(held, trial_counting.days(held.id), now=clock.now())
        return held, found


def days_of(shop, trial, *arms: dict) -> None:
    """Days as if they had been counted: one row an arm and day, all alike."""
    with work.unit(tenant_id=shop.tenant_id):
        for arm in arms:
            values = {
                "people": 0,
                "buyers": 0,
                "clickers": 0,
                "leavers": 0,
                "ended": 0,
                "payers": 0,
                "amount": 0,
                "squares": 0,
            }
            db.session.add(TrialDay(trial_id=trial.id, day=clock.now().date() - timedelta(days=60), **values | arm))


class TestArms:
    def test_everybody_keeps_their_arm_and_the_shares_are_met(self, shop):
        trial = made(shop, arms=[{**TODAY, "share": 70}, {**NEWEST, "share": 30}])
        again = [trial_parts.arm_of(str(trial.id), visitor(number), [70, 30]) for number in range(4000)]
        assert again == [trial_parts.arm_of(str(trial.id), visitor(number), [70, 30]) for number in range(4000)]
        assert 0.27 < sum(again) / 4000 < 0.33

    def test_another_trial_mixes_the_same_people_anew(self, shop):
        pairs = Counter(
            (
                trial_parts.arm_of("one", visitor(number), [50, 50]),
                trial_parts.arm_of("other", visitor(number), [50, 50]),
            )
            for number in range(2000)
        )
        assert min(pairs.values()) > 400

    def test_an_arm_shows_its_settings_and_is_kept_with_what_was_shown(self, shop):
        trial = made(shop)
        for number in range(30):
            ask(shop, visitor(number), limit=3)
        arms = arms_of(shop, trial)
        assert set(arms.values()) == {"today", "arm-1"}
        with work.unit(tenant_id=shop.tenant_id):
            rows = db.session.scalars(select(OfferShown)).all()
            assert {row.trial_id for row in rows} == {trial.id}
            assert {row.arm for row in rows} == {"today", "arm-1"}
            assert all(row.arm == arms[row.visitor] for row in rows)
            assert {row.algorithm for row in rows if row.arm == "arm-1"} == {"newest"}
            assert "popular" in {row.algorithm for row in rows if row.arm == "today"}

    def test_whoever_is_held_out_is_shown_nothing_and_counted_all_the_same(self, shop):
        trial = made(shop, arms=[TODAY, NOTHING])
        answers = {visitor(number): bool(ask(shop, visitor(number)).items) for number in range(40)}
        arms = arms_of(shop, trial)
        assert len(arms) == 40
        assert all(answers[who] == (arm == "today") for who, arm in arms.items())

    def test_who_signs_in_and_comes_with_a_second_browser_keeps_the_arm(self, shop, drain):
        trial = made(shop)
        first = visitor(1)
        second = next(visitor(number) for number in range(2, 100)
                      if trial_parts.arm_of(str(trial.id), visitor(number), [50, 50]) != trial_parts.arm_of(str(trial.id), first, [50, 50]))  # fmt: skip
        ask(shop, first)
        with work.unit(tenant_id=shop.tenant_id):
            customer = profiles.create(email="two@shop.example").id
            identity.bind_visitor(first, customer, proven=True)
        drain(shop)
        ask(shop, first)
        with work.unit(tenant_id=shop.tenant_id):
            identity.bind_visitor(second, customer, proven=True)
        drain(shop)
        browsers.publish(shop.tenant_id)
        ask(shop, second)
        shown.write_pending()
        with work.unit(tenant_id=shop.tenant_id):
            rows = db.session.scalars(select(OfferShown.arm).distinct()).all()
            assert len(rows) == 1
            assert db.session.scalar(select(func.count()).select_from(TrialPerson)) == 1

    def test_nobody_in_particular_and_who_only_tries_out_take_no_part(self, shop):
        made(shop, arms=[TODAY, NOTHING])
        for number in range(20):
            assert ask(shop, "").items
            assert ask(shop, visitor(number), record=False).items

    def test_other_places_and_other_companies_go_on_as_ever(self, shop, other_company, drain):
        little_shop.fill(other_company, visits=0, baskets=0)
        drain(other_company)
        trial = made(shop, arms=[TODAY, NOTHING])
        for number in range(20):
            assert ask(shop, visitor(number), slot="discover").items
            assert ask(other_company, visitor(number)).items
        assert arms_of(shop, trial) == {}

    def test_a_paused_or_ended_trial_shows_everybody_todays(self, shop):
        trial = made(shop, arms=[TODAY, NOTHING])
        for move in (trials.pause, trials.start, trials.stop):
            with work.unit(tenant_id=shop.tenant_id):
                state = move(trial.id).state
            shelf.forget()
            answers = [bool(ask(shop, visitor(number)).items) for number in range(20)]
            assert all(answers) == (state != "running")

    def test_a_warm_answer_asks_no_database(self, shop, monkeypatch):
        made(shop)
        for number in range(6):
            ask(shop, visitor(number), limit=3)
        from saas.kit import pool

        def refuse(**_):
            raise AssertionError("a database was asked")

        monkeypatch.setattr(pool, "connection", refuse)
        assert all(ask(shop, visitor(number), limit=3).items for number in range(6))


class TestDrafting:
    def test_teams_draft_in_turn_each_its_best_that_is_left(self):
        assert trial_parts.draft([1, 2, 3], [2, 1, 4], 4, 0b0000) == [(1, 0), (2, 1), (3, 0), (4, 1)]
        assert trial_parts.draft([1, 2, 3], [2, 1, 4], 4, 0b1111) == [(2, 1), (1, 0), (4, 1), (3, 0)]

    def test_a_short_list_leaves_the_rest_to_the_other(self):
        assert trial_parts.draft([1], [2, 3, 4], 4, 0) == [(1, 0), (2, 1), (3, 1), (4, 1)]
        assert trial_parts.draft([], [], 4, 0) == []

    def test_all_patterns_together_favour_nobody(self):
        drafted = [trial_parts.draft([1, 2, 3, 4], [4, 3, 2, 1], 4, pattern) for pattern in range(trial_parts.PATTERNS)]
        assert sum(team for one in drafted for _number, team in one) == 2 * trial_parts.PATTERNS
        assert Counter(one[0][1] for one in drafted) == {0: 8, 1: 8}

    def test_each_product_shown_is_its_teams_and_a_vote_follows_from_clicks(self, shop):
        trial = made(shop, mode="interleaved", goal="clicks")
        with clock.travel(to=clock.now() - timedelta(days=3)):
            for number in range(30):
                who = visitor(number)
                chosen = ask(shop, who, limit=4)
                shown.write_pending()
                with work.unit(tenant_id=shop.tenant_id):
                    arms = dict(
                        db.session.execute(select(OfferShown.id, OfferShown.arm).where(OfferShown.visitor == who)).all()
                    )
                    assert set(arms.values()) == {"today", "arm-1"}
                    mine = next(one for one in chosen.items if arms[one.id] == "arm-1")
                    little_shop.tell(who, "offer_clicked", str(mine.id))
                    shown.mark([who])
        with work.unit(tenant_id=shop.tenant_id):
            trials.one(trial.id).started_at = clock.now() - timedelta(days=3)
        held, found = counted(shop, trial)
        assert [(arm.key, arm.people, arm.clickers) for arm in found.arms] == [("today", 30, 0), ("arm-1", 0, 30)]
        assert (found.verdict.what, found.verdict.arm) == ("better", "arm-1")
        with work.unit(tenant_id=shop.tenant_id):
            assert "wins" in trial_words.sentence(held, found)


class TestCounting:
    def test_what_people_buy_in_their_days_counts_for_their_arm(self, shop):
        trial = made(shop)
        for number in range(12):
            ask(shop, visitor(number))
        arms = arms_of(shop, trial)
        for number in range(0, 12, 2):
            buy(shop, 700 + number, visitor(number))
        buy(shop, 720, visitor(0))  # a second order is money, and no second buyer
        buy(shop, 721, visitor(2), currency="USD")
        buy(shop, 722, visitor(4), status="cancelled")
        buy(shop, 723, visitor(6), days_ago=-2)  # her days are over by then
        buy(shop, 724, "never-met-it-000000000000")
        _held, found = counted(shop, trial, days=4)
        told = {arm.key: arm for arm in found.arms}
        for key in ("today", "arm-1"):
            mine = [number for number in range(12) if arms[visitor(number)] == key]
            even = [number for number in mine if number % 2 == 0]
            assert (told[key].people, told[key].buyers, told[key].ended) == (len(mine), len(even), len(mine))
            assert told[key].amount == 1250 * (len(even) + (0 in even))

    def test_a_person_of_two_browsers_is_one_and_belongs_to_the_first(self, shop):
        trial = made(shop)
        one, two = (
            visitor(1),
            next(
                visitor(n)
                for n in range(2, 99)
                if trial_parts.arm_of(str(trial.id), visitor(n), [50, 50])
                != trial_parts.arm_of(str(trial.id), visitor(1), [50, 50])
            ),
        )
        ask(shop, one)
        arm = arms_of(shop, trial)[one]
        ask(shop, two)
        arms_of(shop, trial)
        with work.unit(tenant_id=shop.tenant_id):
            customer = profiles.create(email="late@shop.example").id
            identity.bind_visitor(one, customer, proven=True)
            identity.bind_visitor(two, customer, proven=True)
        buy(shop, 730, two)
        _held, found = counted(shop, trial, days=4)
        assert {each.key: (each.people, each.buyers) for each in found.arms if each.people} == {arm: (1, 1)}

    def test_who_unsubscribes_in_their_days_counts(self, shop):
        trial = made(shop)
        with work.unit(tenant_id=shop.tenant_id):
            customer = profiles.create(email="leaves@shop.example").id
            consent.grant(customer_id=customer, source="test")
        offers.choose(tenant_id=shop.tenant_id, slot="home", customer_id=customer)
        shown.write_pending()
        with clock.travel(to=clock.now() + timedelta(hours=1)), work.unit(tenant_id=shop.tenant_id):
            consent.withdraw(customer_id=customer, source="test")
        _held, found = counted(shop, trial, days=2)
        assert sum(arm.leavers for arm in found.arms) == 1

    def test_counting_again_changes_nothing_and_old_days_stay(self, shop):
        trial = made(shop)
        for number in range(6):
            ask(shop, visitor(number))
        arms_of(shop, trial)
        counted(shop, trial)
        _held, before = counted(shop, trial, days=10)
        with work.unit(tenant_id=shop.tenant_id):
            for person in db.session.scalars(select(TrialPerson)):
                db.session.delete(person)
        _held, after = counted(shop, trial, days=20)
        assert [arm.people for arm in after.arms] == [arm.people for arm in before.arms]
        assert sum(arm.people for arm in after.arms) == 6


class TestVerdicts:
    def test_a_planted_winner_is_found_said_in_words_and_taken_over(self, shop):
        trial = made(shop)
        days_of(
            shop,
            trial,
            {"arm": "today", "people": 5000, "buyers": 200},
            {"arm": "arm-1", "people": 5050, "buyers": 330},
        )
        held, found = counted(shop, trial)
        assert (found.verdict.what, found.verdict.arm) == ("better", "arm-1")
        assert trial_words.sentence(held, found).startswith("“Newest” wins: 65.0% more people buy, ")
        with work.unit(tenant_id=shop.tenant_id):
            assert trials.take_over(trial.id, "arm-1").state == "stopped"
            entry = audit.latest()
            assert slots.one("home").engine == "newest"
        with work.unit(tenant_id=shop.tenant_id):
            undoing.undo(entry)
        with work.unit(tenant_id=shop.tenant_id):
            assert slots.one("home").engine == "automatic"

    def test_an_absent_one_is_not_found_and_the_rest_of_the_way_is_told(self, shop):
        trial = made(shop)
        days_of(
            shop,
            trial,
            {"arm": "today", "people": 5000, "buyers": 200},
            {"arm": "arm-1", "people": 5050, "buyers": 205},
        )
        with work.unit(tenant_id=shop.tenant_id):
            trials.one(trial.id).started_at = clock.now() - timedelta(days=10)
        held, found = counted(shop, trial)
        assert found.verdict.what == "open"
        assert 100 < found.more_days < 365
        assert "Too early to tell: about " in trial_words.sentence(held, found)

    def test_no_difference_that_matters_is_a_verdict_too(self, shop):
        trial = made(shop, worth_percent=20)
        days_of(
            shop,
            trial,
            {"arm": "today", "people": 200_000, "buyers": 8000},
            {"arm": "arm-1", "people": 200_000, "buyers": 8010},
        )
        held, found = counted(shop, trial)
        assert trial_words.sentence(held, found) == "No difference that matters: “Newest” is within 20% of today."

    def test_what_was_reached_once_holds(self, shop):
        trial = made(shop)
        days_of(
            shop,
            trial,
            {"arm": "today", "people": 5000, "buyers": 200},
            {"arm": "arm-1", "people": 5050, "buyers": 330},
        )
        counted(shop, trial)
        with work.unit(tenant_id=shop.tenant_id):
            db.session.scalars(select(TrialDay).where(TrialDay.arm == "today")).one().buyers = 300
        assert counted(shop, trial)[1].verdict.what == "better"

    def test_arms_that_got_the_wrong_people_are_not_trusted(self, shop):
        trial = made(shop)
        days_of(
            shop,
            trial,
            {"arm": "today", "people": 5000, "buyers": 200},
            {"arm": "arm-1", "people": 4300, "buyers": 330},
        )
        held, found = counted(shop, trial)
        assert found.mismatch > 1 / trial_statistics.SURE_OF_MISMATCH
        assert trial_words.sentence(held, found).startswith("Do not trust these figures")
        assert held.verdict == {}

    def test_money_a_head_is_compared_and_hidden_from_who_may_not_see_it(self, shop):
        from saas.kit import access

        trial = made(shop, goal="money", guards={})
        base = {
            "people": 4000,
            "buyers": 400,
            "ended": 4000,
            "payers": 400,
            "amount": 400 * 6000,
            "squares": 400 * 6500**2,
        }
        days_of(
            shop,
            trial,
            {"arm": "today", **base},
            {"arm": "arm-1", **base, "amount": 400 * 9000, "squares": 400 * 9500**2},
        )
        held, found = counted(shop, trial)
        assert found.verdict.what == "better"
        assert "50.0% more money a head" in trial_words.sentence(held, found)
        blind = access.Access(permissions=frozenset({"offers.read"}), hidden=frozenset({"order.total"}))
        with work.unit(tenant_id=shop.tenant_id), access.bound(blind):
            assert trial_words.sentence(held, found) == "“Newest” wins."


class TestGuards:
    @pytest.mark.parametrize(
        ("guards", "harm", "paused"),
        [
            ({"orders": 0}, {"buyers": 120}, True),
            ({"orders": 20}, {"buyers": 160}, False),
            ({}, {"buyers": 120}, False),
            ({"unsubscribes": 0}, {"leavers": 60}, True),
            ({"money": 0}, {"amount": 200 * 3000, "squares": 200 * 3300**2}, True),
        ],
    )
    def test_an_arm_that_surely_harms_stops_by_itself_and_owners_are_told(
        self, shop, drain, monkeypatch, guards, harm, paused
    ):
        letters = []
        monkeypatch.setattr(
            trial_letters.letters,
            "write_to_staff",
            lambda kind, **given: letters.append((kind, given["path"], given["values"]["arm"])),
        )
        trial = made(shop, guards=guards)
        base = {
            "people": 4000,
            "buyers": 250,
            "leavers": 10,
            "ended": 4000,
            "payers": 200,
            "amount": 200 * 6000,
            "squares": 200 * 6500**2,
        }
        days_of(shop, trial, {"arm": "today", **base}, {"arm": "arm-1", **base, **harm})
        held, _found = counted(shop, trial)
        drain(shop)
        assert held.state == ("paused" if paused else "running")
        told = (
            [(f"offer_trial_{what}", f"/recommendations/trials/{trial.id}", "Newest") for what in guards]
            if paused
            else []
        )
        assert letters == told
        if paused:
            with work.unit(tenant_id=shop.tenant_id):
                assert trial_words.why_paused(held).startswith("It paused by itself")

    def test_every_letter_has_its_words_in_each_language(self):
        for kind in trial_letters.WHAT:
            english, chinese = (LETTERS[f"offer_trial_{kind}"][language] for language in ("en", "zh_Hans"))
            for words in (english, chinese):
                written = f"{words.subject} {words.before}".format(trial="T", company="C", arm="A")
                assert "{" not in written and all(name in written for name in ("T", "C", "A"))

    def test_showing_nothing_on_purpose_is_not_watched(self, shop):
        trial = made(shop, arms=[TODAY, NOTHING])
        days_of(
            shop,
            trial,
            {"arm": "today", "people": 4000, "buyers": 300},
            {"arm": "arm-1", "people": 4000, "buyers": 120},
        )
        assert counted(shop, trial)[0].state == "running"


class TestPlanning:
    def test_a_second_trial_of_a_place_waits_for_the_first(self, shop):
        first, second = made(shop), made(shop, begun=False, name="Another")
        with work.unit(tenant_id=shop.tenant_id), pytest.raises(trials.NotNow, match="Newest first"):
            trials.start(second.id)
        with work.unit(tenant_id=shop.tenant_id):
            trials.stop(first.id)
            assert trials.start(second.id).state == "running"

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"name": " "}, "name"),
            ({"slot": "attic"}, "slot"),
            ({"goal": "fame"}, "goal"),
            ({"mode": "interleaved", "goal": "money"}, "goal"),
            ({"days": 0}, "days"),
            ({"worth_percent": 0}, "worth_percent"),
            ({"guards": {"moon": 1}}, "guards"),
            ({"arms": [TODAY]}, "arms"),
            ({"arms": [TODAY, {**NEWEST, "share": 40}]}, "arms"),
            ({"arms": [NOTHING, NEWEST]}, "arms"),
            ({"arms": [TODAY, {**NEWEST, "settings": {}}]}, "arms.1.settings"),
            ({"arms": [TODAY, {**NEWEST, "settings": {"engine": "oracle"}}]}, "arms.1.engine"),
            ({"arms": [TODAY, {**NEWEST, "settings": {"active": False}}]}, "arms.1.active"),
            ({"arms": [TODAY, {**NEWEST, "settings": {"pinned": ["no product"]}}]}, "arms.1.pinned"),
            ({"mode": "interleaved", "goal": "clicks", "arms": [TODAY, NOTHING]}, "arms.1.kind"),
        ],
    )
    def test_a_plan_that_makes_no_sense_is_refused_with_its_field(self, tenant, fields, wrong):
        with pytest.raises(trials.BadTrial) as refused:
            trials.create(**{"name": "Try", "slot": "home", "arms": [TODAY, NEWEST]} | fields)
        assert list(refused.value.fields) == [wrong]

    def test_a_begun_trial_is_not_changed_and_not_deleted(self, shop):
        trial = made(shop)
        for act in (
            lambda: trials.change(trial.id, name="Else"),
            lambda: trials.delete(trial.id),
            lambda: trials.start(trial.id),
        ):
            with work.unit(tenant_id=shop.tenant_id), pytest.raises(trials.NotNow):
                act()

    def test_before_it_begins_it_is_estimated_how_long_it_takes(self, shop):
        for number in range(60):
            at = clock.now() - timedelta(days=7) + timedelta(hours=2 * number)
            with clock.travel(to=at):
                ask(shop, visitor(number), limit=1)
                if number % 2:
                    buy(shop, 800 + number, visitor(number), days_ago=-0.001)
        shown.write_pending()
        with work.unit(tenant_id=shop.tenant_id):
            wish = {"slot": "home", "mode": "split", "days": 3, "currency": "EUR"}
            plan = trial_planning.plan(goal="orders", shares=[50, 50], worth_percent=20, **wish)
            assert plan.rate == 0.5
            assert plan.people == pytest.approx(trial_statistics.needed_hits(worth=0.2) / 0.5, abs=2)
            assert plan.days == pytest.approx(plan.people / plan.people_a_day, abs=1)
            assert trial_planning.plan(goal="money", shares=[50, 50], worth_percent=20, **wish).people > 0
            assert trial_planning.plan(goal="clicks", shares=[50, 50], worth_percent=20, **wish).people is None

    def test_counts_of_offers_go_on_during_a_trial(self, shop):
        made(shop)
        for number in range(5):
            ask(shop, visitor(number), limit=2)
        shown.write_pending()
        with work.unit(tenant_id=shop.tenant_id):
            assert db.session.scalar(select(func.sum(OfferCount.requests))) == 5
            assert isinstance(db.session.scalars(select(OfferShown.trial_id)).first(), UUID)
