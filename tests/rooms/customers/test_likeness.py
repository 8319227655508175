"""Who may be one person: how well it is told on people of whom it is known, and case by case."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import combinations

import pytest

from bench import lookalikes
from bench.lookalikes import People
from saas.customers import duplicates, evidence, likeness


def person(**row):
    return likeness.person(row, region="DE")


class TestAddressOf:
    @pytest.mark.parametrize(
        ("written", "plain"),
        [("A.B.c+news@Gmail.com", "abc@gmail.com"), ("abc@googlemail.com", "abc@gmail.com"), ("a.b+x@outlook.com", "a.b@outlook.com"),
         ("a.b+x@shop.example", "a.b+x@shop.example"), ("nobody", "")],
    )  # fmt: skip
    def test_only_what_a_provider_ignores_is_cut(self, written, plain):
        assert likeness.address_of(written) == plain


class TestNumber:
    @pytest.mark.parametrize(
        ("written", "region", "plain"),
        [("030 / 123 45-67", "DE", "+49301234567"), ("+49 (0)30 1234567", "FR", "+49301234567"), ("0049 30 1234567", "DE", "+49301234567"),
         ("０３０１２３４５６７", "DE", "+49301234567"), ("138 0013 8000", "CN", "+8613800138000"), ("06 12 34 56 78", "FR", "+33612345678"),
         ("12", "DE", "+4912"), ("call me", "DE", ""), ("1234567", "", "1234567")],
    )  # fmt: skip
    def test_numbers_become_international(self, written, region, plain):
        assert likeness.number(written, region) == plain

    @pytest.mark.parametrize(
        "country",
        ["AT", "AU", "BE", "CH", "CN", "DE", "DK", "FI", "FR", "GB", "IN", "IT", "JP", "NL", "PL", "SE", "US"],
    )
    def test_the_short_way_reads_as_the_long_way_does(self, country):
        import phonenumbers

        pick, code = random.Random(country), phonenumbers.country_code_for_region(country)
        for _ in range(150):
            digits = "".join(pick.choices("0123456789", k=pick.randrange(6, 12)))
            for written in (
                f"+{code} {digits}",
                f"+{code}{digits}",
                f"0{digits}",
                digits,
                f"+{code} (0){digits}",
                f"00{code}{digits}",
            ):
                try:
                    read = phonenumbers.parse(written, country)
                except phonenumbers.NumberParseException:
                    continue
                zero = "0" if read.italian_leading_zero else ""
                assert likeness.number(written, country) == f"+{read.country_code}{zero}{read.national_number}", written


class TestNames:
    @pytest.mark.parametrize(
        ("first", "last"),
        [
            ("小明", "王"),
            ("", "王小明"),
            ("王小明", ""),
            ("Xiaoming", "Wang"),
            ("Xiao Ming", "WANG"),
            ("ＸＩＡＯＭＩＮＧ", "Ｗang"),
        ],
    )
    def test_a_han_name_is_one_name_however_it_is_written(self, first, last):
        assert likeness.names(first, last) == ("xiaoming", "wang")

    def test_simplified_and_traditional_read_the_same(self):
        assert likeness.names("", "张丽华") == likeness.names("", "張麗華")
        assert likeness.names("", "欧阳修") == ("xiu", "ouyang")

    def test_a_whole_name_in_one_field_is_cut(self):
        assert likeness.names("", "Ada King Lovelace") == ("adaking", "lovelace")


class TestJudge:
    def test_a_household_is_not_one_person(self):
        home = {
            "last_name": "Weber",
            "address": "Gartenstraße 5",
            "postcode": "10115",
            "city": "Berlin",
            "phone": "030 1234567",
        }
        said = evidence.judge(person(first_name="Anna", **home), person(first_name="Peter", **home))
        assert said.score <= 0.5 and not said.safe

    def test_a_namesake_elsewhere_is_not_one_person(self):
        one = person(first_name="Anna", last_name="Weber", email="anna.weber@web.de", city="Berlin", postcode="10115")
        other = person(first_name="Anna", last_name="Weber", email="annaw77@gmx.de", city="Ulm", postcode="89073")
        assert evidence.judge(one, other).score < evidence.SHOWN

    def test_the_same_number_and_a_letter(self):
        one = person(first_name="Katharina", last_name="Schröder", phone="+49 30 1234567")
        said = evidence.judge(one, person(first_name="Katarina", last_name="Schröder", phone="030/1234567"))
        assert said.safe and said.reasons == ("phone_same", "name_close")

    def test_han_and_latin_in_either_order(self):
        one = person(first_name="Wang", last_name="Xiaoming", phone="138 0013 8000", country="CN")
        said = evidence.judge(one, person(last_name="王小明", phone="+86 138 0013 8000", country="CN"))
        assert said.safe and "name_swapped" in said.reasons

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (("Omar", "Krämer"), ("K.", "Omar")), (("Nina", "Koch"), ("Nina", "Kch")), (("Max", "Huber"), ("Maximilian", "Huber")),
            (("丽华", "周"), ("丽.", "周")), (("", "刘丽华云"), ("刘丽华华云", "")), (("", "周晓梅"), ("", "周梅晓")), (("", "陈小明"), ("Chenxiaoming", "")),
            (("志强", "杨"), ("YANG", "Zhiqiang Long")), (("麗華", "張"), ("", "张丽华")),
        ],
    )  # fmt: skip
    def test_slips_in_names_leave_one_name(self, one, other):
        home = {"address": "Ringstraße 5", "postcode": "10115", "city": "Berlin"}
        two = [person(first_name=first, last_name=last, **home) for first, last in (one, other)]
        assert evidence.judge(*two).score >= evidence.SHOWN
        assert {likeness.group(key) for key in likeness.keys(two[0])} & {
            likeness.group(key) for key in likeness.keys(two[1])
        }

    @pytest.mark.parametrize(("one", "other"), [("Jan", "Jana"), ("Anna", "Peter"), ("Lea", "Leo"), ("小明", "小红")])
    def test_a_household_is_not_a_slip(self, one, other):
        home = {"last_name": "Weber", "address": "Gartenstraße 5", "postcode": "10115", "phone": "030 1234567"}
        assert evidence.judge(person(first_name=one, **home), person(first_name=other, **home)).score <= 0.5

    @pytest.mark.parametrize(
        ("typed", "said"),
        [("anna.wbeer77@gmail.com", "mail_typo"), ("anna.weber77@gmial.com", "mail_typo"), ("anna.weber78@gmail.com", "mail_other"),
         ("anna.weber77@web.de", "mail_number"), ("annaweber@web.de", "mail_other"), ("ANNAWEBER77+shop@googlemail.com", "mail_same")],
    )  # fmt: skip
    def test_an_address_of_another_spelling(self, typed, said):
        one = person(first_name="Anna", last_name="Weber", email="anna.weber77@gmail.com")
        other = person(first_name="Anna", last_name="Weber", email=typed)
        assert said in evidence.judge(one, other).reasons
        if said != "mail_other":
            assert {likeness.group(key) for key in likeness.keys(one)} & {
                likeness.group(key) for key in likeness.keys(other)
            }

    def test_two_who_are_whole_under_a_key_are_not_compared(self):
        one, other = (
            person(first_name="Anna", last_name="Weber", city="Ulm", postcode=code) for code in ("89073", "89075")
        )
        bare = person(first_name="Anna", last_name="Weber", city="Ulm")
        (key,) = {likeness.group(key) for key in likeness.keys(one)} & {
            likeness.group(key) for key in likeness.keys(other)
        }
        assert all(key | likeness.WHOLE in likeness.keys(who) for who in (one, other))
        assert key | likeness.LACKING in likeness.keys(bare)
        assert list(duplicates.together([(1, 1), (2, 1), (3, 0)])) == [(1, 3), (2, 3)]

    def test_a_firms_address_is_weak(self):
        one = person(first_name="Anna", last_name="Weber", email="info@firm.example")
        assert not evidence.judge(one, person(email="info@firm.example")).safe


def measured(many: int = 3000, seed: int = 11):
    """Find pairs in a crowd as the scan does, and count what is right."""
    crowd = People(seed, many).crowd(many)
    people = [likeness.person({"id": place, **row}, region="DE") for place, row in enumerate(crowd)]
    groups, who = defaultdict(list), defaultdict(list)
    for one in people:
        who[crowd[one.id]["who"]].append(one.id)
        for key in likeness.keys(one):
            groups[likeness.group(key)].append((one.id, key & 1))
    pairs = {pair for group in groups.values() for pair in duplicates.together(group)}
    true = {pair for group in who.values() for pair in combinations(sorted(group), 2)}
    judged = {pair: evidence.judge(people[pair[0]], people[pair[1]]) for pair in pairs}
    shown = {pair for pair, said in judged.items() if said.score >= evidence.SHOWN}
    safe = {pair for pair, said in judged.items() if said.safe}
    return {
        "people": len(people), "true": len(true), "met": len(true & pairs) / len(true), "shown": len(shown),
        "precision": len(true & shown) / len(shown), "recall": len(true & shown) / len(true),
        "safe": len(safe), "safe_precision": len(true & safe) / len(safe), "safe_recall": len(true & safe) / len(true),
        "missed": [(crowd[a], crowd[b], judged.get((a, b))) for a, b in sorted(true - shown)],
        "wrong": [(crowd[a], crowd[b], judged[a, b]) for a, b in sorted(shown - true)], "judged": judged, "truth": true,
    }  # fmt: skip


def test_most_are_found_and_few_are_wrong():
    found = measured()
    assert found["met"] >= 0.95
    assert found["recall"] >= 0.96 and found["precision"] >= 0.985
    assert found["safe_precision"] >= 0.997 and found["safe_recall"] >= 0.80


@pytest.mark.parametrize("slip", lookalikes.SLIPS, ids=lambda slip: slip.__name__.strip("_"))
def test_one_slip_is_forgiven(slip):
    """Each kind of slip alone, where something besides the name is left to know somebody by."""
    pick, people = random.Random(3), People(4, 400)
    met = found = 0
    for who in range(400):
        one = people.base(who)
        copy = dict(one)
        slip(copy, pick)
        two = [likeness.person(row, region="DE") for row in (one, copy)]
        met += bool(
            {likeness.group(key) for key in likeness.keys(two[0])}
            & {likeness.group(key) for key in likeness.keys(two[1])}
        )
        found += evidence.judge(*two).score >= evidence.SHOWN
    assert met >= 396 and found >= 380, (met, found)


def test_a_score_means_what_it_says():
    found = measured(seed=23)
    for low, high in ((0.6, 0.9), (0.9, 0.99), (0.99, 1.01)):
        inside = [pair for pair, said in found["judged"].items() if low <= said.score < high]
        share = sum(pair in found["truth"] for pair in inside) / len(inside)
        assert share >= low - 0.15, (low, high, share, len(inside))
