"""``python -m sandbox.shopify``: start a Shopify shop in a box on loopback, with some tea, people and orders in it."""

import argparse
import signal
import threading

from sandbox.shopify import server


def fill(things):
    """This function will put a small shop together."""
    teas = [things.add_product(name, price=price, stock=stock) for name, price, stock in (
        ("Green tea", 12.5, (40, 12)), ("Black tea", 9.8, (25,)), ("Gaiwan", 39.0, (None,)), ("Old kettle", 80.0, (0,)),
    )]  # fmt: skip
    people = [things.add_customer(f"{name}@shopper.example", first=name.title(), wish=wish) for name, wish in (
        ("ada", "SUBSCRIBED"), ("ben", "UNSUBSCRIBED"), ("cleo", "NOT_SUBSCRIBED"),
    )]  # fmt: skip
    for turn in range(30):
        things.add_order(people[turn % 3], [(teas[turn % 3], 1 + turn % 2)])
    things.add_order(None, [(teas[0], 1)], email="guest@shopper.example")


def main():
    """This function will serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.shopify", description=__doc__)
    parser.add_argument("--port", type=int, default=12112, help="0 takes any free port")
    parser.add_argument("--client-id", default=server.CLIENT_ID, help="of the app that may be installed here")
    parser.add_argument("--client-secret", default=server.CLIENT_SECRET)
    given = parser.parse_args()
    box = server.Box(port=given.port, client_id=given.client_id, client_secret=given.client_secret)
    fill(box.things)
    box.start()
    print(f"shopify sandbox: {box.domain} (client id {box.client_id}, secret {box.client_secret})", flush=True)
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    while not ended.wait(5):
        box.deliveries.again()
    box.stop()


if __name__ == "__main__":
    main()
