"""Whose a browser is: every join with its evidence, taken back and put together again, whatever happened meanwhile."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select

from saas.audiences import segments
from saas.commerce import digests, live, orders, recognition, shops, unjoining
from saas.commerce.models import Cart, Visit
from saas.customers import facts, identity, joins, merging, profiles, unmerging
from saas.customers.models import Join, TimelineEntry, VisitorPart
from saas.kit import work
from saas.kit.db import db
from tests.rooms.commerce.browsers import VISITOR, at, carted, identified, tell, viewed

ANN, BOB = "ann@shop.example", "bob@shop.example"


@pytest.fixture
def shop(context, company):
    with work.unit(tenant_id=company.tenant_id):
        made, secret = shops.connect(kind="generic", name="Tea shop", url="https://shop.example")
        return made.id, secret


@pytest.fixture
def people(shop, company):
    """Ann and Bob, whom the shop knows."""
    with work.unit(tenant_id=company.tenant_id):
        return profiles.create(email=ANN, first_name="Ann").id, profiles.create(email=BOB, first_name="Bob").id


def signed(secret: str, key: str, minutes: float, email: str) -> dict:
    return identified(key, minutes, email=email, signature=recognition.sign(secret, email))


def order(company, key: str, minutes: float, email: str, visitor: str = VISITOR) -> UUID:
    with work.unit(tenant_id=company.tenant_id):
        item = {"external_id": key, "number": f"N{key}", "placed_at": at(minutes), "status": "paid", "currency": "EUR", "total": "10.00",
                "visitor": visitor, "customer": {"email": email}, "lines": []}  # fmt: skip
        return orders.record_many([item])[0].id


def held(company) -> dict:
    """Return how many events, and which carts, are whose."""
    with work.unit(tenant_id=company.tenant_id):
        found = Counter()
        for visit in db.session.scalars(select(Visit)):
            found[visit.customer_id] += visit.events_count
        filled = {cart.key: cart.customer_id for cart in db.session.scalars(select(Cart))}
        return {"events": dict(found), "carts": filled, "whose": identity.visitor(VISITOR)}


def unjoin(company, customer: UUID, place: int = 0) -> UUID:
    with work.unit(tenant_id=company.tenant_id):
        browsers = [one for one in unjoining.of(customer)["joins"] if one.kind == "visitor"]
        return unjoining.unjoin(customer, browsers[place].id)[0].id


class TestShared:
    def test_who_identifies_next_has_the_browser_from_then_on_and_the_half_hour_before(
        self, company, shop, people, drain
    ):
        ann, bob = people
        tell(company, viewed("a", 0), signed(shop[1], "b", 5, ANN), viewed("c", 20), viewed("d", 45), viewed("e", 60),
             signed(shop[1], "f", 70, BOB), viewed("g", 80))  # fmt: skip
        drain(company)
        assert held(company)["events"] == {ann: 3, bob: 4}
        assert held(company)["whose"] == (bob, True)
        with work.unit(tenant_id=company.tenant_id):
            stays = db.session.execute(
                select(Visit.customer_id, Visit.began_at, Visit.ended_at).order_by(Visit.began_at)
            ).all()
            assert stays == [(ann, at(0), at(20)), (bob, at(45), at(80))]

    def test_whoever_showed_themselves_meanwhile_keeps_that_time(self, company, shop, people, drain):
        ann, bob = people
        tell(
            company,
            signed(shop[1], "a", 0, ANN),
            viewed("b", 1),
            signed(shop[1], "c", 10, ANN),
            viewed("d", 12),
            signed(shop[1], "e", 15, BOB),
        )
        drain(company)
        assert held(company)["events"] == {ann: 3, bob: 2}

    def test_two_take_turns(self, company, shop, people, drain):
        ann, bob = people
        turns = [signed(shop[1], f"i{place}", 100 * place, (ANN, BOB)[place % 2]) for place in range(6)]
        looks = [viewed(f"v{place}", 100 * place + 5) for place in range(6)]
        tell(company, *turns, *looks)
        drain(company)
        assert held(company)["events"] == {ann: 6, bob: 6}

    def test_the_order_in_which_it_is_heard_makes_no_difference(self, company, shop, people, drain):
        said = [viewed("a", 0), signed(shop[1], "b", 5, ANN), viewed("c", 50), carted("k", 51, ("p", 1, "5.00")), signed(shop[1], "d", 60, BOB),
                viewed("e", 70), signed(shop[1], "f", 200, ANN), viewed("g", 210)]  # fmt: skip
        tell(company, *said)
        drain(company)
        right = held(company)
        with work.unit(tenant_id=company.tenant_id):
            stays = db.session.execute(
                select(Visit.began_at, Visit.customer_id, Visit.events_count).order_by(Visit.began_at)
            ).all()
        for number in range(4):
            other = f"other-browser-{number:04d}"
            mixed = Random(number).sample(said, len(said))
            for one in mixed:
                tell(company, one, visitor=other)
                if number % 2:
                    drain(company)
            drain(company)
            with work.unit(tenant_id=company.tenant_id):
                mine = select(Visit.began_at, Visit.customer_id, Visit.events_count).where(Visit.visitor == other)
                assert db.session.execute(mine.order_by(Visit.began_at)).all() == stays
                assert identity.visitor(other) == right["whose"]
                assert [one.customer_id for one in db.session.scalars(select(Cart).where(Cart.visitor == other))] == [
                    people[1]
                ]

    def test_a_claim_gives_way_to_proof_and_never_takes_from_it(self, company, shop, people, drain):
        ann, bob = people
        tell(company, viewed("a", 0), identified("b", 1, email=BOB))
        drain(company)
        assert held(company)["events"] == {bob: 2}
        order(company, "1", 100, ANN)
        drain(company)
        assert held(company)["events"] == {ann: 2}
        tell(company, identified("c", 200, email=BOB))
        drain(company)
        assert held(company)["events"] == {ann: 3} and held(company)["whose"] == (ann, True)


class TestEvidence:
    def test_each_join_says_how_when_and_where(self, company, shop, people, drain):
        ann, _bob = people
        tell(
            company,
            {**signed(shop[1], "a", 0, ANN), "url": "https://shop.example/account"},
            viewed("b", 1),
            shop_id=shop[0],
        )
        drain(company)
        placed = order(company, "7", 30, ANN)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            shown = unjoining.of(ann)["joins"]
            mail, browser = shown
            assert (mail.kind, mail.value, mail.evidence[0]["way"]) == ("email", ANN, "platform")
            assert (browser.kind, browser.value, browser.proven, browser.holds) == (
                "visitor",
                VISITOR,
                True,
                {"visits": 1, "events": 2, "carts": 0},
            )
            told = {one["way"]: one for one in browser.evidence}
            assert (told["signature"]["shop"], told["signature"]["url"], told["signature"]["at"]) == (
                "Tea shop",
                "https://shop.example/account",
                at(0),
            )
            assert (told["order"]["ref"], told["order"]["number"], told["order"]["at"]) == (str(placed), "N7", at(30))

    def test_an_order_told_again_is_one_piece_of_evidence(self, company, shop, people, drain):
        for _time in range(3):
            order(company, "7", 30, ANN)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(Join)) == 1

    def test_a_page_that_signs_on_every_view_is_one_stretch(self, company, shop, people, drain):
        for place in range(5):
            tell(company, signed(shop[1], f"s{place}", place, ANN))
            drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert [(one.at, one.last_at) for one in db.session.scalars(select(Join))] == [(at(0), at(4))]


class TestUnjoin:
    def test_everything_goes_where_it_was_before_and_comes_back(self, company, shop, people, drain):
        ann, bob = people
        now = datetime.now(UTC).isoformat()
        tell(
            company,
            viewed("a", 0),
            identified("b", 1, email=BOB),
            carted("c", 2, ("p1", 2, "5.00")),
            {"id": "n", "type": "product_viewed", "at": now, "product": "p9"},
        )
        drain(company)
        before, figures = held(company), self.figures(company, people)
        assert before["events"] == {bob: 4} and before["carts"] == {"c1": bob}
        order(company, "1", 500, ANN)
        drain(company)
        joined, after = held(company), self.figures(company, people)
        assert joined["events"] == {ann: 4} and joined["carts"] == {"c1": ann} and joined["whose"] == (ann, True)
        assert live.read(company.tenant_id, VISITOR)["customer"] == str(ann)
        viewers = {"match": "all", "conditions": [{"field": "viewed", "operator": "ever"}]}
        with work.unit(tenant_id=company.tenant_id):
            assert (segments.belongs(viewers, ann), segments.belongs(viewers, bob)) == (True, False)
        parting = unjoin(company, ann)
        assert held(company) == before
        drain(company)
        assert held(company) == before and self.figures(company, people) == figures
        assert live.read(company.tenant_id, VISITOR)["customer"] == str(bob)
        with work.unit(tenant_id=company.tenant_id):
            assert (segments.belongs(viewers, ann), segments.belongs(viewers, bob)) == (False, True)
            unjoining.rejoin(ann, parting)
        drain(company)
        assert held(company) == joined and self.figures(company, people) == after

    def figures(self, company, people) -> list:
        with work.unit(tenant_id=company.tenant_id):
            known = facts.of(list(people))
            told = select(TimelineEntry.customer_id, TimelineEntry.kind, TimelineEntry.at, TimelineEntry.title)
            entries = sorted(map(tuple, db.session.execute(told.where(TimelineEntry.kind != "order"))), key=str)
            return [
                [(known[one].visits_count, known[one].views_count, known[one].cart_amount) for one in people],
                entries,
            ]

    def test_of_nobody_it_is_nobodys_again(self, company, shop, people, drain):
        ann, _bob = people
        tell(company, viewed("a", 0), carted("c", 1, ("p", 1, "1.00")), signed(shop[1], "b", 2, ANN))
        drain(company)
        unjoin(company, ann)
        drain(company)
        assert held(company) == {"events": {None: 3}, "carts": {"c1": None}, "whose": None}
        with work.unit(tenant_id=company.tenant_id):
            assert facts.of([ann])[ann].visits_count == 0
            assert db.session.scalars(select(TimelineEntry.kind).where(TimelineEntry.kind != "note")).all() == []
            assert db.session.scalars(select(VisitorPart)).all() == []

    def test_the_same_weak_evidence_does_not_join_again(self, company, shop, people, drain):
        ann, _bob = people
        tell(company, viewed("a", 0), identified("b", 1, email=ANN))
        drain(company)
        parting = unjoin(company, ann)
        tell(
            company,
            identified("c", 300, email=ANN),
            {"id": "d", "type": "identified", "at": datetime.now(UTC).isoformat(), "identity": {"email": ANN}},
        )
        drain(company)
        assert held(company)["whose"] is None and set(held(company)["events"]) == {None}
        with work.unit(tenant_id=company.tenant_id):
            unjoining.rejoin(ann, parting)
        drain(company)
        assert held(company)["whose"] == (ann, False) and set(held(company)["events"]) == {ann}

    def test_the_same_order_does_not_join_again_and_a_later_one_does(self, company, shop, people, drain):
        ann, _bob = people
        tell(company, viewed("a", 0))
        order(company, "1", 10, ANN)
        drain(company)
        unjoin(company, ann)
        order(company, "1", 10, ANN)
        drain(company)
        assert held(company)["whose"] is None
        order(company, "2", (datetime.now(UTC) + timedelta(seconds=1) - at(0)).total_seconds() / 60, ANN)
        drain(company)
        assert held(company)["whose"] == (ann, True)

    def test_what_is_late_and_proven_from_before_stays_apart(self, company, shop, people, drain):
        ann, _bob = people
        tell(company, viewed("a", 0), signed(shop[1], "b", 1, ANN))
        drain(company)
        unjoin(company, ann)
        tell(company, signed(shop[1], "c", 100, ANN))
        drain(company)
        assert held(company)["whose"] is None
        tell(company, {**signed(shop[1], "d", 0, ANN), "at": datetime.now(UTC).isoformat()}, shop_id=shop[0])
        drain(company)
        assert held(company)["whose"] == (ann, True)

    def test_of_two_at_one_computer_the_other_keeps_theirs(self, company, shop, people, drain):
        ann, bob = people
        tell(company, viewed("a", 0), signed(shop[1], "b", 1, ANN), viewed("c", 100), signed(shop[1], "d", 101, BOB))
        drain(company)
        parting = unjoin(company, bob)
        drain(company)
        assert held(company)["events"] == {ann: 4}
        with work.unit(tenant_id=company.tenant_id):
            unjoining.rejoin(bob, parting)
        drain(company)
        unjoin(company, ann)
        drain(company)
        assert held(company)["events"] == {bob: 4}

    def test_another_customers_join_is_not_there(self, company, other_company, shop, people, drain):
        ann, bob = people
        tell(company, signed(shop[1], "b", 1, ANN))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            join = next(one for one in unjoining.of(ann)["joins"] if one.kind == "visitor").id
            for whose, which in ((bob, join), (ann, "nonsense"), (ann, bob)):
                with pytest.raises(unjoining.NoSuchJoin):
                    unjoining.unjoin(whose, which)
            parting = unjoining.unjoin(ann, join)[0].id
            with pytest.raises(unjoining.NoSuchParting):
                unjoining.rejoin(bob, parting)
            unjoining.rejoin(ann, parting)
            with pytest.raises(unjoining.RejoinedAlready):
                unjoining.rejoin(ann, parting)


class TestMerges:
    def test_a_merge_carries_the_evidence_and_unmerging_brings_it_back(self, company, shop, people, drain):
        ann, bob = people
        tell(company, viewed("a", 0), signed(shop[1], "b", 1, ANN))
        tell(company, viewed("a", 0), signed(shop[1], "b", 1, BOB), visitor="the-other-browser")
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            made = merging.merge(winner_id=ann, loser_id=bob).id
        with work.unit(tenant_id=company.tenant_id):
            assert len([one for one in unjoining.of(ann)["joins"] if one.kind == "visitor"]) == 2
        drain(company)
        tell(company, signed(shop[1], "late", 50, BOB), visitor="a-third-browser-yet")
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            unmerging.unmerge(made)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            whose = dict(db.session.execute(select(Visit.visitor, Visit.customer_id)).all())
            assert whose == {VISITOR: ann, "the-other-browser": bob, "a-third-browser-yet": bob}
            assert sorted(joins.visitors_of(bob)) == ["a-third-browser-yet", "the-other-browser"]

    def test_what_was_parted_while_they_were_one_is_parted_from_each(self, company, shop, people, drain):
        ann, bob = people
        tell(company, viewed("a", 0), signed(shop[1], "b", 1, BOB))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            made = merging.merge(winner_id=ann, loser_id=bob).id
        drain(company)
        parting = unjoin(company, ann)
        with work.unit(tenant_id=company.tenant_id):
            unmerging.unmerge(made)
        drain(company)
        assert held(company)["whose"] is None
        with work.unit(tenant_id=company.tenant_id):
            assert [one.id for one in joins.partings_of(bob)] == [parting] and joins.partings_of(ann) == []
            unjoining.rejoin(bob, parting)
        assert held(company)["whose"] == (bob, True)


class TestAnySequence:
    """Whatever happened in whatever order, the end is that of the joins that remain."""

    @pytest.mark.parametrize("seed", range(8))
    def test_the_end_is_that_of_the_joins_that_remain(self, company, shop, seed):
        Story(company, shop[1], Random(seed)).play(16)


class Story:
    """Random acts, and beside them what the rules say in the plainest words: for each event whose it is."""

    def __init__(self, company, secret: str, chance: Random) -> None:
        self.company, self.secret, self.chance = company, secret, chance
        self.names = ["ada@shop.example", "ben@shop.example", "cyd@shop.example"]
        with work.unit(tenant_id=company.tenant_id):
            self.ids = [profiles.create(email=name).id for name in self.names]
        self.browsers = ["browser-of-the-story-1", "browser-of-the-story-2"]
        self.signs: list[tuple[str, int, bool, int]] = []  # browser, person, proven, minute
        self.events: list[tuple[str, int]] = []
        self.parted: dict[tuple[str, int], list[UUID]] = {}
        self.merges: dict[int, tuple[int, UUID]] = {}  # person -> (into, merge)
        self.minutes = iter(chance.sample(range(0, 40 * 60, 40), 60))

    def play(self, acts: int) -> None:
        for number in range(acts):
            act = self.chance.choice(
                [
                    self.look,
                    self.sign,
                    self.sign,
                    self.claim,
                    self.order,
                    self.merge,
                    self.unmerge,
                    self.unjoin,
                    self.unjoin,
                    self.rejoin,
                ]
            )
            act(f"e{number}")
        self.compare()

    def tell(self, browser: str, *events: dict) -> None:
        tell(self.company, *events, visitor=browser)
        with work.unit(tenant_id=self.company.tenant_id):
            digests.digest(browser)

    def look(self, key: str) -> None:
        browser, minute = self.chance.choice(self.browsers), next(self.minutes) + 15
        self.tell(browser, viewed(key, minute))
        self.events.append((browser, minute))

    def sign(self, key: str) -> None:
        self.identify(key, proven=True)

    def claim(self, key: str) -> None:
        self.identify(key, proven=False)

    def identify(self, key: str, *, proven: bool) -> None:
        browser, who, minute = self.chance.choice(self.browsers), self.chance.randrange(3), next(self.minutes)
        name = self.names[who]
        self.tell(browser, signed(self.secret, key, minute, name) if proven else identified(key, minute, email=name))
        self.events.append((browser, minute))
        self.signs.append((browser, who, proven, minute))

    def order(self, key: str) -> None:
        browser, who, minute = self.chance.choice(self.browsers), self.chance.randrange(3), next(self.minutes)
        order(self.company, key, minute, self.names[who], browser)
        with work.unit(tenant_id=self.company.tenant_id):
            digests.recognised([browser])
        self.signs.append((browser, who, True, minute))

    def holder(self, who: int) -> int:
        while who in self.merges:
            who = self.merges[who][0]
        return who

    def merge(self, _key: str) -> None:
        winner, loser = (
            self.chance.sample([one for one in range(3) if one not in self.merges], 2)
            if len(self.merges) < 2
            else (0, 0)
        )
        if winner != loser:
            with work.unit(tenant_id=self.company.tenant_id):
                self.merges[loser] = (winner, merging.merge(winner_id=self.ids[winner], loser_id=self.ids[loser]).id)

    def unmerge(self, _key: str) -> None:
        if self.merges:
            loser = self.chance.choice(sorted(self.merges))
            with work.unit(tenant_id=self.company.tenant_id):
                unmerging.unmerge(self.merges.pop(loser)[1])

    def unjoin(self, _key: str) -> None:
        counting = sorted(
            {
                (browser, self.holder(who))
                for browser, who, _proven, _minute in self.signs
                if (browser, who) not in self.parted
            }
        )
        if not counting:
            return
        browser, holder = self.chance.choice(counting)
        with work.unit(tenant_id=self.company.tenant_id):
            shown = unjoining.of(self.ids[holder])["joins"]
            join = next(one for one in shown if one.value == browser)
            made = unjoining.unjoin(self.ids[holder], join.id)
            for one in made:
                self.parted.setdefault((browser, self.ids.index(one.self_id)), []).append(one.id)

    def rejoin(self, _key: str) -> None:
        if not self.parted:
            return
        browser, who = self.chance.choice(sorted(self.parted))
        with work.unit(tenant_id=self.company.tenant_id):
            unjoining.rejoin(self.ids[self.holder(who)], self.parted[browser, who][0])
            still = {
                (one.value, self.ids.index(one.self_id))
                for one in db.session.scalars(select(joins.Parting).where(joins.Parting.undone_at.is_(None)))
            }
        self.parted = {pair: ids for pair, ids in self.parted.items() if pair in still}

    def whose(self, browser: str, minute: int) -> UUID | None:
        """Say whose a minute is by the signs that count."""
        mine = [one for one in self.signs if one[0] == browser and (browser, one[1]) not in self.parted]
        best = sorted(
            ((when, self.holder(who)) for _b, who, proven, when in mine if proven or not any(one[2] for one in mine))
        )
        owner = best[0][1] if best else None
        for when, who in best:
            if minute > when - 30:
                owner = who
        return None if owner is None else self.ids[owner]

    def compare(self) -> None:
        expected = Counter((browser, self.whose(browser, minute)) for browser, minute in self.events)
        with work.unit(tenant_id=self.company.tenant_id):
            found = Counter()
            for visit in db.session.scalars(select(Visit)):
                found[visit.visitor, visit.customer_id] += visit.events_count
            assert found == expected
            for browser in self.browsers:
                row = recognition.hold(browser)
                last = joins.of(browser).last
                assert identity.visitor(browser) == ((last.customer_id, last.proven) if last else None)
                assert row is None or (row.customer_id, row.proven) == (identity.visitor(browser) or (None, False))
            known = facts.of(self.ids)
            for one in {self.holder(who) for who in range(3)}:
                stays = db.session.scalar(
                    select(func.count()).select_from(Visit).where(Visit.customer_id == self.ids[one])
                )
                told = select(func.count()).select_from(TimelineEntry).where(TimelineEntry.customer_id == self.ids[one])
                assert (
                    known[self.ids[one]].visits_count
                    == stays
                    == db.session.scalar(told.where(TimelineEntry.kind == "visit"))
                )
