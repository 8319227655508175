"""Turns what was simulated into exactly the JSON items and tracker events that a shop sends to the CRM."""

import hashlib
import hmac
from datetime import UTC, timedelta

from sandbox.demo import catalogue, forms

LABEL = "simulated"
CURRENCY = "EUR"


class Writer:
    """Knows what every item needs: when day 0 was, where the shop is, and the products by number."""

    def __init__(self, *, start, days, shop_url, articles):
        self.start, self.days, self.shop_url, self.articles = start, days, shop_url.rstrip("/"), articles

    def at(self, day):
        """This function will write a day number as a moment."""
        moment = (self.start + timedelta(days=float(day))).astimezone(UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def product(self, article):
        return {
            "external_id": article.external_id,
            "sku": article.sku,
            "name": article.name,
            "description": article.description,
            "url": f"{self.shop_url}/products/{article.slug}",
            "image_url": f"{self.shop_url}/pictures/{article.sku}.png",
            "price": article.price,
            "currency": CURRENCY,
            "categories": [forms.CATEGORIES[article.form.category][0]],
            "tags": [article.colours.name, LABEL],
            "stock": article.stock,
            "active": article.active,
            "updated_at": self.at(self.days - 100),
        }

    def customer(self, person):
        known = {} if person.number == 0 else {"external_id": person.external_id}
        left = person.withdrew is not None and person.withdrew < self.days
        return {
            **known,
            "email": person.email,
            "phone": person.phone,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "company": person.company,
            "language": person.region.language,
            "country": person.region.country,
            "city": person.city,
            "postcode": person.postcode,
            "tags": [LABEL, "trade"] if person.company else [LABEL],
            "consent": {"email": "withdrawn" if left else "granted" if person.granted else "unknown"},
            "created_at": self.at(person.joined),
            "updated_at": self.at(person.withdrew if left else person.joined),
        }

    def order(self, order):
        where = {} if order.visitor is None else {"visitor": order.visitor, "cart_id": order.cart_id}
        return {
            "external_id": f"sim-o-{order.number}",
            "number": f"FK-{order.number}",
            "placed_at": self.at(order.day),
            "updated_at": self.at(order.updated),
            "status": order.status,
            "currency": CURRENCY,
            "customer": self.customer(order.person) if order.person else None,
            **where,
            "lines": [self.line(position, *line) for position, line in enumerate(order.lines, 1)],
            "shipping": catalogue.decimal(order.shipping),
            "tax": "0.00",
            "discount": catalogue.decimal(order.discount),
            "total": catalogue.decimal(order.total),
            "refunds": [
                {"external_id": f"sim-r-{order.number}-{count}", "amount": catalogue.decimal(amount),
                 "at": self.at(day), "reason": reason}
                for count, (amount, day, reason) in enumerate(order.refunds, 1)
            ],
        }  # fmt: skip

    def line(self, position, place, quantity, cents):
        article = self.articles[place]
        return {
            "position": position,
            "product": article.external_id,
            "sku": article.sku,
            "name": article.name,
            "quantity": quantity,
            "unit_price": catalogue.decimal(cents),
        }

    def visit(self, number, session, *, secret=None):
        """This function will write one session as the body of one POST to /collect, but for the site key."""
        events = [
            self.event(f"sim-{number}-{place}", session, step, secret=secret)
            for place, step in enumerate(session.steps)
        ]
        return {
            "visitor": session.visitor,
            "consent": {"analytics": True, "marketing": session.marketing},
            "events": events,
        }

    def event(self, event_id, session, step, *, secret):
        seconds, kind, what = step
        event = {"id": event_id, "type": kind, "at": self.at(session.day + seconds / 86_400)}
        event |= self.details(kind, what, session, secret)
        return {**event, "properties": {LABEL: True}}

    def details(self, kind, what, session, secret):
        if kind == "product_viewed":
            article = self.articles[what]
            return {"url": f"{self.shop_url}/products/{article.slug}", "title": article.name,
                    "product": article.external_id}  # fmt: skip
        if kind == "search_submitted":
            query = forms.FORMS[hash_of(session.visitor) % len(forms.FORMS)].noun.split()[-1]
            return {"url": f"{self.shop_url}/search?q={query}", "title": "Search", "query": query}
        if kind in ("cart_updated", "checkout_started"):
            page = "cart" if kind == "cart_updated" else "checkout"
            return {"url": f"{self.shop_url}/{page}", "title": page.title(), "cart": self.cart(session, what)}
        if kind == "identified":
            return {"url": f"{self.shop_url}/account", "identity": self.identity(session.person, secret)}
        return self.page(what, session)

    def page(self, what, session):
        if what == "home":
            return {"url": f"{self.shop_url}/", "title": "Fern & Kettle"}
        key = list(forms.CATEGORIES)[hash_of(session.visitor) % len(forms.CATEGORIES)]
        return {"url": f"{self.shop_url}/categories/{key}", "title": forms.CATEGORIES[key][0]}

    def cart(self, session, lines):
        return {
            "id": session.cart_id,
            "url": f"{self.shop_url}/cart/resume/{session.cart_id}",
            "currency": CURRENCY,
            "items": [
                {"product": self.articles[place].external_id, "quantity": quantity, "price": catalogue.decimal(cents)}
                for place, quantity, cents in lines
            ],
        }

    def identity(self, person, secret):
        identity = {"email": person.email}
        if person.number:
            identity["external_id"] = person.external_id
        if secret:
            identity["signature"] = signature(identity, secret=secret)
        return identity

    def campaign(self, mailing):
        """This function will describe one past campaign with what became of each recipient."""
        moments = ("sent", "opened", "clicked", "unsubscribed", "complained")
        return {
            "key": mailing.key,
            "name": mailing.name,
            "subject": mailing.subject,
            "sent_at": self.at(mailing.day),
            "idea": mailing.idea,
            "categories": [forms.CATEGORIES[key][0] for key in mailing.categories],
            "segment": {key: value for key, value in mailing.segment.items() if key != "articles"},
            "true_lift": mailing.true_lift,
            "label": LABEL,
            "responses": [
                {
                    "customer": answer["person"].external_id,
                    "arm": answer["arm"],
                    "bounced": answer.get("bounced", False),
                    "by_proxy": answer.get("by_proxy", False),
                    **{f"{name}_at": self.at(answer[name]) if name in answer else None for name in moments},
                    "order": f"sim-o-{answer['order'].number}" if "order" in answer else None,
                }
                for answer in mailing.responses
            ],
        }


def signature(identity, *, secret):
    """This function will sign an identity as the shop's server does, which proves to the CRM who is browsing."""
    whom = identity.get("external_id") or identity["email"].lower()
    return hmac.new(secret.encode(), f"identify:{whom}".encode(), hashlib.sha256).hexdigest()


def hash_of(text):
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest())
