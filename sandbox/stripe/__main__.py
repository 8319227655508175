"""``python -m sandbox.stripe``: start the stand-in on loopback."""

import argparse
import signal
import threading

from sandbox.stripe.server import Box
from sandbox.stripe.world import Rules


def numbers(text: str) -> tuple[int, ...]:
    """This function will read ``3,5,7``."""
    return tuple(int(part) for part in text.split(",") if part)


def main() -> None:
    """This function will serve until told to stop."""
    plain = Rules()
    parser = argparse.ArgumentParser(prog="python -m sandbox.stripe", description="A stand-in for Stripe on loopback.")
    parser.add_argument("--port", type=int, default=12111, help="0 takes any free port")
    parser.add_argument("--state", default="var/stripe.sqlite", help="the file that keeps everything")
    parser.add_argument("--webhook-url", help="where every event is sent")
    parser.add_argument("--webhook-secret", help="the key events are signed with (whsec_...)")
    parser.add_argument(
        "--retry-days", type=numbers, default=plain.retry_days, help="days between tries at a declined card"
    )
    parser.add_argument("--after-dunning", choices=("canceled", "unpaid", "past_due"), default=plain.after_dunning)
    parser.add_argument("--business", default=plain.business, help="the name on the pages")
    given = parser.parse_args()
    box = Box(
        port=given.port,
        state=given.state,
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        rules=Rules(retry_days=given.retry_days, after_dunning=given.after_dunning, business=given.business),
    ).start()
    print(f"stripe sandbox: {box.url}", flush=True)
    print(f"stripe sandbox: a shop's own account is opened by the restricted key {box.open_shop().key()}", flush=True)
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()
    box.stop()


if __name__ == "__main__":
    main()
