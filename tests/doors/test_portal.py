"""A shopper's own page, asked for as shoppers, forwarders, guessers and forgers do."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from saas.catalog import products
from saas.commerce import orders, return_requests, shops
from saas.customers import consent, merging, passes, person_wishes, portal_settings, preferences, profiles, unmerging
from saas.customers.models import PortalPass
from saas.integrations import erasures
from saas.kit import clock, crypto, pool, rates
from saas.kit.db import db
from tests import queries
from tests.companies import run_operations
from tests.mailboxes import part
from tests.rooms.marketing.conftest import Sender, mail_server, mailbox, shop  # noqa: F401 - fixtures

ADA = "ada@shop.example"


@pytest.fixture
def place(shop, mailbox, app, drain):  # noqa: F811
    """A company with a customer and two orders of hers, and what a shopper would do there."""
    return Place(app, shop, mailbox, drain)


class Place:
    def __init__(self, app, sender: Sender, box, drain) -> None:
        self.app, self.shop, self.box, self._drain = app, sender, box, drain
        self.path = f"/my/{sender.company.site_key}"
        self.client = app.test_client()
        with self.unit():
            self.ada = profiles.create(email=ADA, first_name="Ada", last_name="Lovelace").id
        self.order = self.buy(ADA, "o1")

    def unit(self):
        return self.shop.unit()

    def drain(self) -> None:
        self._drain(self.shop.company)

    def buy(self, email: str, key: str, **more):
        item = {
            "external_id": key, "number": f"N-{key}", "placed_at": clock.now() - timedelta(days=2), "status": "fulfilled", "currency": "EUR",
            "customer": {"email": email}, "lines": [
                {"product": "p1", "name": "Teapot", "quantity": 2, "unit_price": "10.00"}, {"product": "p2", "name": "Cup", "quantity": 1, "unit_price": "4.00"},
            ],
        } | more  # fmt: skip
        with self.unit():
            return orders.record(item).id

    def ask(self, email: str = ADA, client=None, path: str = ""):
        return (client or self.client).post(path or self.path, data={"email": email})

    def link(self, email: str = ADA) -> str:
        """Ask for a link and return the one that came by mail."""
        self.box.clear()
        assert self.ask(email).status_code == 200
        self.drain()
        return urlsplit(re.search(r"http://\S+/in/\S+", part(self.box.mail(email.split("@")[0] + "@"), "plain")).group()).path  # fmt: skip

    def enter(self, email: str = ADA, client=None):
        """Come in by a fresh link and return the browser."""
        client = client or self.app.test_client()
        assert client.post(self.link(email)).status_code == 303
        return client

    def post(self, client, path: str, data: dict | None = None, **more):
        """Send a form of a page of ours, with its token."""
        page = client.get(f"{self.path}/data").get_data(as_text=True)
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', page).group(1)
        return client.post(self.path + path, data={"form_token": token, **(data or {})}, **more)


class TestGettingIn:
    def test_a_link_by_mail_opens_the_page_for_a_day(self, place):
        link = place.link()
        shown = place.client.get(link)
        assert shown.status_code == 200 and "Open my page" in shown.get_data(as_text=True)
        answer = place.client.post(link)
        assert answer.status_code == 303 and answer.headers["Location"].endswith("/orders")
        cookie = answer.headers["Set-Cookie"]
        assert (
            "HttpOnly" in cookie
            and "SameSite=Lax" in cookie
            and f"Path={place.path}" in cookie
            and "Max-Age=86400" in cookie
        )
        assert "N-o1" in place.client.get(f"{place.path}/orders").get_data(as_text=True)

    def test_looking_at_the_link_uses_nothing_up(self, place):
        link = place.link()
        for _scanner in range(3):
            assert place.client.get(link).status_code == 200
        assert place.client.post(link).status_code == 303

    def test_a_link_works_once(self, place):
        link = place.link()
        assert place.client.post(link).status_code == 303
        other = place.app.test_client()
        assert (other.get(link).status_code, other.post(link).status_code) == (410, 410)
        assert other.get(f"{place.path}/orders").status_code == 303

    def test_a_link_is_too_old_after_half_an_hour(self, place):
        link = place.link()
        with pool.connection(tenant_id=place.shop.tenant_id) as connection:
            connection.execute("UPDATE portal_passes SET asked_at = asked_at - interval '31 minutes'")
        assert place.client.post(link).status_code == 410

    def test_the_browser_is_closed_again_after_a_day(self, place):
        client = place.enter()
        assert client.get(f"{place.path}/orders").status_code == 200
        with pool.connection(tenant_id=place.shop.tenant_id) as connection:
            connection.execute("UPDATE portal_passes SET ends_at = ends_at - interval '1 day'")
        assert client.get(f"{place.path}/orders").status_code == 303

    @pytest.mark.parametrize("change", ["end", "middle", "nonsense", "empty"])
    def test_a_forged_link_is_unknown(self, place, change):
        link = place.link()
        token = link.rsplit("/", 1)[1]
        forged = {"end": _changed(token, -3), "middle": _changed(token, 9), "nonsense": "x" * 80, "empty": "."}[change]
        path = f"{place.path}/in/{forged}"
        assert place.client.get(path).status_code == place.client.post(path).status_code == 404
        assert place.client.get(f"{place.path}/orders").status_code == 303

    def test_another_companys_link_and_cookie_open_nothing_here(self, place, other_company):
        link, theirs = place.link(), f"/my/{other_company.site_key}"
        moved = f"{theirs}/in/{link.rsplit('/', 1)[1]}"
        assert place.client.post(moved).status_code == 404
        assert place.client.post(link).status_code == 303
        held = place.client.get_cookie("regulars_my", path=place.path)
        place.client.set_cookie("regulars_my", held.value, path=theirs)
        assert place.client.get(f"{theirs}/orders").status_code == 303

    def test_an_unknown_address_is_answered_like_a_known_one(self, place):
        place.box.clear()
        known, unknown = place.ask(ADA), place.ask("who@nowhere.example")
        plain = [
            answer.get_data(as_text=True).replace(ADA, "@").replace("who@nowhere.example", "@")
            for answer in (known, unknown)
        ]
        strip = re.compile(r'nonce="[^"]*"')
        assert known.status_code == unknown.status_code == 200 and strip.sub("", plain[0]) == strip.sub("", plain[1])
        place.drain()
        assert len(place.box.items()) == 1 and place.box.mail("ada@")
        with place.unit():
            assert [one.email_norm for one in db.session.query(PortalPass)] == [ADA]

    def test_what_is_no_address_is_told_at_the_field(self, place):
        answer = place.ask("no address")
        assert answer.status_code == 422 and "This is not an e-mail address." in answer.get_data(as_text=True)

    def test_asking_too_often_is_refused_whoever_is_asked_for(self, place, monkeypatch):
        monkeypatch.setattr(rates, "require", _refuse)
        assert place.ask(ADA).status_code == place.ask("who@nowhere.example").status_code == 429

    def test_an_address_gets_only_so_many_mails_and_the_answer_is_the_same(self, place, monkeypatch):
        before = place.ask(ADA).get_data()
        monkeypatch.setattr(rates, "allow", lambda key, _rate, **_more: not key.startswith("portal-to:"))
        after = place.ask(ADA)
        strip = re.compile(rb'nonce="[^"]*"')
        assert after.status_code == 200 and strip.sub(b"", after.get_data()) == strip.sub(b"", before)
        with place.unit():
            assert db.session.query(PortalPass).count() == 1

    def test_a_closed_page_is_unknown(self, place):
        with place.unit():
            portal_settings.change(enabled=False)
        assert place.client.get(place.path).status_code == 404
        assert place.client.get("/my/pk_" + "a" * 24).status_code == 404

    def test_signing_out_closes_the_browser(self, place):
        client = place.enter()
        held = client.get_cookie("regulars_my", path=place.path).value
        assert place.post(client, "/out").status_code == 303
        client.set_cookie("regulars_my", held, path=place.path)
        assert client.get(f"{place.path}/orders").status_code == 303


def _changed(token: str, place: int) -> str:
    """Another token: not at its last sign, for base64 has spare bits there."""
    found = list(token)
    found[place] = "A" if found[place] != "A" else "B"
    return "".join(found)


def _refuse(*_given, **_more):
    raise rates.TooOften


class TestByAShopsKey:
    """Whoever builds a shop knows the shop's key, and links to a page here by it."""

    @pytest.mark.parametrize("page", ["/preferences", "/requests", "/orders?from=mail&site=x", ""])
    def test_the_page_that_was_asked_for_opens(self, place, page):
        with place.unit():
            key = shops.connect(kind="generic", name="Second shop", url="https://second.example")[0].site_key
        hers = place.enter()
        answer = hers.get(f"/my/{key}{page}")
        assert (answer.status_code, urlsplit(answer.location).path) == (303, place.path + page.partition("?")[0])
        assert answer.headers["Cache-Control"] == "private, no-store"
        reached = hers.get(answer.location, follow_redirects=True)
        assert reached.status_code == 200 and reached.request.path == place.path + (page.partition("?")[0] or "/orders")

    def test_whoever_is_not_in_is_led_to_where_a_link_is_asked_for(self, place):
        with place.unit():
            key = shops.connect(kind="generic", name="Second shop", url="https://second.example")[0].site_key
        reached = place.client.get(f"/my/{key}/preferences", follow_redirects=True)
        assert reached.status_code == 200 and reached.request.path == place.path


