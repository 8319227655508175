"""From kept documents to what goes over the wire: hiding what is ours, embedding, expanding, paging."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.stripe import errors
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

# What a kind always embeds or computes when shown, and what it shows only when asked by expand[].
DRESS: dict[str, Callable[[World, Document], None]] = {}
INCLUDES: dict[tuple[str, str], Callable[[World, Document], Any]] = {}


def dresses(kind: str) -> Callable[[Callable[[World, Document], None]], Callable[[World, Document], None]]:
    """This function will register what is done to a copy of each document of a kind before it is shown."""

    def register(dress: Callable[[World, Document], None]) -> Callable[[World, Document], None]:
        DRESS[kind] = dress
        return dress

    return register


def includes(kind: str, name: str) -> Callable[[Callable[[World, Document], Any]], Callable[[World, Document], Any]]:
    """This function will register a field that is shown only when it is expanded."""

    def register(make: Callable[[World, Document], Any]) -> Callable[[World, Document], Any]:
        INCLUDES[kind, name] = make
        return make

    return register


def bare(value: Any) -> Any:
    """This function will copy a value without the fields that are only ours (they begin with an underscore)."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items() if not (isinstance(key, str) and key.startswith("_"))}
    if isinstance(value, list):
        return [bare(inner) for inner in value]
    return value


def present(world: World, document: Document, expand: Iterable[str] = ()) -> dict[str, Any]:
    """This function will give a document as Stripe would show it."""
    if document.get("deleted"):
        return {"id": document["id"], "object": document["object"], "deleted": True}
    shown = copy.deepcopy(document)
    if dress := DRESS.get(document["object"]):
        dress(world, shown)
    shown = bare(shown)
    for path in expand:
        open_path(world, shown, path.split("."), path)
    return shown


def open_path(world: World, node: Any, keys: list[str], path: str) -> None:
    """This function will replace the ids at the end of a path by their objects; a path has at most four steps."""
    if path.count(".") > 3:
        raise errors.Refused(f"You cannot expand more than 4 levels of a property. Property: {path}", param="expand")
    if isinstance(node, list):
        for inner in node:
            open_path(world, inner, keys, path)
        return
    if not keys or node is None:
        return
    if not isinstance(node, dict):
        raise refuse_expand(path)
    head, rest = keys[0], keys[1:]
    if head not in node:
        make = INCLUDES.get((node.get("object", ""), head))
        if make is None or not (kept := world.store.any(node["id"])):
            if node.get("deleted") or node.get("id", "").startswith("upcoming_"):
                return
            raise refuse_expand(path)
        node[head] = make(world, kept)
    node[head] = opened(world, node[head], path, last=not rest)
    open_path(world, node[head], rest, path)


def opened(world: World, value: Any, path: str, *, last: bool) -> Any:
    """This function will give the object behind an id, or each object behind a list of ids."""
    if isinstance(value, list):
        return [opened(world, inner, path, last=False) for inner in value]
    if isinstance(value, str):
        if (document := world.store.any(value)) is None:
            raise refuse_expand(path)
        return present(world, document)
    if last and not (value is None or isinstance(value, dict)):
        raise refuse_expand(path)
    return value


def refuse_expand(path: str) -> errors.Refused:
    """This function will make the refusal for a property that is not an object."""
    return errors.Refused(f"This property cannot be expanded ({path}).", param="expand")


def sub_list(world: World, documents: Iterable[Document], url: str) -> dict[str, Any]:
    """This function will give a list as it is embedded in another object."""
    shown = [present(world, document) for document in documents]
    return {"object": "list", "data": shown[:10], "has_more": len(shown) > 10, "url": url}


def page(world: World, documents: Iterable[Document], given: dict[str, Any], url: str) -> dict[str, Any]:
    """This function will give one page, newest first, honouring limit, starting_after, ending_before and expand."""
    limit = 10 if given.get("limit") is None else given["limit"]
    if not 1 <= limit <= 100:
        raise errors.Refused("Limit must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    ordered = sorted(documents, key=lambda document: (document.get("created", 0), document["_seq"]), reverse=True)
    places = {document["id"]: place for place, document in enumerate(ordered)}

    def place_of(name: str) -> int:
        if given[name] not in places:
            raise errors.Refused(f"No such object: '{given[name]}'", code="resource_missing", param=name)
        return places[given[name]]

    if given.get("starting_after") and given.get("ending_before"):
        raise errors.Refused("You may not give both starting_after and ending_before.", param="ending_before")
    if given.get("ending_before"):
        end = place_of("ending_before")
        chosen, more = ordered[max(0, end - limit) : end], end > limit
    else:
        start = place_of("starting_after") + 1 if given.get("starting_after") else 0
        chosen, more = ordered[start : start + limit], len(ordered) > start + limit
    answer = {"object": "list", "data": [present(world, one) for one in chosen], "has_more": more, "url": "/v1" + url}
    for path in given.get("expand") or []:
        if not path.startswith("data."):
            raise errors.Refused(
                f"This property cannot be expanded ({path}). You want to expand data.{path}?", param="expand"
            )
        open_path(world, answer, path.split("."), path)
    return answer


def within(moment: int | None, bounds: dict[str, int | None] | None) -> bool:
    """This function will tell whether a time lies inside a ``created`` filter."""
    if not bounds:
        return True
    if moment is None:
        return False
    checks = {
        "gt": lambda bound: moment > bound,
        "gte": lambda bound: moment >= bound,
        "lt": lambda bound: moment < bound,
        "lte": lambda bound: moment <= bound,
    }
    return all(checks[name](bound) for name, bound in bounds.items() if bound is not None)
