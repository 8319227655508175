"""The table of API routes: each handler names what it takes, and the server checks before it calls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.routing import Map, Rule

from sandbox.stripe.params import Check, integer, listing, text

PAGING: dict[str, Check] = {"limit": integer, "starting_after": text, "ending_before": text}
TABLE = Map(strict_slashes=False)


@dataclass(frozen=True, eq=False)
class Route:
    handler: Callable[..., dict[str, Any]]
    takes: Mapping[str, Check]
    required: tuple[str, ...]


def route(
    method: str,
    path: str,
    *,
    takes: Mapping[str, Check] | None = None,
    required: tuple[str, ...] = (),
    paged: bool = False,
) -> Callable[[Callable[..., dict[str, Any]]], Callable[..., dict[str, Any]]]:
    """This function will enter a handler ``(world, given, **path_values) -> document`` into the table."""

    def enter(handler: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        fields = {**(takes or {}), **(PAGING if paged else {}), "expand": listing(text)}
        entry = Route(handler=handler, takes=fields, required=required)
        TABLE.add(Rule("/v1" + path, methods=[method], endpoint=entry))
        return handler

    return enter


class Undone(Exception):
    """Raised by a handler whose work is only to be looked at (an invoice preview): answered, then rolled back."""

    def __init__(self, answer: dict[str, Any]):
        super().__init__("only looked at")
        self.answer = answer