class TestWhoseItIs:
    def test_after_a_merge_the_link_opens_the_winner(self, place):
        with place.unit():
            winner = profiles.create(email="ada@work.example", first_name="Ada").id
        place.buy("ada@work.example", "o2")
        link = place.link()
        with place.unit():
            merging.merge(winner_id=winner, loser_id=place.ada)
        client = place.app.test_client()
        assert client.post(link).status_code == 303
        page = client.get(f"{place.path}/orders").get_data(as_text=True)
        assert "N-o1" in page and "N-o2" in page

    def test_after_it_was_taken_back_nobody_sees_the_others_orders(self, place):
        with place.unit():
            winner = profiles.create(email="ada@work.example", first_name="Ada").id
        place.buy("ada@work.example", "o2")
        with place.unit():
            merge = merging.merge(winner_id=winner, loser_id=place.ada).id
        client, link = place.enter(), place.link()
        assert "N-o2" in client.get(f"{place.path}/orders").get_data(as_text=True)
        with place.unit():
            unmerging.unmerge(merge)
        answer = client.get(f"{place.path}/orders")
        assert answer.status_code == 303 or "N-o2" not in answer.get_data(as_text=True)
        fresh = place.app.test_client()
        fresh.post(link)
        answer = fresh.get(f"{place.path}/orders")
        assert answer.status_code == 303 or "N-o2" not in answer.get_data(as_text=True)
        again = place.enter()
        page = again.get(f"{place.path}/orders").get_data(as_text=True)
        assert "N-o1" in page and "N-o2" not in page

    def test_an_erased_persons_link_and_browser_are_unknown(self, place):
        client, link = place.enter(), place.link()
        with place.unit():
            erasures.erase_now(place.ada)
            assert db.session.query(PortalPass).count() == 0
        assert client.get(f"{place.path}/orders").status_code == 303
        assert place.app.test_client().post(link).status_code == 404

    def test_whose_address_was_changed_is_not_there_any_more(self, place):
        client = place.enter()
        with place.unit():
            profiles.change(place.ada, email="new@shop.example")
        assert client.get(f"{place.path}/orders").status_code == 303

    def test_an_address_that_was_only_claimed_opens_nothing(self, place):
        from saas.customers import identity

        with place.unit():
            identity.link(place.ada, "email", "thief@evil.example", proven=False)
            assert passes.owner("thief@evil.example") is None

    def test_anothers_order_is_answered_as_one_that_never_was(self, place):
        other = place.buy("bob@shop.example", "o9")
        client = place.enter()
        theirs, nobodys = (
            client.get(f"{place.path}/orders/{one}") for one in (other, "11111111-1111-4111-8111-111111111111")
        )
        assert theirs.status_code == nobodys.status_code == 404
        strip = re.compile(rb'(nonce|value)="[^"]*"')
        assert strip.sub(b"", theirs.data) == strip.sub(b"", nobodys.data)
        assert (
            place.post(client, f"/orders/{other}/return", {"quantity.0": "1", "reason": "damaged"}).status_code == 404
        )

    def test_anothers_return_and_file_are_unknown(self, place):
        other = place.buy("bob@shop.example", "o9")
        with place.unit():
            bob = orders.one(other).customer_id
            theirs = return_requests.ask(customer_id=bob, order_id=other, quantities={0: 1}, reason="damaged").id
            wish = person_wishes.ask(customer_id=bob, what="data").id
        client = place.enter()
        assert place.post(client, f"/requests/{theirs}/withdraw").status_code == 404
        assert client.get(f"{place.path}/requests/{wish}/file").status_code == 404


