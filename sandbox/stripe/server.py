"""The HTTP side: keys, parameters, replays, errors and headers around the routes, and the pages beside them."""

import re
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.stripe import API_VERSION, api, errors, idempotency, ids, params, routes, shops
from sandbox.stripe.api import webhook_endpoints
from sandbox.stripe.pages import blueprint
from sandbox.stripe.store import Store
from sandbox.stripe.ticker import Ticker
from sandbox.stripe.webhooks import Courier
from sandbox.stripe.world import DAY, Rules, World
from sandbox.web import refuse_other_sites

HOST = "127.0.0.1"
__all__ = ["Box", "api", "create_app"]


class Quiet(WSGIRequestHandler):
    """Says nothing for each request; what matters is on the home page."""

    def log_request(self, *args: Any, **kwargs: Any) -> None:
        pass


def create_app(world: World) -> Flask:
    """This function will make the application for one world."""
    app = Flask(__name__, static_folder="pages/static", static_url_path="/static", template_folder="pages/templates")
    app.extensions["world"] = world
    app.register_blueprint(blueprint)

    @app.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
    def answer_api(rest: str) -> Response:
        return respond(world)

    @app.route("/oauth/authorize", methods=["GET", "POST"])
    def ask_consent() -> Any:
        given = request.args
        shop = next(iter(world.shops.values()), None)
        back = given.get("redirect_uri", "")
        if (
            shop is None
            or not given.get("client_id")
            or not back.startswith(("http://127.0.0.1", "http://localhost", "https://"))
        ):
            return render_template(
                "message.html", title="Nothing here", sentence="No account, no client_id, or no way back."
            ), 400
        if request.method == "GET":
            return render_template("consent.html", shop=shop, here=request.full_path)
        refuse_other_sites()
        with world.lock:
            answer = {"scope": "read_only", "code": shop.code()} if "agree" in request.form else {
                "error": "access_denied", "error_description": "The user denied your request"
            }  # fmt: skip
        return redirect(f"{back}?{urlencode({**answer, 'state': given.get('state', '')})}", code=303)

    @app.post("/oauth/<act>")
    def answer_oauth(act: str) -> tuple[Response, int]:
        given = params.read(request.get_data(as_text=True))
        acts = {"token": shops.exchange, "deauthorize": shops.let_go}
        if act not in acts:
            return jsonify(unrecognized().body()), 404
        with world.lock:
            status, body = acts[act](world, given)
        return jsonify(body), status

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(ok=True)

    @app.errorhandler(HTTPException)
    def unknown(problem: HTTPException) -> tuple[Response, int]:
        if (problem.code or 500) >= 500:
            return jsonify(error={"type": "api_error", "message": "The sandbox broke; its log says where."}), 500
        return jsonify(unrecognized().body()), problem.code or 404

    return app


def unrecognized() -> errors.Refused:
    """This function will make the refusal for an address nobody answers."""
    return errors.Refused(
        f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or we can "
        "help at https://support.stripe.com/.",
        status=404,
    )


def check_key() -> str:
    """This function will give the secret test key of a request, or refuse it."""
    given = request.authorization
    key = "" if given is None else (given.token if given.type == "bearer" else given.username) or ""
    if not key:
        raise errors.Unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if not re.fullmatch(r"(sk|rk)_test_\w+", key):
        raise errors.Unauthorized(f"Invalid API Key provided: {key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}")
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise errors.Refused(f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION}.")
    return key


def respond(world: World) -> Response:
    """This function will answer one API request: find the route, check, replay or run, and dress the answer."""
    request_id, key = ids.make("req", 14), request.headers.get("Idempotency-Key")
    headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION}
    sent = request.get_data(as_text=True) if request.method == "POST" else request.query_string.decode()
    try:
        world = shops.reached(world, key=check_key(), request=request)
        try:
            route, values = routes.TABLE.bind(HOST).match(request.path, method=request.method)
        except (NotFound, MethodNotAllowed):
            raise unrecognized() from None
        given = params.read(sent)
        if request.method == "DELETE":
            given |= params.read(request.get_data(as_text=True))
        replayable = key if request.method == "POST" else None
        if replayable:
            headers["Idempotency-Key"] = replayable
        status, body, replayed = run(world, route, values, given, key=replayable, request_id=request_id)
        if replayed:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": replayed}
    except errors.Refused as refusal:
        status, body = refusal.status, refusal.body()
        headers |= getattr(refusal, "headers", {})
    response = jsonify(body)
    response.status_code = status
    response.headers.update(headers)
    return response


