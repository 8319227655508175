"""Why a shop's deliveries and codes are refused: kept as a code with its values, read in each reader's language."""

from __future__ import annotations

import base64
import hashlib
import hmac
from contextlib import contextmanager

import orjson
import pytest
from sqlalchemy import Text, cast, select, update

from saas.commerce import coupons, refusal_words, shops
from saas.commerce.coupon_models import Coupon
from saas.commerce.refusal_words import Reason
from saas.integrations import deliveries_in
from saas.integrations.models import DeliveryIn
from saas.kit import reasons, work
from saas.kit.db import db

OLD = "The body has no id, says somebody of long ago."


@pytest.fixture
def unit(company):
    @contextmanager
    def opened():
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            yield

    return opened


@pytest.fixture
def shop(unit):
    with unit():
        made, secret = shops.connect(kind="woocommerce", name="Woo", url="https://shop.example", currency="GBP")
        return made.id, made.hook_token, secret


def deliver(company, shop, body, drain, topic="order.updated"):
    raw = orjson.dumps(body)
    signature = base64.b64encode(hmac.new(shop[2].encode(), raw, hashlib.sha256).digest()).decode()
    headers = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature}
    assert company.app.test_client().post(f"/hooks/woocommerce/{shop[1]}", data=raw, headers=headers).status_code == 200
    drain(company)


def chinese(company, path):
    company.page.set_cookie("lang", "zh_Hans")
    return company.page.get(path).get_data(as_text=True)


def test_every_reason_can_be_kept_read_and_said():
    names = dict.fromkeys(
        ("name", "said", "topic", "product", "part", "problem", "number", "key", "status", "path"), "x"
    )
    for code, sentence in (refusal_words.DELIVERIES | refusal_words.COUPONS).items():
        made = Reason(code, **names)
        held = reasons.read(made.kept)
        assert held == made == sentence.sentence % names and isinstance(held, Reason) and reasons.say(held) == made


@pytest.mark.parametrize("held", ["", OLD, "code:nobody_knows_it", "code:store_said no json", "code:store_said {}"])
def test_what_is_no_reason_of_ours_stays_as_it_is(held):
    assert reasons.read(held) == held and reasons.say(reasons.read(held)) == held


def test_a_delivery_keeps_a_code_and_its_pages_say_it_in_chinese(company, unit, shop, drain):
    lines = {"id": 7, "status": "processing", "currency": "GBP", "total": "1", "line_items": "100 % none"}
    deliver(company, shop, lines, drain)
    deliver(company, shop, {"code": "x", "message": "No.", "data": {"status": 401}}, drain)
    deliver(company, shop, {**lines, "line_items": [], "id": "1 % seven"}, drain)
    with unit():
        kept = set(db.session.scalars(select(cast(DeliveryIn.__table__.c.reason, Text))))
        assert {"The id is no number: 1 % seven"} < {one.reason for one in deliveries_in.newest_failed(shop[0], most=9)}
        ids = {one.reason.code: one.id for one in deliveries_in.newest_failed(shop[0], most=9)}
    assert kept == {"code:lines_no_list", "code:hook_not_allowed", 'code:id_no_number {"said":"1 % seven"}'}
    for path in (f"/shops/{shop[0]}/deliveries", f"/shops/{shop[0]}/health"):
        page = chinese(company, path)
        assert (
            "字段 line_items 不是商品行列表。" in page and "id 不是数字：1 % seven" in page and "无权查看此内容" in page
        )
    one = f"/shops/{shop[0]}/deliveries/{ids['hook_not_allowed']}"
    assert "请在 WooCommerce 中删除该 Webhook，然后点击“重新设置”" in chinese(company, one)
    again = company.post(f"{one}/replay", {}, follow_redirects=True).get_data(as_text=True)
    assert "无权查看此内容" in again


def test_a_delivery_from_before_there_were_codes_is_read_as_it_was_kept(company, unit, shop, drain):
    deliver(company, shop, {"data": {}}, drain)
    for words, shown in ((OLD, OLD), ("The body has no id.", "内容中没有 id。")):
        with unit():
            db.session.execute(update(DeliveryIn).values(reason=words))
        assert shown in chinese(company, f"/shops/{shop[0]}/deliveries")


def test_coupons_say_why_their_codes_wait_on_pages_and_by_the_api(company, unit, shop):
    with unit():
        made = coupons.create(name="Welcome", shop_id=shop[0], kind="percent", percent="10")
        made.trouble = Reason("store_status_said", status=500, path="/coupons/batch", said="50 % of it is broken")
        coupon = made.id
    with unit():
        assert db.session.scalar(select(cast(Coupon.__table__.c.trouble, Text))).startswith("code:store_status_said {")
    english = "The store answered 500 to /coupons/batch. 50 % of it is broken"
    assert company.api("GET", f"/coupons/{coupon}").json["trouble"] == english
    assert english in company.page.get(f"/coupons/{coupon}").get_data(as_text=True)
    assert "店铺对 /coupons/batch 答复了 500。50 % of it is broken" in chinese(company, f"/coupons/{coupon}")
