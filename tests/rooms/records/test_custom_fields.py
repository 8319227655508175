"""A company's own fields: made, renamed, archived, merged and deleted, and what records hold in them meanwhile."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from saas.catalog import products
from saas.commerce import orders
from saas.customers import profiles
from saas.kit import access, errors, records
from saas.tenancy import custom_fields, custom_values
from saas.tenancy.limits import OverLimit

EVERY_TYPE = {
    "nick": ("Nick", "text", {}, "Addy", "Addy"),
    "height": ("Height", "number", {}, "1,80", 1.8),
    "budget": ("Budget", "money", {"currency": "EUR"}, "1.234,50 €", "1234.50"),
    "birthday": ("Birthday", "date", {}, "21 May 1990", "1990-05-21"),
    "level": ("Level", "choice", {"choices": ["Gold", "Silver"]}, "gold", "gold"),
    "likes": ("Likes", "choices", {"choices": ["Tea", "Coffee", "Cake"]}, ["Tea", "cake"], ["tea", "cake"]),
    "vip": ("VIP", "yes_no", {}, "是", True),
    "website": ("Website", "link", {}, "ada.example", "https://ada.example"),
}  # fmt: skip


@pytest.fixture
def every_type(field):
    return {key: field(label, type, **more) for key, (label, type, more, _given, _kept) in EVERY_TYPE.items()}


def ada(**custom):
    return profiles.create(email="ada@shop.example", last_name="Lovelace", custom=custom)


class TestValues:
    def test_every_type_is_read_as_people_write_it_and_kept_as_programs_do(self, every_type):
        customer = ada(**{key: given for key, (*_rest, given, _kept) in EVERY_TYPE.items()})
        assert customer.custom == {key: kept for key, (*_rest, kept) in EVERY_TYPE.items()}
        values = {key: every_type[key].of(customer) for key in EVERY_TYPE}
        assert values["height"] == Decimal("1.8") and values["budget"] == Decimal("1234.5")
        assert values["birthday"] == date(1990, 5, 21) and values["likes"] == ("tea", "cake") and values["vip"] is True
        assert every_type["likes"].write(values["likes"]) == "Tea, Cake" and every_type["level"].write("gold") == "Gold"

    def test_what_cannot_be_read_is_named_with_its_place_and_nothing_is_written(self, every_type):
        bad = {"height": "tall", "birthday": "30.2.1990", "level": "Bronze", "likes": ["Beer"], "vip": "perhaps",
               "website": "javascript:alert(1)", "budget": "5 USD", "nick": "x" * 501, "shoe": "44"}  # fmt: skip
        with pytest.raises(custom_values.BadValues) as refused:
            ada(**bad)
        assert set(refused.value.fields) == {f"custom.{key}" for key in bad}
        assert "Gold, Silver" in refused.value.fields["custom.level"][0]

    def test_empty_takes_a_value_away_and_what_is_not_named_stays(self, every_type):
        customer = ada(nick="Addy", height=1.8)
        profiles.change(customer.id, custom={"height": ""})
        assert customer.custom == {"nick": "Addy"}
        profiles.change(customer.id, city="London")
        assert customer.custom == {"nick": "Addy"}

    def test_a_required_field_must_be_there_when_made_by_hand_and_shop_data_enters_without(self, field):
        field("Source", required=True)
        with pytest.raises(custom_values.BadValues, match=r"."):
            profiles.create(last_name="Byron")
        customer = ada(source="fair")
        with pytest.raises(custom_values.BadValues):
            profiles.change(customer.id, custom={"source": ""})
        assert profiles.upsert_many([{"email": "shop@shop.example"}])[0].status == "created"

    def test_a_value_of_ones_own_is_refused_to_a_second_record(self, field):
        field("Loyalty number", unique=True)
        first = ada(loyalty_number="A-1")
        with pytest.raises(custom_values.TakenAlready) as refused:
            profiles.create(last_name="Byron", custom={"loyalty_number": "a-1"})
        assert "custom.loyalty_number" in refused.value.fields
        profiles.change(first.id, custom={"loyalty_number": "A-2"})
        assert profiles.create(last_name="Byron", custom={"loyalty_number": "A-1"}).custom == {"loyalty_number": "A-1"}

    def test_a_batch_leaves_out_what_is_taken_and_says_so(self, field):
        field("Loyalty number", unique=True)
        ada(loyalty_number="A-1")
        results = profiles.upsert_many([
            {"email": "a@shop.example", "custom": {"loyalty_number": "A-1"}}, {"email": "b@shop.example", "custom": {"loyalty_number": "B"}},
            {"email": "c@shop.example", "custom": {"loyalty_number": "B"}}, {"email": "d@shop.example", "custom": {"shoe": 1}},
        ])  # fmt: skip
        assert [result.status for result in results] == ["created", "created", "created", "failed"]
        assert "another customer has this value" in results[0].error and not results[1].error and results[2].error
        assert profiles.one(results[0].id).custom == {} and profiles.one(results[1].id).custom == {
            "loyalty_number": "B"
        }

    def test_an_older_message_does_not_overwrite_and_a_newer_one_does(self, field):
        from saas.kit import clock

        field("Nick")
        now = clock.now()
        older = now.replace(year=now.year - 1)

        def send(at, nick):
            item = {"email": "a@shop.example", "updated_at": at, "custom": {"nick": nick}}
            return profiles.upsert_many([item])[0]

        made = send(now, "new")
        assert send(older, "old").status == "stale"
        assert profiles.one(made.id).custom == {"nick": "new"}
        assert send(now, "new").status == "unchanged"

    def test_products_and_orders_have_fields_too(self, field):
        field("Material", kind="product")
        field("Gift", "yes_no", kind="order")
        product = products.create(external_id="p1", name="Lamp", custom={"material": "oak"})
        assert products.change(product.id, custom={"material": "ash"}).custom == {"material": "ash"}
        result = orders.record(
            {"external_id": "o1", "currency": "EUR", "placed_at": product.created_at, "custom": {"gift": True}}
        )
        assert orders.one(result.id).custom == {"gift": True}
        assert orders.change(result.id, custom={"gift": "no"}).custom == {"gift": False}
        with pytest.raises(errors.Invalid):
            orders.change(result.id, custom={"material": "oak"})

    def test_a_hidden_field_is_unknown_and_a_locked_one_cannot_be_changed(self, field):
        field("Level")
        customer = ada(level="gold")
        with access.bound(access.Access(hidden=frozenset({"customer.custom.level"}))):
            assert "custom.level" not in records.kind("customer").fields()
            assert custom_values.shown("customer", customer) == {}
            with pytest.raises(errors.Refusal):
                profiles.change(customer.id, custom={"level": "silver"})
        with access.bound(access.Access(locked=frozenset({"customer.custom.level"}))):
            assert custom_values.shown("customer", customer) == {"level": "gold"}
            with pytest.raises(errors.Forbidden):
                profiles.change(customer.id, custom={"level": "silver"})


class TestFields:
    def test_a_key_is_made_of_the_name_once_and_stays(self, field):
        assert field("Shoe size").key == "shoe_size"
        assert field("会员等级").key == "hui_yuan_deng_ji"
        row = custom_fields.of("customer")[0]
        custom_fields.change(row.id, label="Size of shoes")
        assert records.kind("customer").every()["custom.shoe_size"].label == "Size of shoes"

    def test_a_name_is_had_once_and_not_that_of_a_built_in_field(self, field):
        field("Level")
        for label in ("level", "E-mail"):
            with pytest.raises(custom_fields.NameTaken):
                field(label)
        with pytest.raises(custom_fields.BadField):
            field("  ")

    def test_archiving_hides_and_bringing_back_loses_nothing(self, field):
        made = field("Nick")
        customer = ada(nick="Addy")
        custom_fields.archive(made.id)
        assert "custom.nick" not in records.kind("customer").fields()
        with pytest.raises(custom_values.BadValues):
            profiles.change(customer.id, custom={"nick": "Other"})
        custom_fields.bring_back(made.id)
        assert custom_values.shown("customer", customer) == {"nick": "Addy"}

    def test_deleting_wants_the_name_when_values_are_lost(self, field):
        made, empty = field("Nick"), field("Unused")
        customer = ada(nick="Addy")
        with pytest.raises(custom_fields.BadField, match="."):
            custom_fields.delete(made.id)
        custom_fields.delete(made.id, confirmation="nick")
        custom_fields.delete(empty.id)
        from saas.kit.db import db

        db.session.expire(customer)
        assert customer.custom == {} and custom_fields.of("customer") == []

    def test_the_plan_holds_so_many_and_no_more(self, field):
        for number in range(custom_fields.USUAL_LIMIT):
            field(f"Field {number}")
        with pytest.raises(OverLimit):
            field("One more")

    def test_a_field_becomes_one_of_its_own_only_without_doubles(self, field):
        made = field("Badge")
        ada(badge="7")
        second = profiles.create(last_name="Byron", custom={"badge": "7"})
        with pytest.raises(custom_fields.BadField):
            custom_fields.change(made.id, unique=True)
        profiles.change(second.id, custom={"badge": "8"})
        custom_fields.change(made.id, unique=True)
        with pytest.raises(custom_values.TakenAlready):
            profiles.change(second.id, custom={"badge": "7"})


class TestChoices:
    def test_a_renamed_choice_is_the_same_choice(self, field):
        made = field("Level", "choice", choices=["Gold", "Silver"])
        customer = ada(level="Gold")
        custom_fields.change_choice(made.id, "gold", label="Golden")
        now = records.kind("customer").every()["custom.level"]
        assert now.write(now.of(customer)) == "Golden" and customer.custom == {"level": "gold"}
        assert now.read("golden") == now.read("gold") == "gold"

    def test_a_merged_choice_counts_as_the_other_until_it_is_brought_back(self, field):
        made = field("Level", "choice", choices=["Gold", "Golden", "Silver"])
        customer = ada(level="Golden")
        custom_fields.merge_choice(made.id, "golden", into="gold")
        now = records.kind("customer").every()["custom.level"]
        assert now.of(customer) == "gold" and now.read("Golden") == "gold"
        custom_fields.change_choice(made.id, "golden", archived=False)
        assert records.kind("customer").every()["custom.level"].of(customer) == "golden"

    def test_an_archived_choice_stays_with_its_records(self, field):
        made = field("Likes", "choices", choices=["Tea", "Coffee"])
        customer = ada(likes=["Tea"])
        custom_fields.change_choice(made.id, "tea", archived=True)
        now = records.kind("customer").every()["custom.likes"]
        assert now.write(now.of(customer)) == "Tea"

    def test_choices_are_named_once_and_cannot_hold_commas(self, field):
        made = field("Level", "choice", choices=["Gold"])
        for label in ("gold", "a, b", ""):
            with pytest.raises(custom_fields.BadField):
                custom_fields.change_choice(custom_fields.add_choice(made.id, label="X").id, "x", label=label)
            custom_fields._choices_are(custom_fields.one(made.id), [{"key": "gold", "label": "Gold"}])


class TestMerging:
    def test_the_winner_takes_what_it_did_not_hold_and_both_have_theirs_again(self, field):
        from saas.customers import merging, unmerging
        from saas.kit.db import db

        field("Card", unique=True)
        level = field("Level", "choice", choices=["Gold", "Silver"])
        winner, loser = ada(level="Silver"), profiles.create(last_name="Ada", custom={"card": "A-1", "level": "Gold"})
        custom_fields.archive(level.id)
        loser_id = loser.id
        made = merging.merge(winner_id=winner.id, loser_id=loser_id)
        db.session.expire_all()
        assert profiles.one(winner.id).custom == {"level": "silver", "card": "A-1"}
        assert count_of("card", "A-1") == [winner.id]
        unmerging.unmerge(made.id)
        db.session.expire_all()
        assert profiles.one(winner.id).custom == {"level": "silver"}
        assert profiles.one(loser_id).custom == {"card": "A-1", "level": "gold"}
        assert count_of("card", "A-1") == [loser_id]


def count_of(key: str, value: str) -> list:
    """Return the customers that are found by a value."""
    from saas.customers.models import Customer
    from saas.kit.db import db
    from saas.tenancy import custom_filters

    asked = custom_filters.ask(records.kind("customer").every()[f"custom.{key}"], "is", value)
    return list(db.session.scalars(select(Customer.id).where(asked)))
