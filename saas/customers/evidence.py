"""How likely two customers are one person, and why.

Each comparison adds what it weighs, log2(m / u): how much more often it comes out so for one person written down twice (m)
than for two (u). Their sum and the odds before looking at anything give the chance (Fellegi and Sunter, A Theory for Record
Linkage, JASA 64, 1969; partial agreement of names by Jaro and Winkler: Winkler, String Comparator Metrics and Enhanced
Decision Rules, 1990). The weights are fixed, written below with the m and u they come of, and measured in
docs/decisions/merging.md; u is among people who met under a key, which is why agreeing there weighs less than by chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log2

from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio

from saas.customers.likeness import Person

WEIGHTS = {
    "mail_same": log2(0.45 / 0.00005),  # 13.1
    "mail_role": log2(0.30 / 0.02),  # 3.9: info@ is a firm's
    "mail_local": log2(0.20 / 0.0025),  # 6.3: the same name at another provider
    "mail_number": log2(0.20 / 0.07),  # 1.5: at another provider, the name and a short number, of which there are few
    "mail_name": log2(0.20 / 0.20),  # 0.0: at another provider, and no more than the name, which namesakes share
    "mail_typo": log2(0.10 / 0.001),  # 6.6
    "mail_other": log2(0.35 / 0.99),  # -1.5
    "phone_same": log2(0.50 / 0.0004),  # 10.3: a family may share a line
    "phone_other": log2(0.30 / 0.99),  # -1.7
    "name_same": log2(0.70 / 0.003),  # 7.9
    "name_swapped": log2(0.08 / 0.0005),  # 7.3
    "name_close": log2(0.20 / 0.003),  # 6.1: a letter, an initial
    "name_family": log2(0.10 / 0.02),  # 2.3: one of the two has no given name
    "name_given_differs": log2(0.01 / 0.50),  # -5.6: the same house, another person
    "name_family_differs": log2(0.03 / 0.15),  # -2.3: married, or another person
    "name_other": log2(0.005 / 0.70),  # -7.1
    "address_same": log2(0.60 / 0.012),  # 5.6
    "address_other": log2(0.15 / 0.50),  # -1.7
    "postcode_same": log2(0.60 / 0.06),  # 3.3
    "place_other": log2(0.20 / 0.60),  # -1.6
    "city_same": log2(0.70 / 0.25),  # 1.5
    "country_other": log2(0.03 / 0.30),  # -3.3
    "company_same": log2(0.60 / 0.17),  # 1.8
    "company_other": log2(0.25 / 0.80),  # -1.7
}
PRIOR = -7.6
"""log2 of the odds that two who met under a key are one: about 1 to 200."""
SHOWN = 0.60
SAFE = 0.99
STRONG = {"mail_same", "phone_same"}
NAMED = {"name_same", "name_swapped", "name_close"}


@dataclass(frozen=True)
class Judged:
    """The chance that two are one person, and the comparisons that say so, the weightiest first."""

    score: float
    reasons: tuple[str, ...]

    @property
    def safe(self) -> bool:
        """Whether it may be merged unseen: all but certain, by an address or a number, and the names agree."""
        return self.score >= SAFE and bool(STRONG & set(self.reasons)) and bool(NAMED & set(self.reasons))


def judge(one: Person, other: Person) -> Judged:
    """Return how likely two are one person.

    Two given names that have nothing to do with each other are two people of one household, whatever they share.
    """
    found = [
        reason
        for reason in (
            _mail(one, other),
            _phone(one, other),
            _name(one, other),
            _place(one, other),
            _company(one, other),
        )
        if reason
    ]
    if one.country and other.country and one.country != other.country:
        found.append("country_other")
    bits = PRIOR + sum(WEIGHTS[reason] for reason in found)
    chance = 1 / (1 + 2.0**-bits)
    if "name_given_differs" in found or "name_other" in found:
        chance = min(chance, 0.5 if not {"mail_same"} & set(found) else 0.9)
    return Judged(chance, tuple(sorted(found, key=lambda reason: -abs(WEIGHTS[reason]))))


def _mail(one: Person, other: Person) -> str:
    if not (one.mail and other.mail):
        return ""
    if one.mail == other.mail:
        return "mail_role" if one.role else "mail_same"
    if one.role or other.role:
        return "mail_other"
    mine, theirs = one.local.replace(".", ""), other.local.replace(".", "")
    if mine == theirs and len(mine) > 5:
        return "mail_typo" if _slip(_domain(one), _domain(other)) else _beyond_name(mine, one, other)
    return (
        "mail_typo"
        if len(one.mail) > 10 and _slip(one.mail, other.mail) and _digits(mine) == _digits(theirs)
        else "mail_other"
    )


def _domain(one: Person) -> str:
    return one.mail.rpartition("@")[2]


def _digits(written: str) -> str:
    return "".join(filter(str.isdigit, written))


def _slip(one: str, other: str) -> bool:
    """Tell whether two writings differ by one letter too many, too few, another, or two the wrong way round."""
    return abs(len(one) - len(other)) < 2 and OSA.distance(one, other, score_cutoff=1) <= 1


def _beyond_name(local: str, *two: Person) -> str:
    """Tell how much an address says that is the same at two providers: the name alone, or with a number, says little."""
    letters, digits = "".join(filter(str.isalpha, local)), len(_digits(local))
    if digits > 4 or not any(_made_of(letters, one.given, one.family) for one in two):
        return "mail_local"
    return "mail_number" if digits else "mail_name"


def _made_of(letters: str, given: str, family: str) -> bool:
    """Tell whether letters are a name: one part of it whole, the other whole, begun or left out, in either order."""
    for whole, begun in ((family, given), (given, family)):
        if whole and letters.endswith(whole) and begun.startswith(letters[: -len(whole)]):
            return True
        if whole and letters.startswith(whole) and begun.startswith(letters[len(whole) :]):
            return True
    names = {given + family, family + given, given[:1] + family, family + given[:1], family}
    return any(alike(letters, name) for name in names if name)


def _phone(one: Person, other: Person) -> str:
    if not (one.phone and other.phone):
        return ""
    if one.phone == other.phone:
        return "phone_same"
    mine, theirs = one.phone.lstrip("+"), other.phone.lstrip("+")
    local = not (one.phone.startswith("+") and other.phone.startswith("+"))
    return "phone_same" if local and min(len(mine), len(theirs)) > 7 and mine[-8:] == theirs[-8:] else "phone_other"


def _name(one: Person, other: Person) -> str:
    if not (one.given and one.family and other.given and other.family):
        return _half_name(one, other)
    if (one.given, one.family) == (other.given, other.family):
        return "name_same"
    if (one.given, one.family) == (other.family, other.given):
        return "name_swapped"
    family, given = _same_family(one.family, other.family), _same_given(one.given, other.given)
    if (family and (given or _short(one.given, other.given))) or (given and _short(one.family, other.family)):
        return "name_close"
    if _crossed(one, other) or _crossed(other, one):
        return "name_close"
    return "name_given_differs" if family else "name_family_differs" if given else "name_other"


def _half_name(one: Person, other: Person) -> str:
    """Compare where one of the two has a single name: the given one, the family one, or both written as one."""
    mine, theirs = ([name for name in (who.given, who.family) if name] for who in (one, other))
    if not (mine and theirs):
        return ""
    single, names = ("".join(mine), theirs) if len(mine) == 1 else ("".join(theirs), mine)
    if len(names) == 2 and single in (names[0] + names[1], names[1] + names[0]):
        return "name_close"
    if any(_same_family(single, name) for name in names):
        return "name_family"
    return "" if any(_short(single, name) for name in names) else "name_other"


def _crossed(one: Person, other: Person) -> bool:
    """Tell whether the names agree the other way round, at least one of them being given in full."""
    family, given = _same_family(one.family, other.given), _same_family(one.given, other.family)
    return (family and (given or _short(one.given, other.family))) or (
        given and (_same_given(one.family, other.given) or _short(one.family, other.given))
    )


DOUBLED = re.compile(r"([a-z]{2,6})\1")


def alike(one: str, other: str) -> bool:
    """Tell whether two names differ by no more than a slip of the hand."""
    if one == other:
        return True
    least = min(len(one), len(other))
    if least < 4 or one[0] != other[0] and len(one) != len(other):
        return False
    most = max(1, least // 4)
    if (
        JaroWinkler.similarity(one, other, score_cutoff=0.92) >= 0.92
        and OSA.distance(one, other, score_cutoff=most) <= most
    ):
        return True
    return least >= 6 and _syllables_slipped(one, other)


def _syllables_slipped(one: str, other: str) -> bool:
    """Tell whether names that were read out have a character twice or two the wrong way round: a slip in Han characters."""
    if len(one) == len(other):
        return sorted(one) == sorted(other)
    return abs(len(one) - len(other)) > 1 and DOUBLED.sub(r"\1", one) == DOUBLED.sub(r"\1", other)


def _same_family(one: str, other: str) -> bool:
    """Tell whether two family names are one; of short ones a single slip after the first letter is one too."""
    return alike(one, other) or (min(len(one), len(other)) >= 3 and one[0] == other[0] and _slip(one, other))


def _same_given(one: str, other: str) -> bool:
    """Tell whether two given names are one; Jan and Jana are not, Max and Maximilian may be."""
    least, more = min(len(one), len(other)), abs(len(one) - len(other))
    return alike(one, other) or (least >= 2 and more >= 3 and (one.startswith(other) or other.startswith(one)))


def _short(one: str, other: str) -> bool:
    """Tell whether one of two names is the initial of the other."""
    return min(len(one), len(other)) == 1 and one[0] == other[0]


def _place(one: Person, other: Person) -> str:
    if one.address and other.address:
        same = one.house == other.house and token_sort_ratio(" ".join(one.address), " ".join(other.address)) >= 85
        nearby = not (one.postcode and other.postcode) or one.postcode == other.postcode
        if same and nearby:
            return "address_same"
        return "address_other" if not nearby or one.house != other.house else "postcode_same" if one.postcode else ""
    if one.postcode and other.postcode:
        return "postcode_same" if one.postcode == other.postcode else "place_other"
    if one.city and other.city:
        return "city_same" if one.city == other.city else "place_other"
    return ""


def _company(one: Person, other: Person) -> str:
    if not (one.company and other.company):
        return ""
    return "company_same" if one.company == other.company or alike(one.company, other.company) else "company_other"
