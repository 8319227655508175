"""Segments: what they ask, whom they find, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.audiences import conditions, fields, segments, suppression
from saas.catalog import products
from saas.commerce import orders
from saas.customers import arriving, facts
from saas.kit import errors
from saas.tenancy import bin

NOW = datetime.now(UTC)


def everyone(tenant):
    people = arriving.upsert_many([
        {"email": "ada@shop.example", "country": "GB", "first_name": "Ada", "tags": ["vip"], "consent": {"email": "granted"}},
        {"email": "bo@shop.example", "country": "CN", "first_name": "博"},
        {"email": "cy@shop.example", "country": "GB"},
    ])  # fmt: skip
    ids = [person.id for person in people]
    facts.refresh_orders([
        {"customer_id": ids[0], "currency": "EUR", "orders_count": 3, "items_count": 4, "spent_amount": 9_000, "refunded_amount": 0,
         "first_order_at": NOW - timedelta(days=400), "last_order_at": NOW - timedelta(days=3)},
        {"customer_id": ids[1], "currency": "EUR", "orders_count": 1, "items_count": 1, "spent_amount": 1_000, "refunded_amount": 0,
         "first_order_at": NOW - timedelta(days=90), "last_order_at": NOW - timedelta(days=90)},
    ])  # fmt: skip
    return ids


def found(*asked, match="all"):
    from saas.kit.db import db

    return set(db.session.scalars(segments.query({"match": match, "conditions": list(asked)})))


def ask(field, operator, value=None, **more):
    return {"field": field, "operator": operator, "value": value, **more}


class TestQuery:
    def test_each_kind_of_condition(self, tenant):
        ada, bo, cy = everyone(tenant)
        assert found() == {ada, bo, cy}
        assert found(ask("orders_count", "at_least", 2)) == {ada}
        assert found(ask("orders_count", "is", 0)) == {cy}
        assert found(ask("spent_amount", "at_least", "50.00")) == {ada}
        assert found(ask("last_order_at", "in_last_days", 30)) == {ada}
        assert found(ask("last_order_at", "not_in_last_days", 30)) == {bo, cy}
        assert found(ask("last_order_at", "never")) == {cy}
        assert found(ask("email_consent", "is", "granted")) == {ada}
        assert found(ask("tags", "has", "vip")) == {ada}
        assert found(ask("first_name", "contains", "博")) == {bo}
        assert found(ask("country", "is", "GB"), ask("orders_count", "is", 0)) == {cy}
        assert found(ask("country", "is", "CN"), ask("tags", "has", "vip"), match="any") == {ada, bo}

    def test_groups_nest(self, tenant):
        ada, bo, cy = everyone(tenant)
        inner = {"match": "any", "conditions": [ask("country", "is", "CN"), ask("tags", "has", "vip")]}
        assert found(inner, ask("orders_count", "is", 1)) == {bo}

    def test_what_was_bought(self, tenant):
        ada, bo, cy = everyone(tenant)
        products.upsert_many([{"external_id": "p1", "name": "Pot", "categories": ["Garden"]}])
        orders.record({"external_id": "1", "placed_at": NOW, "currency": "EUR", "customer": {"email": "cy@shop.example"},
                       "lines": [{"product": "p1", "quantity": 1, "unit_price": "5"}]})  # fmt: skip
        assert found(ask("bought", "ever", product="p1")) == {cy}
        assert found(ask("bought", "in_last_days", 7, category="Garden")) == {cy}
        assert found(ask("bought", "never", category="Garden")) == {ada, bo}

    def test_suppressed(self, tenant):
        ada, bo, cy = everyone(tenant)
        assert suppression.suppress("Bo@shop.example", "bounce") is True
        assert suppression.suppress("bo@shop.example", "bounce") is False
        assert found(ask("suppressed", "is", True)) == {bo}
        assert found(ask("suppressed", "is", False)) == {ada, cy}
        assert suppression.reasons_for(["bo@shop.example", "ada@shop.example"]) == {"bo@shop.example": "bounce"}

    @pytest.mark.parametrize("asked", [
        ask("password_hash", "is", "x"), ask("orders_count", "; DROP TABLE", 1), ask("orders_count", "at_least", "many"), ask("country", "is", "\x00"),
        {"field": "country"}, ask("bought", "in_last_days", -1), ask("last_order_at", "before", "soon"), "nonsense", ask("email_consent", "is", "maybe"),
    ])  # fmt: skip
    def test_what_cannot_be_asked_is_refused_with_its_place(self, tenant, asked):
        with pytest.raises(conditions.BadDefinition) as refused:
            segments.query({"match": "all", "conditions": [asked]})
        assert "definition.conditions.0" in refused.value.fields

    def test_too_deep_and_too_many(self, tenant):
        deep = ask("country", "is", "GB")
        for _level in range(6):
            deep = {"match": "all", "conditions": [deep]}
        for definition in (deep, {"match": "all", "conditions": [ask("country", "is", "GB")] * 51}):
            with pytest.raises(errors.Invalid):
                segments.query(definition)


class TestSegments:
    def test_made_counted_changed_deleted(self, tenant):
        everyone(tenant)
        segment = segments.create(
            name="Britons", definition={"match": "all", "conditions": [ask("country", "is", "GB")]}
        )
        assert segment.size == 2
        assert (
            segments.change(segment.id, definition={"match": "all", "conditions": [ask("country", "is", "CN")]}).size
            == 1
        )
        with pytest.raises(segments.NameTaken):
            segments.create(name="Britons", definition=segments.EVERYBODY)
        held = segment.id  # the record itself is out of its table
        segments.delete(held)
        with pytest.raises(segments.NoSuchSegment):
            segments.one(held)
        assert bin.restore(bin.find("segment", held)) == held
        assert (segments.one(held).name, segments.one(held).size) == ("Britons", 1)


TREES = st.recursive(
    st.fixed_dictionaries({
        "field": st.sampled_from([*fields.FIELDS, "nonsense"]), "operator": st.sampled_from([o for ops in fields.OPERATORS.values() for o in ops]),
        "value": st.one_of(st.none(), st.integers(-5, 10**12), st.text(max_size=20), st.floats(allow_nan=True), st.lists(st.integers(), max_size=2)),
    }),
    lambda inner: st.fixed_dictionaries({"match": st.sampled_from(["all", "any", "none"]), "conditions": st.lists(inner, max_size=3)}),
    max_leaves=8,
)  # fmt: skip


class TestHostileDefinitions:
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(tree=TREES)
    def test_any_definition_counts_or_is_refused(self, tenant, tree):
        try:
            assert segments.count({"match": "all", "conditions": [tree]}) >= 0
        except conditions.BadDefinition:
            pass
