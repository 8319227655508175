"""What a shopper's words find among names and categories."""

from __future__ import annotations

import pytest

from saas.recommend.words import Words, split


@pytest.fixture
def words() -> Words:
    made = Words()
    made.take(1, "Desk lamp Moss", ["Lamps"])
    made.take(2, "Floor lamp Ember", ["Lamps"])
    made.take(3, "Kettle Moss", ["Tea"])
    made.take(4, "Café crème bowl", ["Bowls"])
    made.take(5, "青花茶壶", ["茶具"])
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("moss lamp", [1, 2, 3]),
        ("kettles", [3]),
        ("ket", [3]),
        ("kettel", [3]),
        ("lmap", [1, 2]),
        ("cafe creme", [4]),
        ("茶壶", [5]),
        ("茶", [5]),
        ("花壶", []),
        ("zeppelin", []),
        ("", []),
        ("!!! ???", []),
    ],
)
def test_a_query_finds(words, query, found):
    assert words.find(query, most=9) == found


def test_a_renamed_product_is_found_by_its_new_name_alone(words):
    words.take(3, "Samovar", ["Tea"])
    assert words.find("kettle", most=9) == []
    assert words.find("samovar", most=9) == [3]


def test_a_word_that_is_everywhere_counts_less_than_a_rare_one(words):
    for number in range(10, 40):
        words.take(number, "Lamp", [])
    assert words.find("lamp ember", most=1) == [2]


def test_words_are_taken_apart_once_each():
    assert split("Tea tea, TEA-pot 茶壶!") == ["tea", "pot", "茶壶"]
