"""What a company has after a busy week, made through its own doors: one more of everything that the demo's past does not bring.

By its program (the API): a segment, a rule, own fields, a purpose, a webhook that fails, files brought and taken, two who are one
person, one who was deleted, one who was erased. By its owner (the pages): a role, a team, views, a look for duplicates, many
changed at once, a way in through the company's own sign-in, support let in. By its shop (signed messages): a product in
several sizes, an order with its whole story. By people in the shop (the public doors): forms, wishes to be told, a return.
"""

import json
import re
import secrets
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta

import pyotp

from tests.browser import running
from tests.failures.copies import until

RULE = {"kind": "boost", "category": "Mugs", "percent": 150}
TRIAL = {
    "name": "New or popular?", "slot": "home", "guards": {"orders": 5},
    "arms": [{"share": 60}, {"share": 30, "settings": {"engine": "newest"}}, {"share": 10, "kind": "nothing"}],
}  # fmt: skip
FILE = "Email,First name,Last name,Town,Joined,Newsletter\n"
ENDED = {"done", "failed", "cancelled", "undone"}
WAIT = 300
FORM = {
    "fields": [
        {"name": "email"},
        {"name": "first_name"},
        {"name": "choice", "options": ["Green", "Black"], "question": {"en": "Which tea?"}},
    ],
    "purposes": [
        {"key": "marketing", "required": True, "wording": {"en": "Yes, write to me about teas once a month."}},
    ],
    "texts": {"en": {"title": "Ten percent on all teas", "text": "For your first order.", "thanks": "Thank you."}},
    "after": {"coupon": "TEN"},
}


def by_program(product, demo):
    """This function will make what programs make; it returns when all that takes long has ended."""
    address, key, mark = product.urls["web"] + "/api/v1", demo["api_key"], _mark()

    def send(path, data, **options):
        return running.read_json(address + path, key=key, data=data, **options)

    twice = {"match": "all", "conditions": [{"field": "orders_count", "operator": "at_least", "value": 2}]}
    send("/segments", {"name": f"Come often {mark}", "definition": twice})
    send("/recommendations/rules", RULE)
    send("/recommendations/trials", TRIAL)
    send("/recommendations/slots", {"name": f"Under the article {mark}", "place": "product", "engine": "bought_together", "diversity": 30,
                                    "excluded_tags": ["Clearance"], "bundle": True, "category_cap": 3})  # fmt: skip
    source = "<p>Hello {{ customer.first_name }}</p>"
    send("/templates", {"name": f"Plain letter {mark}", "subject": "News", "source": source})
    shop = running.read_json(address + "/shops", key=key)["items"][0]["id"]
    coupon = send(
        "/coupons",
        {
            "name": "Ten percent on teas",
            "shop_id": shop,
            "kind": "percent",
            "percent": "10",
            "days": 14,
            "pool": 3,
            "prefix": "TEA",
        },
    )
    buyer = running.read_json(address + "/customers?limit=1", key=key)["items"][0]["id"]
    send(f"/coupons/{coupon['id']}/give", {"customer_id": buyer})
    send("/fields/customer", {"label": "Kettle", "type": "choice", "choices": ["Small", "Medium", "Large"]})
    send("/fields/customer", {"label": "Name day", "type": "date", "personal": True, "help": "For a card"})
    send("/fields/product", {"label": "Care", "type": "text"})
    send("/consent-purposes", {"name": "Invitations", "channels": ["email", "sms"], "double_opt_in": True,
                               "wording": {"en": "I would like to be invited to your evenings."}})  # fmt: skip
    send("/webhooks", {"name": "Stock book", "url": "http://127.0.0.1:9/told", "topics": ["customer.changed"]})
    people = {name: _customer(address, key, first_name=name, **more) for name, more in {
        "Marta": {"email": f"marta-{mark}@walk.example", "phone": "+47 22 33 44 55", "city": "Oslo", "last_name": "Solberg"},
        "Martha": {"email": f"martha-{mark}@walk.example", "phone": "+47 22 33 44 55", "city": "Oslo", "last_name": "Solberg"},
        "Wim": {"email": f"wim-{mark}@walk.example", "last_name": "Jansen"},
        "William": {"email": f"william-{mark}@walk.example", "last_name": "Jansen"},
        "Gone": {"email": f"gone-{mark}@walk.example"}, "Erased": {"email": f"erased-{mark}@walk.example"},
        "Asked": {"email": f"asked-{mark}@walk.example"},
    }.items()}  # fmt: skip
    send(f"/customers/{people['Wim']}/merge", {"loser": people["William"]})
    ask(f"{address}/customers/{people['Gone']}", key=key, method="DELETE")
    send(f"/customers/{people['Erased']}/data/erase", {})
    send(f"/customers/{people['Asked']}/data/export", {})
    send("/exports", {"what": "customers", "format": "xlsx"})
    until_ended(address, key)  # an erasure takes files along in which the person may stand
    for act in ("none", "check", "run"):
        rows = [
            f"new-{act}-{n}-{mark}@walk.example,Nina,Nilsson,Bergen,{n + 1}/3/2026,{'yes' if n % 2 else 'maybe'}\n"
            for n in range(20)
        ]
        body = (FILE + "".join(rows) + "no address at all,Otto,,Bergen,99/99/2026,no\n").encode()
        query = urllib.parse.urlencode({"kind": "customer", "name": f"people-{act}.csv", "act": act})
        json.loads(ask(f"{address}/imports?{query}", key=key, method="POST", body=body, kind="text/csv"))
    by_shop(product, demo)
    product.settle()
    until_ended(address, key)
    return people


