"""What is offered: the right kind for each place, never out of stock, never just bought, always with a true reason."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest

from saas.catalog import products
from saas.commerce import orders
from saas.customers import identity
from saas.kit import valkey, work
from saas.recommend import fitting, offers, reasons, shelf, shoppers, stock
from tests.rooms.recommend import little_shop
from tests.rooms.recommend.little_shop import CUPS, TEAS

VISITOR = "shopper-0000000000000001"


def chosen(company, slot: str, **wishes) -> list:
    return offers.choose(tenant_id=company.tenant_id, slot=slot, record=False, **wishes).items


def keys(found: list) -> list[str]:
    return [offer.product.key for offer in found]


def customer_of(company, number: int) -> UUID:
    with work.unit(tenant_id=company.tenant_id):
        return identity.find("external", f"c{number}")


def buy(company, drain, number: int, bought: list[str], **fields) -> None:
    with work.unit(tenant_id=company.tenant_id):
        orders.record_many([little_shop.order(number, bought, **fields)])
    drain(company)


class TestPlaces:
    def test_beside_a_product_comes_what_is_bought_with_it(self, shop):
        found = chosen(shop, "product", product="tea-2", limit=2)
        assert set(keys(found)) == {"tea-1", "tea-3"}
        assert found[0].reason_code == "bought_together"
        assert re.fullmatch(r"Often bought with Tea 2: \d+ of \d+ orders", found[0].reason_text)

    def test_the_count_in_the_reason_is_what_the_orders_say(self, shop):
        for offer in chosen(shop, "product", product="tea-2", limit=2):
            together, having = map(int, re.findall(r"(\d+) of (\d+)", offer.reason_text)[0])
            pair = {"tea-2", offer.product.key}
            baskets = [{TEAS[n // 2 % 6], TEAS[(n // 2 + 1) % 6]} for n in range(30) if n % 2]
            assert (together, having) == (sum(pair <= b for b in baskets), sum("tea-2" in b for b in baskets))

    def test_beside_a_cart_comes_what_goes_with_all_of_it(self, shop):
        little_shop.live(shop, VISITOR, [], cart=["tea-1", "tea-3"])
        found = chosen(shop, "cart", visitor=VISITOR, limit=1)
        assert keys(found) == ["tea-2"]
        assert found[0].reason_code == "bought_together"

    def test_at_home_the_session_goes_on(self, shop):
        little_shop.live(shop, VISITOR, ["cup-1", "cup-2"])
        found = chosen(shop, "home", visitor=VISITOR, limit=4)
        assert "cup-3" in keys(found)
        assert {offer.reason_code for offer in found} <= {
            "seen",
            "bought_both",
            "looked_at",
            "looked_at_both",
            "popular",
        }
        why = next(offer for offer in found if offer.product.key == "cup-3")
        assert re.match(r"Because you looked at Cup \d; \d+ others bought both", why.reason_text)

    def test_the_next_view_changes_the_next_answer(self, shop):
        little_shop.live(shop, VISITOR, ["cup-1"])
        before = keys(chosen(shop, "home", visitor=VISITOR))
        little_shop.live(shop, VISITOR, ["cup-1", "tea-4"])
        after = keys(chosen(shop, "home", visitor=VISITOR))
        assert before != after
        assert any(key.startswith("tea") for key in after)

    def test_discover_shows_nothing_seen(self, shop):
        little_shop.live(shop, VISITOR, ["cup-1", "cup-2", "cup-3"])
        found = keys(chosen(shop, "discover", visitor=VISITOR, limit=9))
        assert len(found) == 9
        assert not {"cup-1", "cup-2", "cup-3"} & set(found)

    def test_a_stranger_gets_what_is_popular(self, shop):
        found = chosen(shop, "home", visitor="nobody-knows-this-one", limit=3)
        assert [offer.reason_code for offer in found] == ["popular"] * 3

    def test_the_same_question_has_the_same_answer(self, shop):
        little_shop.live(shop, VISITOR, ["cup-1", "tea-2"])
        first = keys(chosen(shop, "home", visitor=VISITOR, limit=12))
        assert all(keys(chosen(shop, "home", visitor=VISITOR, limit=12)) == first for _again in range(3))
        shelf.forget()
        stock.forget()
        assert keys(chosen(shop, "home", visitor=VISITOR, limit=12)) == first

    def test_no_product_is_offered_twice_or_beside_itself(self, shop):
        little_shop.live(shop, VISITOR, ["tea-1", "tea-2"], cart=["tea-5"])
        for slot in ("home", "product", "cart", "discover", "mail"):
            found = keys(chosen(shop, slot, visitor=VISITOR, product="tea-3", limit=20))
            assert len(found) == len(set(found)) >= 6
            assert "tea-5" not in found
            assert "tea-3" not in found

    def test_after_an_order_comes_what_goes_with_it_and_nothing_of_it(self, shop):
        found = chosen(shop, "thank-you", bought=[TEAS[0], TEAS[1]], limit=4)
        assert set(keys(found)[:2]) <= set(TEAS[2:])
        assert not {TEAS[0], TEAS[1]} & set(keys(found))
        assert found[0].reason_code == "bought_together"

    def test_after_an_order_even_what_runs_out_is_not_offered_again(self, shop, drain):
        for number in range(3):
            buy(shop, drain, 900 + number, [TEAS[2]], customer=77, days_ago=90 - 30 * number)
        assert TEAS[2] not in keys(chosen(shop, "thank-you", bought=[TEAS[2]], limit=12))

    def test_after_an_order_the_customer_s_newest_counts_where_the_page_does_not_say(self, shop, drain):
        buy(shop, drain, 950, [CUPS[0]], customer=78, days_ago=0)
        found = chosen(shop, "thank-you", customer_id=customer_of(shop, 78), limit=3)
        assert CUPS[0] not in keys(found)
        assert found[0].product.key in CUPS

    def test_after_an_order_of_something_unknown_comes_what_is_popular(self, shop):
        assert chosen(shop, "thank-you", bought=["no such thing"], limit=2)

    @pytest.mark.parametrize("words", ["tea", "Teas", "te", "TEA"])
    def test_a_search_gets_what_fits_its_words(self, shop, words):
        found = chosen(shop, "search", query=words, limit=4)
        assert {key.split("-")[0] for key in keys(found)} == {"tea"}
        assert {offer.reason_code for offer in found} == {"found"}

    def test_the_product_with_all_the_words_comes_first(self, shop):
        assert keys(chosen(shop, "search", query="tea 4", limit=2))[0] == "tea-4"

    def test_a_search_without_results_gets_what_is_popular(self, shop):
        found = chosen(shop, "search", query="zeppelin", limit=3)
        assert len(found) == 3
        assert "found" not in {offer.reason_code for offer in found}

    def test_a_search_finds_a_renamed_product_by_its_new_name(self, shop, drain):
        assert keys(chosen(shop, "search", query="tea 2", limit=1)) == ["tea-2"]
        with work.unit(tenant_id=shop.tenant_id):
            products.upsert_many([little_shop.product("tea-2", name="青花茶壶")])
        drain(shop)
        stock.forget()
        assert keys(chosen(shop, "search", query="茶壶", limit=1)) == ["tea-2"]
        assert keys(chosen(shop, "search", query="茶", limit=1)) == ["tea-2"]

    def test_a_wrong_place_or_number_is_refused(self, shop):
        for wrong in ({"slot": "attic"}, {"slot": "home", "limit": 0}, {"slot": "home", "limit": 21}):
            with pytest.raises(offers.BadQuestion):
                offers.choose(tenant_id=shop.tenant_id, **wrong)

    def test_it_says_so_in_chinese(self, shop):
        found = chosen(shop, "product", product="tea-2", limit=1, language="zh")
        assert found[0].reason_text.startswith("常与Tea 2一起购买")


class TestNeverOffered:
    def test_what_is_sold_out_although_the_models_love_it(self, shop, drain):
        assert "tea-3" in keys(chosen(shop, "product", product="tea-2"))
        with work.unit(tenant_id=shop.tenant_id):
            products.upsert_many([{"external_id": "tea-3", "stock": 0}])
        drain(shop)
        stock.catalogue(shop.tenant_id).looked_at -= 1
        for slot in ("product", "home", "cart", "discover"):
            assert "tea-3" not in keys(chosen(shop, slot, product="tea-2", limit=20))
        with work.unit(tenant_id=shop.tenant_id):
            products.upsert_many([{"external_id": "tea-3", "stock": 5}])
        drain(shop)
        stock.catalogue(shop.tenant_id).looked_at -= 1
        assert "tea-3" in keys(chosen(shop, "product", product="tea-2"))

    def test_what_is_off_sale_or_has_no_price_or_address(self, shop, drain):
        with work.unit(tenant_id=shop.tenant_id):
            products.upsert_many([
                {"external_id": "tea-1", "active": False}, {"external_id": "tea-4", "url": ""}, {"external_id": "tea-5", "name": ""},
                {"external_id": "bare", "name": "Bare", "url": "https://shop.example/bare"},
            ])  # fmt: skip
        drain(shop)
        stock.forget()
        assert not {"tea-1", "tea-4", "tea-5", "bare"} & set(keys(chosen(shop, "home", limit=20)))

    def test_nothing_sold_out_while_valkey_is_away(self, shop, away):
        assert "tea-3" in keys(chosen(shop, "product", product="tea-2"))
        with work.unit(tenant_id=shop.tenant_id):
            products.upsert_many([{"external_id": "tea-3", "stock": 0}])
        assert "tea-3" not in keys(chosen(shop, "product", product="tea-2", limit=20))

    def test_what_was_just_bought_unless_it_runs_out(self, shop, drain):
        buy(shop, drain, 700, ["tea-1"], customer=77)
        customer = customer_of(shop, 77)
        assert "tea-1" not in keys(chosen(shop, "home", customer_id=customer, limit=20))
        with work.unit(tenant_id=shop.tenant_id):
            orders.record_many([
                little_shop.order(800 + n, ["tea-1"], customer=100 + n // 2, days_ago=60 + n % 2 * 20) for n in range(40)
            ])  # fmt: skip
        drain(shop)
        fitting.fit(shop.tenant_id)
        shelf.forget()
        assert "tea-1" in keys(chosen(shop, "home", customer_id=customer, limit=20))

    def test_what_was_bought_long_ago_may_come_again(self, shop, drain):
        buy(shop, drain, 701, ["tea-1"], customer=78, days_ago=45)
        assert "tea-1" in keys(chosen(shop, "home", customer_id=customer_of(shop, 78), limit=20))

    def test_the_purchase_of_a_moment_ago_counts(self, shop, drain):
        customer = customer_of(shop, 1)
        assert "cup-4" in keys(chosen(shop, "home", customer_id=customer, limit=20))
        buy(shop, drain, 702, ["cup-4"], customer=1, days_ago=0)
        assert "cup-4" not in keys(chosen(shop, "home", customer_id=customer, limit=20))


class TestWhoAsks:
    @pytest.fixture
    def loyal(self, shop, drain):
        """A customer with a taste, in a shop with enough buyers to know tastes."""
        with work.unit(tenant_id=shop.tenant_id):
            orders.record_many([
                little_shop.order(2000 + n, [(TEAS, CUPS)[n % 2][(n // 2 + turn) % 6], (TEAS, CUPS)[n % 2][(n // 2 + turn + 1) % 6]],
                                  customer=300 + n, days_ago=40 + turn, external_id=f"x{n}-{turn}")
                for n in range(60) for turn in range(2)
            ])  # fmt: skip
        drain(shop)
        fitting.fit(shop.tenant_id)
        shelf.forget()
        return customer_of(shop, 301)

    def test_a_proven_customer_is_offered_by_taste(self, shop, loyal, drain):
        with work.unit(tenant_id=shop.tenant_id):
            identity.bind_visitor(VISITOR, loyal, proven=True)
        drain(shop)
        found = chosen(shop, "home", visitor=VISITOR, limit=4)
        assert {offer.algorithm for offer in found} == {"buyer"}
        assert all(offer.product.key.startswith("cup") for offer in found[:3])
        assert {offer.reason_code for offer in found} <= {"taste", "bought_before", "popular"}

    def test_a_claimed_one_gets_nothing_personal(self, shop, loyal, drain):
        with work.unit(tenant_id=shop.tenant_id):
            identity.bind_visitor(VISITOR, loyal, proven=False)
        drain(shop)
        little_shop.live(shop, VISITOR, [], customer=loyal, proven=False)
        found = chosen(shop, "home", visitor=VISITOR, limit=12)
        assert keys(found) == keys(chosen(shop, "home", visitor="a-perfect-stranger-000", limit=12))
        assert {offer.algorithm for offer in found} == {"popular"}

    def test_an_anonymous_answer_turns_personal_when_the_browser_is_recognised(self, shop, loyal, drain):
        assert {offer.algorithm for offer in chosen(shop, "home", visitor=VISITOR)} == {"popular"}
        with work.unit(tenant_id=shop.tenant_id):
            identity.bind_visitor(VISITOR, loyal, proven=True)
        drain(shop)
        assert {offer.algorithm for offer in chosen(shop, "home", visitor=VISITOR)} == {"buyer"}

    def test_a_mailing_gets_offers_for_everybody_at_once(self, shop, loyal):
        everybody = [customer_of(shop, number) for number in (1, 2, 301, 302)]
        with work.unit(tenant_id=shop.tenant_id):
            found = offers.for_mail(everybody, 3, languages={everybody[0]: "zh_Hans"})
        assert list(found) == everybody
        assert all(len(each) == 3 for each in found.values())
        one = found[loyal][0]
        assert {"name", "url", "image_url", "price", "currency", "reason", "product_id"} <= set(one)
        assert one["price"] == "12.50"
        assert re.search("[一-鿿]", found[everybody[0]][0]["reason"]["text"])

    def test_a_copy_read_before_a_change_is_not_kept(self, shop, drain, monkeypatch):
        customer = customer_of(shop, 2)
        honest = shoppers.purchases

        def slow(*arguments, **wishes):
            found = honest(*arguments, **wishes)
            shoppers.forget(tenant_id=shop.tenant_id, customer_ids=[str(customer)])  # an order comes just now
            return found

        monkeypatch.setattr(shoppers, "purchases", slow)
        shoppers.bought_by(shop.tenant_id, customer)
        assert valkey.client().get(f"bought:{shop.tenant_id}:{customer}") is None


class TestWithoutServers:
    def test_when_warm_no_database_is_asked(self, shop, monkeypatch):
        little_shop.live(shop, VISITOR, ["cup-1", "cup-2"])
        wishes = {"visitor": VISITOR, "product": "tea-2", "limit": 4}
        for slot in ("home", "product", "cart", "discover"):
            chosen(shop, slot, **wishes)
        for module in (shelf, stock, shoppers):
            monkeypatch.setattr(module, "pool", None)
        for slot in ("home", "product", "cart", "discover"):
            assert len(chosen(shop, slot, **wishes)) == 4

    def test_a_flushed_valkey_is_survived(self, shop):
        little_shop.live(shop, VISITOR, ["cup-1", "cup-2"])
        before = keys(chosen(shop, "product", visitor=VISITOR, product="tea-2"))
        names = valkey.client().keys(f"*:{shop.tenant_id}*")
        valkey.client().delete(*names)
        shelf.forget()
        stock.forget()
        little_shop.live(shop, VISITOR, ["cup-1", "cup-2"])
        assert keys(chosen(shop, "product", visitor=VISITOR, product="tea-2")) == before

    def test_without_valkey_there_are_offers_all_the_same(self, shop, away):
        assert len(chosen(shop, "product", visitor=VISITOR, product="tea-2")) == 4

    def test_a_shop_without_history_offers_what_is_new(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            products.upsert_many([little_shop.product("tea-1"), little_shop.product("tea-2", stock=0)])
        found = chosen(company, "home")
        assert keys(found) == ["tea-1"]
        assert found[0].reason_text == "New in the shop"

    def test_an_empty_shop_offers_nothing(self, company, context):
        assert chosen(company, "home") == []


class TestShopsApart:
    def test_a_shop_offers_its_own_and_what_has_no_shop(self, company, context):
        one, two = UUID(int=11), UUID(int=12)
        with work.unit(tenant_id=company.tenant_id):
            products.upsert_many([little_shop.product("tea-1"), little_shop.product("tea-2")], one)
            products.upsert_many([little_shop.product("tea-1", url="https://two.example/tea-1")], two)
            products.upsert_many([little_shop.product("cup-1")])
        assert set(keys(chosen(company, "home", source=one))) == {"tea-1", "tea-2", "cup-1"}
        assert {offer.product.url for offer in chosen(company, "home", source=two)} == {
            "https://two.example/tea-1",
            "https://shop.example/cup-1",
        }
        assert len(chosen(company, "home", limit=9)) == 4

    def test_another_company_is_another_world(self, shop, other_company):
        assert chosen(other_company, "product", product="tea-2") == []


class TestReasons:
    @pytest.mark.parametrize("language", reasons.LANGUAGES)
    def test_every_reason_is_said_in_each_language_with_the_same_blanks_and_no_other_s_words(self, language):
        for code, words in reasons.WORDS.items():
            blanks = [sorted(re.findall(r"{(\w+)}", words[one])) for one in ("en", language)]
            assert blanks[0] == blanks[1], code
            assert language == "en" or words[language] != words["en"], code
        assert "A" in reasons.together(["A", "B", "C"], language) and "{" not in reasons.together(["A", "B"], language)

    def test_the_widget_has_words_of_its_own_in_the_same_languages(self):
        script = (Path(__file__).parents[3] / "storefront" / "static" / "shop" / "widget.js").read_text()
        for table in ("LABELS", "JUDGED"):
            assert set(re.findall(r"(\w\w): '", script.split(f"const {table} = {{")[1].split("};")[0])) == set(
                reasons.LANGUAGES
            )

    def test_a_member_reads_of_a_customer_in_a_language_of_the_pages(self):
        assert [reasons.of_them(one) for one in ("zh-Hans", "de", None)] == ["staff:zh", "staff:en", "staff:en"]

    def test_what_is_drawn_is_not_written_from_the_right(self):
        assert [reasons.drawn(one) for one in ("ar", "he-IL", "fa", "de-AT", "ko", None)] == [
            "en",
            "en",
            "en",
            "de",
            "ko",
            "en",
        ]

    def test_languages_are_taken_as_browsers_wish_them(self):
        wishes = ("zh-CN,zh;q=0.9", "zh_Hans", "de-DE,de;q=0.9,zh;q=0.1", "ru-RU,ru;q=0.9,fr;q=0.5", "ru", "", None)
        assert [reasons.language_of(wish) for wish in wishes] == [
            "zh", "zh", "de", "fr", "en", "en", "en",
        ]  # fmt: skip

    def test_a_very_long_name_is_cut(self):
        assert len(reasons.sentence("looked_at", name="x" * 500)) < 100


def test_what_was_put_into_the_bin_is_offered_no_more_and_comes_back_with_it(shop, drain):
    from saas.tenancy import audit, undoing

    assert "tea-3" in keys(chosen(shop, "product", product="tea-2"))
    with work.unit(tenant_id=shop.tenant_id):
        products.delete(products.by_external(["tea-3"])["tea-3"].id)
        entry = audit.latest()
    drain(shop)
    stock.catalogue(shop.tenant_id).looked_at -= 1
    assert "tea-3" not in keys(chosen(shop, "product", product="tea-2", limit=20))
    with work.unit(tenant_id=shop.tenant_id):
        undoing.undo(entry)
    drain(shop)
    stock.catalogue(shop.tenant_id).looked_at -= 1
    assert "tea-3" in keys(chosen(shop, "product", product="tea-2"))
