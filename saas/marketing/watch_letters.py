"""The mails to those who wait for a product: whether it was them who asked, and the one that it is back or costs less.

They are answers to a wish, in its language, from the company's own address, without advertising; each can be stopped.
"""

from __future__ import annotations

import html
import string
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from saas import config
from saas.audiences import suppression
from saas.catalog import products
from saas.catalog.models import Product
from saas.kit import clock, identifiers, mail, mail_headers, money, smtp, text
from saas.marketing import letters, senders, watch_settings, watching
from saas.marketing.models import ProductWatch
from saas.tenancy import tenants

WORDS: dict[str, dict[str, tuple[str, str, str]]] = {
    "en": {
        "ask": ("Please confirm: {product}", "Somebody, hopefully you, asked at {company} to be told about {product}. With your click we write to you once about it, and about nothing else. Without it nothing happens.", "Yes, tell me"),
        "stock": ("{product} is back", "You asked us to tell you: {product} is there again. Here it is, as long as it lasts.", "To the product"),
        "price": ("{product} costs less now", "You asked us to tell you: {product} now costs {price} instead of {was}.", "To the product"),
        "stop": ("Do not tell me any more", "", ""),
    },
    "zh": {
        "ask": ("请确认：{product}", "有人（希望是您本人）在{company}要求我们就{product}通知您。您点击后，我们只就此给您写一次信；不点击则什么也不会发生。", "是的，请通知我"),
        "stock": ("{product}到货了", "您要求我们通知您：{product}又有货了，售完为止。", "查看商品"),
        "price": ("{product}降价了", "您要求我们通知您：{product}现价{price}，原价{was}。", "查看商品"),
        "stop": ("不要再通知我", "", ""),
    },
    "de": {
        "ask": ("Bitte bestätigen: {product}", "Jemand, hoffentlich Sie, möchte von {company} etwas über {product} erfahren. Mit Ihrem Klick schreiben wir Ihnen einmal dazu und zu nichts anderem. Ohne ihn geschieht nichts.", "Ja, Bescheid geben"),
        "stock": ("{product} ist wieder da", "Sie wollten es wissen: {product} ist wieder da, solange der Vorrat reicht.", "Zum Produkt"),
        "price": ("{product} kostet jetzt weniger", "Sie wollten es wissen: {product} kostet jetzt {price} statt {was}.", "Zum Produkt"),
        "stop": ("Nicht mehr Bescheid geben", "", ""),
    },
}  # fmt: skip


def words(kind: str, language: str, own: Mapping[str, Mapping[str, Mapping[str, str]]] | None = None) -> dict[str, str]:
    """Return subject, text and button of a kind of letter in a language: the company's own words before ours."""
    short = language.replace("_", "-").partition("-")[0].lower()
    held = own or {}
    mine = held.get(language, {}).get(kind) or held.get(short, {}).get(kind) or {}
    ours = dict(zip(watch_settings.PARTS, WORDS.get(short, WORDS["en"])[kind], strict=True))
    return ours | dict(mine)


def ask(watch_id: str) -> None:
    """Ask by mail whether it was them. Raises NotDelivered, to be tried again."""
    try:
        watch = watching.one(watch_id, lock=True)
    except watching.NoSuchWatch:
        return
    if watch.state != "asked" or watch.mailed_at is not None or not _open(watch.email):
        return
    _send(watch, "ask")
    watch.mailed_at = clock.now()


def tell(watch_id: str) -> None:
    """Tell somebody that what they wait for is there, unless it is gone again: then they wait on. Raises NotDelivered."""
    try:
        watch = watching.one(watch_id, lock=True)
    except watching.NoSuchWatch:
        return
    if watch.state != "due":
        return
    product = products.one(watch.product_id)
    if not watching.come(watch, product, watch_settings.held()):
        watch.state, watch.told_at = "waiting", None
        return
    if not _open(watch.email):
        watch.state, watch.told_at = "ended", None
        return
    _send(watch, watch.kind)
    watch.state, watch.told_at = "told", clock.now()


def _open(email: str) -> bool:
    """Tell whether mails arrive at an address; whoever unsubscribed from news still gets the one they asked for."""
    norm = text.email(email)
    return suppression.reasons_for([norm]).get(norm) not in ("bounce", "complaint")


def _send(watch: ProductWatch, kind: str) -> None:
    product = products.one(watch.product_id)
    address = mail_headers.address(watch.email)
    sender, company = senders.current(), tenants.current().name
    language = watch.language or tenants.settings().languages[0]
    own = watch_settings.held()["letters"] if kind != "ask" else {}
    said, stop = words(kind, language, own), words("stop", language)["subject"]
    blanks = _blanks(watch, product, company)
    subject, body, button = (fill(said[part], blanks) for part in watch_settings.PARTS)
    own_page = f"{config.get().public_url.rstrip('/')}/m/w/{watching.token(watch)}"
    link = own_page if kind == "ask" else product.url or own_page
    footer = "" if kind == "ask" else own_page
    plain = "\n\n".join(part for part in (body, link, f"{stop}: {footer}" if footer else "") if part)
    frame = mail.Frame(sender_email=sender.email, sender_name=sender.name, reply_to=sender.reply_to, sample=plain)
    number, domain = identifiers.new(), config.get().mail_domain
    filled = {
        "language": language.replace("_", "-"), "subject": subject, "company": company, "body": body, "link": link, "button": button,
        "product": product.name, "stop": stop if footer else "", "stop_link": footer,
        "picture": product.image_url if product.image_url.startswith(("https://", "http://")) else "",
    }  # fmt: skip
    message = frame.fill(
        to_email=address, subject=subject, text=plain, at=clock.now(), html=page(filled),
        message_id=mail.message_id(local=f"watch.{number.hex}", domain=domain), headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    letters.hand_over(
        smtp.Envelope(
            sender=senders.envelope_sender(f"watch.{number.hex}", domain), recipient=message.recipient,
            data=message.as_bytes(signers=sender.signers, at=clock.now()),
        )
    )  # fmt: skip


def _blanks(watch: ProductWatch, product: Product, company: str) -> dict[str, str]:
    now = watching.price_of(product, watch.variant)
    return {
        "product": product.name, "company": company,
        "price": _money(now, watching.currency_of(product)), "was": _money(watch.price_micros, watch.currency),
    }  # fmt: skip


def _money(micros: int | None, currency: str) -> str:
    return f"{money.micros_text(micros)} {currency}" if micros is not None else ""


def fill(words: str, blanks: Mapping[str, str]) -> str:
    """Return words with their blanks ({product}, {company}, {price}, {was}) filled in; other braces stay as they are."""
    for name in watch_settings.BLANKS:
        words = words.replace(f"{{{name}}}", blanks[name])
    return " ".join(words.split())


def page(filled: Mapping[str, str]) -> str:
    """Return the letter as HTML."""
    safe = {key: html.escape(value) for key, value in filled.items()}
    picture = (
        f'<p style="margin:0 0 16px"><img src="{safe["picture"]}" alt="" width="240" style="max-width:100%;border-radius:8px"></p>'
        if filled["picture"]
        else ""
    )
    stop = (
        f'<p style="margin:0;font-size:14px"><a style="color:#52525b" href="{safe["stop_link"]}">{safe["stop"]}</a></p>'
        if filled["stop"]
        else ""
    )
    return _frame().substitute(safe | {"picture": picture, "stop": stop})


@lru_cache(maxsize=1)
def _frame() -> string.Template:
    return string.Template(Path(__file__).with_name("watch_letter.html").read_text(encoding="utf-8"))