def run(
    world: World,
    route: routes.Route,
    values: dict[str, str],
    given: dict[str, Any],
    *,
    key: str | None,
    request_id: str,
) -> tuple[int, dict[str, Any], str | None]:
    """This function will give status and body, and the id of the request whose answer was replayed, if one was."""
    path = request.path
    with world.lock:
        if key and (kept := idempotency.recall(world.store, key=key, path=path, given=given)):
            return kept.status, kept.body, kept.request_id
        try:
            accepted = params.accept(given, route.takes, required=route.required)
            world.request = {"id": request_id, "idempotency_key": key}
            with world.turn(reading=request.method == "GET"):
                body = route.handler(world, accepted, **values)
                if key:
                    idempotency.remember(
                        world.store, key=key, path=path, given=given, status=200, body=body, request_id=request_id
                    )
            return 200, body, None
        except routes.Undone as looked_at:
            return 200, looked_at.answer, None
        except errors.Refused as refusal:
            if key:
                with world.turn():
                    idempotency.remember(
                        world.store, key=key, path=path, given=given, status=refusal.status, body=refusal.body(),
                        request_id=request_id,
                    )  # fmt: skip
            raise


class Box:
    """The running stand-in: store, server, courier and ticker, started and stopped together."""

    def __init__(
        self,
        *,
        port: int = 0,
        state: str | Path = "var/stripe.sqlite",
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
        rules: Rules | None = None,
    ):
        self.world = World(store=Store(state), base_url="", rules=rules or Rules())
        self.server = make_server(HOST, port, create_app(self.world), threaded=True, request_handler=Quiet)
        self.url = self.world.base_url = f"http://{HOST}:{self.server.server_port}"
        self.courier, self.ticker = Courier(self.world), Ticker(self.world)
        self.couriers: list[Courier] = []
        self.world.listeners += [self.courier.wake.set, self.ticker.wake.set]
        self.forget()
        if webhook_url:
            self.tell(webhook_url, webhook_secret)

    def forget(self) -> None:
        """This function will drop what Stripe keeps no longer either: events after 30 days, replays after one."""
        store, now = self.world.store, time.time()
        with self.world.turn():
            for event in list(store.find("event")):
                if event["_kept_at"] < now - 30 * DAY:
                    store.drop(event)
            for delivery in list(store.find("_delivery")):
                if store.get("event", delivery["event"]) is None:
                    store.drop(delivery)
            for replay in list(store.find("_idempotency")):
                if replay["at"] < now - idempotency.LIFETIME:
                    store.drop(replay)

    def tell(self, url: str, secret: str | None) -> None:
        """This function will send every event to this address, once however often we are started with it."""
        with self.world.turn():
            store = self.world.store
            endpoint = store.first("webhook_endpoint", _ours=True) or webhook_endpoints.make(
                self.world, url=url, enabled_events=["*"], secret=secret
            )
            endpoint |= {"_ours": True, "url": url, "_secret": secret or endpoint["_secret"]}

    def empty(self, *, rules: Rules | None = None) -> None:
        """This function will forget everything there ever was, as if just started with other rules."""
        with self.world.lock:
            self.world.store.close()
            self.world.store, self.world.rules = Store(":memory:"), rules or Rules()
            for shop in self.world.shops.values():
                shop.world.store.close()
            self.world.shops.clear()

    def open_shop(self, **about: str) -> shops.Shop:
        """This function will open a shop's own account beside the house's, whose events are delivered when ours are."""
        shop = shops.open_shop(self.world, **about)
        if self.courier.is_alive():
            courier = Courier(shop.world)
            shop.world.listeners.append(courier.wake.set)
            self.couriers.append(courier)
            courier.start()
        return shop

    def start(self, *, watching: bool = True) -> "Box":
        """This function will serve from threads of its own and return at once.

        Without ``watching`` nothing happens by itself: no event is delivered and no time passes but on test clocks.
        """
        if watching:
            self.courier.start()
            self.ticker.start()
        serve = {"target": self.server.serve_forever, "kwargs": {"poll_interval": 0.1}}
        threading.Thread(name="stripe-server", daemon=True, **serve).start()
        return self

    def stop(self) -> None:
        """This function will stop everything and let go of port and file."""
        self.server.shutdown()
        self.server.server_close()
        for thread in (self.courier, self.ticker, *self.couriers):
            if thread.is_alive():
                thread.stop()
                thread.join(timeout=5)
        for shop in self.world.shops.values():
            shop.world.store.close()
        self.world.store.close()
