"""Products that are alike by what is written, for those without a history: in English and Chinese, and what the shop says itself."""

from __future__ import annotations

from uuid import UUID

import pytest

from saas.catalog import products
from saas.kit import work
from saas.recommend import archive, fitting, likeness, likeness_tuning, offers, ranking, shelf, stock
from saas.recommend.asking import Ask
from saas.recommend.baskets import BasketModel
from saas.recommend.likeness import LikenessModel, Shares, Text
from saas.recommend.shoppers import Shopper
from tests.rooms.recommend import little_shop

SHOP = {
    "red-mug": Text("Red enamel mug", ["Kitchen"]), "blue-mug": Text("Blue enamel mug", ["Kitchen"]), "pot": Text("Enamelled pot", ["Kitchen"]),
    "lamp": Text("Reading lamp", ["Light"]), "bulb": Text("Bulb for lamps", ["Light"]), "tea": Text("龙井绿茶 100克", ["茶"]),
    "oolong": Text("铁观音乌龙茶", ["茶"]), "green": Text("碧螺春绿茶", ["茶"]),
}  # fmt: skip


def fit(texts=SHOP, **options) -> LikenessModel:
    return LikenessModel.fit(list(texts), list(texts.values()), **options)


def near(item: str, model: LikenessModel | None = None, n: int = 2) -> list[str]:
    return [one.item for one in (model or fit()).predict([item], n=n)]


class TestLikeness:
    def test_more_and_rarer_words_in_common_are_liker(self):
        assert near("red-mug", n=1) == ["blue-mug"]
        assert near("lamp", n=1) == ["bulb"]  # "lamp" and "lamps" have pieces in common, and their category

    def test_scripts_without_blanks_are_compared_by_their_signs(self):
        assert near("tea", n=2) == ["green", "oolong"]

    def test_the_likeness_of_the_same_words_is_one_and_of_none_is_nothing(self):
        model = fit({"a": Text("Red mug"), "b": Text("red MUG"), "c": Text("Blue lamp"), "d": Text("Blue pot")})
        (same,) = model.predict(["a"])
        assert (same.item, same.because) == ("b", "a")
        assert same.score == pytest.approx(1.0, abs=1e-5)

    def test_description_tags_and_markup_are_read_as_words(self):
        texts = {
            "a": Text("Ari", description="<p>waterproof jacket</p>"), "b": Text("Bo", tags=["Waterproof"]), "c": Text("Ce", tags=["warm"]),
            "d": Text("De", description="<p>warm</p>"),
        }  # fmt: skip
        assert near("a", fit(texts), n=5) == ["b"]
        assert near("c", fit(texts), n=5) == ["d"]

    def test_a_range_without_words_in_common_and_an_empty_one_answer_nothing(self):
        assert near("a", fit({"a": Text("One"), "b": Text("Two")})) == []
        assert fit({}).predict(["a"]) == [] == fit().predict(["unknown"])

    def test_what_the_shop_says_comes_in_its_order(self):
        model = fit(told=[("red-mug", "tea"), ("red-mug", "pot"), ("red-mug", "unknown"), ("lamp", "lamp")])
        assert [(one.item, one.because) for one in model.goes_with(["red-mug"])] == [
            ("tea", "red-mug"),
            ("pot", "red-mug"),
        ]
        assert model.goes_with(["lamp"]) == []

    def test_a_product_without_history_inherits_what_the_likest_were_bought_with(self):
        pairs = BasketModel.fit([0, 0, 1, 1], ["blue-mug", "tea"] * 2)
        listed = [one.item for one in fit().inherited(["red-mug"], pairs, n=8)]
        assert listed.index("tea") < listed.index("pot") and "red-mug" not in listed

    def test_written_and_read_it_answers_the_same(self):
        model = fit(told=[("red-mug", "tea")])
        again = LikenessModel.from_bytes(model.to_bytes())
        assert again.predict(["tea"]) == model.predict(["tea"]) and again.goes_with(["red-mug"]) == model.goes_with(
            ["red-mug"]
        )
        with pytest.raises(archive.Unreadable):
            LikenessModel.from_bytes(b"nothing")

    def test_many_products_are_compared_block_by_block(self, monkeypatch):
        monkeypatch.setattr(likeness, "BLOCK", 3)
        assert near("tea", n=2) == ["green", "oolong"]


