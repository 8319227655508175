"""What a form consists of, read from what people and programs give: every part with its limits, each fault with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from saas.commerce import coupons
from saas.customers import purposes
from saas.kit import errors, text
from saas.kit.text import gettext as _
from saas.tenancy import custom_values, tenants

PLAIN_FIELDS = ("email", "first_name", "last_name", "phone", "birthday", "choice")
OWN_TYPES = ("text", "number", "date", "choice", "yes_no")
TEXTS = {"title": 120, "text": 600, "button": 60, "thanks": 400, "question": 120, "label": 120}
COLOURS = ("accent", "ground", "ink")
SIDES = ("left", "right", "top", "bottom")
VISITORS, DEVICES, KNOWN = ("all", "new", "returning"), ("all", "phone", "desktop"), ("all", "known", "unknown")
TIMES = ("once", "days", "always")
MOST_FIELDS, MOST_CHOICES, MOST_PAGES = 12, 12, 10
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
PARTS = ("fields", "purposes", "texts", "look", "after", "rules", "limits")


class BadForm(errors.Invalid):
    """A part of the form is wrong; `fields` says which."""


class Reader:
    """Reads the parts of a form and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.problems: dict[str, list[str]] = {}

    def wrong(self, place: str, sentence: str) -> None:
        self.problems.setdefault(place, []).append(sentence)

    def choice(self, place: str, given: Any, values: tuple[str, ...]) -> str:
        if given in (None, ""):
            return values[0]
        if given not in values:
            self.wrong(place, _("Choose one of the values."))
            return values[0]
        return str(given)

    def whole(self, place: str, given: Any, *, least: int, most: int) -> int | None:
        """Read a whole number; nothing is None."""
        if given in (None, ""):
            return None
        try:
            number = int(str(given))
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            self.wrong(place, _("A whole number from %(least)s to %(most)s.", least=least, most=most))
            return None
        return number

    def address(self, place: str, given: Any) -> str:
        """Read an address of the web; nothing is empty."""
        value = text.clean(str(given or ""), most=2000)
        try:
            parts = urlsplit(value)
            sound = not value or (parts.scheme in ("https", "http") and bool(parts.netloc))
        except ValueError:
            sound = False
        if not sound:
            self.wrong(place, _("An address begins with https:// or http://."))
        return value if sound else ""

    def moment(self, place: str, given: Any) -> str:
        """Read a day or a moment; nothing is empty."""
        value = text.clean(str(given or ""), most=40)
        if value:
            try:
                datetime.fromisoformat(value)
            except ValueError:
                self.wrong(place, _("This is not a date."))
                return ""
        return value