def by_shop(product, demo):
    """This function will send what the shop's server tells: something not understood, a product in sizes, an order with its story."""
    hook = {**demo, "hook_url": product.urls["web"] + urllib.parse.urlsplit(demo["hook_url"]).path}
    running.deliver(hook, {"type": "order.updated", "data": {"external_id": "no-money"}})
    for kind, data in [("product.updated", shirt()), *story(_mark())]:
        running.deliver(hook, {"type": kind, "data": data})


def shirt():
    """This function will return a product in three sizes, one of them gone and one reduced."""
    sizes = [
        {"external_id": f"shirt-{size}", "sku": f"LS-{size}", "options": [{"name": "Size", "value": size}], "price": price, "stock": stock}
        for size, price, stock in (("S", "29.00", 0), ("M", "39.00", 4), ("L", "39.00", 1200))
    ]  # fmt: skip
    return {
        "external_id": "shirt", "name": "Linen shirt", "url": "http://shop.example/shirt", "currency": "EUR", "price": "29.00", "regular_price": "39.00",
        "sale_price": "29.00", "brand": "Fern", "categories": ["Shirts"], "kind": "variable", "stock": 0, "variants": sizes, "updated_at": told_at(0),
    }  # fmt: skip


def story(mark):
    """This function will return the messages about one order: two shirts, one more, two parcels, one shirt back and its money."""
    line = {
        "external_id": "l1",
        "product": "shirt",
        "variant": "shirt-M",
        "name": "Linen shirt",
        "quantity": 2,
        "unit_price": "39.00",
    }
    more = {
        "external_id": "l2",
        "product": "shirt",
        "variant": "shirt-L",
        "name": "Linen shirt",
        "quantity": 1,
        "unit_price": "39.00",
    }
    order = {
        "external_id": mark, "number": mark, "placed_at": told_at(-90), "currency": "EUR", "shipping": "4.90", "status": "paid",
        "customer": {"email": f"tailor-{mark}@walk.example", "first_name": "Tamsin", "last_name": "Taylor", "city": "Leeds"},
    }  # fmt: skip
    parcels = [
        {"order": mark, "external_id": f"p{n}", "carrier": "DHL", "tracking_number": f"0034 {mark} {n}", "tracking_url": "https://parcels.example/",
         "state": state, "shipped_at": told_at(-60), "updated_at": told_at(-60 + n)}
        for n, state in ((1, "delivered"), (2, "in_transit"))
    ]  # fmt: skip
    back = {
        "order": mark,
        "external_id": "b1",
        "reason": "Too tight around the neck",
        "lines": [{"line": "l1", "quantity": 1}],
    }
    refund = {
        "order": mark,
        "external_id": "r1",
        "amount": "39.00",
        "at": told_at(-1),
        "lines": [{"line": "l1", "quantity": 1, "restock": True}],
    }
    return [
        ("order.updated", order | {"lines": [line], "total": "82.90", "updated_at": told_at(-90)}),
        ("order.updated", order | {"lines": [line, more], "total": "121.90", "updated_at": told_at(-80)}),
        *(("fulfilment.created", parcel) for parcel in parcels),
        ("order.updated", order | {"lines": [line, more], "total": "121.90", "status": "fulfilled", "updated_at": told_at(-59)}),
        ("return.created", back | {"state": "requested"}), ("refund.created", refund),
    ]  # fmt: skip


