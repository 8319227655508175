"""Five mails to begin with, in English and Chinese: a common frame, five bodies and the words of each language.

The files in `starters/` are put together here; what comes out is plain MJML that the marketer edits.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from saas.kit import errors

KEYS = ("welcome", "win_back", "new_products", "cart_reminder", "plain_letter")
LANGUAGES = ("en", "zh")
_FOLDER = Path(__file__).with_name("starters")


class StarterNotFound(errors.NotFound):
    """No starter has that key."""

    code, message = "starter_not_found", "There is no starter letter of that name."


@dataclass(frozen=True)
class Starter:
    """A mail to begin with: its name and purpose for the list, its subject and body for the editor."""

    key: str
    name: str
    description: str
    subject: str
    body: str


def every(*, language: str = "en") -> list[Starter]:
    """This function will return all starters in a language (`en`, `zh` or a locale of these; else English)."""
    return [one(key=key, language=language) for key in KEYS]


def one(*, key: str, language: str = "en") -> Starter:
    """This function will return one starter; raises StarterNotFound."""
    if key not in KEYS:
        raise StarterNotFound()
    words = _words(language[:2].lower() if language[:2].lower() in LANGUAGES else "en")
    own = words["frame"] | words[key]
    body = _file("frame.mjml").replace("[[content]]\n", _file(f"{key}.mjml"))
    body = re.sub(r"\[\[(\w+)\]\]", lambda found: own[found.group(1)], body)
    return Starter(key, own["name"], own["description"], own["subject"], body)


@lru_cache
def _words(language: str) -> dict:
    return json.loads(_file(f"{language}.json"))


@lru_cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
