"""Addresses of the web as strangers write them, taken apart without failing: `urlsplit` raises on “http://[”."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

NOWHERE = SplitResult("", "", "", "", "")


def split(address: str | None) -> SplitResult:
    """Return the parts of an address; all of them are empty where it is none."""
    try:
        return urlsplit(address or "")
    except ValueError:
        return NOWHERE


def host(address: str | None) -> str:
    """Return the name of the host, without www; empty where the address is none."""
    return (split(address).hostname or "").removeprefix("www.")
