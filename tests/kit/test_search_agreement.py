"""Both engines find the same, whatever is indexed and typed."""

from __future__ import annotations

from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.kit import search
from saas.kit.search import terms

FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ALPHABET = "abnéß张伟明客0127 .-'@+_\x00ไท"
word = st.text(ALPHABET, min_size=1, max_size=8)
lists = st.lists(word, max_size=2)
records = st.lists(
    st.builds(
        search.Record,
        kind=st.sampled_from(["customer", "order"]),
        id=st.builds(uuid4),
        title=word,
        subtitle=word,
        names=lists,
        emails=lists,
        phones=lists,
        numbers=lists,
        text=word,
    ),
    min_size=1,
    max_size=12,
)


class TestAgreement:
    @FEW
    @given(records=records, queries=st.lists(st.text(ALPHABET, max_size=14), min_size=1, max_size=8))
    def test_the_same_hits_in_the_same_order(self, boxes, records, queries):
        for box in boxes:
            search.rebuild(box.tenant_id, records)
        for query in queries:
            whoosh, postgres = (search.find(box.tenant_id, query) for box in boxes)
            assert whoosh == postgres

    @FEW
    @given(records=records, length=st.integers(1, 8))
    def test_each_record_is_found_by_each_beginning_of_its_words(self, boxes, records, length):
        for box in boxes:
            search.rebuild(box.tenant_id, records)
        for record in records:
            for piece in terms.pieces(terms.fold(terms.clean(record.title))):
                for box in boxes:
                    assert record.id in box.ids(piece[:length])

    @FEW
    @given(first=records, second=records)
    def test_changing_step_by_step_is_the_same_as_building_at_once(self, boxes, first, second):
        changed = {(record.kind, record.id): record for record in first}
        replaced = [
            search.Record(old.kind, old.id, new.title, names=new.names, emails=new.emails)
            for old, new in zip(first[::2], second, strict=False)
        ]
        changed |= {(record.kind, record.id): record for record in replaced}
        for box in boxes:
            search.rebuild(box.tenant_id, first)
            search.index(box.tenant_id, replaced)
        expected = {record.id for record in changed.values() if "a" in terms.prepare(record).terms}
        for box in boxes:
            assert box.ids("a") >= expected


class TestMistakes:
    @FEW
    @given(
        name=st.text("abcdefgh", min_size=5, max_size=10),
        where=st.integers(0, 9),
        letter=st.sampled_from("xyz"),
        how=st.integers(0, 3),
    )
    def test_any_single_mistake_is_forgiven_by_both(self, boxes, name, where, letter, how):
        at = where % (len(name) - 1)
        typed = [
            name[:at] + name[at + 1 :],
            name[:at] + letter + name[at:],
            name[:at] + letter + name[at + 1 :],
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        ][how]
        for box in boxes:
            search.rebuild(box.tenant_id, [search.Record("customer", uuid4(), name)])
            assert box.titles(typed) == [name]
