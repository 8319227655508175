"""How a door says who may enter, and the application that holds every route to it.

A view without `@open_to` is refused, so that a forgotten guard is a broken page and never an open one. The guard of each
kind of visitor is registered by the door that knows it. Every request is one unit of work, committed before the answer
leaves; what a commit refuses reaches the ordinary error handlers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response, request
from flask.typing import ResponseReturnValue

from saas.kit import access, figures, scope, shares, work


@dataclass(frozen=True)
class Entrance:
    """Who may enter a view: a kind of visitor, the permission it needs, and whether a unit of work is opened for it.

    `fresh` asks a person to have shown within the last minutes that it is still them; `always` is open also while the
    company's plan is not paid.
    """

    kind: str
    permission: str | None = None
    unit: bool = True
    fresh: bool = False
    always: bool = False


@dataclass(frozen=True)
class Admitted:
    """What a guard found out: the tenant to bind (None for nobody's pages), who acts, and what they may see and do."""

    tenant_id: int | None
    actor: scope.Actor
    access: access.Access = access.FULL


Guard = Callable[[Entrance], Admitted]
KINDS = ("anyone", "person", "member", "staff", "key", "shopper")
_guards: dict[str, Guard] = {}
View = Callable[[], ResponseReturnValue]
_around: dict[str, Callable[[View], ResponseReturnValue]] = {}
VISITOR = scope.Actor("visitor", "visitor")


def open_to(
    kind: str, permission: str | None = None, *, unit: bool = True, fresh: bool = False, always: bool = False
) -> Callable[[Callable], Callable]:
    """Say who may enter a view.

    Kinds: anyone, person (signed in, no company yet), member, staff (of the platform itself), key, shopper. `fresh` is
    for what a browser left open must not allow: money, keys, exports, deletion of many. `always` is for what people may ask of
    a company by law, whether its plan is paid or not: their data, being forgotten, not being written to.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of visitor: {kind}")

    def mark(view: Callable) -> Callable:
        view.entrance = Entrance(kind, permission, unit, fresh, always)
        return view

    return mark


def guard(kind: str) -> Callable[[Guard], Guard]:
    """Register the guard of a kind of visitor; it answers who was admitted or raises a refusal."""

    def register(check: Guard) -> Guard:
        _guards[kind] = check
        return check

    return register


def around(kind: str) -> Callable[[Callable[[View], ResponseReturnValue]], Callable[[View], ResponseReturnValue]]:
    """Register what is done around every view of a kind of visitor, inside its unit of work; it calls the view it is given."""

    def register(wrap: Callable[[View], ResponseReturnValue]) -> Callable[[View], ResponseReturnValue]:
        _around[kind] = wrap
        return wrap

    return register


@guard("anyone")
def _admit_anyone(entrance: Entrance) -> Admitted:
    return Admitted(None, VISITOR)


def entrance_of(view: Callable, method: str) -> Entrance | None:
    """Return what a view (a function, or a class with one method per verb) says about who may enter."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        view = getattr(view_class, method.lower(), None) or getattr(view_class, "get", None)
    return getattr(view, "entrance", None)


DOORS = {"key": "api", "person": "page", "member": "page", "staff": "staff"}


def _origin(entrance: Entrance) -> scope.Origin:
    """Return where the request came from, for the trace; what a browser says of itself is cut short."""
    browser = (request.headers.get("User-Agent") or "")[:200]
    return scope.Origin(DOORS.get(entrance.kind, "shop"), request.remote_addr or "", browser)


class UnguardedView(Exception):
    """A route does not say who may enter."""


AtOnce = Callable[[dict[str, Any]], tuple[list[tuple[str, str]], bytes] | None]
"""Answers a request's WSGI environment with headers and body, or leaves it to Flask by answering None."""


def _put_off(seconds: int, start_response: Callable) -> Iterable[bytes]:
    """Answer a program whose company has had its share, before Flask begins."""
    body = orjson.dumps({"error": {"code": shares.HadItsShare.code, "message": shares.HadItsShare.message}})
    headers = [("Content-Type", "application/json"), ("Retry-After", str(seconds)), ("Content-Length", str(len(body)))]
    start_response("429 Too Many Requests", headers)
    figures.REFUSED.labels("key").inc()
    return (body,)


class Hall(Flask):
    """The application: it admits, opens the unit of work, and only then calls the view.

    `at_once` holds, by path, what answers a GET before Flask begins; a view open to anyone stands behind it for all that is
    out of the ordinary, errors included. It is for what every page of every shop asks.
    """

    at_once: dict[str, AtOnce]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at_once = {}

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        if (key := environ.get("HTTP_AUTHORIZATION")) and (seconds := shares.purses.refused(hash(key))):
            shares.purses.hold_back()
            return _put_off(seconds, start_response)
        answer_at_once = self.at_once.get(environ["PATH_INFO"])
        answer = answer_at_once(environ) if answer_at_once is not None and environ["REQUEST_METHOD"] == "GET" else None
        if answer is None:
            return super().wsgi_app(environ, start_response)
        start_response("200 OK", [*answer[0], ("Content-Length", str(len(answer[1])))])
        return (answer[1],)

    def dispatch_request(self) -> ResponseReturnValue:
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        view: Any = self.view_functions[request.url_rule.endpoint]
        if request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False):
            return self.make_default_options_response()
        if request.endpoint == "static" or (request.endpoint or "").endswith(".static"):
            return super().dispatch_request()
        entrance = entrance_of(view, request.method)
        if entrance is None:
            raise UnguardedView(request.endpoint)
        began = time.perf_counter()
        admitted = _guards[entrance.kind](entrance)
        if entrance.kind == "key" and admitted.tenant_id is not None:
            shares.purses.remember(hash(request.headers.get("Authorization")), admitted.tenant_id)
        with (
            shares.paid(admitted.tenant_id, entrance.kind, began=began),
            scope.tenant(admitted.tenant_id, actor=admitted.actor),
            access.bound(admitted.access),
            scope.come_from(_origin(entrance)),
        ):
            if not entrance.unit:
                return super().dispatch_request()
            wrap = _around.get(entrance.kind)
            with work.unit():
                view_it = super().dispatch_request
                return self._answered(wrap(view_it) if wrap else view_it())

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Views and hooks are plain functions here; asking each of them each time is a fifth of a short request."""
        return func

    def _answered(self, answer: ResponseReturnValue) -> Response:
        """Make the response inside the unit; an answer of 400 or more must not leave half a change behind."""
        response = self.make_response(answer)
        if response.status_code >= 500:
            work.forget()
        return response