def told_at(hours):
    """This function will return a moment some hours from now as shops write it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def by_shopper(product, demo, context):
    """This function will ask to send something back, as a shopper does who comes by a link in a mail; the context is nobody's yet."""
    address, key = product.urls["web"] + "/api/v1", demo["api_key"]
    orders = running.read_json(f"{address}/orders?limit=100", key=key)["items"]
    for order in (one for one in orders if one["customer_id"] and one["status"] in ("paid", "fulfilled")):
        lines = running.read_json(f"{address}/orders/{order['id']}", key=key)["lines"]
        email = running.read_json(f"{address}/customers/{order['customer_id']}", key=key)["email"]
        if email and lines and all(line["quantity"] > 0 for line in lines):
            break
    place = urllib.parse.urlsplit(running.read_json(f"{address}/portal", key=key)["url"]).path
    assert context.request.post(place, form={"email": email}).ok
    link = re.search(r"https?://\S+/in/\S+", product.mail(email, "Your link")["text"]).group()
    assert context.request.post(urllib.parse.urlsplit(link).path, form={}).ok
    page = context.request.get(f"{place}/orders/{order['id']}").text()
    form = {
        "form_token": re.search(r'name="form_token" value="(\w+)"', page).group(1),
        "reason": "does_not_fit",
        "note": "Too small.",
    }
    form[re.search(r'name="(quantity\.\d+)"', page).group(1)] = "1"
    answer = context.request.post(f"{place}/orders/{order['id']}/return", form=form, max_redirects=0)
    assert answer.status == 303, answer.text()[-1500:]
    product.settle()


def by_visitors(product, demo):
    """This function will do what people in the shop do: send a form, which one of them confirms, and wish to be told of a product."""
    address, key, mark = product.urls["web"], demo["api_key"], _mark()
    made = running.read_json(
        f"{address}/api/v1/forms", key=key, data={"name": f"At the till {mark}", "kind": "embed", "content": FORM}
    )
    ask(f"{address}/api/v1/forms/{made['id']}/show", key=key, method="POST")
    variants = [{"share": 50}, {"share": 50, "content": {"texts": {"en": {"title": "Be the first to know"}}}}]
    tried = json.loads(
        ask(
            f"{address}/api/v1/forms/{made['id']}/trials",
            key=key,
            method="POST",
            body=json.dumps({"arms": variants}).encode(),
        )
    )
    ask(f"{address}/api/v1/form-trials/{tried['id']}/start", key=key, method="POST")
    running.read_json(
        f"{address}/api/v1/forms", key=key, data={"name": f"Draft {mark}", "kind": "popup", "content": FORM}
    )
    for name in ("Agneta", "Björn", "Cleo"):
        person = {"email": f"{name[0].lower()}-{mark}@walk.example", "first_name": name, "choice": "Green"}
        _tell(product, demo, f"/forms/{made['id']}", {"values": person, "purposes": ["marketing"], "version": 1})
    for what in ("shown", "started"):
        _tell(product, demo, "/forms/told", {"form": made["id"], "what": what})
    product.settle()
    for kind in ("stock", "price"):
        _tell(product, demo, "/watches", {"kind": kind, "product": "shirt", "variant": "shirt-S", "email": f"a-{mark}@walk.example"})  # fmt: skip
    product.settle()
    for endpoint in ("/m/y/", "/m/w/"):
        _confirm(product, f"a-{mark}@walk.example", endpoint)
    product.settle()


def _tell(product, demo, path, told):
    """Tell the shop's doors something as a page of the shop does."""
    body = {"site_key": demo["site_key"], "language": "en", "took": 5000, "url": "http://shop.example/tea", **told}
    running.read_json(product.urls["web"] + path, data=body)


def _confirm(product, email, path):
    """Click the link in a letter, once it has come."""
    found = []

    def came():
        for one in product.mails(email):
            text = running.read_json(f"{product.urls['mailbox']}/api/messages/{one['id']}")["text"]
            found.extend(re.findall(rf"{path}[\w.-]+", text))
        return found

    until(came)
    body = urllib.parse.urlencode({"act": "confirm"}).encode()
    with urllib.request.urlopen(product.urls["web"] + found[0], data=body, timeout=30) as answer:
        assert answer.status == 200


def _mark():
    """Return what tells one furnishing from another: digits, for letters could read as a word that nobody translated."""
    return f"{secrets.randbelow(10**6):06}"