class TestForms:
    @pytest.mark.parametrize(
        "path",
        [
            "/out",
            "/data",
            "/data/export",
            "/data/erase",
            "/preferences",
            "/orders/{order}/return",
            "/requests/{order}/withdraw",
        ],
    )
    def test_a_form_without_its_token_is_refused(self, place, path):
        client = place.enter()
        path = place.path + path.format(order=place.order)
        for data in ({}, {"form_token": "0" * 32}):
            assert client.post(path, data={"sure": "1", **data}).status_code == 403

    def test_a_form_of_another_site_is_refused(self, place):
        client = place.enter()
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert place.post(client, "/data/export", headers=headers).status_code == 403
        with place.unit():
            assert person_wishes.of_customer(place.ada) == []

    def test_whoever_is_not_signed_in_posts_nothing(self, place):
        client = place.app.test_client()
        for path in ("/out", "/data", "/data/erase", "/preferences", f"/orders/{place.order}/return"):
            assert client.post(place.path + path, data={"sure": "1"}).status_code == 403

    def test_every_page_is_private(self, place):
        client = place.enter()
        for path in ("", "/orders", f"/orders/{place.order}", "/data", "/data/erase", "/preferences", "/requests"):
            answer = client.get(place.path + path, follow_redirects=True)
            headers, body = answer.headers, answer.get_data(as_text=True)
            assert answer.status_code == 200 and headers["Cache-Control"] == "private, no-store"
            assert headers["Referrer-Policy"] == "same-origin" and "noindex" in headers["X-Robots-Tag"]
            assert (
                "default-src 'none'" in headers["Content-Security-Policy"]
                and "script" not in headers["Content-Security-Policy"]
            )
            assert "<script" not in body and 'content="noindex, nofollow"' in body


