"""A company that asks what buyers think: something in its shop, an order that arrives, and somewhere its mails go."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from saas.kit import clock, work
from saas.tenancy import settings as company_settings
from tests.letters import mailbox  # noqa: F401


@pytest.fixture
def asker(company, context, drain, mailbox):  # noqa: F811
    """The company, what it sells and sends, and the letters it wrote."""
    return Asker(company, drain, mailbox)


class Asker:
    """What a shop and its buyers do, said in one line each."""

    def __init__(self, company, drain, letters):
        self.company, self._drain, self.letters = company, drain, letters
        with work.unit(tenant_id=company.tenant_id):
            company_settings.change_sender(sender_name="Lamp & Light", sender_email=company.email, reply_to="")
        self.products = {
            key: company.api("POST", "/products", json={"external_id": key, "name": name, "price": "40", "currency": "EUR", "url": f"https://shop.example/{key}"}).json["id"]
            for key, name in (("lamp", "Lamp Moss"), ("mug", "Mug Fern"))
        }  # fmt: skip

    def ask_from_now_on(self, **more):
        from saas.reviews import settings
        from saas.reviews.models import NO_SOURCE

        with work.unit(tenant_id=self.company.tenant_id):
            return settings.change(
                sources={str(NO_SOURCE): {"on": True, "delivered_days": 7, "shipped_days": 14}}, **more
            )

    def order(
        self, key="1001", *, email="ada@example.com", products=("lamp", "mug"), status="paid", delivered=None, **more
    ):
        now = clock.now()
        item = {
            "external_id": key, "number": f"#{key}", "placed_at": (now - timedelta(days=2)).isoformat(), "updated_at": now.isoformat(), "status": status,
            "currency": "EUR", "customer": {"email": email, "first_name": "Ada", "last_name": "Lovelace", "language": "en"},
            "lines": [{"product": one, "quantity": 1, "unit_price": "40"} for one in products], **more,
        }  # fmt: skip
        if delivered is not None:
            item["fulfilments"] = [{"external_id": f"f{key}", "state": "delivered", "shipped_at": item["placed_at"], "delivered_at": delivered.isoformat(), "updated_at": now.isoformat()}]  # fmt: skip
        answer = self.company.api("POST", "/orders", json=item)
        assert answer.status_code in (200, 201), answer.json
        self._drain(self.company)
        return answer.json["id"]

    def days_later(self, days):
        """Have what is due within these days be due now, and do it."""
        from sqlalchemy import update

        from saas.kit.db import db
        from saas.reviews import asking
        from saas.reviews.models import ReviewRequest

        with work.unit(tenant_id=self.company.tenant_id):
            due = update(ReviewRequest).where(ReviewRequest.due_at <= clock.now() + timedelta(days=days))
            db.session.execute(due.values(due_at=clock.now()).execution_options(synchronize_session=False))
            asking.sweep()
        self._drain(self.company)

    def request(self, order_id):
        from saas.reviews import asking

        with work.unit(tenant_id=self.company.tenant_id):
            return asking.of_order(order_id)

    def asked(self, key="1001", **more):
        """Have an order arrive and its buyer be asked; returns the path of the link in the mail."""
        self.order(key, delivered=clock.now(), **more)
        self.days_later(8)
        return self.link()

    def link(self, email="ada@example.com"):
        said = self.letters.to(email)[-1].get_body(("plain",)).get_content()
        return re.search(r"(/m/r/[\w.-]+)\?item=", said).group(1)

    def say(self, link, *, product="lamp", browser=None, photo=None, name="Ada L.", **values):
        key = self.products[product]
        form = {f"{part}.{key}": str(value) for part, value in values.items()} | {"name": name}
        client = browser or self.company.app.test_client()
        if photo is None:
            return client.post(link, data=form)
        return client.post(
            link, data=multipart(form, f"photo.{key}", photo), content_type="multipart/form-data; boundary=B"
        )

    def reviews(self, **wanted):
        from saas.kit.db import db
        from saas.reviews import summaries

        with work.unit(tenant_id=self.company.tenant_id):
            return list(db.session.scalars(summaries.listed(**wanted)))

    def shown(self, product="lamp", **query):
        answer = self.company.app.test_client().get("/reviews", query_string={"site_key": self.company.site_key, "product": product, **query})  # fmt: skip
        assert answer.status_code == 200, answer.data
        return answer.json


def multipart(form, name, data) -> bytes:
    """Return a form with one file in it as a browser sends it; the test client's own way leaves large files open."""
    parts = [
        f'--B\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in form.items()
    ]
    parts += [
        f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="mine.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'.encode(),
        data,
    ]
    return b"".join([*parts, b"\r\n--B--\r\n"])
