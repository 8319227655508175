"""What a search box finds, and in which order: the same whichever engine serves the tenant."""

from __future__ import annotations

from uuid import uuid4

import pytest

from saas.kit import search
from tests.kit.search_support import Box, customer, new_tenant


class TestWords:
    @pytest.mark.parametrize("query", ["müller", "MULLER", "Ｍüller", "jürgen müller", "mü", "jur", "müller j"])
    def test_case_accents_and_width_do_not_matter(self, box, query):
        box.index(customer("Jürgen Müller"), customer("Anna Schmidt"))
        assert box.titles(query) == ["Jürgen Müller"]

    def test_all_words_must_be_there(self, box):
        box.index(customer("Anna Lee"), customer("Anna Schmidt"), customer("Bruce Lee"))
        assert box.titles("lee anna") == ["Anna Lee"]

    def test_the_last_word_may_be_unfinished(self, box):
        box.index(customer("Annabel Schmid"), customer("Anna Schmidt"), customer("Anna Bell"))
        assert box.titles("anna schm") == ["Anna Schmidt", "Annabel Schmid"]

    @pytest.mark.parametrize("query", ["o'brien", "obrien", "o’brien", "brien", "o br"])
    def test_punctuation_within_a_name_may_be_left_out(self, box, query):
        box.index(customer("Seán O'Brien"), customer("Someone Else"))
        assert box.titles(query) == ["Seán O'Brien"]

    @pytest.mark.parametrize("query", ["", "   ", "!!!", "\x00", "'", "%", "_", "\u0301"])
    def test_nothing_to_look_for_finds_nothing(self, box, query):
        box.index(customer("Anna"))
        assert box.titles(query) == []

    @pytest.mark.parametrize(
        ("title", "query"),
        [("ประเทศไทย", "ไทย"), ("Ελένη Παπαδοπούλου", "παπαδοπουλου"), ("Дмитрий Йовков", "дмит"), ("शर्मा राज", "शर्मा"),
         ("田中さくら", "さくら"), ("김민준", "민준"), ("Ngô Thị Hạnh", "ngo hanh"), ("ŁUKASZ Świątek", "lukasz swia")],
    )  # fmt: skip
    def test_other_scripts(self, box, title, query):
        box.index(customer(title), customer("Nobody"))
        assert box.titles(query) == [title]


class TestChinese:
    @pytest.mark.parametrize("query", ["张", "伟明", "张伟明", "明 张", "先生"])
    def test_characters_pairs_and_whole_names(self, box, query):
        box.index(customer("张伟明先生"), customer("李静"))
        assert box.titles(query) == ["张伟明先生"]

    def test_together_comes_before_apart(self, box):
        box.index(customer("伟张明伟"), customer("李张伟"), customer("张伟"))
        assert box.titles("张伟") == ["张伟", "李张伟"]

    @pytest.mark.parametrize("query", ["iphone", "手机", "iphone手机", "手机 iph"])
    def test_mixed_with_latin_letters(self, box, query):
        box.index(customer("iPhone手机壳", kind="product"), customer("Phone"))
        assert box.titles(query)[0] == "iPhone手机壳"


class TestEmails:
    @pytest.mark.parametrize(
        "query",
        [
            "anna.lee@shop.example",
            "Anna.Lee@SHOP.example",
            "anna.lee",
            "lee",
            "shop.example",
            "shop",
            "anna.lee@sh",
            "lee@shop",
        ],
    )
    def test_whole_local_part_domain_and_each_piece(self, box, query):
        box.index(customer("A", emails=["anna.lee@shop.example"]), customer("B", emails=["ben@other.test"]))
        assert box.titles(query) == ["A"]

    def test_the_whole_address_comes_before_its_pieces(self, box):
        box.index(
            customer("pieces", names=["example anna shop lee"]), customer("whole", emails=["anna.lee@shop.example"])
        )
        assert box.titles("anna.lee@shop.example") == ["whole", "pieces"]


