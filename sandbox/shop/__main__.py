"""Starts the shop on loopback; the first start fills its book with the simulated past."""

import argparse
import logging
import signal
import threading
from datetime import datetime
from pathlib import Path

from werkzeug.serving import make_server

from sandbox import demo
from sandbox.shop import app, book, connection, hooks


def main():
    options = arguments()
    options.state.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    memory = book.Book(options.state)
    messenger = hooks.Messenger(memory)
    shop = app.create_app(book=memory, messenger=messenger, articles=demo.products(seed=options.seed))
    web = make_server("127.0.0.1", options.port, shop, threaded=True)
    url = f"http://127.0.0.1:{web.server_port}"
    if not memory.setting("filled"):
        book.fill(memory, demo.simulate(seed=options.seed, until=options.until, scale=options.scale, shop_url=url))
    connection.save(memory, vars(options))
    messenger.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=web.shutdown).start())
    print(f"Fern & Kettle: {url}/ (settings: {url}/settings)", flush=True)
    web.serve_forever()
    messenger.stop()
    memory.close()


def arguments():
    parser = argparse.ArgumentParser(prog="python -m sandbox.shop", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="file that keeps the shop's orders and settings")
    parser.add_argument("--crm-url", help="where tracker.js and widget.js come from")
    parser.add_argument("--site-key")
    parser.add_argument("--hook-url", help="where changes are told, with the token in the path")
    parser.add_argument("--hook-secret")
    parser.add_argument("--form", help="id of the form on the home page")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated past; the CRM's demo must use the same")
    parser.add_argument("--until", type=datetime.fromisoformat, help="end of the simulated past, with its zone")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the simulated past, for tests")
    return parser.parse_args()


if __name__ == "__main__":
    main()
