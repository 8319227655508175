"""Cleaning and comparing what people type, and the sentences we answer with."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from flask import has_request_context
from flask_babel import gettext as _babel_gettext
from markupsafe import escape

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
EMAIL = re.compile(r"^[^\s@<>(),;:\"\[\]\\]{1,64}@[^\s@<>(),;:\"\[\]\\]{1,253}$")


class NotAnEmail(ValueError):
    """The text is not an e-mail address."""


def gettext(sentence: str, **values: object) -> str:
    """Return the sentence in the reader's language, or as it is where nobody reads (a job, a command)."""
    if has_request_context():
        return _babel_gettext(sentence, **values)
    return sentence % values if values else sentence


_ = gettext


class Later:
    """A sentence that is put into the reader's language only when it is read; for tables that are made at import."""

    __slots__ = ("sentence",)

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def __str__(self) -> str:
        return gettext(self.sentence)

    def __html__(self) -> str:
        return str(escape(str(self)))

    def __repr__(self) -> str:
        return f"later({self.sentence!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Later) and other.sentence == self.sentence

    def __hash__(self) -> int:
        return hash(self.sentence)


later = Later


def clean(value: str | None, *, most: int = 10_000) -> str:
    """Return the text without control characters, halves of characters and outer blanks, in composed form, cut at `most` characters."""
    if not value:
        return ""
    if value.isascii() and value.isprintable():  # most of what there is, and nothing to do
        return value.strip()[:most]
    return CONTROL.sub("", unicodedata.normalize("NFC", value)).strip()[:most]


def email(value: str) -> str:
    """Return the address as it is compared (`email_norm`): lower case, domain in its ASCII form. Raises NotAnEmail."""
    plain = clean(value, most=320)
    plain = (plain if plain.isascii() else unicodedata.normalize("NFKC", plain)).lower()
    if not EMAIL.match(plain):
        raise NotAnEmail("This is not an e-mail address.")
    local, domain = plain.rsplit("@", 1)
    return f"{local}@{_domain(domain)}"


@lru_cache(maxsize=4096)
def _domain(domain: str) -> str:
    """Return a domain in its ASCII form; the same few come again and again. Raises NotAnEmail."""
    try:
        plain = domain.encode("idna").decode()
    except UnicodeError:
        raise NotAnEmail("This is not an e-mail address.") from None
    if "." not in plain or ".." in plain or plain.startswith(".") or plain.endswith("."):
        raise NotAnEmail("This is not an e-mail address.")
    return plain


def phone(value: str) -> str:
    """Return a phone number as it is compared: its digits, with a plus when it was given internationally."""
    plain = unicodedata.normalize("NFKC", value or "").strip()
    digits = re.sub(r"\D", "", plain)
    if plain.startswith("00"):
        return "+" + digits[2:]
    return ("+" if plain.startswith("+") else "") + digits


def fold(value: str) -> str:
    """Return the text as it is compared loosely: NFKC, case folded, accents off, blanks single."""
    if value and value.isascii():
        return " ".join(value.lower().split())
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", value or "").casefold())
    bare = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return " ".join(bare.split())


# Han, kana and Hangul: names in these scripts are written family name first, without a blank
EASTERN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3040-\u30ff\uac00-\ud7af·・]+")


def full_name(first: str, last: str) -> str:
    """Return a person's name as it is written in its script: Ada Lovelace, but 王小明."""
    if first and last and EASTERN.fullmatch(first + last):
        return f"{last}{first}"
    return f"{first} {last}".strip()


def slug(value: str, *, most: int = 40) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(value)).strip("-")[:most].strip("-")