def _customer(address, key, **fields):
    return running.read_json(f"{address}/customers", key=key, data=fields)["id"]


def ask(url, *, key, method="GET", body=None, kind="application/json"):
    """This function will ask the API and return the raw answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    if method == "DELETE":
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            headers["If-Match"] = answer.headers.get("ETag", "*")
    with urllib.request.urlopen(
        urllib.request.Request(url, data=body, headers=headers, method=method), timeout=60
    ) as answer:
        return answer.read()


def until_ended(address, key):
    """This function will wait until no long work is under way."""
    deadline = time.monotonic() + WAIT
    while left := [
        one for one in running.read_json(f"{address}/operations", key=key)["items"] if one["state"] not in ENDED
    ]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def by_owner(product, demo, context, people):
    """This function will make what an owner makes on pages; the context is signed in."""
    mark, customer = _mark(), people["Marta"]
    fill(
        context,
        "/settings/roles/new",
        {"name": "Field sales", "level": "own", "may": "customers.read", "field.customer.phone": "hidden"},
    )
    fill(context, "/settings/teams", {"name": "North"})
    fill(
        context,
        "/views/customer",
        {"name": "Oslo", "audience": "everyone", "s.where": "city.is.Oslo"},
        on="/customers",
    )
    fill(context, "/settings/support", {"length": "hour", "reason": "The import looks odd"})
    fill(
        context,
        "/settings/sso",
        {"issuer": "https://id.walk.example", "client_id": "regulars", "secret": "quiet", "newcomer_role": "read_only"},
    )
    fill(context, "/settings/sso/domains", {"domain": f"walk-{mark}.example"}, on="/settings/sso")
    fill(context, "/customers/duplicates/scan", {}, on="/customers/duplicates")
    fill(
        context,
        "/records/customer/" + customer + "/fields/city",
        {"value": "Bergen", "was": "Oslo", "place": "cell"},
        on="/customers",
    )
    fill(
        context,
        "/shops/new",
        {"kind": "generic", "name": "Market stall", "url": "http://stall.example", "currency": "EUR"},
    )
    fill(context, "/shops/new", {"kind": "woocommerce", "url": "http://127.0.0.1:9/"})
    product.settle()
    until_ended(product.urls["web"] + "/api/v1", demo["api_key"])
    until_paid(product.urls["web"] + "/api/v1", demo["api_key"])


def begin_payments(product, context):
    """This function will connect a payment account; its past takes half a minute and comes while other things are made."""
    till = json.loads(ask(product.urls["stripe"] + "/home/shops", key="", method="POST", body=b""))
    fill(context, "/payments/accounts/new", {"key": till["key"]})


def until_paid(address, key):
    """This function will wait until the past of the payment account is here: its payout comes last."""
    deadline = time.monotonic() + WAIT
    while not running.read_json(f"{address}/payouts", key=key)["items"]:
        assert time.monotonic() < deadline, running.read_json(f"{address}/payment-accounts", key=key)
        time.sleep(0.5)


def fill(context, address, form, *, on=""):
    """This function will send a form as the page does that it stands on."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', context.request.get(on or address).text())
    answer = context.request.post(address, form={"csrf_token": token.group(1), **form}, max_redirects=0)
    assert answer.status in (200, 204, 302, 303), f"{address}: {answer.status} {answer.text()[-1500:]}"


def sign_in(context, product, known):
    """This function will sign in as a person does; the context keeps the cookie."""
    page = context.new_page()
    page.goto(product.urls["web"] + "/sign-in")
    page.fill("[name=email]", known["email"])
    page.fill("[name=password]", known["password"])
    page.press("[name=password]", "Enter")
    page.wait_for_url(product.urls["web"] + "/")
    page.close()


def staff(context, product):
    """This function will let one of the platform's own staff sign in, with codes from an app; the context keeps the cookie."""
    known = {"email": f"staff-{secrets.token_hex(3)}@walk.example", "password": "looking after many"}
    product.found(company="Caretakers", **known)
    product.command("saas", "staff", "add", known["email"])
    sign_in(context, product, known)
    page = context.new_page()
    page.goto("/account/second-factor")
    page.get_by_role("button", name="Set up an app").click()
    page.get_by_label("Code", exact=True).wait_for()
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(re.search(r"[A-Z2-7]{32}", page.content())[0]).now())
    page.get_by_role("button", name="Turn codes on").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    page.close()