class TestOrders:
    def test_an_order_in_full_with_parcel_refund_and_words(self, place):
        order = place.buy(ADA, "o5", status="paid", fulfilments=[{
            "external_id": "f1", "state": "in_transit", "carrier": "DHL", "tracking_number": "00340", "tracking_url": "https://parcels.example/00340",
            "lines": [{"line": "0", "quantity": 2}],
        }], refunds=[{"external_id": "r1", "amount": "4.00", "at": clock.now()}])  # fmt: skip
        client = place.enter()
        assert "On its way" in client.get(f"{place.path}/orders").get_data(as_text=True)
        page = client.get(f"{place.path}/orders/{order}").get_data(as_text=True)
        for told in (
            "Teapot",
            "2 ×",
            "€10.00",
            "€24.00",
            "DHL",
            "00340",
            'href="https://parcels.example/00340"',
            "noreferrer",
            "Given back on",
        ):
            assert told in page, told

    def test_hostile_words_are_words(self, place):
        order = place.buy(
            ADA, "o6", lines=[{"product": "x", "name": "<script>alert(1)</script>", "quantity": 1, "unit_price": "1"}]
        )
        page = place.enter().get(f"{place.path}/orders/{order}").get_data(as_text=True)
        assert "<script" not in page and "&lt;script&gt;" in page

    def test_a_line_says_which_size_and_colour_unless_its_name_does(self, place):
        options = [{"name": "Size", "value": "M"}, {"name": "Colour", "value": "Moss green"}]
        with place.unit():
            products.upsert_many([
                {"external_id": "shirt", "name": "Shirt", "variants": [{"external_id": "v1", "name": "M / Moss green", "options": options}]}
            ])  # fmt: skip
        lines = [{"position": n, "product": "shirt", "variant": "v1", "name": name, "quantity": 1, "unit_price": "4.00"}
                 for n, name in enumerate(("Shirt", "Shirt - M / Moss green"))]  # fmt: skip
        order = place.buy(ADA, "sized", lines=lines)
        page = place.enter().get(f"{place.path}/orders/{order}").get_data(as_text=True)
        assert page.count("M, Moss green") == 2, "in the list and where it can be sent back, of the first line alone"
        told = place.shop.company.api("GET", f"/orders/{order}").json["lines"]
        assert [(one["variant_name"], one["options"]) for one in told] == [("M, Moss green", options)] * 2
        assert place.shop.company.page.get(f"/orders/{order}").get_data(as_text=True).count("M, Moss green") == 1

    def test_a_shopper_without_orders_is_told(self, place):
        with place.unit():
            profiles.create(email="new@shop.example", first_name="New")
        assert "No orders here" in place.enter("new@shop.example").get(f"{place.path}/orders").get_data(as_text=True)

    def test_the_pages_speak_the_profiles_language(self, place):
        with place.unit():
            profiles.change(place.ada, language="zh-CN")
        client = place.enter()
        page = client.get(f"{place.path}/orders").get_data(as_text=True)
        assert '<html lang="zh-Hans">' in page and "我的订单" in page
        assert client.get(f"{place.path}/orders?lang=en").status_code == 303
        assert "My orders" in client.get(f"{place.path}/orders").get_data(as_text=True)


