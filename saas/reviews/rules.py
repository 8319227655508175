"""What makes a review wait until somebody has looked at it. None of it looks at the stars: a bad judgement is shown like a good one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from saas.kit import text
from saas.reviews.models import Review

LINK = re.compile(
    r"https?:|www\.|\b[\w-]+\.(?:com|net|org|info|shop|store|online|site|xyz|ru|cn|de|io|top|biz)\b", re.IGNORECASE
)
ADDRESS = re.compile(r"\S+@\S+\.\S+")
PHONE = re.compile(r"\+?\d(?:[ ./-]?\d){8,}")
HELD = ("unverified", "rule", "link", "contact", "word", "photo", "reported", "edited")


def held(review: Review, settings: Mapping[str, Any], *, new_photo: bool) -> list[str]:
    """Return what a review waits for, in the words of HELD; nothing: it is published at once."""
    said = f"{review.title}\n{review.body}\n{review.name}"
    found = []
    if not review.verified:
        found.append("unverified")
    elif settings["publish"] != "verified":
        found.append("rule")
    if settings["hold_links"] and LINK.search(ADDRESS.sub(" ", said)):
        found.append("link")
    if ADDRESS.search(said) or PHONE.search(said):
        found.append("contact")
    if has_word(said, settings["bad_words"]):
        found.append("word")
    if new_photo and settings["hold_photos"]:
        found.append("photo")
    return found


def has_word(said: str, words: list[str]) -> bool:
    """Tell whether one of the words stands in a text: as a whole word, or anywhere in scripts that have no blanks."""
    folded = text.fold(said)
    for word in words:
        plain = text.fold(word)
        if plain and (
            plain in folded if text.EASTERN.search(plain) else re.search(rf"(?<!\w){re.escape(plain)}(?!\w)", folded)
        ):
            return True
    return False
