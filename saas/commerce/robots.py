"""Browsers that say they are robots: search engines and their like run a shop's scripts too, and are no visitors.

The patterns are those of the crawler-user-agents list. Two kinds of it are let in: programs that do not claim to be a
browser (a shop's own server sends events and answers for them), and headless browsers, with which shops test their pages.
"""

from __future__ import annotations

import functools
import re

LONGEST = 500


@functools.lru_cache(1)
def _patterns() -> list[re.Pattern[str]]:
    """The list, read when it is first needed; in parts, for one expression of all of it is slow."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    patterns = [one["pattern"] for one in CRAWLER_USER_AGENTS_DATA if "headless" not in one["pattern"].lower()]
    return [re.compile("|".join(patterns[start : start + 25])) for start in range(0, len(patterns), 25)]


@functools.lru_cache(10_000)
def named(browser: str) -> str:
    """Return what gives a robot away in what a browser says it is (the User-Agent); empty when nothing does."""
    if not browser.startswith("Mozilla/"):
        return ""
    for pattern in _patterns():
        if found := pattern.search(browser[:LONGEST]):
            return found.group()
    return ""