class TestReturns:
    def send_back(self, place, client, quantity="1", **more):
        data = {"quantity.0": quantity, "reason": "damaged", "note": "a crack", **more}
        return place.post(client, f"/orders/{place.order}/return", data)

    def test_asked_accepted_received_refunded_with_a_mail_each(self, place):
        client = place.enter()
        assert self.send_back(place, client).status_code == 303
        with place.unit():
            [request] = return_requests.of_customer(place.ada)
            assert (request.state, request.lines) == ("asked", [{"position": 0, "name": "Teapot", "quantity": 1}])
        place.box.clear()
        for state, subject in (("accepted", "Please send it back"), ("received", "has arrived"), ("refunded", "money")):
            with place.unit():
                return_requests.answer(
                    request.id, state=state, words="Use the box it came in." if state == "accepted" else ""
                )
            place.drain()
            assert subject in place.box.mail("ada@")["Subject"]
        assert "Money given back" in client.get(f"{place.path}/requests").get_data(as_text=True)
        subjects = [item["subject"] for item in place.box.items()]
        assert any("We have your return" in one for one in subjects) and len(subjects) == 4

    def test_never_more_than_bought_less_what_is_on_its_way(self, place):
        client = place.enter()
        assert self.send_back(place, client, "3").status_code == 422
        assert self.send_back(place, client, "2").status_code == 303
        refused = self.send_back(place, client, "1")
        assert refused.status_code == 422 and "At most 0" in refused.get_data(as_text=True)

    def test_what_was_declined_or_taken_back_can_be_asked_for_again(self, place):
        client = place.enter()
        self.send_back(place, client, "2")
        with place.unit():
            [first] = return_requests.of_customer(place.ada)
            return_requests.answer(first.id, state="declined", words="It was used.")
        assert self.send_back(place, client, "2").status_code == 303
        with place.unit():
            second = return_requests.of_customer(place.ada)[0]
        assert place.post(client, f"/requests/{second.id}/withdraw").status_code == 303
        assert self.send_back(place, client, "2").status_code == 303

    def test_a_declined_one_is_accepted_after_all_only_while_nobody_asked_again(self, place):
        client = place.enter()
        self.send_back(place, client, "2")
        with place.unit():
            [first] = return_requests.of_customer(place.ada)
            return_requests.answer(first.id, state="declined", words="It was used.")
        self.send_back(place, client, "1")
        with place.unit(), pytest.raises(return_requests.CannotReturn, match="At most 1"):
            return_requests.answer(first.id, state="accepted")
        with place.unit():
            second = return_requests.of_customer(place.ada)[0]
            return_requests.withdraw(second.id, customer_id=place.ada)
        with place.unit():
            assert return_requests.answer(first.id, state="accepted").state == "accepted"

    def test_what_the_shop_took_back_already_counts_once(self, place):
        order = place.buy(
            ADA, "o7", returns=[{"external_id": "b1", "state": "closed", "lines": [{"line": "0", "quantity": 1}]}]
        )
        with place.unit():
            left = {one.position: one.left for one in return_requests.returnable(orders.one(order))}
            assert left == {0: 1, 1: 1}
            request = return_requests.ask(customer_id=place.ada, order_id=order, quantities={0: 1}, reason="damaged")
            assert {one.position: one.left for one in return_requests.returnable(orders.one(order))} == {0: 0, 1: 1}
            return_requests.answer(request.id, state="accepted")
            return_requests.answer(request.id, state="received")
            assert {one.position: one.left for one in return_requests.returnable(orders.one(order))} == {0: 1, 1: 1}

    def test_a_line_that_came_back_is_no_line_to_send_back(self, place):
        order = place.buy(ADA, "o8", lines=[
            {"product": "p1", "name": "Teapot", "quantity": 3, "unit_price": "10"}, {"product": "p1", "name": "Teapot", "quantity": -2, "unit_price": "10"},
        ])  # fmt: skip
        with place.unit():
            assert [(one.position, one.left) for one in return_requests.returnable(orders.one(order))] == [(0, 1)]

    @pytest.mark.parametrize(
        "data",
        [
            {"quantity.0": "0"},
            {"quantity.0": "-1"},
            {"quantity.0": "x"},
            {"quantity.77": "1"},
            {"reason": ""},
            {"quantity.0": "9" * 40},
        ],
    )
    def test_what_cannot_be_is_told_and_nothing_is_kept(self, place, data):
        client = place.enter()
        assert self.send_back(place, client, **data).status_code == 422
        with place.unit():
            assert return_requests.of_customer(place.ada) == []

    def test_after_the_days_nothing_is_taken_back(self, place):
        with place.unit():
            portal_settings.change(return_days=1)
        client = place.enter()
        assert "are over" in client.get(f"{place.path}/orders/{place.order}").get_data(as_text=True)
        assert self.send_back(place, client).status_code == 409

    def test_an_order_that_is_not_paid_is_not_sent_back(self, place):
        order = place.buy(ADA, "o4", status="pending")
        client = place.enter()
        assert "Send something back" not in client.get(f"{place.path}/orders/{order}").get_data(as_text=True)
        assert (
            place.post(client, f"/orders/{order}/return", {"quantity.0": "1", "reason": "damaged"}).status_code == 409
        )

    def test_a_step_that_does_not_follow_is_refused(self, place):
        with place.unit():
            request = return_requests.ask(
                customer_id=place.ada, order_id=place.order, quantities={0: 1}, reason="damaged"
            ).id
        with place.unit(), pytest.raises(return_requests.WrongStep):
            return_requests.answer(request, state="refunded")
        with place.unit(), pytest.raises(return_requests.BadReturn):
            return_requests.answer(request, state="declined", words=" ")

    def test_erasing_the_shopper_leaves_the_return_without_their_words(self, place):
        with place.unit():
            request = return_requests.ask(
                customer_id=place.ada, order_id=place.order, quantities={0: 1}, reason="other", note="call 0123"
            ).id
        with place.unit():
            erasures.erase_now(place.ada)
        with place.unit():
            left = return_requests.one(request)
            assert (left.customer_id, left.note, left.reason) == (None, "", "")