class TestTuning:
    def test_the_part_that_tells_what_is_wanted_together_is_chosen(self):
        """Names say nothing here, descriptions all."""
        items = list(range(200))
        texts = [Text(f"mug {item % 7}", description=f"series{item // 4}") for item in items]
        pairs = [(item, item // 4 * 4 + (item + 1) % 4) for item in items]
        assert likeness_tuning.tune(items, texts, pairs).description > Shares().description

    def test_too_few_pairs_leave_it_as_it_is(self):
        assert likeness_tuning.tune([1, 2], [Text("a"), Text("a")], [(1, 2)]) == Shares()


@pytest.fixture
def with_news(shop, drain):
    """The little shop with a tea and a cup that nobody has seen yet, and a bowl that the shop pairs with a cup."""
    new = [
        little_shop.product("tea-new", name="Tea of the spring", cross_sells=["cup-3"]),
        little_shop.product("cup-new", name="Cup without a handle"),
    ]
    with work.unit(tenant_id=shop.tenant_id):
        products.upsert_many(new)
    drain(shop)
    fitting.fit(shop.tenant_id)
    shelf.forget()
    stock.forget()
    return shop


def offered(shop, **asked) -> list[tuple[str, str]]:
    chosen = offers.choose(tenant_id=shop.tenant_id, record=False, **asked)
    return [(one.product.key, one.reason_code) for one in chosen.items]


class TestNewProducts:
    def test_what_the_shop_says_is_first_on_the_page_of_a_new_product_then_what_is_like_it(self, with_news):
        listed = offered(with_news, slot="product", product="tea-new", limit=6)
        assert listed[0] == ("cup-3", "goes_with")
        assert {key.split("-")[0] for key, _ in listed[1:5]} == {"tea"} and {code for _, code in listed[1:5]} == {
            "alike"
        }

    def test_it_is_shown_as_a_neighbour_of_others_where_something_new_is_wanted(self, with_news):
        little_shop.live(with_news, "v" * 24, ["cup-1"])
        assert ("cup-new", "alike") in offered(with_news, slot="discover", visitor="v" * 24, limit=6)

    def test_the_reason_names_what_it_is_like_in_the_shopper_s_language(self, with_news):
        chosen = offers.choose(
            tenant_id=with_news.tenant_id, slot="product", product="cup-new", language="zh", record=False
        )
        assert any(one.reason_text.startswith("与Cup") and one.reason_text.endswith("相似") for one in chosen.items)

    def test_a_product_with_a_history_goes_by_it(self, with_news):
        assert offered(with_news, slot="product", product="tea-2", limit=2)[0][1] == "bought_together"

    def test_new_products_alone_ask_for_a_fit(self, company, context, drain):
        from saas.recommend import freshness

        with work.unit(tenant_id=company.tenant_id):
            products.upsert_many([little_shop.product("tea-1")])
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert freshness.read().changed_at is not None


class TestOnThePast:
    def test_a_place_is_tried_with_it_too(self):
        from saas.recommend.stock import Catalogue, Product

        texts = {1: Text("Red mug"), 2: Text("Red mug large"), 3: Text("Lamp")}
        catalogue = Catalogue(
            [Product(number, str(UUID(int=number)), f"p{number}", stock.NO_SOURCE, texts[number].name, "https://s.example", "https://s.example/p.jpg",
                     "1.00", "EUR", (), True) for number in texts], None
        )  # fmt: skip
        product = catalogue.by_number[1]
        ask = Ask(0, "product", Shopper(), product, 1, stock.NO_SOURCE, like=product, models={"alike": fit(texts)})
        assert [one.product.number for one in ranking.choose(ask, catalogue)] == [2]
