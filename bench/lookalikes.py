"""Made-up people who are written down twice or more, with the slips real shops have, and those who only look alike.

Who is who is known, so what the search for duplicates finds can be counted: pairs it should find, and pairs it must not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

Slip = Callable[[dict[str, Any], random.Random], None]


def _listed(words: str, by: str = " ") -> list[str]:
    return words.split(by)


GIVEN = _listed(
    "Anna Maria Peter Paul Lena Jonas Sophie Lukas Emma Felix Laura Simon Julia David Clara Martin Nina Thomas Eva Andreas Sarah Michael Katharina Stefan Birgit Jürgen Chloé José Søren Zoë Aisha Omar Ivan Olga Marta Piotr Elena Luca Giulia Marco Freya Bjørn Ingrid Pedro Inês"
)
FAMILY = _listed(
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Krause Lehmann Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer García Rossi Dubois Nowak Kowalski Ivanova Smith Johnson Okafor Nguyen Svensson Hansen Costa Silva"
)
HAN_FAMILY = {
    "王": "Wang",
    "李": "Li",
    "张": "Zhang",
    "刘": "Liu",
    "陈": "Chen",
    "杨": "Yang",
    "黄": "Huang",
    "赵": "Zhao",
    "吴": "Wu",
    "周": "Zhou",
    "欧阳": "Ouyang",
}
HAN_GIVEN = {
    "小明": "Xiaoming",
    "丽华": "Lihua",
    "建国": "Jianguo",
    "秀英": "Xiuying",
    "伟": "Wei",
    "芳": "Fang",
    "志强": "Zhiqiang",
    "晓梅": "Xiaomei",
    "海燕": "Haiyan",
    "俊杰": "Junjie",
}
STREETS = _listed(
    "Haupt Schul Garten Bahnhof Dorf Berg Linden Kirch Wald Ring Wiesen Rosen Birken Mühlen Feld Schiller Goethe Mozart"
)
CITIES = _listed(
    "Berlin Hamburg München Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Essen Bremen Dresden Hannover Nürnberg Ulm Bonn Mainz Kiel"
)
DOMAINS = _listed("gmail.com web.de gmx.de outlook.com yahoo.com icloud.com t-online.de posteo.de")
FIRMS = [
    "Blumen Meier GmbH",
    "Café Central",
    "Holzbau Nord AG",
    "Radladen Ltd",
    "Optik Stern GmbH",
    "Wein & Mehr",
    "Studio Eins UG",
    "Buch am Markt",
]


class People:
    """A source of made-up people; the same seed makes the same ones."""

    def __init__(self, seed: int = 7, many: int = 1000, *, slips: Sequence[Slip] | None = None) -> None:
        self.random, self.towns = random.Random(seed), max(18, many // 60)
        self.taken: set[str] = set()
        self.slips = slips or SLIPS

    def base(self, who: int) -> dict[str, Any]:
        """One person, written down once and whole."""
        pick = self.random
        if pick.random() < 0.12:
            family, given = (
                pick.choice(list(HAN_FAMILY)),
                pick.choice(list(HAN_GIVEN)) + pick.choice(["", "", "龙", "云"]),
            )
            latin = f"{HAN_GIVEN.get(given[:2], HAN_GIVEN.get(given[:1], 'Yun'))}{HAN_FAMILY[family]}"
            first, last = (given, family) if pick.random() < 0.6 else ("", family + given)
        else:
            first, last = pick.choice(GIVEN), pick.choice(FAMILY)
            latin = f"{first}.{last}" if pick.random() < 0.7 else f"{first[0]}{last}"
        town = pick.randrange(self.towns)
        mail = f"{_plain(latin)}{pick.choice(['', pick.randrange(1950, 2005), pick.randrange(99), who])}@{pick.choice(DOMAINS)}"
        while mail in self.taken:  # no two people have one address
            mail = f"{_plain(latin)}{pick.randrange(10**6)}@{pick.choice(DOMAINS)}"
        self.taken.add(mail)
        return {
            "who": who, "first_name": first, "last_name": last, "email": mail,
            "phone": f"+49 {pick.choice([151, 160, 171, 30, 40])} {pick.randrange(10**6, 10**8)}" if pick.random() < 0.6 else "",
            "address": f"{pick.choice(STREETS)}straße {pick.randrange(1, 140)}", "postcode": f"{10000 + town * 7 % 89999:05d}", "city": CITIES[town % len(CITIES)], "country": "DE",
            "company": pick.choice(FIRMS) if pick.random() < 0.06 else "",
        }  # fmt: skip

    def again(self, one: dict[str, Any]) -> dict[str, Any]:
        """The same person written down another time: two to four things are different, as they are in real lists."""
        pick, copy = self.random, dict(one)
        for slip in pick.sample(self.slips, pick.choice([1, 2, 2, 3])):
            slip(copy, pick)
        if not copy["email"] and not copy["phone"] and pick.random() < 0.7:
            copy["email"] = one["email"]
        return copy

    def lookalike(self, one: dict[str, Any], who: int) -> dict[str, Any]:
        """Somebody else who shares a lot: the household, a namesake, a colleague."""
        pick, kind = self.random, self.random.choice(["house", "house", "line", "namesake", "firm"])
        other = self.base(who)
        if kind in ("house", "line"):
            other |= {name: one[name] for name in ("last_name", "address", "postcode", "city")}
            other["first_name"] = pick.choice([name for name in GIVEN if name[:2] != one["first_name"][:2]])
            other["phone"] = one["phone"] if kind == "line" else other["phone"]
        elif kind == "namesake":
            other |= {name: one[name] for name in ("first_name", "last_name")}
        else:
            other |= {
                "company": one["company"] or "Holzbau Nord AG",
                "address": one["address"],
                "postcode": one["postcode"],
                "city": one["city"],
            }
        return other

    def crowd(self, many: int, *, twice: float = 0.15, alike: float = 0.15, first: int = 0) -> list[dict[str, Any]]:
        """This many people, of whom some are written down again and some have a look-alike; `who` tells who is who."""
        found: list[dict[str, Any]] = []
        for who in range(first, first + many):
            one = self.base(who)
            found.append(one)
            if self.random.random() < twice:
                found.append(self.again(one))
            if self.random.random() < alike:
                found.append(self.lookalike(one, -1 - who))
        return found


def _plain(name: str) -> str:
    from saas.kit import text

    return "".join(
        char
        for char in text.fold(name).replace("ß", "ss").replace("ø", "o")
        if char.isascii() and (char.isalnum() or char == ".")
    )


def _typo(word: str, pick: random.Random) -> str:
    if len(word) < 4:
        return word
    place = pick.randrange(1, len(word) - 1)
    return pick.choice(
        [
            word[:place] + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            word[:place] + word[place] + word[place:],
        ]
    )


def _last(copy, pick):
    copy["last_name"] = _typo(copy["last_name"], pick)


def _initial(copy, pick):
    copy["first_name"] = copy["first_name"][:1] + "."


def _swap(copy, pick):
    copy["first_name"], copy["last_name"] = copy["last_name"], copy["first_name"]


def _other_mail(copy, pick):
    if not copy["email"]:
        return
    copy["email"] = f"{copy['email'].split('@')[0]}@{pick.choice(DOMAINS)}"


def _new_mail(copy, pick):
    copy["email"] = f"{_plain(copy['last_name'] or 'x')}{pick.randrange(10**5)}@{pick.choice(DOMAINS)}"


def _plus(copy, pick):
    if not copy["email"]:
        return
    local, _at, domain = copy["email"].partition("@")
    copy["email"] = f"{local}+shop@{domain}" if domain == "gmail.com" else copy["email"].upper()


def _no_mail(copy, pick):
    copy["email"] = ""


def _no_phone(copy, pick):
    copy["phone"] = ""


def _local_phone(copy, pick):
    copy["phone"] = copy["phone"].replace("+49 ", "0").replace(" ", pick.choice(["/", "-", " "]))


def _moved(copy, pick):
    copy |= {
        "address": f"{pick.choice(STREETS)}weg {pick.randrange(1, 99)}",
        "postcode": f"{pick.randrange(10000, 99999)}",
        "city": pick.choice(CITIES),
    }


def _no_address(copy, pick):
    copy |= {"address": "", "postcode": "", "city": ""}


def _short_street(copy, pick):
    copy["address"] = copy["address"].replace("straße", "str.")


def _latin(copy, pick):
    whole = copy["last_name"] + copy["first_name"]
    if any(char in whole for char in "".join(HAN_FAMILY)):
        from pypinyin import lazy_pinyin

        first, last = copy["first_name"], copy["last_name"]
        cut = 2 if last.startswith("欧阳") else 1
        given = first or last[cut:]
        copy |= {
            "first_name": "".join(lazy_pinyin(given)).title(),
            "last_name": "".join(lazy_pinyin(last[:cut])).title(),
        }
    else:
        copy["last_name"] = copy["last_name"].replace("ü", "ue").replace("ö", "oe").replace("ä", "ae")


def _mail_typo(copy, pick):
    local, _at, domain = copy["email"].partition("@")
    if len(local) > 5:
        copy["email"] = f"{_typo(local, pick)}@{domain}" if pick.random() < 0.7 else f"{local}@{_typo(domain, pick)}"


def _phone_form(copy, pick):
    if copy["phone"].startswith("+49 "):
        copy["phone"] = copy["phone"].replace("+49 ", pick.choice(["0049 ", "+49 (0)", "+49", "(0"]), 1)
        copy["phone"] += ")" if copy["phone"].startswith("(") else ""


TRADITIONAL = str.maketrans("张刘陈杨黄赵吴欧阳丽华国伟强晓杰龙云", "張劉陳楊黃趙吳歐陽麗華國偉強曉傑龍雲")


def _other_script(copy, pick):
    """Han names in traditional characters; others in capitals, as forms ask for them."""
    for name in ("first_name", "last_name"):
        copy[name] = copy[name].translate(TRADITIONAL).upper()


def _one_field(copy, pick):
    """The whole name in one field."""
    first, last = copy["first_name"], copy["last_name"]
    if first and last:
        han = any(char in first + last for char in "".join(HAN_FAMILY))
        copy |= {"first_name": "", "last_name": last + first if han else f"{first} {last}"}


SLIPS = [
    _last,
    _initial,
    _swap,
    _other_mail,
    _new_mail,
    _plus,
    _no_mail,
    _no_phone,
    _local_phone,
    _moved,
    _no_address,
    _short_street,
    _latin,
    _mail_typo,
    _phone_form,
    _other_script,
    _one_field,
]