class TestOwnData:
    def test_they_put_their_data_right(self, place):
        client = place.enter()
        answer = place.post(
            client,
            "/data",
            {
                "first_name": "Augusta",
                "phone": "+44 20 1",
                "city": "London",
                "email": "evil@x.example",
                "tags": "vip",
                "company": "x",
            },
        )
        assert answer.status_code == 303
        with place.unit():
            ada = profiles.one(place.ada)
            assert (ada.first_name, ada.phone, ada.city, ada.email, ada.company, ada.tags) == (
                "Augusta",
                "+44 20 1",
                "London",
                ADA,
                "",
                [],
            )

    def test_only_what_the_company_lets_them(self, place):
        with place.unit():
            portal_settings.change(editable=["phone"])
        client = place.enter()
        assert place.post(client, "/data", {"first_name": "Augusta", "phone": "+44 1"}).status_code == 303
        with place.unit():
            assert (profiles.one(place.ada).first_name, profiles.one(place.ada).phone) == ("Ada", "+44 1")

    def test_a_birthday_in_a_field_of_the_companys_own(self, place):
        from saas.tenancy import custom_fields

        with place.unit():
            key = custom_fields.make(kind="customer", label="Birthday", type="date").key
            portal_settings.change(birthday_field=key)
        client = place.enter()
        assert place.post(client, "/data", {"birthday": "not a day"}).status_code == 422
        assert place.post(client, "/data", {"birthday": "1990-12-10"}).status_code == 303
        assert 'value="1990-12-10"' in client.get(f"{place.path}/data").get_data(as_text=True)

    def test_a_copy_of_everything_comes_by_mail_and_lies_on_the_page(self, place):
        client = place.enter()
        place.box.clear()
        assert place.post(client, "/data/export").status_code == 303
        place.drain()
        run_operations(place.shop.company)
        place.drain()
        assert "Your data at" in place.box.mail("ada@")["Subject"]
        page = client.get(f"{place.path}/requests").get_data(as_text=True)
        path = re.search(r'href="([^"]+/file)"', page).group(1)
        answer = client.get(path)
        assert answer.data[:2] == b"PK" and "attachment" in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert place.app.test_client().get(path).status_code == 303
        assert place.post(client, "/data/export").status_code == 409

    def test_a_doubled_click_asks_once(self, place):
        refused, done = [], threading.Event()

        def click_again():
            with place.app.app_context(), place.unit():
                try:
                    person_wishes.ask(customer_id=place.ada, what="data")
                except person_wishes.AskedLately:
                    refused.append(True)
            done.set()

        second = threading.Thread(target=click_again)
        with place.unit():
            person_wishes.ask(customer_id=place.ada, what="data")
            second.start()
            assert not done.wait(0.5)  # waits for the first to be written down
        second.join(60)
        assert refused == [True]

    def test_being_forgotten_takes_a_tick_and_then_happens(self, place):
        client = place.enter()
        assert place.post(client, "/data/erase").status_code == 422
        done = place.post(client, "/data/erase", {"sure": "1"})
        assert done.status_code == 200 and "being forgotten" in done.get_data(as_text=True)
        place.drain()
        run_operations(place.shop.company)
        with place.unit(), pytest.raises(profiles.NoSuchCustomer):
            profiles.one(place.ada)
        assert client.get(f"{place.path}/orders").status_code == 303


