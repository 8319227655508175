"""How people are written down and told apart: a customer's data in the one form in which two of them can be compared.

Addresses lose what their provider ignores, numbers become international, names lose accents and order, Han names are read
out (the reading is the same in simplified and traditional characters), and widths of characters are made one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from saas.kit import text

DOTLESS = {"gmail.com", "googlemail.com"}
PLUS = DOTLESS | {
    "outlook.com", "hotmail.com", "live.com", "icloud.com", "me.com", "fastmail.com", "fastmail.fm", "proton.me", "protonmail.com", "pm.me",
}  # fmt: skip
"""Providers that deliver name+anything@ to name@; DOTLESS also ignore dots. Of any other it is not known, so nothing is cut."""
SAME = {"googlemail.com": "gmail.com", "protonmail.com": "proton.me", "pm.me": "proton.me"}
ROLES = {
    "info",
    "office",
    "sales",
    "contact",
    "hello",
    "mail",
    "admin",
    "kontakt",
    "post",
    "service",
    "support",
    "team",
    "shop",
    "order",
    "orders",
}
COMPOUND = {
    "欧阳",
    "歐陽",
    "司马",
    "司馬",
    "上官",
    "诸葛",
    "諸葛",
    "东方",
    "東方",
    "皇甫",
    "尉迟",
    "尉遲",
    "公孙",
    "公孫",
    "令狐",
    "慕容",
    "司徒",
    "夏侯",
}
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
WORD = re.compile(r"[^\W_]+", re.UNICODE)
LEGAL = {
    "gmbh",
    "ag",
    "kg",
    "ug",
    "ltd",
    "limited",
    "inc",
    "llc",
    "sa",
    "sarl",
    "srl",
    "bv",
    "co",
    "corp",
    "company",
    "oy",
    "ab",
    "as",
    "the",
}
STREETS = {
    "street": "st",
    "strasse": "st",
    "straße": "st",
    "str": "st",
    "road": "rd",
    "avenue": "ave",
    "lane": "ln",
    "drive": "dr",
    "square": "sq",
}


@dataclass(slots=True)
class Person:
    """One customer, ready to be compared."""

    id: Any = None
    mail: str = ""
    local: str = ""
    role: bool = False
    phone: str = ""
    given: str = ""
    family: str = ""
    company: str = ""
    address: tuple[str, ...] = ()
    house: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""


def person(row: Mapping[str, Any], *, region: str = "") -> Person:
    """Return a customer (its columns by name) ready to be compared; `region` is the country of numbers without a prefix."""
    mail = address_of(row.get("email_norm") or row.get("email") or "")
    local = mail.partition("@")[0]
    given, family = names(row.get("first_name") or "", row.get("last_name") or "")
    words, company = _words(row.get("address") or ""), row.get("company")
    country = (row.get("country") or "").strip().upper()
    return Person(
        row.get("id"), mail, local, local in ROLES, number(row.get("phone") or "", country if len(country) == 2 else region),
        given, family, " ".join(word for word in _words(company) if word not in LEGAL) if company else "", words,
        next((word for word in words if word[0].isdigit()), ""), _plain(row.get("postcode") or ""), _plain(row.get("city") or ""),
        country,
    )  # fmt: skip


def address_of(mail: str) -> str:
    """Return a mail address without what its provider ignores."""
    local, at, domain = unicodedata.normalize("NFKC", mail).strip().lower().rpartition("@")
    if not at:
        return ""
    if domain in PLUS:
        local = local.partition("+")[0]
    if domain in DOTLESS:
        local = local.replace(".", "")
    return f"{local}@{SAME.get(domain, domain)}"


PLAIN_NUMBER = re.compile(r"\+(3[01234]|4[1345678]|49|6[14]|81|9[01]|35[138]|420)([1-9]\d{5,11})")
"""An international number whose country never writes a 0, or anything else, between its code and the rest."""
ZERO_FIRST = {"AT": "43", "DE": "49", "FI": "358", "NL": "31"}
"""Countries where a number at home is a 0 and the national number, whatever that is."""
AROUND = str.maketrans("", "", " -/.()")


def number(phone: str, region: str = "") -> str:
    """Return a phone number as E.164, or its digits where it cannot be one."""
    if not phone:
        return ""
    written, region = unicodedata.normalize("NFKC", phone).strip(), region.upper()
    bare = written.translate(AROUND)
    if bare.isascii() and PLAIN_NUMBER.fullmatch(bare):
        return bare  # most are written so, and reading them is nine tenths of the work of a scan
    code = ZERO_FIRST.get(region)
    if code and bare.isdigit() and bare.isascii() and bare[0] == "0" != bare[1:2] and 7 <= len(bare) <= 13:
        return f"+{code}{bare[1:]}"
    import phonenumbers

    try:
        read = phonenumbers.parse(written, region or None)
    except phonenumbers.NumberParseException:
        digits = "".join(char for char in written if char.isdigit())
        return digits if len(digits) >= 7 else ""
    return f"+{read.country_code}{'0' if read.italian_leading_zero else ''}{read.national_number}"


def names(first: str, last: str) -> tuple[str, str]:
    """Return given and family name as plain Latin letters; a whole name in one field is cut in two."""
    first, last = (unicodedata.normalize("NFKC", one).strip() for one in (first, last))
    if not HAN.search(first + last):
        given, family = _plain(first), _plain(last)
        if given and family:
            return given, family
        parts = _words(first or last)
        return ("".join(parts[:-1]), parts[-1]) if len(parts) > 1 else (given, family)
    first, last = ("".join(WORD.findall(one)) for one in (first, last))
    if not (first and last):
        whole = "".join(HAN.findall(first or last))
        cut = 2 if whole[:2] in COMPOUND else 1
        if 2 <= len(whole) <= 5:
            first, last = whole[cut:], whole[:cut]
    return read_out(first), read_out(last)


def warm() -> None:
    """Load what reading numbers and Han names needs, so that the first who types somebody in need not wait for it."""
    number("(030) 123456", "US")
    read_out("王")


@lru_cache(maxsize=20_000)
def read_out(words: str) -> str:
    """Return Han characters as their reading without tones, everything else in plain Latin letters."""
    from pypinyin import lazy_pinyin

    return (
        "".join("".join(_words(part)) for part in lazy_pinyin(words)) if HAN.search(words) else "".join(_words(words))
    )


@lru_cache(maxsize=50_000)
def _plain(written: str) -> str:
    """Return what is written as bare letters; names and places come again and again."""
    return "".join(_words(written))


def _words(written: str) -> tuple[str, ...]:
    if not written:
        return ()
    folded = text.fold(written)
    return tuple(STREETS.get(word, word) for word in WORD.findall(folded.replace("ß", "ss")))


CODES = {
    letter: str(code)
    for code, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1)
    for letter in letters
}


def sound(name: str) -> str:
    """Return how a name sounds, roughly (American Soundex, as the US National Archives describe it)."""
    if not name:
        return ""
    codes, last = [name[0]], CODES.get(name[0], "")
    for letter in name[1:]:
        code = CODES.get(letter, "")
        if code and code != last:
            codes.append(code)
        if letter not in "hw":
            last = code
    return "".join(codes)[:4]


RULES = 2
"""Is raised whenever keys are made otherwise: then everybody has to be looked through again."""
LACKING, WHOLE = 0, 1
"""The lowest bit of a key: two who are WHOLE under it cannot be one by what it says, so they are not compared."""


def keys(one: Person) -> set[int]:
    """Return the digests under which this person meets those who may be the same: whoever shares none is never compared.

    The lowest bit is not of the digest but LACKING or WHOLE; `group` is the digest alone.
    """
    return {
        int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big", signed=True) & ~1 | bit
        for key, bit in _keys(one)
    }


def group(key: int) -> int:
    """Return what those who meet under a key have in common."""
    return key & ~1


def _keys(one: Person) -> Iterator[tuple[str, int]]:
    local = one.local.replace(".", "")
    if len(local) > 5 and not one.role:
        yield f"l {local}", LACKING  # also whoever has the whole address
    elif one.mail:
        yield f"m {one.mail}", LACKING
    if one.phone:
        yield f"p {one.phone[-9:]}", LACKING
    if one.given and one.family:
        whole = " ".join(sorted((one.given, one.family)))
        if one.city:  # with a postcode each, they meet by it or are not one
            yield f"c {whole} {one.city}", WHOLE if one.postcode else LACKING
        if one.mail and not one.role:
            yield f"y {whole} {''.join(filter(str.isdigit, local))} {one.mail.partition('@')[2]}", LACKING
        if one.postcode:
            yield f"s {' '.join(sorted((sound(one.given)[:2], sound(one.family)[:2])))} {one.postcode}", LACKING
    if one.postcode and one.house:  # a house, whatever they are called there
        street = next((word for word in one.address if not word[0].isdigit()), "")
        yield f"a {one.postcode} {one.house} {street[:3]}", LACKING
    if one.company and one.family:
        yield f"o {one.company} {sound(one.family)}", LACKING
