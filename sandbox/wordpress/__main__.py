"""``python -m sandbox.wordpress``: start a WooCommerce store in a box on loopback, with some tea, people and orders in it."""

import argparse
import signal
import threading

from sandbox.wordpress import server


def fill(goods):
    """This function will put a small store together."""
    teas = [goods.add_product(name, price=price, stock=stock) for name, price, stock in (
        ("Green tea", "12.50", 40), ("Black tea", "9.80", 25), ("Gaiwan", "39.00", None), ("Old kettle", "80.00", 0),
    )]  # fmt: skip
    people = [goods.add_customer(f"{name}@shopper.example", first=name.title()) for name in ("ada", "ben", "cleo")]
    for turn in range(30):
        goods.add_order(people[turn % 3], [(teas[turn % 3], 1 + turn % 2)])
    goods.add_order(0, [(teas[0], 1)], email="guest@shopper.example")


def main():
    """This function will serve until told to stop; what waits leaves every minute, as through WordPress' cron."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.wordpress", description=__doc__)
    parser.add_argument("--port", type=int, default=12114, help="0 takes any free port")
    parser.add_argument("--version", default="10.0.2", help="of WooCommerce")
    parser.add_argument("--every", type=float, default=60, help="seconds between two runs of the cron")
    given = parser.parse_args()
    box = server.Box(port=given.port, version=given.version)
    fill(box.goods)
    box.start()
    print(f"wordpress sandbox: {box.url} (consumer key {server.KEY}, secret {server.SECRET})", flush=True)
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    while not ended.wait(given.every):
        box.hooks.carry()
    box.stop()


if __name__ == "__main__":
    main()