class TestPreferences:
    @pytest.fixture
    def mailed(self, place):
        """A campaign's mail to Ada, and the addresses in it."""
        with place.unit():
            consent.grant(customer_id=place.ada, source="staff", proof={"reason": "asked"})
        body = '<mjml><mj-body><mj-section><mj-column><mj-text><a href="{{ portal_url }}">Mine</a> <a href="{{ preferences_url }}">Choose</a></mj-text></mj-column></mj-section></mj-body></mjml>'
        mailing = place.shop.send(source=body)
        mail = place.box.mail("ada@")
        [mine, choose] = re.findall(r'href="http://[^/"]+(/m/p/[^"]+)"', part(mail, "html"))
        leave = re.search(r"(/m/u/[\w-]+)", mail["List-Unsubscribe"]).group(1)
        return SimpleNamespace(mailing=mailing, mine=mine, choose=choose, leave=leave)

    def state(self, place) -> str:
        with place.unit():
            return profiles.one(place.ada).email_consent

    def test_a_campaigns_link_opens_the_preferences_and_nothing_else(self, place, mailed):
        client = place.app.test_client()
        answer = client.get(mailed.mine)
        body = answer.get_data(as_text=True)
        assert (
            answer.status_code == 200
            and "What you want to hear from us" in body
            and ADA not in body
            and "a•••@shop.example" in body
        )
        assert "Set-Cookie" not in answer.headers and answer.headers["Cache-Control"] == "private, no-store"
        for path in ("/orders", "/data", "/requests", f"/orders/{place.order}"):
            assert client.get(place.path + path).headers["Location"].endswith(place.path)

    def test_the_unsubscribe_page_leads_to_them_and_one_click_stays_one_click(self, place, mailed):
        page = place.client.get(mailed.leave).get_data(as_text=True)
        chosen = re.search(r'href="(/m/p/[^"]+)"', page).group(1)
        assert place.client.get(chosen).status_code == 200
        assert place.client.post(mailed.leave, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert self.state(place) == "withdrawn"

    def test_switching_off_and_on_is_kept_with_its_proof(self, place, mailed):
        assert place.client.post(mailed.choose, data={"rhythm.marketing": "all"}).status_code == 303
        assert self.state(place) == "withdrawn"
        client = place.enter()
        assert (
            place.post(
                client, "/preferences", {"agreed": "marketing.email"}, headers={"User-Agent": "Firefox"}
            ).status_code
            == 303
        )
        with place.unit():
            on, off = consent.history(place.ada)[:2]
            assert (on.state, on.source, on.proof["how"], on.proof["browser"]) == (
                "granted",
                "portal",
                "portal",
                "Firefox",
            )
            assert (off.state, off.proof["how"]) == ("withdrawn", "mail_link")

    def test_what_was_never_asked_and_stays_off_is_no_refusal(self, place):
        client = place.enter()
        assert place.post(client, "/preferences", {}).headers["Location"].endswith("noted=nothing")
        with place.unit():
            assert consent.history(place.ada) == []

    def test_a_yes_is_asked_by_mail_where_the_company_wants_it(self, place):
        from saas.customers import purposes

        with place.unit():
            key = purposes.create(name="Tastings", channels=["email", "sms"], double_opt_in=True).key
        client = place.enter()
        place.box.clear()
        answer = place.post(client, "/preferences", {"agreed": [f"{key}.email", f"{key}.sms"]})
        assert answer.headers["Location"].endswith("noted=asked")
        with place.unit():
            assert set(consent.states(place.ada)) == {("sms", key)}
        place.drain()
        assert "Tastings" in place.box.mail("ada@")["Subject"]
        assert "Questions to you" in client.get(f"{place.path}/requests").get_data(as_text=True)

    def test_unknown_topics_rhythms_and_days_are_refused(self, place):
        client = place.enter()
        for data in (
            {"agreed": "nothing.email"},
            {"agreed": "marketing.smoke"},
            {"rhythm.marketing": "hourly"},
            {"pause": "1", "days": "5000"},
        ):
            assert place.post(client, "/preferences", data).status_code == 422

    def test_stopping_all_stops_every_purpose_and_channel(self, place, mailed):
        from saas.customers import purposes

        with place.unit():
            key = purposes.create(name="Tastings", channels=["email", "sms"]).key
            consent.grant(customer_id=place.ada, purpose=key, channel="sms", source="staff", proof={"reason": "x"})
        assert place.client.post(mailed.choose, data={"stop": "1"}).status_code == 303
        with place.unit():
            assert {entry.state for entry in consent.states(place.ada).values()} == {"withdrawn"}

    @pytest.mark.parametrize(
        "form,reason",
        [
            ({"pause": "1", "days": "30"}, "paused"),
            ({"rhythm.marketing": "weekly", "agreed": "marketing.email"}, "less_often"),
        ],
    )
    def test_a_pause_and_less_often_are_honoured_when_a_mailing_is_frozen(self, place, mailed, form, reason):
        assert place.client.post(mailed.choose, data=form).status_code == 303
        place.shop.people(1)
        row = next(one for one in place.shop.rows(place.shop.send()) if one.customer_id == place.ada)
        assert (row.state, row.reason) == ("skipped", reason)

    @pytest.mark.parametrize(
        "form,reason",
        [
            ({"pause": "1", "days": "90"}, "paused"),
            ({"stop": "1"}, "withdrawn"),
            ({"rhythm.marketing": "monthly", "agreed": "marketing.email"}, "less_often"),
        ],
    )
    def test_and_by_mailings_that_are_frozen_and_not_sent(self, place, mailed, form, reason):
        from saas.marketing import freezing, sending

        mailing = place.shop.launch()
        with place.unit():
            while freezing.freeze_some(mailing):
                pass
        [row] = place.shop.rows(mailing)
        assert row.state == "queued"
        place.client.post(mailed.choose, data=form)
        from saas.kit import scope

        with scope.tenant(place.shop.tenant_id):
            sending.run(mailing)
        [row] = place.shop.rows(mailing)
        assert (row.state, row.reason) == ("skipped", reason)

    def test_a_pause_that_is_over_or_ended_lets_mails_come_again(self, place, mailed):
        place.client.post(mailed.choose, data={"pause": "1", "days": "30"})
        place.client.post(mailed.choose, data={"go_on": "1"})
        [row] = place.shop.rows(place.shop.send())
        assert row.state == "sent"

    def test_less_often_of_one_topic_says_nothing_of_another(self, place, mailed):
        from saas.customers import purposes

        with place.unit():
            key = purposes.create(name="Tastings", channels=["email"]).key
            preferences.set_rhythm(place.ada, key, "monthly")
        [row] = place.shop.rows(place.shop.send())
        assert row.state == "sent"

    def test_after_erasure_the_campaigns_link_is_unknown(self, place, mailed):
        with place.unit():
            erasures.erase_now(place.ada)
        assert (
            place.client.get(mailed.choose).status_code
            == place.client.post(mailed.choose, data={"stop": "1"}).status_code
            == 404
        )

    def test_forged_preference_links_and_those_of_another_kind_are_unknown(self, place, mailed):
        good = mailed.choose.rsplit("/", 1)[1]
        for token in (good[:-1] + ("A" if good[-1] != "A" else "B"), "x", mailed.leave.rsplit("/", 1)[1]):
            assert place.client.get(f"/m/p/{token}").status_code == 404
            assert place.client.post(f"/m/p/{token}", data={"stop": "1"}).status_code == 404
        assert self.state(place) == "granted"

    def test_the_company_orders_topics_and_sets_their_words(self, place):
        from saas.customers import purposes

        with place.unit():
            key = purposes.create(name="Tastings", channels=["email"]).key
            hidden = purposes.create(name="Inner", channels=["email"]).key
            portal_settings.change(topics=[
                {"key": key, "titles": {"en": "Tea evenings", "zh_Hans": "品茶会"}, "texts": {"en": "Four a year."}}, {"key": hidden, "shown": False},
            ])  # fmt: skip
        client = place.enter()
        page = client.get(f"{place.path}/preferences").get_data(as_text=True)
        assert (
            page.index("Tea evenings") < page.index("News and offers")
            and "Four a year." in page
            and "Inner" not in page
        )
        client.get(f"{place.path}/preferences?lang=zh_Hans")
        assert "品茶会" in client.get(f"{place.path}/preferences").get_data(as_text=True)


class TestLook:
    def test_colour_picture_and_words_of_the_company(self, place):
        with place.unit():
            portal_settings.change(
                color="#FFEE00", logo_url="https://shop.example/logo.png", welcome={"en": "Hello tea friends"}
            )
        page = place.client.get(place.path).get_data(as_text=True)
        assert (
            "--brand: #ffee00; --on-brand: #000000" in page
            and 'src="https://shop.example/logo.png"' in page
            and "Hello tea friends" in page
        )

    @pytest.mark.parametrize(
        "wrong",
        [
            {"color": "red"},
            {"color": "#fff;}"},
            {"logo_url": "javascript:x"},
            {"logo_url": 'https://x"onerror'},
            {"return_days": "-1"},
            {"return_days": "9999"},
            {"birthday_field": "none"},
        ],
    )
    def test_what_would_break_the_page_is_refused(self, place, wrong):
        with place.unit(), pytest.raises(portal_settings.BadSettings):
            portal_settings.change(**wrong)

    def test_a_cookie_is_kept_as_a_digest(self, place):
        client = place.enter()
        held = client.get_cookie("regulars_my", path=place.path).value
        with place.unit():
            [one] = db.session.query(PortalPass)
            assert one.session == crypto.digest(held) and held not in str(vars(one))


class TestSpeed:
    @pytest.mark.parametrize("path", ["/orders", "/orders/{order}", "/data", "/preferences", "/requests"])
    def test_a_page_asks_at_most_a_dozen_things_however_much_there_is(self, place, path):
        for number in range(15):
            place.buy(ADA, f"more-{number}", placed_at=clock.now() - timedelta(hours=number))
        with place.unit():
            for _again in range(2):
                return_requests.ask(customer_id=place.ada, order_id=place.order, quantities={0: 1}, reason="damaged")
        client = place.enter()
        address = place.path + path.format(order=place.order)
        client.get(address)
        with queries.counted() as sent:
            assert client.get(address).status_code == 200
        assert len(sent) <= 12, "\n".join(sent)