def read(given: Mapping[str, Any], *, held: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a form's content as it is kept: the given parts, and for the rest what is held; raises BadForm."""
    reader, content = Reader(), dict(held or {})
    for name in given:
        if name not in PARTS:
            reader.wrong(f"content.{name}", _("Unknown field."))
    for name in PARTS:
        if name in given or name not in content:
            part = given.get(name)
            wanted = list if name in ("fields", "purposes") else Mapping
            if part is not None and not isinstance(part, wanted):
                reader.wrong(f"content.{name}", _("This is not the right kind of value."))
                part = None
            content[name] = READERS[name](reader, part or wanted_empty(name))
    if reader.problems:
        raise BadForm(fields=reader.problems)
    return content


def wanted_empty(name: str) -> Any:
    return [] if name in ("fields", "purposes") else {}


def _fields(reader: Reader, given: list[Any]) -> list[dict[str, Any]]:
    own = {field.name: field for field in custom_values.own_fields("customer") if field.type in OWN_TYPES}
    found: dict[str, dict[str, Any]] = {"email": {"name": "email", "required": True}}
    for place, one in enumerate(given[: MOST_FIELDS + 1]):
        name = str(one.get("name", "")) if isinstance(one, Mapping) else ""
        if name not in PLAIN_FIELDS and name not in own:
            reader.wrong(f"content.fields.{place}", _("There is no such field to ask for."))
            continue
        kept: dict[str, Any] = {"name": name, "required": name == "email" or bool(one.get("required"))}
        if name == "choice":
            kept["question"] = _texts(
                reader, f"content.fields.{place}.question", one.get("question"), most=TEXTS["question"]
            )
            options = one.get("options") if isinstance(one.get("options"), list) else []
            kept["options"] = [option for option in (text.clean(str(item), most=80) for item in options) if option][
                :MOST_CHOICES
            ]
            if not kept["options"]:
                reader.wrong(f"content.fields.{place}.options", _("Give something to choose from."))
        found[name] = kept
    if len(found) > MOST_FIELDS:
        reader.wrong("content.fields", _("A form asks for at most %(most)s things.", most=MOST_FIELDS))
    return list(found.values())


def _texts(reader: Reader, place: str, given: Any, *, most: int) -> dict[str, str]:
    """Read one text in several languages."""
    kept = {}
    for language, said in (given if isinstance(given, Mapping) else {}).items():
        if not LANGUAGE.fullmatch(str(language)):
            reader.wrong(place, _("There is no such language."))
        elif words := text.clean(str(said or ""), most=most):
            kept[tag(str(language))] = words
    return kept


def _purposes(reader: Reader, given: list[Any]) -> list[dict[str, Any]]:
    known, found = {purpose.key for purpose in purposes.listed()}, {}
    for place, one in enumerate(given[: purposes.MOST]):
        key = str(one.get("key", "")) if isinstance(one, Mapping) else ""
        if key not in known:
            reader.wrong(f"content.purposes.{place}", _("There is no such purpose."))
            continue
        wording = _texts(reader, f"content.purposes.{place}.wording", one.get("wording"), most=purposes.LONGEST)
        found[key] = {"key": key, "required": bool(one.get("required")), "wording": wording}
    return list(found.values())


def _said(reader: Reader, given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    kept: dict[str, dict[str, str]] = {}
    for language, said in given.items():
        if not LANGUAGE.fullmatch(str(language)) or not isinstance(said, Mapping):
            reader.wrong("content.texts", _("There is no such language."))
            continue
        words = {
            name: text.clean(str(said.get(name) or ""), most=most) for name, most in TEXTS.items() if said.get(name)
        }
        if words:
            kept[tag(str(language))] = words
    return kept


def _look(reader: Reader, given: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in COLOURS:
        value = str(given.get(name) or "")
        if value and not COLOUR.fullmatch(value):
            reader.wrong(f"content.look.{name}", _("A colour such as #2f6fed."))
        elif value:
            kept[name] = value.lower()
    kept["radius"] = reader.whole("content.look.radius", given.get("radius"), least=0, most=40)
    kept["picture"] = reader.address("content.look.picture", given.get("picture"))
    kept["side"] = reader.choice("content.look.side", given.get("side"), ("", *SIDES))
    return kept


def _after(reader: Reader, given: Mapping[str, Any]) -> dict[str, str]:
    """Read what comes after: a code that is the same for all, or a coupon of which each gets a code of their own."""
    own = ""
    if given.get("coupon_id"):
        try:
            own = str(coupons.one(str(given["coupon_id"])).id)
        except coupons.NoSuchCoupon:
            reader.wrong("content.after.coupon_id", _("There is no such coupon."))
    return {
        "coupon": "" if own else text.clean(str(given.get("coupon") or ""), most=60),
        **({"coupon_id": own} if own else {}),
        "redirect": reader.address("content.after.redirect", given.get("redirect")),
    }


def _rules(reader: Reader, given: Mapping[str, Any]) -> dict[str, Any]:
    pages = []
    for place, one in enumerate((given.get("pages") or [])[:MOST_PAGES]):
        value = text.clean(str(one.get("value") or ""), most=500) if isinstance(one, Mapping) else ""
        if value:
            pages.append(
                {
                    "is": reader.choice(f"content.rules.pages.{place}", one.get("is"), ("contains", "equals")),
                    "value": value,
                }
            )
    languages = [str(one) for one in given.get("languages") or [] if LANGUAGE.fullmatch(str(one))]
    return {
        "seconds": reader.whole("content.rules.seconds", given.get("seconds"), least=0, most=3600),
        "scroll": reader.whole("content.rules.scroll", given.get("scroll"), least=1, most=100),
        "exit": bool(given.get("exit")),
        "cart_over": amount(reader, "content.rules.cart_over", given.get("cart_over")),
        "pages": pages,
        "visitors": reader.choice("content.rules.visitors", given.get("visitors"), VISITORS),
        "devices": reader.choice("content.rules.devices", given.get("devices"), DEVICES),
        "languages": languages,
        "known": reader.choice("content.rules.known", given.get("known"), KNOWN),
        "from": reader.moment("content.rules.from", given.get("from")),
        "until": reader.moment("content.rules.until", given.get("until")),
    }


def amount(reader: Reader, place: str, given: Any) -> str:
    """Read an amount of money; nothing is empty."""
    value = text.clean(str(given or ""), most=20)
    if not value:
        return ""
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount < 10**9:
        reader.wrong(place, _("An amount such as 50.00."))
        return ""
    return str(amount)


def _limits(reader: Reader, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "times": reader.choice("content.limits.times", given.get("times"), TIMES),
        "days": reader.whole("content.limits.days", given.get("days"), least=1, most=365) or 7,
        "session_most": reader.whole("content.limits.session_most", given.get("session_most"), least=1, most=20) or 1,
        "apart_seconds": _or(
            reader.whole("content.limits.apart_seconds", given.get("apart_seconds"), least=0, most=3600), 60
        ),
    }


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


READERS: dict[str, Callable[[Reader, Any], Any]] = {
    "fields": _fields, "purposes": _purposes, "texts": _said, "look": _look, "after": _after, "rules": _rules, "limits": _limits,
}  # fmt: skip


def lacking(content: Mapping[str, Any]) -> list[str]:
    """Return in sentences what a form still needs before it can be shown."""
    found = []
    said = content.get("texts") or {}
    if not any(words.get("title") for words in said.values()):
        found.append(_("Give it a title."))
    active = {purpose.key: purpose for purpose in purposes.listed()}
    gone = [one["key"] for one in content.get("purposes", ()) if one["key"] not in active]
    if gone:
        found.append(_("“%(purpose)s” is not asked for any more.", purpose=gone[0]))
    main = tenants.settings().languages
    silent = [one["key"] for one in content.get("purposes", ()) if not words_of(one, main[0] if main else "en", active)]
    if silent:
        found.append(_("“%(purpose)s” needs the words people agree to.", purpose=silent[0]))
    return found


def tag(language: str) -> str:
    """Return a language as browsers write it: zh-Hans and not zh_Hans."""
    return language.replace("_", "-")


def words_of(purpose: Mapping[str, Any], language: str, known: Mapping[str, purposes.Purpose] | None = None) -> str:
    """Return the words somebody agrees to on this form: its own in that language, the purpose's, or its own in any.

    `known` are purposes that were read already.
    """
    own, short = purpose.get("wording") or {}, language.replace("_", "-").partition("-")[0]
    held = (purposes.known({purpose["key"]}) if known is None else known).get(purpose["key"])
    theirs = {tag(key): said for key, said in held.wording.items()} if held else {}
    language = tag(language)
    for said in (
        own.get(language),
        own.get(short),
        theirs.get(language),
        theirs.get(short),
        *own.values(),
        *theirs.values(),
    ):
        if said:
            return said
    return ""