class TestPhones:
    @pytest.mark.parametrize(
        "query",
        [
            "+49 170 1234567",
            "0049 170 1234567",
            "0170 1234567",
            "01701234567",
            "170123",
            "(0170) 123-45 67",
            "4567",
            "234567",
            "491701",
        ],
    )
    def test_from_the_front_from_the_end_and_in_any_spelling(self, box, query):
        box.index(customer("A", phones=["+49 (170) 123 45 67"]), customer("B", phones=["+44 20 7946 0000"]))
        assert box.titles(query) == ["A"]

    def test_a_number_stored_without_its_country_is_found_with_it(self, box):
        box.index(customer("A", phones=["0170 1234567"]))
        assert box.titles("+49 170 1234567") == ["A"]


class TestNumbers:
    @pytest.mark.parametrize("query", ["RG-2024-00123", "rg2024", "rg-2024-001", "00123", "123", "2024"])
    def test_order_numbers_by_their_pieces(self, box, query):
        box.index(customer("order", kind="order", numbers=["RG-2024-00123"]), customer("x", numbers=["RG-1999-7"]))
        assert box.titles(query) == ["order"]

    def test_a_hash_in_front_is_ignored(self, box):
        box.index(customer("order", kind="order", numbers=["#1001"]))
        assert box.titles("1001") == box.titles("#1001") == ["order"]

    def test_the_exact_number_comes_before_longer_ones_and_before_phones(self, box):
        box.index(
            customer("longer", numbers=["10012"]),
            customer("phone", phones=["+491701001"]),
            customer("exact", numbers=["1001"]),
        )
        assert box.titles("1001") == ["exact", "longer", "phone"]


class TestOrder:
    def test_exact_then_beginning(self, box):
        box.index(customer("Annabel"), customer("Hanna"), customer("Anna"))
        assert box.titles("anna") == ["Anna", "Annabel", "Hanna"]

    def test_a_name_comes_before_a_note(self, box):
        box.index(customer("Zed", text="knows anna"), customer("Anna"))
        assert box.titles("anna") == ["Anna", "Zed"]

    @pytest.mark.parametrize("query", ["shcmidt", "schmitd", "schmid", "schmidtt", "schmibt", "xchmidt"])
    def test_one_typing_mistake_is_forgiven(self, box, query):
        box.index(customer("Anna Schmidt"), customer("Bob"))
        assert box.titles(query) == ["Anna Schmidt"]

    def test_the_middle_of_a_word_is_found_last(self, box):
        box.index(customer("Bergmann"), customer("Heidelberger"))
        assert box.titles("berg") == ["Bergmann", "Heidelberger"]

    def test_the_same_match_is_ordered_by_title(self, box):
        box.index(customer("Anna C"), customer("Anna A"), customer("Anna B"))
        assert box.titles("anna") == ["Anna A", "Anna B", "Anna C"]

    def test_a_page_is_not_longer_than_asked(self, box):
        box.index(*(customer(f"Anna {number}") for number in range(30)))
        assert len(box.titles("anna", limit=7)) == 7
        assert len(box.titles("anna")) == 20


class TestKinds:
    def test_narrow(self, box):
        box.index(customer("Lamp", kind="product"), customer("Lamp"), customer("Lamp", kind="order"))
        found = search.find(box.tenant_id, "lamp", kinds=["product", "order"])
        assert sorted(hit.kind for hit in found) == ["order", "product"]

    @pytest.mark.parametrize("kinds", [[], ["nothing"], ["'; --"]])
    def test_unknown_kinds_find_nothing(self, box, kinds):
        box.index(customer("Lamp"))
        assert box.titles("lamp", kinds=kinds) == []


