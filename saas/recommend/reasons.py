"""Why something is offered, in words a shopper reads: one sentence a code, in the shopper's language.

The sentences stand in `tongues/`, a file a language, and not among the staff's translations, because a shopper's language has
nothing to do with the member's, and mails are written where nobody reads along.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

TONGUES = Path(__file__).with_name("tongues")
OF_BUNDLES = ("together", "comma", "and")
LANGUAGES = ("en", "zh", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "tr", "ja", "ko", "ar", "he", "fa")
"""The languages of the sentences, the same as the widget's own words have."""
FROM_THE_RIGHT = frozenset({"ar", "he", "fa"})
OF_STAFF = ("en", "zh")
"""The languages of the pages, in which members read of their customers."""
OF_THEM = "staff:"
LONGEST_NAME = 60


def _read(language: str) -> dict[str, Any]:
    return tomllib.loads((TONGUES / f"{language}.toml").read_text(encoding="utf-8"))


_SPOKEN = {language: _read(language) for language in LANGUAGES}
TOGETHER = {language: tuple(words[code] for code in OF_BUNDLES) for language, words in _SPOKEN.items()}
WORDS: dict[str, dict[str, str]] = {
    code: {language: words[code] for language, words in _SPOKEN.items()}
    for code in _SPOKEN["en"]
    if code not in (*OF_BUNDLES, "staff")
}
STAFF: dict[str, dict[str, str]] = {
    code: {language: _SPOKEN[language]["staff"][code] for language in OF_STAFF} for code in _SPOKEN["en"]["staff"]
}
"""The sentences that speak to the shopper, said to whoever sells to them."""


@lru_cache(maxsize=1024)
def language_of(wished: str | None, among: tuple[str, ...] = LANGUAGES) -> str:
    """Return the language of the sentences for what a browser, a page or a profile wishes ("zh-CN,zh;q=0.9" gives zh)."""
    for wish in (wished or "").replace("_", "-").lower().split(","):
        language = wish.strip().split(";")[0].split("-")[0]
        if language in among:
            return language
    return "en"


def of_them(wished: str | None) -> str:
    """Return the language of the sentences for a member of the company, which speak of the customer and not to them."""
    return OF_THEM + language_of(wished, OF_STAFF)


def drawn(wished: str | None) -> str:
    """Return the language of the sentences on drawn pictures, where what is written from the right cannot be mixed with names that are not."""
    language = language_of(wished)
    return "en" if language in FROM_THE_RIGHT else language


def sentence(
    code: str, language: str = "en", *, name: str = "", together: int = 0, having: int = 0, every: int = 0, ago: int = 0,
) -> str:  # fmt: skip
    """Return why, with the name of the product it follows from, cut where it is very long."""
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1].rstrip() + "…"
    words = WORDS[code]
    if language.startswith(OF_THEM):
        language, words = language.removeprefix(OF_THEM), STAFF.get(code, words)
    return words.get(language, words["en"]).format(name=name, together=together, having=having, every=every, ago=ago)


def together(names: Sequence[str], language: str = "en") -> str:
    """Return what is bought together, in words: "Buy these together: Tea, Pot and Cup"."""
    words, comma, last = TOGETHER.get(language, TOGETHER["en"])
    short = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…" for name in names]
    return words.format(names=comma.join(short[:-1]) + last + short[-1])
