"""How likely two customers are one person, and why.

Each comparison adds what it weighs, log2(m / u): how much more often it comes out so for one person written down twice (m)
than for two (u). Their sum and the odds before looking at anything give the chance (Fellegi and Sunter, A Theory for Record
Linkage, JASA 64, 1969; partial agreement of names by Jaro and Winkler: Winkler, String Comparator Metrics and Enhanced
Decision Rules, 1990). The weights are fixed, written below with the m and u they come of, and measured in
docs/decisions/merging.md; u is among people who met under a key, which is why agreeing there weighs less than by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from rapidfuzz.distance import JaroWinkler, Levenshtein
from rapidfuzz.fuzz import token_sort_ratio

from saas.customers.likeness import Person

WEIGHTS = {
    "mail_same": log2(0.45 / 0.00005),  # 13.1
    "mail_role": log2(0.30 / 0.02),  # 3.9: info@ is a firm's
    "mail_local": log2(0.20 / 0.0025),  # 6.3: the same name at another provider
    "mail_name": log2(0.20 / 0.10),  # 1.0: at another provider, and no more than the name, which namesakes share
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
    "company_same": log2(0.60 / 0.08),  # 2.9
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
        return "mail_name" if _is_name(mine, one) else "mail_local"
    close = len(one.mail) > 10 and Levenshtein.distance(one.mail, other.mail, score_cutoff=2) <= 1
    digits = [c for c in one.mail if c.isdigit()] == [c for c in other.mail if c.isdigit()]
    return "mail_typo" if close and digits else "mail_other"


def _is_name(local: str, one: Person) -> bool:
    """Tell whether an address is made of the name alone, so that it tells nothing beyond the name."""
    rest = "".join(char for char in local if char.isalpha())
    own = {
        one.given + one.family,
        one.family + one.given,
        one.given[:1] + one.family,
        one.family + one.given[:1],
        one.family,
        one.given,
    }
    return rest == local and any(alike(rest, name) for name in own if name)


def _phone(one: Person, other: Person) -> str:
    if not (one.phone and other.phone):
        return ""
    if one.phone == other.phone:
        return "phone_same"
    mine, theirs = one.phone.lstrip("+"), other.phone.lstrip("+")
    local = not (one.phone.startswith("+") and other.phone.startswith("+"))
    return "phone_same" if local and min(len(mine), len(theirs)) > 7 and mine[-8:] == theirs[-8:] else "phone_other"


def _name(one: Person, other: Person) -> str:
    if not (one.family and other.family):
        mine, theirs = one.given + one.family, other.given + other.family
        return (
            ""
            if not (mine and theirs)
            else "name_family"
            if mine == theirs
            else "name_other"
            if not alike(mine, theirs)
            else ""
        )
    if (one.given, one.family) == (other.given, other.family):
        return "name_same" if one.given else "name_family"
    if one.given and (one.given, one.family) == (other.family, other.given):
        return "name_swapped"
    family, given = alike(one.family, other.family), alike(one.given, other.given) or _initial(one.given, other.given)
    if not (one.given and other.given):
        return "name_family" if family else "name_other"
    if family and given:
        return "name_close"
    crossed = alike(one.given, other.family) and alike(one.family, other.given)
    return (
        "name_close"
        if crossed
        else "name_given_differs"
        if family
        else "name_family_differs"
        if given
        else "name_other"
    )


def alike(one: str, other: str) -> bool:
    """Tell whether two names differ by no more than a slip of the hand."""
    if one == other:
        return True
    if min(len(one), len(other)) < 4:
        return False
    return JaroWinkler.similarity(one, other) >= 0.92 and Levenshtein.distance(one, other, score_cutoff=3) <= max(
        1, min(len(one), len(other)) // 4
    )


def _initial(one: str, other: str) -> bool:
    return 0 < min(len(one), len(other)) <= 1 and one[:1] == other[:1]


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
