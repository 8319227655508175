"""Search: ``email:"a@b" AND metadata["tenant"]:"7"``, at once consistent here (Stripe's takes up to a minute)."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.stripe import answers, errors, params
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

CLAUSE = re.compile(
    r"""\s*(?P<no>-)?(?P<field>[a-z_.]+)(\[["'](?P<key>[^"']+)["']\])?\s*(?P<how>[:~<>]=?)\s*(?P<value>"[^"]*"|'[^']*'|[\w.]+)\s*"""
)
SEARCHED = {
    "customer": "customers", "subscription": "subscriptions", "product": "products", "price": "prices",
    "invoice": "invoices", "payment_intent": "payment_intents", "charge": "charges",
}  # fmt: skip


def fits(document: Document, clause: re.Match[str]) -> bool:
    """This function will tell whether a document fulfils one clause."""
    value = document.get(clause["field"])
    if clause["key"]:
        value = (value or {}).get(clause["key"])
    wanted = clause["value"].strip("\"'")
    if wanted == "null" and not clause["value"].startswith(("'", '"')):
        found = value is None
    elif clause["how"] == ":":
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        found = value is not None and shown.lower() == wanted.lower()
    elif clause["how"] == "~":
        found = value is not None and wanted.lower() in str(value).lower()
    else:
        found = isinstance(value, int) and answers.within(
            value, {{">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[clause["how"]]: int(wanted)}
        )
    return found != bool(clause["no"])


def read(query: str) -> tuple[list[re.Match[str]], Callable[[Any], bool]]:
    """This function will read a query into clauses joined by AND, or by OR, never both."""
    joiners, clauses, place = set(), [], 0
    while place < len(query):
        clause = CLAUSE.match(query, place)
        if clause is None:
            raise errors.Refused(f"We were unable to parse your search query at: {query[place:]}", param="query")
        clauses.append(clause)
        place = clause.end()
        if joiner := re.compile(r"(AND|OR)\s+", re.I).match(query, place):
            joiners.add(joiner[1].upper())
            place = joiner.end()
    if len(joiners) > 1:
        raise errors.Refused("You cannot combine AND and OR in one query.", param="query")
    return clauses, any if "OR" in joiners else all


def enter(kind: str, plural: str) -> None:
    """This function will enter the search route of a kind."""

    @route(
        "GET", f"/{plural}/search", required=("query",),
        takes={"query": params.text, "limit": params.integer, "page": params.text},
    )  # fmt: skip
    def search(world: World, given: dict[str, Any]) -> dict[str, Any]:
        """This function will give what fits, newest first."""
        clauses, together = read(given["query"])
        found = [one for one in world.store.find(kind)
                 if not one.get("deleted") and together(fits(one, clause) for clause in clauses)]  # fmt: skip
        start, limit = int(given.get("page") or 0), given.get("limit") or 10
        ordered = sorted(found, key=lambda one: (one["created"], one["_seq"]), reverse=True)
        more = len(ordered) > start + limit
        answer = {
            "object": "search_result",
            "data": [answers.present(world, one) for one in ordered[start : start + limit]],
            "has_more": more,
            "next_page": str(start + limit) if more else None,
            "url": f"/v1/{plural}/search",
        }
        for path in given.get("expand") or []:
            answers.open_path(world, answer, path.split("."), path)
        return answer


for _kind, _plural in SEARCHED.items():
    enter(_kind, _plural)