class TestChanges:
    def test_indexed_again_is_found_by_its_new_words_only(self, box):
        record_id = uuid4()
        box.index(customer("Before", id=record_id))
        box.index(customer("After", id=record_id), customer("Other"))
        assert box.titles("before") == [] and box.titles("after") == ["After"]

    def test_two_kinds_may_share_an_id(self, box):
        record_id = uuid4()
        box.index(customer("Lamp", id=record_id), customer("Lamp", id=record_id, kind="product"))
        search.remove(box.tenant_id, [("product", record_id)])
        assert [hit.kind for hit in search.find(box.tenant_id, "lamp")] == ["customer"]

    def test_removed_is_not_found(self, box):
        one, other = customer("Anna One"), customer("Anna Other")
        box.index(one, other)
        search.remove(box.tenant_id, [(one.kind, one.id), ("customer", uuid4())])
        assert box.titles("anna") == ["Anna Other"]

    def test_rebuilding_forgets_what_is_not_among_the_records(self, box):
        box.index(customer("Old"))
        assert search.rebuild(box.tenant_id, [customer("New")]) == 1
        assert box.titles("old") == [] and box.titles("new") == ["New"]


class TestHostileInput:
    @pytest.mark.parametrize(
        "query",
        ["anna' OR '1'='1", "anna\\", "anna & !bob | (", "anna:*", "kind:customer AND *", '"anna', "anna\x00",
         "\ud800anna", "~anna", "#123 @customer", "%anna%", "anna_", "a" * 10_000, "anna " * 2_000, "' " * 5_000,
         "张" * 3_000,
         "𝔞𝔫𝔫𝔞", "\u202eanna", "1/@customer", "${anna}", "anna\n\r\t", "-" * 10_000, "\u0301" * 10_000],
    )  # fmt: skip
    def test_is_only_ever_text(self, box, query):
        box.index(customer("Anna"), customer("Bob"))
        assert set(box.titles(query)) <= {"Anna"}

    def test_records_may_hold_anything(self, box):
        odd = "Anna\x00 \ud800 '\\\" & | ! :* <script> %_ \u202e"
        box.index(
            search.Record(
                "customer", uuid4(), odd, odd, [odd], [odd, "@", "a@"], [odd, "+"], [odd, "", "000"], odd * 50
            )
        )
        assert len(box.titles("anna")) == 1

    def test_huge_records_are_cut(self, box):
        names, numbers = [f"name{n}" for n in range(5_000)], [str(n) for n in range(5_000)]
        box.index(search.Record("customer", uuid4(), "x" * 100_000, "", names, [], numbers, numbers, "word " * 100_000))
        assert len(box.titles("name0")) == 1 and len(box.titles("x" * 200)) == 1

    def test_a_kind_with_quotes_is_refused(self, box):
        with pytest.raises(ValueError, match="cannot be called"):
            box.index(customer("Anna", kind="it's"))


class TestEmpty:
    def test_a_tenant_without_records_finds_nothing(self, box):
        assert box.titles("anna") == []


class TestTenants:
    def test_another_tenants_records_are_never_found(self, box, settings_in_environment):
        other = Box(new_tenant(settings_in_environment.database_admin_url), box.engine)
        search.rebuild(other.tenant_id, [customer("Anna Secret", emails=["anna@secret.example"])], engine=box.engine)
        box.index(customer("Anna Own"))
        for query in ("anna", "secret", "ecre", "anna@secret.example", "secrte", f"{other.tenant_id:x}/anna", "a"):
            assert set(box.titles(query)) <= {"Anna Own"}
        assert other.titles("anna") == ["Anna Secret"]

    def test_removing_and_rebuilding_leave_others_alone(self, box, settings_in_environment):
        other, shared = Box(new_tenant(settings_in_environment.database_admin_url), box.engine), customer("Anna")
        search.rebuild(other.tenant_id, [shared], engine=box.engine)
        box.index(shared)
        search.remove(box.tenant_id, [(shared.kind, shared.id)])
        search.rebuild(box.tenant_id, [])
        assert box.titles("anna") == [] and other.titles("anna") == ["Anna"]
